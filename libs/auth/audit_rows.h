// How rows of the table audit are read: shared by the log, the chain and its verification. Internal to libs/auth.
#pragma once

#include "libs/auth/audit.h"
#include "libs/db/database.h"

// In the order ReadAuditRecord expects.
#define DINH_AUDIT_COLUMNS \
  "number, sequence, id, at, caller_kind, caller, person, method, subject, resource, outcome, reason, trace"

namespace dinh::auth {

inline constexpr int kAuditColumns = 13;

AuditRecord ReadAuditRecord(const db::Row& row);

}  // namespace dinh::auth

// The checks of `dinh audit verify` and `dinh ledger verify`, which `dinh restore` makes too. They print what they
// found and return the exit code (commands.h).
#pragma once

#include <vector>

#include "libs/auth/audit_chain.h"
#include "services/standalone/cli/installation.h"

namespace dinh::standalone {

// `heads`: kept elsewhere, of any service, to hold the chains against.
int VerifyAudit(const Installation& installation, const std::vector<auth::AuditHead>& heads);
int VerifyLedger(const Installation& installation);

}  // namespace dinh::standalone

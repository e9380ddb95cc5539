// What `dinh audit verify`, `dinh ledger verify` and the end of a copy look at, with a line for the person at the
// terminal.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/auth/audit_chain.h"
#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"

namespace dinh::standalone {

// Prints what was found; true: sound. An error: it could not be read. `heads`: kept elsewhere, of any service.
absl::StatusOr<bool> PrintAuditVerification(db::Database& database, const std::string& service,
                                            const auth::KeyRing& keys, const std::vector<auth::AuditHead>& heads,
                                            const base::Clock& clock);
// `database`: of payments.
absl::StatusOr<bool> PrintLedgerVerification(db::Database& database, const base::Clock& clock);

}  // namespace dinh::standalone

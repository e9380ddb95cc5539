// `dinh ledger verify`: reads the whole ledger in one snapshot and holds it against every other record of the service:
// each transfer obeys its rule, no account is below zero, debits equal credits; open charges, suspense items and the
// banks' credits equal their accounts; each credit and each charge equals the sum of its own transfers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/money.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"

namespace dinh::payments {

struct LedgerReport {
  int64_t transfers = 0;
  int64_t accounts = 0;
  int64_t credits = 0;
  base::Vnd turnover_vnd = 0;
  std::vector<std::string> problems;  // empty: the ledger is sound
  bool sound() const { return problems.empty(); }
};

// An error: the ledger could not be read. `database` is the service's store (data folder: payments/main).
absl::StatusOr<LedgerReport> VerifyLedger(base::OpContext& ctx, db::Database& database);

}  // namespace dinh::payments

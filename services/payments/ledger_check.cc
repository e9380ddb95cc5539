#include "services/payments/ledger_check.h"

#include <utility>

#include "libs/base/status.h"
#include "services/payments/domain/ledger.h"
#include "services/payments/store.h"

namespace dinh::payments {
namespace {

struct Record {
  AccountKind kind;
  std::string_view name;
};
constexpr Record kRecords[] = {
    {AccountKind::kBank, "bank credits and refunds"}, {AccountKind::kReceivable, "open charges"},
    {AccountKind::kFees, "standing charges"},         {AccountKind::kSuspense, "open suspense items"},
    {AccountKind::kRefunds, "refunds due"},
};

}  // namespace

absl::StatusOr<LedgerReport> VerifyLedger(base::OpContext& ctx, db::Database& database) {
  const Store store(database.engine());
  return database.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<LedgerReport> {
    LedgerVerifier verifier;
    RETURN_IF_ERROR(store.EachTransfer(tx, [&](const Transfer& transfer) { verifier.Add(transfer); }));
    for (const Record& record : kRecords) {
      ASSIGN_OR_RETURN(auto balances, store.ExpectedBalances(tx, record.kind));
      verifier.Expect(record.kind, std::move(balances), record.name);
    }
    LedgerReport report{verifier.transfers(), verifier.accounts(), 0, verifier.turnover_vnd(), verifier.Finish()};
    ASSIGN_OR_RETURN(report.credits, store.CountCredits(tx));
    ASSIGN_OR_RETURN(const std::vector<std::string> mismatches, store.Mismatches(tx));
    report.problems.insert(report.problems.end(), mismatches.begin(), mismatches.end());
    return report;
  });
}

}  // namespace dinh::payments

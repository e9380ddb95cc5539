#include "services/standalone/cli/verification.h"

#include <cstdio>

#include "libs/base/money.h"
#include "libs/base/status.h"
#include "services/payments/ledger_check.h"

namespace dinh::standalone {
namespace {

constexpr std::chrono::hours kVerifyDeadline{24};

}  // namespace

absl::StatusOr<bool> PrintAuditVerification(db::Database& database, const std::string& service,
                                            const auth::KeyRing& keys, const std::vector<auth::AuditHead>& heads,
                                            const base::Clock& clock) {
  std::vector<auth::AuditHead> own;
  for (const auth::AuditHead& head : heads) {
    if (head.service == service) own.push_back(head);
  }
  base::OpContext ctx(clock, clock.Steady() + kVerifyDeadline);
  ASSIGN_OR_RETURN(const auth::AuditReport report, auth::AuditVerify(ctx, database, keys, service, own));
  std::printf("%-12s %s: %ld dòng trong chuỗi, %ld đầu chuỗi đã ký, %ld dòng chưa vào chuỗi\n", service.c_str(),
              report.ok() ? "toàn vẹn" : "HỎNG", static_cast<long>(report.rows), static_cast<long>(report.heads),
              static_cast<long>(report.unchained));
  for (const auth::AuditProblem& problem : report.problems) {
    std::printf("  số %ld: %s (%s)\n", static_cast<long>(problem.sequence), problem.text.vi.c_str(),
                problem.text.en.c_str());
  }
  return report.ok();
}

absl::StatusOr<bool> PrintLedgerVerification(db::Database& database, const base::Clock& clock) {
  base::OpContext ctx(clock, clock.Steady() + kVerifyDeadline);
  ASSIGN_OR_RETURN(const payments::LedgerReport report, payments::VerifyLedger(ctx, database));
  std::printf("Sổ kép %s: %ld bút toán, %ld tài khoản, %ld báo có, doanh số %s\n", report.sound() ? "cân" : "KHÔNG CÂN",
              static_cast<long>(report.transfers), static_cast<long>(report.accounts),
              static_cast<long>(report.credits), base::FormatVnd(report.turnover_vnd).c_str());
  for (const std::string& problem : report.problems) std::printf("  %s\n", problem.c_str());
  return report.sound();
}

}  // namespace dinh::standalone

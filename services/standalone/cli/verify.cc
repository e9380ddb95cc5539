#include "services/standalone/cli/verify.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "libs/app/print_error.h"
#include "libs/auth/audit_chain.h"
#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "services/payments/ledger_check.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"

namespace dinh::standalone {
namespace {

constexpr std::chrono::hours kVerifyDeadline{24};

// The stores of an installation; may be read while the platform runs.
std::vector<std::filesystem::path> Stores(const std::string& data_dir) {
  std::vector<std::filesystem::path> stores;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(data_dir) / "db", error)) {
    if (entry.path().extension() == ".sqlite") stores.push_back(entry.path());
  }
  std::sort(stores.begin(), stores.end());
  return stores;
}

int NoData(const std::string& data_dir) {
  std::fprintf(stderr, "dinh: không có dữ liệu trong %s / no data in %s\n", data_dir.c_str(), data_dir.c_str());
  return kExitCannotRun;
}

absl::StatusOr<std::unique_ptr<db::Database>> Open(const std::filesystem::path& path, const base::Clock& clock) {
  db::SqliteOptions options;
  options.path = path;
  return db::OpenSqlite(options, clock);
}

// Heads kept elsewhere, one a line (as the log's "audit_head" lines have them); nullopt when the file cannot be read.
std::optional<std::vector<auth::AuditHead>> ReadHeads(const std::string& file) {
  std::vector<auth::AuditHead> heads;
  if (file.empty()) return heads;
  std::ifstream in(file);
  if (!in) return std::nullopt;
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty()) continue;
    absl::StatusOr<auth::AuditHead> head = auth::ParseHead(line);
    if (!head.ok()) return std::nullopt;
    heads.push_back(*std::move(head));
  }
  return heads;
}

std::vector<auth::AuditHead> HeadsOf(const std::vector<auth::AuditHead>& heads, const std::string& service) {
  std::vector<auth::AuditHead> own;
  for (const auth::AuditHead& head : heads) {
    if (head.service == service) own.push_back(head);
  }
  return own;
}

}  // namespace

int VerifyAudit(const std::string& data_dir, const std::vector<auth::AuditHead>& heads) {
  base::SystemClock clock;
  base::SystemRandom random;
  const std::vector<std::filesystem::path> stores = Stores(data_dir);
  if (stores.empty()) return NoData(data_dir);
  absl::StatusOr<std::unique_ptr<auth::KeyRing>> keys =
      auth::KeyRing::Open({.folder = data_dir + "/keys"}, clock, random);
  if (!keys.ok()) {
    app::PrintError(keys.status());
    return kExitCannotRun;
  }
  bool sound = true;
  for (const std::filesystem::path& path : stores) {
    const std::string service = path.stem();
    absl::StatusOr<std::unique_ptr<db::Database>> database = Open(path, clock);
    base::OpContext ctx(clock, clock.Steady() + kVerifyDeadline);
    absl::StatusOr<auth::AuditReport> report =
        database.ok() ? auth::AuditVerify(ctx, **database, **keys, service, HeadsOf(heads, service))
                      : database.status();
    if (!report.ok()) {
      app::PrintError(report.status());
      return kExitCannotRun;
    }
    std::printf("%-12s %s: %ld dòng trong chuỗi, %ld đầu chuỗi đã ký, %ld dòng chưa vào chuỗi\n", service.c_str(),
                report->ok() ? "toàn vẹn" : "HỎNG", static_cast<long>(report->rows), static_cast<long>(report->heads),
                static_cast<long>(report->unchained));
    for (const auth::AuditProblem& problem : report->problems) {
      std::printf("  số %ld: %s (%s)\n", static_cast<long>(problem.sequence), problem.text.vi.c_str(),
                  problem.text.en.c_str());
    }
    sound = sound && report->ok();
  }
  return sound ? kExitOk : kExitFound;
}

int VerifyLedger(const std::string& data_dir) {
  base::SystemClock clock;
  const std::filesystem::path path = std::filesystem::path(data_dir) / "db" / "payments.sqlite";
  if (!std::filesystem::exists(path)) return NoData(data_dir);
  absl::StatusOr<std::unique_ptr<db::Database>> database = Open(path, clock);
  base::OpContext ctx(clock, clock.Steady() + kVerifyDeadline);
  absl::StatusOr<payments::LedgerReport> report =
      database.ok() ? payments::VerifyLedger(ctx, **database) : database.status();
  if (!report.ok()) {
    app::PrintError(report.status());
    return kExitCannotRun;
  }
  std::printf("Sổ kép %s: %ld bút toán, %ld tài khoản, %ld báo có, doanh số %s\n",
              report->sound() ? "cân" : "KHÔNG CÂN", static_cast<long>(report->transfers),
              static_cast<long>(report->accounts), static_cast<long>(report->credits),
              base::FormatVnd(report->turnover_vnd).c_str());
  for (const std::string& problem : report->problems) std::printf("  %s\n", problem.c_str());
  return report->sound() ? kExitOk : kExitFound;
}

namespace {

int VerifyAuditAgainst(const std::string& data_dir, const std::string& heads_file) {
  const std::optional<std::vector<auth::AuditHead>> heads = ReadHeads(heads_file);
  if (heads) return VerifyAudit(data_dir, *heads);
  std::fprintf(stderr, "dinh: không đọc được các đầu chuỗi trong %s / no heads could be read\n", heads_file.c_str());
  return kExitUsage;
}

}  // namespace

void AddVerify(CLI::App& app, int& exit_code) {
  auto data_dir = std::make_shared<std::string>("var");
  CLI::App* audit = app.add_subcommand("audit", "The audit log");
  audit->require_subcommand(1);
  CLI::App* verify_audit =
      audit->add_subcommand("verify", "Check the hash chain and the signed heads of every service");
  verify_audit->add_option("--data-dir", *data_dir, "data folder")->capture_default_str();
  auto heads = std::make_shared<std::string>();
  verify_audit->add_option("--heads", *heads, "file of heads kept elsewhere, one a line, to hold the chain against");
  verify_audit->callback([data_dir, heads, &exit_code] { exit_code = VerifyAuditAgainst(*data_dir, *heads); });

  CLI::App* ledger = app.add_subcommand("ledger", "The double-entry ledger");
  ledger->require_subcommand(1);
  CLI::App* verify_ledger = ledger->add_subcommand("verify", "Check that the books balance and agree with the charges");
  verify_ledger->add_option("--data-dir", *data_dir, "data folder")->capture_default_str();
  verify_ledger->callback([data_dir, &exit_code] { exit_code = VerifyLedger(*data_dir); });
}

}  // namespace dinh::standalone

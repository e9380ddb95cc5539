#include "services/standalone/cli/verify.h"

#include <algorithm>
#include <cstdio>
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
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/installation.h"
#include "services/standalone/cli/verification.h"

namespace dinh::standalone {
namespace {

int NoData(const Installation& installation) {
  const std::string where = installation.Where();
  std::fprintf(stderr, "dinh: không có dữ liệu trong %s / no data in %s\n", where.c_str(), where.c_str());
  return kExitCannotRun;
}

int Failed(const absl::Status& status) {
  app::PrintError(status);
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitCannotRun;
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

}  // namespace

int VerifyAudit(const Installation& installation, const std::vector<auth::AuditHead>& heads) {
  base::SystemClock clock;
  base::SystemRandom random;
  const absl::StatusOr<std::vector<std::string>> stores = installation.Stores();
  if (!stores.ok()) return Failed(stores.status());
  if (stores->empty()) return NoData(installation);
  const absl::StatusOr<std::unique_ptr<auth::KeyRing>> keys =
      auth::KeyRing::Open({.folder = installation.keys()}, clock, random);
  if (!keys.ok()) return Failed(keys.status());
  bool sound = true;
  for (const std::string& service : *stores) {
    const absl::StatusOr<std::unique_ptr<db::Database>> database = installation.Open(service, clock);
    const absl::StatusOr<bool> found =
        database.ok() ? PrintAuditVerification(**database, service, **keys, heads, clock) : database.status();
    if (!found.ok()) return Failed(found.status());
    sound = sound && *found;
  }
  return sound ? kExitOk : kExitFound;
}

int VerifyLedger(const Installation& installation) {
  base::SystemClock clock;
  const absl::StatusOr<std::vector<std::string>> stores = installation.Stores();
  if (!stores.ok()) return Failed(stores.status());
  if (std::find(stores->begin(), stores->end(), "payments") == stores->end()) return NoData(installation);
  const absl::StatusOr<std::unique_ptr<db::Database>> database = installation.Open("payments", clock);
  const absl::StatusOr<bool> sound =
      database.ok() ? PrintLedgerVerification(**database, clock) : absl::StatusOr<bool>(database.status());
  if (!sound.ok()) return Failed(sound.status());
  return *sound ? kExitOk : kExitFound;
}

namespace {

int VerifyAuditAgainst(Installation& installation, const std::string& heads_file) {
  const std::optional<std::vector<auth::AuditHead>> heads = ReadHeads(heads_file);
  if (!heads) {
    std::fprintf(stderr, "dinh: không đọc được các đầu chuỗi trong %s / no heads could be read\n", heads_file.c_str());
    return kExitUsage;
  }
  const absl::Status configured = installation.Configure();
  return configured.ok() ? VerifyAudit(installation, *heads) : Failed(configured);
}

int VerifyConfiguredLedger(Installation& installation) {
  const absl::Status configured = installation.Configure();
  return configured.ok() ? VerifyLedger(installation) : Failed(configured);
}

}  // namespace

void AddVerify(CLI::App& app, int& exit_code) {
  auto installation = std::make_shared<Installation>();
  CLI::App* audit = app.add_subcommand("audit", "The audit log");
  audit->require_subcommand(1);
  CLI::App* verify_audit =
      audit->add_subcommand("verify", "Check the hash chain and the signed heads of every service");
  installation->Bind(*verify_audit);
  auto heads = std::make_shared<std::string>();
  verify_audit->add_option("--heads", *heads, "file of heads kept elsewhere, one a line, to hold the chain against");
  verify_audit->callback([installation, heads, &exit_code] { exit_code = VerifyAuditAgainst(*installation, *heads); });

  CLI::App* ledger = app.add_subcommand("ledger", "The double-entry ledger");
  ledger->require_subcommand(1);
  CLI::App* verify_ledger = ledger->add_subcommand("verify", "Check that the books balance and agree with the charges");
  installation->Bind(*verify_ledger);
  verify_ledger->callback([installation, &exit_code] { exit_code = VerifyConfiguredLedger(*installation); });
}

}  // namespace dinh::standalone

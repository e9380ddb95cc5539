#include "services/standalone/backup/backup.h"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "libs/app/print_error.h"
#include "libs/auth/key_ring.h"
#include "libs/base/civil.h"
#include "services/standalone/backup/errors.h"
#include "services/standalone/backup/restore.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/process.h"
#include "services/standalone/cli/terminal.h"
#include "services/standalone/cli/verify.h"

namespace dinh::standalone {
namespace {

constexpr double kMib = 1024.0 * 1024.0;

struct BackupArguments {
  std::string data_dir;  // empty: as configured
  std::string out;
  bool with_keys = false;
};

struct RestoreArguments {
  std::string data_dir, from, keys;
};

int Fail(const absl::Status& status) {
  app::PrintError(status);
  if (absl::IsDataLoss(status)) return kExitFound;
  return absl::IsInvalidArgument(status) ? kExitUsage : kExitCannotRun;
}

// The data folder that `dinh serve` would use here. Of the environment only what says where the data is: a tool is
// called from shells that hold much else.
absl::StatusOr<std::string> ConfiguredDataDir() {
  std::vector<std::string> environment = config::ProcessEnvironment();
  std::erase_if(environment, [](const std::string& variable) {
    return !variable.starts_with("DINH_CONFIG=") && !variable.starts_with("DINH_DINH_DATA_DIR=") &&
           !variable.starts_with("DINH_DB_DSN=");
  });
  Process process;
  CLI::App flags;
  process.Bind(flags);
  RETURN_IF_ERROR(process.Configure(environment));
  if (process.postgres()) return BackupOfPostgres();
  return process.settings().data_dir;
}

absl::StatusOr<BackupReport> Backup(const BackupArguments& arguments) {
  BackupOptions options;
  ASSIGN_OR_RETURN(options.data_dir, ConfiguredDataDir());
  if (!arguments.data_dir.empty()) options.data_dir = arguments.data_dir;
  options.out = arguments.out;
  options.version = DINH_VERSION;
  options.log = [](std::string_view text) {
    std::fprintf(stderr, "dinh: %.*s\n", static_cast<int>(text.size()), text.data());
  };
  if (arguments.with_keys) {
    ASSIGN_OR_RETURN(options.key_passphrase, ReadNewSecret("Cụm mật khẩu cho bản sao khóa (ít nhất 12 ký tự)"));
    if (options.key_passphrase->size() < auth::kPassphraseBytesMin) {
      return base::InvalidField("secret", {"Cụm mật khẩu ngắn quá.", "The passphrase is too short."});
    }
  }
  base::SystemClock clock;
  base::SystemRandom random;
  return MakeBackup(options, clock, random);
}

int RunBackup(const BackupArguments& arguments) {
  const absl::StatusOr<BackupReport> report = Backup(arguments);
  if (!report.ok()) return Fail(report.status());
  std::printf("Đã sao lưu %ld cơ sở dữ liệu và %ld tệp, %.1f MiB, vào %s.\n", static_cast<long>(report->stores),
              static_cast<long>(report->files), static_cast<double>(report->bytes) / kMib, arguments.out.c_str());
  std::printf("Việc ghi phải chờ %.2f ms (lần thử thứ %d).\n", static_cast<double>(report->held.count()) / 1000.0,
              report->tries);
  if (!arguments.with_keys) std::printf("Khóa không nằm trong đó: hãy giữ riêng, bằng dinh keys export.\n");
  return kExitOk;
}

absl::Status Verify(const std::string& data_dir, const std::vector<auth::AuditHead>& heads) {
  const int audit = VerifyAudit(Installation(data_dir), heads);
  const int ledger = VerifyLedger(Installation(data_dir));
  if (audit == kExitOk && ledger == kExitOk) return absl::OkStatus();
  return base::Error(absl::StatusCode::kDataLoss, "BACKUP_UNSOUND",
                     {"Bản sao lưu nguyên vẹn nhưng nhật ký hoặc sổ kép trong đó hỏng. Không khôi phục gì cả.",
                      "The backup is whole, but its audit log or ledger is not sound. Nothing was restored."});
}

int RunRestore(const RestoreArguments& arguments) {
  if (absl::Status configured = ConfiguredDataDir().status(); !configured.ok()) return Fail(configured);
  RestoreOptions options;
  options.from = arguments.from;
  options.data_dir = arguments.data_dir;
  options.keys = arguments.keys;
  options.passphrase = [] { return ReadSecret("Cụm mật khẩu của bản sao khóa"); };
  options.verify = Verify;
  base::SystemClock clock;
  base::SystemRandom random;
  const absl::StatusOr<RestoreReport> report = RestoreBackup(options, clock, random);
  if (!report.ok()) return Fail(report.status());
  std::printf("Đã khôi phục %ld tệp, %.1f MiB, như lúc %s, vào %s.\n", static_cast<long>(report->files),
              static_cast<double>(report->bytes) / kMib, base::FormatTimeVi(base::ToVietnam(report->at)).c_str(),
              arguments.data_dir.c_str());
  return kExitOk;
}

}  // namespace

void AddBackup(CLI::App& app, int& exit_code) {
  auto backup_arguments = std::make_shared<BackupArguments>();
  CLI::App* backup = app.add_subcommand("backup", "Copy the installation as of one moment, while it runs or not");
  backup->add_option("--data-dir", backup_arguments->data_dir, "data folder (default: as configured)");
  backup->add_option("--out", backup_arguments->out, "folder for the backup: new or empty")->required();
  backup->add_flag("--with-keys", backup_arguments->with_keys, "with the keys, encrypted with a passphrase");
  backup->callback([backup_arguments, &exit_code] { exit_code = RunBackup(*backup_arguments); });

  auto restore_arguments = std::make_shared<RestoreArguments>();
  CLI::App* restore = app.add_subcommand("restore", "Make a data folder from a backup, and check it");
  restore->add_option("--from", restore_arguments->from, "the backup's folder")->required();
  restore->add_option("--data-dir", restore_arguments->data_dir, "data folder: new or empty")->required();
  restore->add_option("--keys", restore_arguments->keys,
                      "keys folder or file of `dinh keys export` (default: the backup's own, of --with-keys)");
  restore->callback([restore_arguments, &exit_code] { exit_code = RunRestore(*restore_arguments); });
}

}  // namespace dinh::standalone

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "libs/app/print_error.h"
#include "libs/auth/key_ring.h"
#include "libs/base/civil.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/terminal.h"

namespace dinh::standalone {
namespace {

struct Options {
  std::string data_dir = "var";
  std::string purpose;
  std::string file;
};

int WithRing(const Options& options, const std::function<int(auth::KeyRing&)>& use) {
  base::SystemClock clock;
  base::SystemRandom random;
  absl::StatusOr<std::unique_ptr<auth::KeyRing>> ring =
      auth::KeyRing::Open({.folder = options.data_dir + "/keys"}, clock, random);
  if (!ring.ok()) {
    app::PrintError(ring.status());
    return kExitCannotRun;
  }
  return use(**ring);
}

// The whole set, where there is none yet.
int Create(const Options& options) {
  base::SystemClock clock;
  base::SystemRandom random;
  const std::string folder = options.data_dir + "/keys";
  std::error_code error;
  std::filesystem::create_directories(options.data_dir, error);
  if (std::filesystem::exists(folder, error)) {
    std::fprintf(stderr, "dinh: %s đã có / exists already\n", folder.c_str());
    return kExitCannotRun;
  }
  const auto ring = auth::KeyRing::OpenOrCreate({.folder = folder}, /*data_exists=*/false, clock, random);
  if (!ring.ok()) {
    app::PrintError(ring.status());
    return kExitCannotRun;
  }
  std::printf("Đã tạo %s. Hãy sao lưu thư mục này xa nơi để dữ liệu. / Keys made; back them up apart from the data.\n",
              folder.c_str());
  return kExitOk;
}

int Share(auth::KeyRing& ring, const std::string& folder) {
  if (const absl::Status shared = ring.Share(folder); !shared.ok()) {
    app::PrintError(shared);
    return kExitCannotRun;
  }
  std::printf("Đã ghi %s: xác minh được token, không ký được. / Verifies tokens, issues none.\n", folder.c_str());
  return kExitOk;
}

int List(auth::KeyRing& ring) {
  for (const auth::KeyInfo& key : ring.List()) {
    std::printf("%-14s %3d  %s  %-20s %s%s\n", std::string(auth::KeyPurposeName(key.purpose)).c_str(), key.version,
                key.id.c_str(), key.algorithm.c_str(), base::FormatTimeVi(base::ToVietnam(key.created)).c_str(),
                key.current ? "  (đang dùng)" : "");
  }
  return kExitOk;
}

int Rotate(auth::KeyRing& ring, const std::string& name) {
  std::optional<auth::KeyPurpose> purpose = auth::KeyPurposeByName(name);
  if (!purpose) {
    std::fprintf(stderr, "dinh: không có loại khóa %s / no such purpose\n", name.c_str());
    return kExitUsage;
  }
  absl::StatusOr<auth::KeyInfo> key = ring.Rotate(*purpose);
  if (!key.ok()) {
    app::PrintError(key.status());
    return kExitCannotRun;
  }
  std::printf("Đã thêm khóa %s phiên bản %d. Hãy khởi động lại nền tảng để dùng khóa mới.\n", name.c_str(),
              key->version);
  return kExitOk;
}

// The export is written to a new file, 0600: never over another one, never to a terminal.
int Export(auth::KeyRing& ring, const std::string& file) {
  absl::StatusOr<std::string> passphrase = ReadNewSecret("Cụm mật khẩu cho bản sao khóa (ít nhất 12 ký tự)");
  absl::StatusOr<std::string> backup = passphrase.ok() ? ring.Export(*passphrase) : passphrase.status();
  if (!backup.ok()) {
    app::PrintError(backup.status());
    return kExitUsage;
  }
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written =
      fd >= 0 && write(fd, backup->data(), backup->size()) == static_cast<ssize_t>(backup->size()) && fsync(fd) == 0;
  if (fd >= 0) close(fd);
  if (!written) {
    std::fprintf(stderr, "dinh: không ghi được %s (tệp phải chưa có) / cannot write\n", file.c_str());
    return kExitCannotRun;
  }
  std::printf("Đã ghi %s. Hãy cất tệp này xa nơi để dữ liệu.\n", file.c_str());
  return kExitOk;
}

}  // namespace

void AddKeys(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* keys = app.add_subcommand("keys", "The installation's keys");
  keys->require_subcommand(1);
  auto add = [&](const char* name, const char* help, const std::function<int(auth::KeyRing&)>& use) {
    CLI::App* command = keys->add_subcommand(name, help);
    command->add_option("--data-dir", options->data_dir, "data folder")->capture_default_str();
    command->callback([options, use, &exit_code] { exit_code = WithRing(*options, use); });
    return command;
  };
  CLI::App* create = keys->add_subcommand("create", "Make the set, for a cluster; 'serve' does it by itself");
  create->add_option("--data-dir", options->data_dir, "data folder")->capture_default_str();
  create->callback([options, &exit_code] { exit_code = Create(*options); });
  add("share", "Copy the keys for services that verify tokens and must not issue any: all but identity",
      [options](auth::KeyRing& ring) { return Share(ring, options->file); })
      ->add_option("folder", options->file, "a folder that does not exist yet")
      ->required();
  add("list", "Purposes, versions, dates; never secrets", List);
  add("rotate", "Add a new version of one purpose",
      [options](auth::KeyRing& ring) { return Rotate(ring, options->purpose); })
      ->add_option("purpose", options->purpose, "token-signing, sealing, blind-index, page-token, audit-head")
      ->required();
  add("export", "Write all keys to a file, encrypted with a passphrase",
      [options](auth::KeyRing& ring) { return Export(ring, options->file); })
      ->add_option("file", options->file, "a file that does not exist yet")
      ->required();
}

}  // namespace dinh::standalone

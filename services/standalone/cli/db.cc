#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "libs/app/print_error.h"
#include "libs/base/random.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/postgres.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/db_copy.h"
#include "services/standalone/modules.h"

namespace dinh::standalone {
namespace {

constexpr size_t kPasswordBytes = 24;

int RunCopy(const CopyPlan& plan) {
  const absl::StatusOr<bool> sound = CopyInstallation(plan);
  if (!sound.ok()) {
    app::PrintError(sound.status());
    // Whoever copies sits at the machine that has the data.
    if (absl::IsInternal(sound.status())) {
      std::fprintf(stderr, "      %s\n", std::string(sound.status().message()).c_str());
    }
    return absl::IsInvalidArgument(sound.status()) ? kExitUsage : kExitCannotRun;
  }
  if (!*sound) {
    std::fprintf(stderr,
                 "dinh: bản sao không khớp với nguồn; chưa dùng được / the copy differs from its source and stays "
                 "unusable\n");
    return kExitFound;
  }
  std::printf(
      "Xong: bản sao khớp với nguồn. Khóa vẫn ở keys/ của thư mục dữ liệu. / Done: the copy is what its source is; the "
      "keys stay in keys/ of the data folder.\n");
  return kExitOk;
}

struct ProvisionPlan {
  std::string admin_dsn;
  std::string schema_prefix;
  std::string folder;
};

// Writes a new file, for its owner alone.
bool WriteOwn(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  return close(fd) == 0 && written;
}

// One service: its role, its schema, and the file that tells it how to come in. A file that is there already stays, and
// so does the role's password.
absl::Status Provision(const ProvisionPlan& plan, const std::string& service, base::Random& random) {
  const std::string name = plan.schema_prefix + service;
  const std::string path = plan.folder + "/" + service + ".env";
  const bool known = std::filesystem::exists(path);
  const db::PostgresService wanted{name, name, known ? "" : base::Base64UrlEncode(random.Bytes(kPasswordBytes))};
  ASSIGN_OR_RETURN(const std::string dsn, db::ServiceDsn(plan.admin_dsn, wanted));
  RETURN_IF_ERROR(db::ProvisionPostgres(plan.admin_dsn, {wanted}));
  if (known) return absl::OkStatus();
  std::string text = "DINH_DB_DSN=" + dsn + "\n";
  if (!plan.schema_prefix.empty()) text += "DINH_DB_SCHEMA_PREFIX=" + plan.schema_prefix + "\n";
  if (WriteOwn(path, text)) return absl::OkStatus();
  return base::Unavailable("STORAGE_UNAVAILABLE", {"Không ghi được " + path + ".", path + " cannot be written."});
}

int RunProvision(const ProvisionPlan& plan) {
  base::SystemRandom random;
  std::error_code error;
  std::filesystem::create_directories(plan.folder, error);
  for (const auto& service : MakeServices()) {
    const std::string name(service->name());
    if (const absl::Status made = Provision(plan, name, random); !made.ok()) {
      app::PrintError(made);
      return absl::IsInvalidArgument(made) ? kExitUsage : kExitCannotRun;
    }
    std::printf("%s: %s/%s.env\n", name.c_str(), plan.folder.c_str(), name.c_str());
  }
  return kExitOk;
}

}  // namespace

void AddDb(CLI::App& app, int& exit_code) {
  CLI::App* db = app.add_subcommand("db", "The data stores");
  db->require_subcommand(1);
  auto plan = std::make_shared<CopyPlan>();
  CLI::App* copy = db->add_subcommand(
      "copy", "Move a stopped installation into PostgreSQL; a copy that was interrupted goes on when run again");
  copy->add_option("--from", plan->from, "data folder, or PostgreSQL as libpq writes it")->required();
  copy->add_option("--from-prefix", plan->from_prefix, "before the services' names in the source's schemas");
  copy->add_option("--to", plan->to, "PostgreSQL, as libpq writes it; keep passwords out: DINH_DB_DSN does as well")
      ->envname("DINH_DB_DSN")
      ->required();
  copy->add_option("--to-prefix", plan->to_prefix, "before the services' names in the target's schemas")
      ->envname("DINH_DB_SCHEMA_PREFIX");
  copy->add_option("--keys", plan->keys_dir, "data folder whose keys/ belong to the data; else the source's");
  copy->add_option("--resource-dir", plan->resource_dir, "shipped data (deploy/data)");
  copy->callback([plan, &exit_code] { exit_code = RunCopy(*plan); });
  auto provision = std::make_shared<ProvisionPlan>();
  CLI::App* roles = db->add_subcommand(
      "provision", "Make a role and a schema per service in PostgreSQL, and a file with the settings of each");
  roles
      ->add_option("--admin", provision->admin_dsn,
                   "PostgreSQL as its administrator, as libpq writes it; keep passwords out: DINH_DB_ADMIN_DSN does")
      ->envname("DINH_DB_ADMIN_DSN")
      ->required();
  roles->add_option("--schema-prefix", provision->schema_prefix, "before the services' names");
  roles->add_option("--out", provision->folder, "folder for <service>.env; what is there already stays")->required();
  roles->callback([provision, &exit_code] { exit_code = RunProvision(*provision); });
}

}  // namespace dinh::standalone

#include <cstdio>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "libs/app/print_error.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/db_copy.h"

namespace dinh::standalone {
namespace {

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
}

}  // namespace dinh::standalone

#include <cstdio>
#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "libs/app/print_error.h"
#include "libs/app/resources.h"
#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "services/identity/admin.h"
#include "services/standalone/cli/command_list.h"
#include "services/standalone/cli/commands.h"
#include "services/standalone/cli/data_dir.h"
#include "services/standalone/cli/installation.h"
#include "services/standalone/cli/terminal.h"

namespace dinh::standalone {
namespace {

constexpr std::chrono::seconds kCreateDeadline{60};

struct Options {
  Installation installation;
  std::string resource_dir;
  std::string username, full_name, position, role = "admin", agency, unit;
};

absl::StatusOr<std::string> Create(Options& options) {
  ASSIGN_OR_RETURN(const std::string resources, app::FindResources(options.resource_dir));
  RETURN_IF_ERROR(options.installation.Configure());
  ASSIGN_OR_RETURN(std::unique_ptr<DataDir> data_dir, DataDir::Lock(options.installation.data_dir()));
  base::SystemClock clock;
  base::SystemRandom random;
  base::IdGenerator ids(clock, random);
  ASSIGN_OR_RETURN(const bool holds_data, options.installation.HoldsData());
  ASSIGN_OR_RETURN(std::unique_ptr<auth::KeyRing> keys,
                   auth::KeyRing::OpenOrCreate({.folder = data_dir->keys()}, holds_data, clock, random));
  ASSIGN_OR_RETURN(const std::string password, ReadNewSecret("Mật khẩu (ít nhất 12 ký tự)"));
  ASSIGN_OR_RETURN(std::unique_ptr<db::Database> database, options.installation.Open("identity", clock));
  identity::AdminTools tools{
      .database = *database, .keys = *keys, .random = random, .ids = ids, .resource_dir = resources};
  identity::NewOfficer officer;
  officer.username = options.username;
  officer.full_name = options.full_name;
  officer.position = options.position;
  officer.grants.push_back({.role = options.role, .agency = options.agency, .unit = options.unit});
  base::OpContext ctx(clock, clock.Steady() + kCreateDeadline);
  return identity::CreateOfficer(ctx, tools, officer, password);
}

}  // namespace

void AddAdmin(CLI::App& app, int& exit_code) {
  CLI::App* admin = app.add_subcommand("admin", "Administration of a stopped installation");
  admin->require_subcommand(1);
  auto options = std::make_shared<Options>();
  CLI::App* create = admin->add_subcommand(
      "create-officer", "Create an officer; the password is read from the terminal (or a line of standard input)");
  options->installation.Bind(*create);
  create->add_option("--resource-dir", options->resource_dir, "shipped data (deploy/data)");
  create->add_option("--username", options->username, "for logging in, e.g. quantri.hoanghoa")->required();
  create->add_option("--full-name", options->full_name, "full name")->required();
  create->add_option("--position", options->position, "position");
  create->add_option("--role", options->role, "role of deploy/data/roles.json")->capture_default_str();
  create->add_option("--agency", options->agency, "agency, e.g. ubnd-15865")->required();
  create->add_option("--unit", options->unit, "unit code, e.g. 15865")->required();
  create->callback([options, &exit_code] {
    absl::StatusOr<std::string> id = Create(*options);
    if (!id.ok()) {
      app::PrintError(id.status());
      exit_code = absl::IsInvalidArgument(id.status()) ? kExitUsage : kExitCannotRun;
      return;
    }
    std::printf("Đã tạo tài khoản %s (%s).\n", options->username.c_str(), id->c_str());
    exit_code = kExitOk;
  });
}

}  // namespace dinh::standalone

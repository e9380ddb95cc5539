#include "services/standalone/cli/commands.h"

#include <cstdio>

#include "CLI/CLI.hpp"
#include "services/standalone/cli/command_list.h"

namespace dinh::standalone {

void AddVersion(CLI::App& app, int& exit_code) {
  app.add_subcommand("version", "Print the version")->callback([&exit_code] {
    std::printf("dinh %s\n", DINH_VERSION);
    exit_code = kExitOk;
  });
}

void AddCommands(CLI::App& app, int& exit_code) {
  app.require_subcommand(1);
  app.footer("Exit codes: 0 done; 1 something is wrong with what was checked; 2 usage or configuration; 3 cannot run.");
  AddServe(app, exit_code);
  AddDemo(app, exit_code);
  AddVerify(app, exit_code);
  AddKeys(app, exit_code);
  AddBackup(app, exit_code);
  AddAdmin(app, exit_code);
  AddDb(app, exit_code);
  AddSeedLoad(app, exit_code);
  AddVersion(app, exit_code);
}

}  // namespace dinh::standalone

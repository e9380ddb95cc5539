// `dinh`: the whole platform in one process, and the tools around it.
#include "CLI/CLI.hpp"
#include "services/standalone/cli/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Đình: nền tảng số cho đời sống công của xã, huyện", "dinh");
  int exit_code = 0;
  dinh::standalone::AddCommands(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // 0 for --help; anything else is wrong usage.
    return app.exit(error) == 0 ? dinh::standalone::kExitOk : dinh::standalone::kExitUsage;
  }
  return exit_code;
}

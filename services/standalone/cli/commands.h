// The subcommands of `dinh`. Each returns the exit code: 0 done, 1 the command found something wrong (a step of the
// demo failed, a chain is broken), 2 wrong usage or configuration, 3 could not run (address taken, data in use).
#pragma once

#include "libs/config/registry.h"

namespace CLI {
class App;
}

namespace dinh::standalone {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFound = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitCannotRun = 3;

// Adds every subcommand; the one chosen leaves its code in `exit_code` when the app is parsed.
void AddCommands(CLI::App& app, int& exit_code);

}  // namespace dinh::standalone

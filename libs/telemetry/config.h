// What an operator may set about logs. libs/app reads log_level again on SIGHUP.
#pragma once

#include <string>

#include "libs/config/registry.h"

namespace dinh::telemetry {

struct LogConfig {
  std::string level = "info";  // debug, info, warn, error
  std::string file;            // empty: standard error

  void Bind(config::Registry& registry) {
    registry.Bind("log", "level", &level, "least level to log: debug, info, warn, error");
    registry.Bind("log", "file", &file, "append the log to this file instead of standard error");
  }
};

}  // namespace dinh::telemetry

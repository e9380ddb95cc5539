// What an operator may set about logs. On SIGHUP the level is read again: SetLevel(ParseLevel(Reread("log.level"))).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/config/registry.h"
#include "libs/telemetry/logger.h"

namespace dinh::telemetry {

struct LogConfig {
  std::string level = "info";  // debug, info, warn, error
  std::string file;            // empty: standard error

  void Bind(config::Registry& registry) {
    registry.Bind("log", "level", &level, "least level to log: debug, info, warn, error");
    registry.Bind("log", "file", &file, "append the log to this file instead of standard error");
  }
};

// INVALID_ARGUMENT (reason INVALID_CONFIG) for a level that is none; else as Logger::Open.
absl::StatusOr<std::unique_ptr<Logger>> OpenLogger(const base::Clock& clock, std::string_view service,
                                                   const LogConfig& config);

}  // namespace dinh::telemetry

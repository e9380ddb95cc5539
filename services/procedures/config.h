// What can be set for the service.
#pragma once

#include <chrono>
#include <string>

#include "libs/config/registry.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {

struct Config {
  // Printed into QR codes: must be what citizens reach.
  std::string public_url = "http://127.0.0.1:8080";

  // A file without a row goes in the second round that finds it so: well above the time of a call.
  std::chrono::seconds sweep_every{kSweepEvery / base::kMicrosPerSecond};

  void Bind(config::Registry& registry) {
    registry.Bind("procedures", "public_url", &public_url, "address that QR codes of receipts and procedures lead to");
    registry.Bind("procedures", "sweep_every", &sweep_every,
                  "how often files that nobody needs are looked for; a file in no record goes in the second round");
  }
};

}  // namespace dinh::procedures

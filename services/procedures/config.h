// What can be set for the service.
#pragma once

#include <string>

#include "libs/config/registry.h"

namespace dinh::procedures {

struct Config {
  // Printed into QR codes: must be what citizens reach.
  std::string public_url = "http://127.0.0.1:8080";

  void Bind(config::Registry& registry) {
    registry.Bind("procedures", "public_url", &public_url, "address that QR codes of receipts and procedures lead to");
  }
};

}  // namespace dinh::procedures

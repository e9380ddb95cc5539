// The services of the platform and the proto services of each, as the contract has them.
#pragma once

#include <string>
#include <vector>

namespace dinh::app {

struct PlatformService {
  std::string name;                         // "identity"
  std::vector<std::string> proto_services;  // "dinh.identity.v1.AuthService", …
};

// In the order in which they start.
const std::vector<PlatformService>& PlatformServices();

}  // namespace dinh::app

// Every service of the platform, as the standalone process runs them.
#pragma once

#include <memory>
#include <vector>

#include "libs/app/service_module.h"

namespace dinh::standalone {

// Without the gateway: tools (audit verify) need no edge.
std::vector<std::unique_ptr<app::ServiceModule>> MakeServices();

}  // namespace dinh::standalone

// territory: units, villages and agencies at any date.
#pragma once

#include <memory>

#include "libs/app/service_module.h"

namespace dinh::territory {

std::unique_ptr<app::ServiceModule> MakeTerritoryModule();

}  // namespace dinh::territory

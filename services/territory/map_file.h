// Reads deploy/data/territory.json.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "services/territory/store.h"

namespace dinh::territory {

// INVALID_ARGUMENT naming the row and what is wrong with it.
absl::StatusOr<MapRows> ParseMapFile(std::string_view json);

}  // namespace dinh::territory

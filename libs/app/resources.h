// Where the shipped data (deploy/data) is.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace dinh::app {

// `configured` when it is not empty; else beside an installed binary (<bin>/../share/dinh) or in the source tree the
// binary was built from. FAILED_PRECONDITION reason RESOURCES_MISSING.
absl::StatusOr<std::string> FindResources(const std::string& configured);

}  // namespace dinh::app

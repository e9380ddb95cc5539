// The order in which modules start: each after those it calls. The service call graph has no cycle; one ends the start.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::app {

struct ModuleNode {
  std::string name;
  std::vector<std::string> depends_on;
};

// Indexes of `modules`, each behind what it depends on, otherwise in the order given. `elsewhere`: services reached
// over the network. FAILED_PRECONDITION: a cycle (named), an unknown dependency, a name twice.
absl::StatusOr<std::vector<size_t>> StartOrder(const std::vector<ModuleNode>& modules,
                                               const std::set<std::string>& elsewhere);

}  // namespace dinh::app

// The order in which modules start: each after all it depends on.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::app {

struct GraphNode {
  std::string name;
  std::vector<std::string> depends_on;
};

// Indexes into `nodes`, in order of start; modules without an order between them keep the order given.
// FAILED_PRECONDITION: a name twice, a dependency that is not there, a cycle (the text names it).
absl::StatusOr<std::vector<size_t>> StartOrder(const std::vector<GraphNode>& nodes);

}  // namespace dinh::app

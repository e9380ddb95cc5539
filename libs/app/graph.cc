#include "libs/app/graph.h"

#include <map>

#include "libs/base/status.h"

namespace dinh::app {
namespace {

absl::Status Bad(const std::string& what) {
  return base::FailedPrecondition("MODULE_GRAPH_INVALID", {"Sơ đồ phụ thuộc giữa các dịch vụ sai: " + what,
                                                           "bad module graph: " + what});
}

class Sorter {
 public:
  explicit Sorter(const std::vector<GraphNode>& nodes) : nodes_(nodes), marks_(nodes.size(), Mark::kNew) {}

  absl::StatusOr<std::vector<size_t>> Run() {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (!index_.emplace(nodes_[i].name, i).second) return Bad(nodes_[i].name + " twice");
    }
    for (size_t i = 0; i < nodes_.size(); ++i) RETURN_IF_ERROR(Visit(i, nodes_[i].name));
    return order_;
  }

 private:
  enum class Mark { kNew, kOpen, kDone };

  absl::Status Visit(size_t i, const std::string& path) {
    if (marks_[i] == Mark::kDone) return absl::OkStatus();
    if (marks_[i] == Mark::kOpen) return Bad("cycle " + path);
    marks_[i] = Mark::kOpen;
    for (const std::string& name : nodes_[i].depends_on) {
      auto it = index_.find(name);
      if (it == index_.end()) return Bad(nodes_[i].name + " depends on " + name + ", which is not there");
      RETURN_IF_ERROR(Visit(it->second, path + " -> " + name));
    }
    marks_[i] = Mark::kDone;
    order_.push_back(i);
    return absl::OkStatus();
  }

  const std::vector<GraphNode>& nodes_;
  std::vector<Mark> marks_;
  std::map<std::string, size_t> index_;
  std::vector<size_t> order_;
};

}  // namespace

absl::StatusOr<std::vector<size_t>> StartOrder(const std::vector<GraphNode>& nodes) { return Sorter(nodes).Run(); }

}  // namespace dinh::app

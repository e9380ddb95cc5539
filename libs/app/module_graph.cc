#include "libs/app/module_graph.h"

#include <map>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::app {
namespace {

absl::Status GraphError(const std::string& vi, const std::string& en) {
  return base::FailedPrecondition("MODULE_GRAPH", {vi, en});
}

absl::Status UnknownDependency(const std::string& module, const std::string& dependency) {
  return GraphError("Mô-đun " + module + " cần " + dependency + " nhưng không có. Hãy thêm vào hoặc khai báo địa chỉ.",
                    "Module " + module + " needs " + dependency + ", which is not here. Add it or give its address.");
}

class Sorter {
 public:
  Sorter(const std::vector<ModuleNode>& modules, const std::set<std::string>& elsewhere)
      : modules_(modules), elsewhere_(elsewhere), state_(modules.size(), State::kNew) {}

  absl::StatusOr<std::vector<size_t>> Run() {
    for (size_t i = 0; i < modules_.size(); ++i) {
      if (!index_.emplace(modules_[i].name, i).second) {
        const std::string& name = modules_[i].name;
        return GraphError("Có hai mô-đun cùng tên " + name + ". Hãy bỏ một.",
                          "Two modules are named " + name + ". Remove one.");
      }
    }
    for (size_t i = 0; i < modules_.size(); ++i) RETURN_IF_ERROR(Visit(i));
    return std::move(order_);
  }

 private:
  enum class State { kNew, kOpen, kDone };

  absl::Status Visit(size_t i) {
    const std::string& name = modules_[i].name;
    if (state_[i] == State::kDone) return absl::OkStatus();
    path_.push_back(name);
    if (state_[i] == State::kOpen) {
      const std::string cycle = base::Join(path_, " → ");
      return GraphError("Các dịch vụ gọi vòng quanh: " + cycle + ". Hãy bỏ một phụ thuộc.",
                        "Services call each other in a circle: " + cycle + ". Remove one dependency.");
    }
    state_[i] = State::kOpen;
    for (const std::string& dependency : modules_[i].depends_on) {
      if (elsewhere_.count(dependency) > 0) continue;
      const auto found = index_.find(dependency);
      if (found == index_.end()) return UnknownDependency(name, dependency);
      RETURN_IF_ERROR(Visit(found->second));
    }
    state_[i] = State::kDone;
    path_.pop_back();
    order_.push_back(i);
    return absl::OkStatus();
  }

  const std::vector<ModuleNode>& modules_;
  const std::set<std::string>& elsewhere_;
  std::map<std::string, size_t> index_;
  std::vector<State> state_;
  std::vector<std::string> path_;
  std::vector<size_t> order_;
};

}  // namespace

absl::StatusOr<std::vector<size_t>> StartOrder(const std::vector<ModuleNode>& modules,
                                               const std::set<std::string>& elsewhere) {
  return Sorter(modules, elsewhere).Run();
}

}  // namespace dinh::app

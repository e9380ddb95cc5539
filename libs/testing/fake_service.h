// Stands for a service that the one under test calls.
//
//   auto territory = std::make_unique<FakeService>("territory");
//   territory->On<pb::GetUnitRequest, pb::Unit>("dinh.territory.v1.TerritoryService.GetUnit",
//       [](rpc::Context&, const pb::GetUnitRequest& r) -> absl::StatusOr<pb::Unit> { … });
//
// The service's other methods answer UNIMPLEMENTED. Access and field rules hold as for the real one.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/app/service_module.h"

namespace dinh::testing {

class FakeService final : public app::ServiceModule {
 public:
  explicit FakeService(std::string name) : name_(std::move(name)) {}

  // `full_name`: "dinh.territory.v1.TerritoryService.GetUnit".
  template <typename Req, typename Resp>
  FakeService& On(std::string full_name, std::function<absl::StatusOr<Resp>(rpc::Context&, const Req&)> handler) {
    services_.insert(full_name.substr(0, full_name.rfind('.')));
    fill_.push_back([full_name = std::move(full_name), handler = std::move(handler)](rpc::MethodTable& table) {
      table.Unary<Req, Resp>(full_name, handler);
    });
    return *this;
  }

  std::string_view name() const override { return name_; }
  absl::Status Init(app::Platform&) override { return absl::OkStatus(); }
  void RegisterMethods(rpc::MethodTable& table) override {
    for (const auto& fill : fill_) fill(table);
    for (const std::string& service : services_) table.LeaveOthersUnimplemented(service);
  }

 private:
  const std::string name_;
  std::set<std::string> services_;
  std::vector<std::function<void(rpc::MethodTable&)>> fill_;
};

}  // namespace dinh::testing

#include "services/identity/territory_client.h"

#include <optional>
#include <utility>

#include "dinh/territory/v1/service.pb.h"
#include "libs/base/status.h"

namespace dinh::identity {
namespace {

namespace territory = ::dinh::territory::v1;

constexpr char kGetUnit[] = "/dinh.territory.v1.TerritoryService/GetUnit";
constexpr char kResolveUnit[] = "/dinh.territory.v1.TerritoryService/ResolveUnit";
constexpr char kGetAgency[] = "/dinh.territory.v1.TerritoryService/GetAgency";
constexpr size_t kNamesMax = 4096;

}  // namespace

absl::Status TerritoryClient::CheckAddress(base::OpContext& ctx, const Address& address, std::string_view field) {
  if (address.unit.empty()) return absl::OkStatus();
  const std::string unit_field = std::string(field) + ".unit";
  territory::GetUnitRequest request;
  request.set_code(address.unit);
  request.set_at(address.at);
  const absl::StatusOr<territory::Unit> unit = channel_.Call<territory::Unit>(ctx, kGetUnit, request);
  if (absl::IsNotFound(unit.status())) {
    const std::optional<base::ErrorDetail> detail = base::DetailOf(unit.status());
    return base::InvalidField(unit_field, detail ? detail->text : base::Text{"Không có đơn vị này.", "No such unit."});
  }
  RETURN_IF_ERROR(unit.status());
  if (unit->level() != territory::Unit::LEVEL_COMMUNE && unit->level() != territory::Unit::LEVEL_VILLAGE) {
    return base::InvalidField(unit_field, {"Hãy chọn xã, phường hoặc thôn.", "Choose a commune or a village."});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> TerritoryClient::CommuneToday(base::OpContext& ctx, const Address& address) {
  if (address.unit.empty()) return std::string();
  territory::ResolveUnitRequest request;
  request.set_code(address.unit);
  request.set_from(address.at);
  // A village resolves to a village, and that one's commune may have changed since.
  for (int step = 0; step < 2; ++step) {
    absl::StatusOr<territory::ResolveUnitResponse> found =
        channel_.Call<territory::ResolveUnitResponse>(ctx, kResolveUnit, request);
    if (absl::IsNotFound(found.status())) return std::string();
    RETURN_IF_ERROR(found.status());
    if (found->unit().level() == territory::Unit::LEVEL_COMMUNE) return found->unit().code();
    if (found->unit().level() != territory::Unit::LEVEL_VILLAGE) break;
    request.set_code(found->unit().parent());
    request.clear_from();
  }
  return std::string();
}

std::string TerritoryClient::AgencyName(base::OpContext& ctx, const std::string& agency) {
  {
    std::lock_guard lock(mutex_);
    const auto known = names_.find(agency);
    if (known != names_.end()) return known->second;
  }
  territory::GetAgencyRequest request;
  request.set_id(agency);
  const absl::StatusOr<territory::Agency> found = channel_.Call<territory::Agency>(ctx, kGetAgency, request);
  if (!found.ok() || found->name().empty()) return agency;
  std::lock_guard lock(mutex_);
  if (names_.size() >= kNamesMax) names_.clear();
  names_[agency] = found->name();
  return found->name();
}

}  // namespace dinh::identity

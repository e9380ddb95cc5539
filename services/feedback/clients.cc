#include "services/feedback/clients.h"

#include <algorithm>
#include <utility>

#include "dinh/identity/v1/auth_service.pb.h"
#include "dinh/identity/v1/officer_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "libs/base/status.h"

namespace dinh::feedback {
namespace {

namespace territory = ::dinh::territory::v1;
namespace identity = ::dinh::identity::v1;

constexpr char kResolveUnit[] = "/dinh.territory.v1.TerritoryService/ResolveUnit";
constexpr char kListAgencies[] = "/dinh.territory.v1.TerritoryService/ListAgencies";
constexpr char kListUnits[] = "/dinh.territory.v1.TerritoryService/ListUnits";
constexpr char kGetAgency[] = "/dinh.territory.v1.TerritoryService/GetAgency";
constexpr char kListColleagues[] = "/dinh.identity.v1.OfficerService/ListColleagues";
constexpr char kConfirmOtp[] = "/dinh.identity.v1.AuthService/ConfirmOtp";

constexpr int32_t kUnitsPerPage = 200;

UnitPlace PlaceOf(const territory::Unit& unit) {
  return {unit.code(), unit.type().empty() ? unit.name() : unit.type() + " " + unit.name(), unit.parent()};
}

territory::Agency::Kind KindOf(AgencyKind kind) {
  return kind == AgencyKind::kPolice ? territory::Agency::KIND_POLICE : territory::Agency::KIND_PEOPLES_COMMITTEE;
}

absl::Status UnitUnknown() {
  return base::NotFound("UNIT_UNKNOWN", {"Không có xã, thôn mang mã này.", "No commune or village has this code."});
}

}  // namespace

absl::Status TerritoryClient::LearnAll(base::OpContext& ctx) {
  territory::ListUnitsRequest request;
  request.set_page_size(kUnitsPerPage);
  const auto now = ctx.clock().Steady();
  do {
    ASSIGN_OR_RETURN(const territory::ListUnitsResponse page,
                     channel_.Call<territory::ListUnitsResponse>(ctx, kListUnits, request));
    for (const territory::Unit& unit : page.units()) {
      units_.Put(unit.code(), PlaceOf(unit), now);
      territory::ListAgenciesRequest agencies;
      agencies.set_unit(unit.code());
      ASSIGN_OR_RETURN(const territory::ListAgenciesResponse found,
                       channel_.Call<territory::ListAgenciesResponse>(ctx, kListAgencies, agencies));
      for (const territory::Agency& agency : found.agencies()) names_.Put(agency.id(), agency.name(), now);
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::StatusOr<UnitPlace> TerritoryClient::Unit(base::OpContext& ctx, const std::string& code) {
  if (auto known = units_.Get(code, ctx.clock().Steady())) return *known;
  territory::ResolveUnitRequest request;
  request.set_code(code);
  ASSIGN_OR_RETURN(const territory::ResolveUnitResponse found,
                   channel_.Call<territory::ResolveUnitResponse>(ctx, kResolveUnit, request));
  const UnitPlace place = PlaceOf(found.unit());
  units_.Put(code, place, ctx.clock().Steady());
  return place;
}

absl::StatusOr<UnitPlace> TerritoryClient::CommuneOf(base::OpContext& ctx, const std::string& code) {
  if (auto known = communes_.Get(code, ctx.clock().Steady())) return *known;
  territory::ResolveUnitRequest request;
  request.set_code(code);
  // A village resolves to a village, and that one's commune may have changed since.
  for (int step = 0; step < 2; ++step) {
    ASSIGN_OR_RETURN(const territory::ResolveUnitResponse found,
                     channel_.Call<territory::ResolveUnitResponse>(ctx, kResolveUnit, request));
    if (found.unit().level() == territory::Unit::LEVEL_COMMUNE) {
      const UnitPlace place = PlaceOf(found.unit());
      communes_.Put(code, place, ctx.clock().Steady());
      return place;
    }
    if (found.unit().level() != territory::Unit::LEVEL_VILLAGE) break;
    request.set_code(found.unit().parent());
  }
  return UnitUnknown();
}

absl::StatusOr<AgencyPlace> TerritoryClient::AgencyFor(base::OpContext& ctx, const UnitPlace& unit, AgencyKind kind,
                                                       UnitLevel level) {
  std::string code = level == UnitLevel::kAbove ? unit.parent : unit.code;
  const std::string key = code + "/" + std::string(AgencyKindName(kind));
  if (auto known = agencies_.Get(key, ctx.clock().Steady())) return *known;
  if (code.empty()) return UnitUnknown();
  territory::ListAgenciesRequest request;
  request.set_unit(code);
  request.set_kind(KindOf(kind));
  ASSIGN_OR_RETURN(const territory::ListAgenciesResponse found,
                   channel_.Call<territory::ListAgenciesResponse>(ctx, kListAgencies, request));
  if (found.agencies().empty()) {
    return base::NotFound("AGENCY_UNKNOWN", {"Đơn vị không có cơ quan này.", "The unit has no such agency."});
  }
  const territory::Agency& agency = found.agencies(0);
  const AgencyPlace place{agency.id(), agency.name(), agency.unit()};
  agencies_.Put(key, place, ctx.clock().Steady());
  return place;
}

std::string TerritoryClient::AgencyName(base::OpContext& ctx, const std::string& agency) {
  if (ctx.in_transaction) return names_.Last(agency).value_or(agency);
  if (auto known = names_.Get(agency, ctx.clock().Steady())) return *known;
  territory::GetAgencyRequest request;
  request.set_id(agency);
  const absl::StatusOr<territory::Agency> found = channel_.Call<territory::Agency>(ctx, kGetAgency, request);
  if (!found.ok() || found->name().empty()) return agency;
  names_.Put(agency, found->name(), ctx.clock().Steady());
  return found->name();
}

std::string TerritoryClient::UnitName(base::OpContext& ctx, const std::string& code) {
  if (ctx.in_transaction) {
    const std::optional<UnitPlace> last = units_.Last(code);
    return last ? last->name : code;
  }
  const absl::StatusOr<UnitPlace> unit = Unit(ctx, code);
  return unit.ok() ? unit->name : code;
}

absl::StatusOr<std::vector<Colleague>> IdentityClient::Colleagues(base::OpContext& ctx, const std::string& agency,
                                                                  const std::string& unit) {
  const std::string key = agency + "/" + unit;
  if (auto known = colleagues_.Get(key, ctx.clock().Steady())) return *known;
  identity::ListColleaguesRequest request;
  request.set_agency(agency);
  request.set_unit(unit);
  ASSIGN_OR_RETURN(const identity::ListColleaguesResponse found,
                   channel_.Call<identity::ListColleaguesResponse>(ctx, kListColleagues, request));
  std::vector<Colleague> colleagues;
  for (const identity::Colleague& one : found.colleagues()) {
    colleagues.push_back({one.id(), {one.roles().begin(), one.roles().end()}});
  }
  colleagues_.Put(key, colleagues, ctx.clock().Steady());
  return colleagues;
}

absl::StatusOr<std::vector<std::string>> IdentityClient::InPosition(base::OpContext& ctx, const std::string& agency,
                                                                    const std::string& unit,
                                                                    const std::string& position) {
  ASSIGN_OR_RETURN(const std::vector<Colleague> colleagues, Colleagues(ctx, agency, unit));
  std::vector<std::string> officers;
  for (const Colleague& one : colleagues) {
    if (std::find(one.roles.begin(), one.roles.end(), position) != one.roles.end()) officers.push_back(one.officer);
  }
  return officers;
}

absl::StatusOr<std::string> IdentityClient::ConfirmOtp(base::OpContext& ctx, const std::string& challenge,
                                                       const std::string& code, const std::string& address) {
  identity::ConfirmOtpRequest request;
  request.set_challenge(challenge);
  request.set_code(code);
  request.set_address(address);
  ASSIGN_OR_RETURN(const identity::ConfirmOtpResponse confirmed,
                   channel_.Call<identity::ConfirmOtpResponse>(ctx, kConfirmOtp, request));
  return confirmed.phone();
}

}  // namespace dinh::feedback

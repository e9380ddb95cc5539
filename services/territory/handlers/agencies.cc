#include "libs/base/civil.h"
#include "services/territory/errors.h"
#include "services/territory/handlers/handlers.h"

namespace dinh::territory {

pb::Agency Handlers::ToProto(const Agency& agency) {
  pb::Agency out;
  out.set_id(agency.id);
  out.set_name(agency.name);
  out.set_kind(static_cast<pb::Agency::Kind>(agency.kind));
  out.set_unit(agency.unit);
  out.set_dossier_prefix(agency.dossier_prefix);
  out.set_address(agency.address);
  out.set_phone(agency.phone);
  if (agency.from != kOpenStart) out.set_valid_from(base::FormatDate(base::CivilFromDays(agency.from)));
  if (agency.to != kOpenEnd) out.set_valid_to(base::FormatDate(base::CivilFromDays(agency.to)));
  return out;
}

absl::StatusOr<pb::Agency> Handlers::GetAgency(rpc::Context&, const pb::GetAgencyRequest& request) {
  const Agency* agency = map_->FindAgency(request.id());
  if (agency == nullptr) return AgencyNotFound(request.id());
  return ToProto(*agency);
}

absl::StatusOr<pb::ListAgenciesResponse> Handlers::ListAgencies(rpc::Context& ctx,
                                                                const pb::ListAgenciesRequest& request) {
  const Day today = DayOf(ctx, "");
  const Unit* original = map_->LatestUpTo(request.unit(), today);
  const Unit* unit = original != nullptr ? map_->Resolve(*original, today) : nullptr;
  if (unit == nullptr) return UnitNotFound(request.unit());
  pb::ListAgenciesResponse response;
  for (const Agency* agency : map_->AgenciesOf(*unit, today)) {
    if (request.kind() != pb::Agency::KIND_UNSPECIFIED && static_cast<int>(agency->kind) != request.kind()) continue;
    *response.add_agencies() = ToProto(*agency);
  }
  return response;
}

}  // namespace dinh::territory

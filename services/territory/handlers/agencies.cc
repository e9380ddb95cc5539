#include <algorithm>
#include <string>
#include <vector>

#include "libs/base/civil.h"
#include "services/territory/errors.h"
#include "services/territory/handlers/handlers.h"
#include "services/territory/limits.h"

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
  ASSIGN_OR_RETURN(const int32_t size, page_tokens_.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(const std::string last, page_tokens_.Open(ctx, request));
  const Day today = DayOf(ctx, "");
  const Unit* original = map_->LatestUpTo(request.unit(), today);
  const Unit* unit = original != nullptr ? map_->Resolve(*original, today) : nullptr;
  if (unit == nullptr) return UnitNotFound(request.unit());
  std::vector<const Agency*> agencies = map_->AgenciesOf(*unit, today);
  std::erase_if(agencies, [&](const Agency* agency) {
    const bool other =
        request.kind() != pb::Agency::KIND_UNSPECIFIED && static_cast<int>(agency->kind) != request.kind();
    return other || agency->id <= last;
  });
  std::sort(agencies.begin(), agencies.end(), [](const Agency* a, const Agency* b) { return a->id < b->id; });
  const bool more = agencies.size() > static_cast<size_t>(size);
  if (more) agencies.resize(static_cast<size_t>(size));
  pb::ListAgenciesResponse response;
  for (const Agency* agency : agencies) *response.add_agencies() = ToProto(*agency);
  if (more) response.set_next_page_token(page_tokens_.Seal(ctx, request, agencies.back()->id));
  return response;
}

}  // namespace dinh::territory

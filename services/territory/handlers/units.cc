#include <algorithm>
#include <utility>

#include "libs/base/civil.h"
#include "services/territory/errors.h"
#include "services/territory/handlers/handlers.h"
#include "services/territory/limits.h"

namespace dinh::territory {
namespace {

std::string DateOrEmpty(Day day) {
  return day == kOpenStart || day == kOpenEnd ? "" : base::FormatDate(base::CivilFromDays(day));
}

}  // namespace

Day DayOf(const rpc::Context& ctx, const std::string& date) {
  if (auto parsed = base::ParseDate(date)) return base::DaysFromCivil(*parsed);
  return base::DaysFromCivil(base::ToVietnam(ctx.Now()).date);
}

pb::Unit Handlers::ToProto(const Unit& unit) const {
  pb::Unit out;
  out.set_code(unit.code);
  out.set_name(unit.name);
  out.set_type(unit.type);
  out.set_level(static_cast<pb::Unit::Level>(unit.level));
  out.set_valid_from(DateOrEmpty(unit.from));
  out.set_valid_to(DateOrEmpty(unit.to));
  out.set_parent(unit.parent);
  out.set_full_name(map_->FullName(unit));
  for (const Succession& next : unit.successors) {
    pb::Successor* successor = out.add_successors();
    successor->set_code(next.code);
    successor->set_from(DateOrEmpty(next.from));
    if (const Unit* then = map_->At(next.code, next.from)) successor->set_name(then->name);
  }
  return out;
}

absl::StatusOr<pb::Unit> Handlers::GetUnit(rpc::Context& ctx, const pb::GetUnitRequest& request) {
  if (!map_->Knows(request.code())) return UnitNotFound(request.code());
  const Day day = DayOf(ctx, request.at());
  if (const Unit* unit = map_->At(request.code(), day)) return ToProto(*unit);
  const Unit* former = map_->LatestUpTo(request.code(), day);
  // Without a date an old code answers with its last span and what it became; with one it must have been valid then.
  if (former != nullptr && request.at().empty()) return ToProto(*former);
  const Unit* now = former != nullptr ? map_->Resolve(*former, day) : nullptr;
  return UnitNotValidAt(request.code(), base::FormatDate(base::CivilFromDays(day)), now != nullptr ? now->code : "");
}

absl::StatusOr<pb::ResolveUnitResponse> Handlers::ResolveUnit(rpc::Context& ctx,
                                                              const pb::ResolveUnitRequest& request) {
  if (!map_->Knows(request.code())) return UnitNotFound(request.code());
  const Day day = DayOf(ctx, request.at());
  const Unit* original = request.from().empty() ? map_->LatestUpTo(request.code(), day)
                                                : map_->At(request.code(), DayOf(ctx, request.from()));
  if (original == nullptr) {
    return UnitNotValidAt(request.code(),
                          request.from().empty() ? base::FormatDate(base::CivilFromDays(day)) : request.from(), "");
  }
  const Unit* unit = map_->Resolve(*original, day);
  if (unit == nullptr) return UnitNotValidAt(request.code(), base::FormatDate(base::CivilFromDays(day)), "");
  pb::ResolveUnitResponse response;
  *response.mutable_unit() = ToProto(*unit);
  *response.mutable_original() = ToProto(*original);
  return response;
}

absl::StatusOr<pb::ListUnitsResponse> Handlers::ListUnits(rpc::Context& ctx, const pb::ListUnitsRequest& request) {
  ASSIGN_OR_RETURN(int32_t size, page_tokens_.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(std::string last, page_tokens_.Open(ctx, request));
  const std::vector<const Unit*> found =
      map_->Search({.parent = request.parent(), .query = request.query(), .include_former = request.include_former()},
                   DayOf(ctx, request.at()));
  // The key of a row: code and first day name one span.
  auto key = [](const Unit& unit) { return unit.code + "@" + DateOrEmpty(unit.from); };
  auto it = found.begin();
  if (!last.empty()) {
    it = std::find_if(found.begin(), found.end(), [&](const Unit* unit) { return key(*unit) == last; });
    if (it != found.end()) ++it;
  }
  pb::ListUnitsResponse response;
  for (; it != found.end() && response.units_size() < size; ++it) *response.add_units() = ToProto(**it);
  if (it != found.end()) {
    response.set_next_page_token(page_tokens_.Seal(ctx, request, key(**std::prev(it))));
  }
  return response;
}

}  // namespace dinh::territory

// The service's RPCs. Answers come from the immutable map; thread-safe once the map is set.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "dinh/territory/v1/resources.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "libs/auth/page_token.h"
#include "libs/rpc/context.h"
#include "services/territory/domain/gazetteer.h"

namespace dinh::territory {

namespace pb = ::dinh::territory::v1;

class Handlers {
 public:
  explicit Handlers(const auth::PageTokens& page_tokens) : page_tokens_(page_tokens) {}
  // Before the first call.
  void SetMap(std::shared_ptr<const Gazetteer> map) { map_ = std::move(map); }

  absl::StatusOr<pb::Unit> GetUnit(rpc::Context& ctx, const pb::GetUnitRequest& request);
  absl::StatusOr<pb::ResolveUnitResponse> ResolveUnit(rpc::Context& ctx, const pb::ResolveUnitRequest& request);
  absl::StatusOr<pb::ListUnitsResponse> ListUnits(rpc::Context& ctx, const pb::ListUnitsRequest& request);
  absl::StatusOr<pb::Agency> GetAgency(rpc::Context& ctx, const pb::GetAgencyRequest& request);
  absl::StatusOr<pb::ListAgenciesResponse> ListAgencies(rpc::Context& ctx, const pb::ListAgenciesRequest& request);

 private:
  pb::Unit ToProto(const Unit& unit) const;
  static pb::Agency ToProto(const Agency& agency);

  const auth::PageTokens& page_tokens_;
  std::shared_ptr<const Gazetteer> map_;
};

// The day a request means: the date given (already checked by its rule), else today in Vietnam.
Day DayOf(const rpc::Context& ctx, const std::string& date);

}  // namespace dinh::territory

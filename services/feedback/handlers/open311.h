// Open311 GeoReport v2 (http://wiki.open311.org/GeoReport_v2/) with FixMyStreet's updates: what the gateway's adapter
// calls. Reads come from the public board alone; reports are made as everywhere else (intake.h), in the name of the
// system whose key came along.
//
// Emergencies are not offered: their numbers to call cannot be shown first by another system's form.
//
// Thread-safe.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "dinh/feedback/v1/open311_service.pb.h"
#include "libs/base/random.h"
#include "libs/db/database.h"
#include "libs/rpc/context.h"
#include "libs/rpc/method_table.h"
#include "services/feedback/api_keys.h"
#include "services/feedback/intake.h"
#include "services/feedback/json_data.h"
#include "services/feedback/names.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

class Open311Handlers {
 public:
  struct Parts {
    db::Database& database;
    const BoardStore& board;
    const FeedbackData& data;
    Names& names;
    Intake& intake;
    const ApiKeys& keys;
    base::Random& random;
  };
  explicit Open311Handlers(const Parts& parts) : p_(parts) {}
  void Register(rpc::MethodTable& table);

  absl::StatusOr<pb::ListServicesResponse> ListServices(rpc::Context& ctx, const pb::ListServicesRequest& request);
  absl::StatusOr<pb::ServiceDefinition> GetServiceDefinition(rpc::Context& ctx,
                                                             const pb::GetServiceDefinitionRequest& request);
  absl::StatusOr<pb::CreateServiceRequestResponse> CreateServiceRequest(rpc::Context& ctx,
                                                                        const pb::CreateServiceRequestRequest& request);
  absl::StatusOr<pb::ListServiceRequestsResponse> ListServiceRequests(rpc::Context& ctx,
                                                                      const pb::ListServiceRequestsRequest& request);
  absl::StatusOr<pb::GetTokenResponse> GetToken(rpc::Context& ctx, const pb::GetTokenRequest& request);
  absl::StatusOr<pb::ListServiceRequestUpdatesResponse> ListServiceRequestUpdates(
      rpc::Context& ctx, const pb::ListServiceRequestUpdatesRequest& request);
  absl::StatusOr<pb::CreateServiceRequestUpdateResponse> CreateServiceRequestUpdate(
      rpc::Context& ctx, const pb::CreateServiceRequestUpdateRequest& request);

 private:
  // Who reports: the owner of the key; "" a caller with a login and without a key. API_KEY_INVALID.
  absl::StatusOr<std::string> ClientOf(const rpc::Context& ctx, const std::string& api_key) const;
  absl::StatusOr<std::vector<BoardRow>> ByIds(rpc::Context& ctx,
                                              const google::protobuf::RepeatedPtrField<std::string>& ids) const;
  pb::ServiceRequest ToProto(rpc::Context& ctx, const BoardRow& row) const;

  const Parts p_;
};

}  // namespace dinh::feedback

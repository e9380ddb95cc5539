// FollowService: what somebody follows, and what there is for them.
//
// Thread-safe.
#pragma once

#include "absl/status/statusor.h"
#include "dinh/feedback/v1/board_service.pb.h"
#include "libs/auth/page_token.h"
#include "libs/base/ids.h"
#include "libs/db/database.h"
#include "libs/rpc/context.h"
#include "libs/rpc/method_table.h"
#include "services/feedback/clients.h"
#include "services/feedback/store.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

class FollowHandlers {
 public:
  struct Parts {
    db::Database& database;
    const Store& store;
    const BoardStore& board;
    TerritoryClient& territory;
    const auth::PageTokens& page_tokens;
    base::IdGenerator& ids;
  };
  explicit FollowHandlers(const Parts& parts) : p_(parts) {}
  void Register(rpc::MethodTable& table);

  absl::StatusOr<pb::Follow> CreateFollow(rpc::Context& ctx, const pb::CreateFollowRequest& request);
  absl::StatusOr<pb::ListFollowsResponse> ListFollows(rpc::Context& ctx, const pb::ListFollowsRequest& request);
  absl::StatusOr<pb::DeleteFollowResponse> DeleteFollow(rpc::Context& ctx, const pb::DeleteFollowRequest& request);
  absl::StatusOr<pb::ListNoticesResponse> ListNotices(rpc::Context& ctx, const pb::ListNoticesRequest& request);

 private:
  const Parts p_;
};

}  // namespace dinh::feedback

#include "services/feedback/handlers/follows.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "services/feedback/errors.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {
namespace {

constexpr int64_t kFollowsMax = 20;
constexpr int kFollowRadiusMin = 100;  // metres

pb::Follow ToProto(const FollowRow& row) {
  pb::Follow out;
  out.set_id(row.id);
  out.set_unit(row.unit);
  out.set_name(row.name);
  if (row.unit.empty()) {
    out.mutable_center()->set_lat(row.center.lat);
    out.mutable_center()->set_lng(row.center.lon);
    out.set_radius_m(row.radius_m);
  }
  return out;
}

absl::Status TooManyFollows() {
  return base::FailedPrecondition("TOO_MANY_FOLLOWS", {"Bạn đang theo dõi đủ 20 nơi. Hãy bỏ bớt rồi thêm.",
                                                       "You follow 20 places already. Remove some first."});
}

}  // namespace

void FollowHandlers::Register(rpc::MethodTable& table) {
  const std::string follows = "dinh.feedback.v1.FollowService.";
  table.Unary(follows + "CreateFollow", this, &FollowHandlers::CreateFollow);
  table.Unary(follows + "ListFollows", this, &FollowHandlers::ListFollows);
  table.Unary(follows + "DeleteFollow", this, &FollowHandlers::DeleteFollow);
  table.Unary(follows + "ListNotices", this, &FollowHandlers::ListNotices);
}

absl::StatusOr<pb::Follow> FollowHandlers::CreateFollow(rpc::Context& ctx, const pb::CreateFollowRequest& request) {
  const pb::Follow& wanted = request.follow();
  FollowRow row;
  row.id = p_.ids.Next();
  row.account = ctx.principal().id;
  row.name = wanted.name();
  row.created_at = ctx.Now();
  if (!wanted.unit().empty() == wanted.has_center()) {
    return base::InvalidField("follow", {"Hãy chọn một xã, thôn, hoặc một vòng tròn trên bản đồ.",
                                         "Choose a commune or village, or a circle on the map."});
  }
  if (wanted.has_center()) {
    row.center = {wanted.center().lat(), wanted.center().lng()};
    row.radius_m = wanted.radius_m();
    RETURN_IF_ERROR(CheckPoint(row.center, "follow.center"));
    if (row.radius_m < kFollowRadiusMin) {
      return base::InvalidField("follow.radius_m",
                                {"Bán kính từ 100 đến 5.000 mét.", "The radius is 100 to 5,000 metres."});
    }
  } else {
    const absl::StatusOr<UnitPlace> unit = p_.territory.Unit(ctx, wanted.unit());
    if (absl::IsNotFound(unit.status())) return PlaceUnknown();
    RETURN_IF_ERROR(unit.status());
    row.unit = unit->code;
  }
  return p_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Follow> {
    ASSIGN_OR_RETURN(const int64_t count, p_.board.CountFollows(tx, row.account));
    if (count >= kFollowsMax) return TooManyFollows();
    RETURN_IF_ERROR(p_.board.InsertFollow(tx, row));
    return ToProto(row);
  });
}

absl::StatusOr<pb::ListFollowsResponse> FollowHandlers::ListFollows(rpc::Context& ctx, const pb::ListFollowsRequest&) {
  ASSIGN_OR_RETURN(const std::vector<FollowRow> rows,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.board.Follows(tx, ctx.principal().id); }));
  pb::ListFollowsResponse response;
  for (const FollowRow& row : rows) *response.add_follows() = ToProto(row);
  return response;
}

absl::StatusOr<pb::DeleteFollowResponse> FollowHandlers::DeleteFollow(rpc::Context& ctx,
                                                                      const pb::DeleteFollowRequest& request) {
  return p_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::DeleteFollowResponse> {
    ASSIGN_OR_RETURN(const bool removed, p_.board.RemoveFollow(tx, ctx.principal().id, request.id()));
    if (!removed) return base::PermissionDenied();
    return pb::DeleteFollowResponse();
  });
}

absl::StatusOr<pb::ListNoticesResponse> FollowHandlers::ListNotices(rpc::Context& ctx,
                                                                    const pb::ListNoticesRequest& request) {
  ASSIGN_OR_RETURN(const int32_t size, p_.page_tokens.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(const std::string before, p_.page_tokens.Open(ctx, request));
  ASSIGN_OR_RETURN(const std::vector<NoticeRow> rows, p_.database.Read(ctx, [&](db::Tx& tx) {
    return p_.store.Notices(tx, ctx.principal().id, before, size + 1);
  }));
  pb::ListNoticesResponse response;
  const size_t shown = std::min(rows.size(), static_cast<size_t>(size));
  for (size_t i = 0; i < shown; ++i) {
    pb::Notice* notice = response.add_notices();
    notice->set_id(rows[i].id);
    notice->set_kind(rows[i].kind);
    notice->set_report(rows[i].report);
    *notice->mutable_time() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(rows[i].at);
  }
  if (rows.size() > shown) response.set_next_page_token(p_.page_tokens.Seal(ctx, request, rows[shown - 1].id));
  return response;
}

}  // namespace dinh::feedback

#include "services/feedback/handlers/public_reports.h"

#include <cmath>
#include <utility>

#include "libs/base/text.h"
#include "libs/db/text_index.h"
#include "services/feedback/board_view.h"
#include "services/feedback/domain/privacy.h"
#include "services/feedback/handlers/board_filter.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {
namespace {

constexpr int kNearbyRadiusDefault = 200;  // metres

absl::StatusOr<BoardFilter> FilterOf(const CategoryTree& categories, const pb::ListReportsRequest& request) {
  BoardFilter filter;
  ASSIGN_OR_RETURN(filter.categories, LeavesOf(categories, request.category()));
  filter.unit = request.unit();
  filter.states = StatesOf(request.states());
  if (!request.bbox().empty()) {
    ASSIGN_OR_RETURN(filter.box, ParseBbox(request.bbox()));
  }
  ASSIGN_OR_RETURN(const Days days, DaysOf(request.from(), request.to()));
  filter.from = days.from;
  filter.to = days.to;
  return filter;
}

absl::Status NothingToSearch() {
  return base::InvalidField(
      "query", {"Hãy nhập ít nhất một từ gồm chữ cái hoặc chữ số.", "Give at least one word of letters or digits."});
}

BoardView ViewOf(rpc::Context& ctx, Names& names, const CategoryTree& categories, const BoardRow& row) {
  return {categories, ctx.Now(), ctx.language == "en", names.UnitName(ctx, row.unit),
          names.AgencyName(ctx, row.agency)};
}

}  // namespace

absl::StatusOr<pb::ListReportsResponse> PublicReports::List(rpc::Context& ctx, const pb::ListReportsRequest& request) {
  // The token of the next page belongs to who asked.
  if (ctx.principal().kind != auth::CallerKind::kAnonymous) return MakeList(ctx, request);
  return p_.cache.Board<pb::ListReportsResponse>(ctx, request, [&] { return MakeList(ctx, request); });
}

absl::StatusOr<pb::ListReportsResponse> PublicReports::MakeList(rpc::Context& ctx,
                                                                const pb::ListReportsRequest& request) {
  ASSIGN_OR_RETURN(const BoardFilter filter, FilterOf(p_.data.categories, request));
  ASSIGN_OR_RETURN(const int32_t size, p_.page_tokens.PageSize(request.page_size(), kPageSizeDefault, kPageSizeMax));
  ASSIGN_OR_RETURN(const std::string key, p_.page_tokens.Open(ctx, request));
  ASSIGN_OR_RETURN(const std::optional<BoardCursor> after, CursorOf(key));
  const std::vector<std::string> words = db::TextWords(base::Fold(request.query()));
  if (!request.query().empty() && words.empty()) return NothingToSearch();
  ASSIGN_OR_RETURN(const BoardPage page, p_.database.Read(ctx, [&](db::Tx& tx) {
    return words.empty() ? p_.board.List(tx, filter, after, size) : p_.board.Search(tx, words, filter, after, size);
  }));
  pb::ListReportsResponse response;
  for (const BoardRow& row : page.rows) {
    *response.add_reports() = PublicSummary(ViewOf(ctx, p_.names, p_.data.categories, row), row);
  }
  if (page.next) response.set_next_page_token(p_.page_tokens.Seal(ctx, request, KeyOf(*page.next)));
  return response;
}

absl::StatusOr<pb::ListNearbyReportsResponse> PublicReports::Nearby(rpc::Context& ctx,
                                                                    const pb::ListNearbyReportsRequest& request) {
  const Point centre{request.lat(), request.lng()};
  if (!CheckPoint(centre).ok()) {
    return base::InvalidField("lat", {"Hãy chọn một vị trí trên bản đồ.", "Choose a place on the map."});
  }
  ASSIGN_OR_RETURN(std::vector<std::string> leaves, LeavesOf(p_.data.categories, request.category()));
  if (leaves.empty()) {
    for (const Category* leaf : p_.data.categories.leaves()) leaves.push_back(leaf->id);
  }
  const int radius_m = request.radius_m() == 0 ? kNearbyRadiusDefault : request.radius_m();
  ASSIGN_OR_RETURN(const std::vector<NearRow> near,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.board.Nearby(tx, centre, radius_m, leaves); }));
  pb::ListNearbyReportsResponse response;
  for (const NearRow& one : near) {
    pb::NearbyReport* const out = response.add_reports();
    *out->mutable_report() = PublicSummary(ViewOf(ctx, p_.names, p_.data.categories, one.row), one.row);
    out->set_distance_m(static_cast<int32_t>(std::lround(one.metres)));
  }
  return response;
}

absl::StatusOr<std::optional<pb::Report>> PublicReports::Get(rpc::Context& ctx, const std::string& code) {
  const std::string normal = ParsePublicCode(code).value_or("");
  ASSIGN_OR_RETURN(const std::optional<BoardRow> row,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.board.ByCode(tx, normal); }));
  if (!row) return std::optional<pb::Report>();
  return std::optional<pb::Report>(PublicReport(ViewOf(ctx, p_.names, p_.data.categories, *row), *row));
}

absl::StatusOr<std::optional<pb::Report>> PublicReports::PublicView(rpc::Context& ctx, db::Tx& tx,
                                                                    const std::string& code) const {
  const std::string normal = ParsePublicCode(code).value_or("");
  ASSIGN_OR_RETURN(const std::optional<BoardRow> row, p_.board.ByCode(tx, normal));
  if (!row) return std::optional<pb::Report>();
  return std::optional<pb::Report>(PublicReport(ViewOf(ctx, p_.names, p_.data.categories, *row), *row));
}

}  // namespace dinh::feedback

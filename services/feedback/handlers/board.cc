#include "services/feedback/handlers/board.h"

#include <algorithm>
#include <set>
#include <utility>

#include "dinh/feedback/v1/events.pb.h"
#include "libs/base/civil.h"
#include "services/feedback/board_view.h"
#include "services/feedback/errors.h"
#include "services/feedback/handlers/board_filter.h"
#include "services/feedback/limits.h"
#include "services/feedback/open_data.h"
#include "services/feedback/publication.h"
#include "services/feedback/view.h"

namespace dinh::feedback {
namespace {

constexpr int kPointsFromZoom = 16;
constexpr int kMonthsMax = 36;
constexpr int kIndicatorDaysDefault = 30;
constexpr int kIndicatorDaysMax = 3 * 366;
constexpr int kAtomEntries = 50;
constexpr int kAtomCacheSeconds = 300;
constexpr int kExportRows = 1000;
constexpr base::Micros kExportDelay = 24 * int64_t{3600} * base::kMicrosPerSecond;

// The kept level whose tiles are about a sixteenth of a screen at that zoom.
int LevelOf(int zoom) {
  for (const int level : kCellLevels) {
    if (level >= zoom + 2) return level;
  }
  return kCellLevels[std::size(kCellLevels) - 1];
}

// Coarser where the box is so large that its tiles would be more than an answer holds.
int FittingLevel(const Bbox& box, int level) {
  for (size_t i = std::size(kCellLevels); i-- > 0;) {
    if (kCellLevels[i] > level) continue;
    const Tile low = TileOf({box.north, box.west}, kCellLevels[i]),
               high = TileOf({box.south, box.east}, kCellLevels[i]);
    const int64_t tiles = (int64_t{high.x} - low.x + 1) * (int64_t{high.y} - low.y + 1);
    if (tiles <= static_cast<int64_t>(kCellsPerAnswerMax)) return kCellLevels[i];
  }
  return kCellLevels[0];
}

absl::StatusOr<std::vector<std::string>> MonthsOf(const std::string& from, const std::string& to,
                                                  const base::CivilDate& today) {
  std::vector<std::string> months;
  if (from.empty() && to.empty()) return months;
  const base::CivilDate last = base::ParseDate(to).value_or(today);
  base::CivilDate at = base::ParseDate(from).value_or(base::AddDays(last, -365));
  at.day = 1;
  for (; at <= last; at = base::AddDays(at, 32), at.day = 1) {
    if (months.size() == kMonthsMax) {
      return base::InvalidField("from", {"Chỉ xem được tối đa 36 tháng.", "At most 36 months can be asked for."});
    }
    const std::string text = base::FormatDate(at);
    months.push_back(text.substr(0, 4) + text.substr(5, 2));
  }
  if (months.empty()) {
    return base::InvalidField("to", {"Ngày kết thúc phải sau ngày bắt đầu.", "The end must come after the beginning."});
  }
  return months;
}

void FillCell(const CountedTile& counted, pb::Cell* cell) {
  const Bbox box = BoxOf(counted.tile);
  cell->mutable_south_west()->set_lat(box.south);
  cell->mutable_south_west()->set_lng(box.west);
  cell->mutable_north_east()->set_lat(box.north);
  cell->mutable_north_east()->set_lng(box.east);
  cell->set_open(counted.count.open);
  cell->set_finished(counted.count.finished);
}

// Which of open and finished the asked states concern.
void KeepAsked(const google::protobuf::RepeatedField<int>& states, pb::Board& board) {
  if (states.empty()) return;
  bool open = false, finished = false;
  for (const int state : states) (IsOpen(static_cast<State>(state)) ? open : finished) = true;
  for (pb::Cell& cell : *board.mutable_cells()) {
    if (!open) cell.set_open(0);
    if (!finished) cell.set_finished(0);
  }
  auto& cells = *board.mutable_cells();
  cells.erase(std::remove_if(cells.begin(), cells.end(),
                             [](const pb::Cell& cell) { return cell.open() + cell.finished() == 0; }),
              cells.end());
}

void FillRow(const Counts& counts, pb::IndicatorRow* row) {
  const Indicators of = IndicatorsOf(counts);
  row->set_received(counts.received);
  row->set_answered(counts.answered);
  row->set_answered_on_time(counts.answered_on_time);
  row->set_overdue(counts.overdue_open);
  row->set_answer_minutes_median(static_cast<int64_t>(of.median_minutes.value_or(0)));
  row->set_answer_minutes_p90(static_cast<int64_t>(of.p90_minutes.value_or(0)));
  row->set_resolved(counts.resolved);
  row->set_reopened(counts.reopened);
  for (const int64_t stars : counts.stars) row->set_ratings(row->ratings() + stars);
  row->set_stars_mean(of.satisfaction.value_or(0));
}

}  // namespace

void BoardHandlers::Register(rpc::MethodTable& table) {
  const std::string board = "dinh.feedback.v1.BoardService.";
  table.Unary(board + "ListCategories", this, &BoardHandlers::ListCategories);
  table.Unary(board + "GetBoard", this, &BoardHandlers::GetBoard);
  table.Unary(board + "GetAtom", this, &BoardHandlers::GetAtom);
  table.Unary(board + "ExportReports", this, &BoardHandlers::ExportReports);
  table.ServerStream(board + "WatchBoard", this, pb::BoardUpdate::default_instance(), &BoardHandlers::WatchBoard);
  table.Unary(board + "GetIndicators", this, &BoardHandlers::GetIndicators);
}

absl::StatusOr<pb::ListCategoriesResponse> BoardHandlers::ListCategories(rpc::Context& ctx,
                                                                         const pb::ListCategoriesRequest&) {
  pb::ListCategoriesResponse response;
  for (const Category& category : p_.data.categories.all()) {
    const bool leaf = p_.data.categories.Children(category.id).empty();
    *response.add_categories() = ToProto(category, leaf, ctx.language == "en");
  }
  return response;
}

absl::StatusOr<BoardFilter> BoardHandlers::FilterOf(const std::string& category, const std::string& unit) const {
  BoardFilter filter;
  filter.unit = unit;
  ASSIGN_OR_RETURN(filter.categories, LeavesOf(p_.data.categories, category));
  return filter;
}

absl::StatusOr<pb::Board> BoardHandlers::Cells(rpc::Context& ctx, const pb::GetBoardRequest& request, const Bbox& box,
                                               int level) {
  ASSIGN_OR_RETURN(const std::vector<std::string> months,
                   MonthsOf(request.from(), request.to(), base::ToVietnam(ctx.Now()).date));
  const std::vector<std::string> dims = DimsFor(p_.data.categories, request.category(), request.unit(), months);
  if (dims.empty()) {
    return base::InvalidField("category",
                              {"Ở mức thu nhỏ này, hãy lọc theo nhóm loại lớn nhất, hoặc bớt điều kiện lọc.",
                               "At this zoom, filter by a root category, or by fewer things."});
  }
  const int fitting = FittingLevel(box, level);
  ASSIGN_OR_RETURN(const std::vector<CountedTile> tiles,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.board.Cells(tx, dims, fitting, box); }));
  pb::Board board;
  for (const CountedTile& tile : tiles) FillCell(tile, board.add_cells());
  KeepAsked(request.states(), board);
  return board;
}

absl::StatusOr<pb::Board> BoardHandlers::GetBoard(rpc::Context& ctx, const pb::GetBoardRequest& request) {
  return p_.cache.Board<pb::Board>(ctx, request, [&] { return MakeBoard(ctx, request); });
}

absl::StatusOr<pb::Board> BoardHandlers::MakeBoard(rpc::Context& ctx, const pb::GetBoardRequest& request) {
  ASSIGN_OR_RETURN(const Bbox box, ParseBbox(request.bbox()));
  ASSIGN_OR_RETURN(BoardFilter filter, FilterOf(request.category(), request.unit()));
  if (request.zoom() < kPointsFromZoom) return Cells(ctx, request, box, LevelOf(request.zoom()));
  filter.box = box;
  filter.states = StatesOf(request.states());
  ASSIGN_OR_RETURN(const Days days, DaysOf(request.from(), request.to()));
  filter.from = days.from;
  filter.to = days.to;
  ASSIGN_OR_RETURN(const auto rows, p_.database.Read(ctx, [&](db::Tx& tx) { return p_.board.InBox(tx, filter); }));
  if (!rows) {
    ASSIGN_OR_RETURN(pb::Board board, Cells(ctx, request, box, kCellLevels[std::size(kCellLevels) - 1]));
    board.set_too_many(true);
    return board;
  }
  pb::Board board;
  BoardView view{p_.data.categories, ctx.Now(), ctx.language == "en", "", ""};
  for (const BoardRow& row : *rows) {
    view.unit_name = p_.names.UnitName(ctx, row.unit);
    view.agency_name = p_.names.AgencyName(ctx, row.agency);
    *board.add_reports() = PublicSummary(view, row);
  }
  return board;
}

absl::StatusOr<options::v1::RawBody> BoardHandlers::GetAtom(rpc::Context& ctx, const pb::GetAtomRequest& request) {
  ASSIGN_OR_RETURN(const BoardFilter filter, FilterOf(request.category(), request.unit()));
  ASSIGN_OR_RETURN(const BoardPage page, p_.database.Read(ctx, [&](db::Tx& tx) {
    return p_.board.List(tx, filter, std::nullopt, kAtomEntries);
  }));
  options::v1::RawBody body;
  body.set_content_type("application/atom+xml; charset=utf-8");
  body.set_data(AtomFeed(p_.data.categories, page.rows, request.category(), request.unit()));
  body.set_cache_seconds(kAtomCacheSeconds);
  return body;
}

absl::StatusOr<options::v1::RawBody> BoardHandlers::ExportReports(rpc::Context& ctx,
                                                                  const pb::ExportReportsRequest& request) {
  ASSIGN_OR_RETURN(const BoardFilter filter, FilterOf(request.category(), request.unit()));
  ASSIGN_OR_RETURN(const std::vector<BoardRow> rows, p_.database.Read(ctx, [&](db::Tx& tx) {
    return p_.board.Export(tx, filter, request.after(), ctx.Now() - kExportDelay, kExportRows);
  }));
  const bool json = request.format() == "json";
  options::v1::RawBody body;
  body.set_content_type(json ? "application/json" : "text/csv; charset=utf-8");
  body.set_data(json ? ExportJson(p_.data.categories, rows) : ExportCsv(p_.data.categories, rows));
  body.set_cache_seconds(kAtomCacheSeconds);
  return body;
}

absl::Status BoardHandlers::WatchBoard(std::shared_ptr<rpc::Context> call, const pb::WatchBoardRequest& request,
                                       std::shared_ptr<rpc::StreamSink> client) {
  const std::shared_ptr<rpc::Context> ctx = std::move(call);
  const std::shared_ptr<rpc::StreamSink> sink = std::move(client);
  ASSIGN_OR_RETURN(const BoardFilter wanted, FilterOf(request.category(), request.unit()));
  events::FeedFilter filter;
  filter.types = {events::EventTypeOf(pb::BoardChanged::descriptor())};
  filter.history_max = kWatchHistoryMax;
  const std::set<std::string> leaves(wanted.categories.begin(), wanted.categories.end());
  events::Feed& feed = p_.events.feed();
  filter.after_sequence = p_.hidden_sequence.Read(request.after_sequence(), feed.head());
  const uint64_t id = feed.Subscribe(
      std::move(filter),
      [sink, leaves, unit = wanted.unit, &hidden = p_.hidden_sequence](const events::v1::FeedEvent& event) {
        pb::BoardChanged changed;
        if (!changed.ParseFromString(event.payload())) return true;
        if (!leaves.empty() && !leaves.contains(changed.category())) return true;
        if (!unit.empty() && unit != changed.unit()) return true;
        pb::BoardUpdate update;
        update.set_sequence(hidden.Show(event.sequence()));
        update.set_id(changed.report());
        update.set_removed(changed.removed());
        update.set_state(changed.state());
        update.set_category(changed.category());
        update.set_unit(changed.unit());
        if (changed.has_point()) *update.mutable_point() = changed.point();
        update.set_day(changed.day());
        return sink->Write(update);
      },
      [sink](const absl::Status& status) { sink->Finish(status); });
  sink->OnClosed([&feed, id] { feed.Unsubscribe(id); });
  return absl::OkStatus();
}

absl::StatusOr<pb::Indicators> BoardHandlers::GetIndicators(rpc::Context& ctx,
                                                            const pb::GetIndicatorsRequest& request) {
  return p_.cache.Indicators<pb::Indicators>(ctx, request, [&] { return MakeIndicators(ctx, request); });
}

absl::StatusOr<pb::Indicators> BoardHandlers::MakeIndicators(rpc::Context& ctx,
                                                             const pb::GetIndicatorsRequest& request) {
  const base::CivilDate today = base::ToVietnam(ctx.Now()).date;
  const base::CivilDate to = base::ParseDate(request.to()).value_or(today);
  const base::CivilDate from = base::ParseDate(request.from()).value_or(base::AddDays(to, -kIndicatorDaysDefault));
  const int64_t first = base::DaysFromCivil(from), last = base::DaysFromCivil(to);
  if (last < first || last - first > kIndicatorDaysMax) {
    return base::InvalidField(
        "from", {"Khoảng thời gian phải từ 1 ngày đến 3 năm.", "Between one day and three years can be asked for."});
  }
  std::string root = request.category();
  if (!root.empty()) {
    const std::vector<const Category*> chain = p_.data.categories.Chain(root);
    if (chain.empty()) return CategoryUnknown();
    root = chain.back()->id;
  }
  ASSIGN_OR_RETURN(const auto sums, p_.database.Read(ctx, [&](db::Tx& tx) {
    return p_.board.Sums(tx, request.unit(), root, first, last);
  }));
  pb::Indicators out;
  out.set_from(base::FormatDate(from));
  out.set_to(base::FormatDate(to));
  std::map<std::string, Counts> by_unit;
  for (const auto& [key, counts] : sums) {
    pb::IndicatorRow* row = out.add_rows();
    row->set_unit(key.first);
    row->set_unit_name(p_.names.UnitName(ctx, key.first));
    row->set_category(key.second);
    FillRow(counts, row);
    Add(counts, by_unit[key.first]);
  }
  if (!root.empty()) return out;
  for (const auto& [unit, counts] : by_unit) {
    pb::IndicatorRow* row = out.add_rows();
    row->set_unit(unit);
    row->set_unit_name(p_.names.UnitName(ctx, unit));
    FillRow(counts, row);
  }
  return out;
}

}  // namespace dinh::feedback

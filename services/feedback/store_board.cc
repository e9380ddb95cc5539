// Rows of the board.
#include "services/feedback/store_board.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "services/feedback/store_board_columns.h"

namespace dinh::feedback {
namespace {

using nlohmann::json;

std::string Text(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// [[id, kind, width, height], …]
std::string PhotosJson(const std::vector<BoardPhoto>& photos) {
  json out = json::array();
  for (const BoardPhoto& photo : photos) {
    out.push_back({photo.id, static_cast<int>(photo.kind), photo.width, photo.height});
  }
  return Text(out);
}

std::vector<BoardPhoto> PhotosFrom(std::string_view text) {
  std::vector<BoardPhoto> photos;
  const json list = json::parse(text.begin(), text.end(), nullptr, false);
  if (!list.is_array()) return photos;
  for (const json& one : list) {
    if (!one.is_array() || one.size() != 4 || !one[0].is_string()) continue;
    photos.push_back({one[0].get<std::string>(), static_cast<pb::Photo::Kind>(one[1].get<int>()), one[2].get<int>(),
                      one[3].get<int>()});
  }
  return photos;
}

// [[position, kind, event, state, actor, actor_name, text, shown_at], …]
std::string LinesJson(const std::vector<BoardLine>& lines) {
  json out = json::array();
  for (const BoardLine& line : lines) {
    out.push_back({line.position, static_cast<int>(line.kind), line.event, static_cast<int>(line.state),
                   static_cast<int>(line.actor), line.actor_name, line.text, line.shown_at});
  }
  return Text(out);
}

std::vector<BoardLine> LinesFrom(std::string_view text) {
  std::vector<BoardLine> lines;
  const json list = json::parse(text.begin(), text.end(), nullptr, false);
  if (!list.is_array()) return lines;
  for (const json& one : list) {
    if (!one.is_array() || one.size() != 8) continue;
    BoardLine line;
    line.position = one[0].get<int64_t>();
    line.kind = static_cast<pb::Update::Kind>(one[1].get<int>());
    line.event = one[2].get<std::string>();
    line.state = static_cast<State>(one[3].get<int>());
    line.actor = static_cast<pb::Update::Actor>(one[4].get<int>());
    line.actor_name = one[5].get<std::string>();
    line.text = one[6].get<std::string>();
    line.shown_at = one[7].get<int64_t>();
    lines.push_back(std::move(line));
  }
  return lines;
}

// A point as three columns, NULL without one.
struct PointColumns {
  explicit PointColumns(const std::optional<Point>& point) {
    if (!point) return;
    lat = point->lat;
    lon = point->lon;
    morton = MortonOf(*point);
  }
  std::optional<double> lat, lon;
  std::optional<int64_t> morton;
};

// What changes seldom, and is indexed: left alone when it is as before.
bool SamePlace(const BoardRow& a, const BoardRow& b) {
  return a.category == b.category && a.unit == b.unit && a.agency == b.agency && a.point == b.point && a.day == b.day &&
         a.shown_at == b.shown_at && a.anonymous == b.anonymous && a.text == b.text && a.place == b.place &&
         a.search == b.search;
}

}  // namespace

BoardRow ReadPin(const db::Row& row) {
  BoardRow b;
  int i = 0;
  b.number = row.Int(i++);
  b.code = row.Text(i++);
  b.category = row.Text(i++);
  b.unit = row.Text(i++);
  b.agency = row.Text(i++);
  b.state = static_cast<State>(row.Int(i++));
  if (!row.IsNull(i)) b.point = Point{row.Double(i), row.Double(i + 1)};
  i += 2;
  b.day = row.Int(i++);
  b.shown_at = row.Int(i++);
  b.changed_at = row.Int(i++);
  b.expected_at = row.OptInt(i++);
  b.anonymous = row.Bool(i++);
  b.joined = row.Int(i++);
  b.stars = static_cast<int>(row.Int(i++));
  return b;
}

BoardRow ReadBoardRow(const db::Row& row) {
  BoardRow b = ReadPin(row);
  int i = kPinColumns;
  b.text = row.Text(i++);
  b.place = row.Text(i++);
  b.photos = PhotosFrom(row.TextView(i++));
  b.lines = LinesFrom(row.TextView(i++));
  b.search = row.Text(i++);
  b.published_at = row.Int(i++);
  return b;
}

absl::StatusOr<int64_t> BoardStore::NextNumber(db::Tx& tx, int64_t count) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> last,
                   tx.QueryOne("UPDATE board_head SET last = last + $1 WHERE id = 1 RETURNING last", {count},
                               [](const db::Row& row) { return row.Int(0); }));
  if (!last) return base::Internal("board_head has no row");
  return *last - count + 1;
}

absl::Status BoardStore::Insert(db::Tx& tx, const BoardRow& row) const {
  const PointColumns point(row.point);
  const std::string photos = PhotosJson(row.photos), lines = LinesJson(row.lines);
  RETURN_IF_ERROR(tx.ExecLater(
      "INSERT INTO board_reports (number, code, category, unit, agency, state, open, lat, lng, morton, day, "
      "shown_at, changed_at, expected_at, anonymous, joined, stars, text, place, photos, updates, search, "
      "published_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, "
      "$19, $20, $21, $22, $23)",
      {row.number,        row.code,        row.category,  row.unit,     row.agency,      row.state,
       IsOpen(row.state), point.lat,       point.lon,     point.morton, row.day,         row.shown_at,
       row.changed_at,    row.expected_at, row.anonymous, row.joined,   row.stars,       row.text,
       row.place,         photos,          lines,         row.search,   row.published_at}));
  return text_.Put(tx, row.number, row.search);
}

absl::Status BoardStore::Update(db::Tx& tx, const BoardRow& before, const BoardRow& row) const {
  const std::string photos = PhotosJson(row.photos), lines = LinesJson(row.lines);
  RETURN_IF_ERROR(
      tx.Exec("UPDATE board_reports SET state = $2, open = $3, changed_at = $4, expected_at = $5, joined = $6, "
              "stars = $7, photos = $8, updates = $9 WHERE number = $1",
              {row.number, row.state, IsOpen(row.state), row.changed_at, row.expected_at, row.joined, row.stars, photos,
               lines})
          .status());
  if (SamePlace(before, row)) return absl::OkStatus();
  const PointColumns point(row.point);
  RETURN_IF_ERROR(
      tx.Exec("UPDATE board_reports SET category = $2, unit = $3, agency = $4, lat = $5, lng = $6, morton = $7, "
              "day = $8, shown_at = $9, anonymous = $10, text = $11, place = $12, search = $13 WHERE number = $1",
              {row.number, row.category, row.unit, row.agency, point.lat, point.lon, point.morton, row.day,
               row.shown_at, row.anonymous, row.text, row.place, row.search})
          .status());
  if (before.search == row.search) return absl::OkStatus();
  RETURN_IF_ERROR(text_.Remove(tx, row.number, before.search));
  return text_.Put(tx, row.number, row.search);
}

absl::Status BoardStore::Remove(db::Tx& tx, const BoardRow& row) const {
  RETURN_IF_ERROR(tx.Exec("DELETE FROM board_reports WHERE number = $1", {row.number}).status());
  return text_.Remove(tx, row.number, row.search);
}

absl::StatusOr<std::optional<BoardRow>> BoardStore::ByCode(db::Tx& tx, std::string_view code) const {
  return tx.QueryOne("SELECT " DINH_BOARD_COLUMNS " FROM board_reports WHERE code = $1", {code}, &ReadBoardRow);
}

absl::StatusOr<bool> BoardStore::ShowsPhoto(db::Tx& tx, std::string_view code, std::string_view photo) const {
  ASSIGN_OR_RETURN(const auto photos, tx.QueryOne("SELECT photos FROM board_reports WHERE code = $1", {code},
                                                  [](const db::Row& row) { return PhotosFrom(row.TextView(0)); }));
  if (!photos) return false;
  for (const BoardPhoto& one : *photos) {
    if (one.id == photo) return true;
  }
  return false;
}

absl::StatusOr<std::vector<BoardRow>> BoardStore::Rows(db::Tx& tx, const std::vector<int64_t>& numbers) const {
  return ReadByNumber<BoardRow>(tx, DINH_BOARD_COLUMNS, numbers, &ReadBoardRow);
}

}  // namespace dinh::feedback

// The board on the map: counts by tile, single reports in a box, open ones near a point.
#include <algorithm>
#include <functional>
#include <utility>

#include "services/feedback/board_candidate.h"
#include "services/feedback/store_board.h"
#include "services/feedback/store_board_columns.h"

namespace dinh::feedback {
namespace {

constexpr size_t kBoxRanges = 16;
constexpr size_t kCircleRanges = 8;
constexpr size_t kLeavesByIndex = 8;
constexpr double kFirstRadius = 25;  // metres; doubled until enough is found

bool Touch(const Bbox& a, const Bbox& b) {
  return a.west <= b.east && b.west <= a.east && a.south <= b.north && b.south <= a.north;
}

Tile TileOfCell(int64_t cell, int level) {
  const int below = 2 * (kMortonLevel - level);
  const Tile finest = TileFromMorton(cell << below);
  return {level, finest.x >> (kMortonLevel - level), finest.y >> (kMortonLevel - level)};
}

// Ranges of the finest level as ranges of cells, apart from each other.
std::vector<Range> CellRanges(const std::vector<Range>& fine, int level) {
  const int below = 2 * (kMortonLevel - level);
  std::vector<Range> out;
  for (const Range& range : fine) {
    const Range cells{range.from >> below, ((range.to - 1) >> below) + 1};
    if (!out.empty() && cells.from <= out.back().to) {
      out.back().to = std::max(out.back().to, cells.to);
    } else {
      out.push_back(cells);
    }
  }
  return out;
}

struct Found {
  int64_t number = 0;
  double metres = 0;
};
struct Circle {
  std::vector<Found> found;
  bool complete = true;  // false: more lay there than may be looked through
};

// Open reports of the leaves within the circle. Few leaves have an index of their own open reports; many are filtered.
absl::StatusOr<Circle> OpenWithin(db::Tx& tx, const Point& centre, double radius_m,
                                  const std::vector<std::string>& categories) {
  const bool by_leaf = categories.size() <= kLeavesByIndex;
  const std::vector<std::string> all = {""};
  Circle circle;
  int64_t scanned = 0;
  const auto take = [&](const db::Row& row) {
    ++scanned;
    const double metres = MetresBetween(centre, {row.Double(1), row.Double(2)});
    if (metres > radius_m) return;
    if (!by_leaf && (!IsOpen(static_cast<State>(row.Int(4))) || !Among(categories, row.Text(3)))) return;
    circle.found.push_back({row.Int(0), metres});
  };
  for (const Range& range : CoverCircle(centre, radius_m, kCircleRanges)) {
    for (const std::string& category : by_leaf ? categories : all) {
      const int64_t room = kBoardScanMax + 1 - scanned;
      RETURN_IF_ERROR(by_leaf
                          ? tx.Query("SELECT number, lat, lng FROM board_reports WHERE category = $1 AND open = 1 AND "
                                     "morton IS NOT NULL AND morton >= $2 AND morton < $3 LIMIT $4",
                                     {category, range.from, range.to, room}, take)
                          : tx.Query("SELECT number, lat, lng, category, state FROM board_reports WHERE morton >= $1 "
                                     "AND morton < $2 LIMIT $3",
                                     {range.from, range.to, room}, take));
      circle.complete = scanned <= kBoardScanMax;
      if (!circle.complete) return circle;
    }
  }
  return circle;
}

// Nearest first, each once.
void Order(std::vector<Found>& found) {
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::pair(a.metres, -a.number) < std::pair(b.metres, -b.number);
  });
  const auto same = [](const Found& a, const Found& b) { return a.number == b.number; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  if (found.size() > kNearbyMax) found.resize(kNearbyMax);
}

// Rows of board_cells in one statement: what a statement costs is a multiple of what a row costs.
constexpr size_t kCellsAtOnce = 16;
constexpr size_t kCellParams = 5;

std::string_view AddCellsSql(size_t rows) {
  static const auto kMake = [](size_t count) {
    std::string sql = "INSERT INTO board_cells (dim, level, cell, open, finished) VALUES ";
    for (size_t i = 0; i < count; ++i) {
      sql += i == 0 ? "(" : ", (";
      for (size_t j = 1; j <= kCellParams; ++j) sql += (j == 1 ? "$" : ", $") + std::to_string(i * kCellParams + j);
      sql += ")";
    }
    return sql +
           " ON CONFLICT (dim, level, cell) DO UPDATE SET open = board_cells.open + excluded.open, "
           "finished = board_cells.finished + excluded.finished";
  };
  static const std::string kOne = kMake(1), kMany = kMake(kCellsAtOnce);
  return rows == 1 ? kOne : kMany;
}

}  // namespace

absl::StatusOr<std::vector<NearRow>> BoardStore::Nearby(db::Tx& tx, const Point& centre, double radius_m,
                                                        const std::vector<std::string>& categories) const {
  // From a small circle outwards: where reports lie close together the nearest are found without reading the rest.
  std::vector<Found> nearest;
  for (double radius = std::min(kFirstRadius, radius_m);; radius = std::min(2 * radius, radius_m)) {
    ASSIGN_OR_RETURN(const Circle circle, OpenWithin(tx, centre, radius, categories));
    nearest.insert(nearest.end(), circle.found.begin(), circle.found.end());
    Order(nearest);
    if (!circle.complete || nearest.size() == kNearbyMax || radius >= radius_m) break;
  }
  std::vector<int64_t> numbers;
  numbers.reserve(nearest.size());
  for (const Found& one : nearest) numbers.push_back(one.number);
  ASSIGN_OR_RETURN(std::vector<BoardRow> rows, Rows(tx, numbers));
  std::vector<NearRow> out;
  for (size_t i = 0; i < rows.size(); ++i) out.push_back({std::move(rows[i]), nearest[i].metres});
  return out;
}

absl::StatusOr<std::optional<std::vector<BoardRow>>> BoardStore::InBox(db::Tx& tx, const BoardFilter& filter) const {
  std::vector<int64_t> numbers;
  int64_t scanned = 0;
  for (const Range& range : CoverBox(*filter.box, kBoxRanges)) {
    const int64_t room = kBoardScanMax + 1 - scanned;
    RETURN_IF_ERROR(tx.Query("SELECT " DINH_PLACED_COLUMNS
                             " FROM board_reports WHERE morton >= $1 AND morton < $2 LIMIT $3",
                             {range.from, range.to, room}, [&](const db::Row& row) {
                               ++scanned;
                               const auto c = ReadPlaced<Candidate>(row);
                               if (Matches(filter, c)) numbers.push_back(c.number);
                             }));
    if (scanned > kBoardScanMax || numbers.size() > kBoardPointsMax) return std::optional<std::vector<BoardRow>>();
  }
  std::sort(numbers.begin(), numbers.end(), std::greater<>());
  ASSIGN_OR_RETURN(std::vector<BoardRow> rows, ReadByNumber<BoardRow>(tx, DINH_PIN_COLUMNS, numbers, &ReadPin));
  return std::optional<std::vector<BoardRow>>(std::move(rows));
}

absl::StatusOr<std::vector<CountedTile>> BoardStore::Cells(db::Tx& tx, const std::vector<std::string>& dims, int level,
                                                           const Bbox& box) const {
  std::map<int64_t, CellCount> cells;
  for (const Range& range : CellRanges(CoverBox(box, kBoxRanges), level)) {
    for (const std::string& dim : dims) {
      RETURN_IF_ERROR(
          tx.Query("SELECT cell, open, finished FROM board_cells WHERE dim = $1 AND level = $2 AND "
                   "cell >= $3 AND cell < $4 ORDER BY cell LIMIT $5",
                   {dim, level, range.from, range.to, kCellsPerAnswerMax}, [&](const db::Row& row) {
                     CellCount& count = cells[row.Int(0)];
                     count.open += row.Int(1);
                     count.finished += row.Int(2);
                   }));
    }
  }
  std::vector<CountedTile> out;
  for (const auto& [cell, count] : cells) {
    const Tile tile = TileOfCell(cell, level);
    if (count == CellCount{} || !Touch(BoxOf(tile), box)) continue;
    out.push_back({tile, count});
    if (out.size() == kCellsPerAnswerMax) break;
  }
  return out;
}

absl::Status BoardStore::AddCells(db::Tx& tx, const std::map<CellKey, CellCount>& changes) const {
  std::vector<db::Param> params;
  for (const auto& [key, change] : changes) {
    if (change == CellCount{}) continue;
    params.insert(params.end(), {key.dim, key.level, key.cell, change.open, change.finished});
  }
  for (size_t done = 0; done < params.size();) {
    const size_t rows = (params.size() - done) / kCellParams >= kCellsAtOnce ? kCellsAtOnce : 1;
    RETURN_IF_ERROR(tx.ExecLaterParams(AddCellsSql(rows), params.data() + done, rows * kCellParams));
    done += rows * kCellParams;
  }
  for (const auto& [key, change] : changes) {
    if (change.open + change.finished >= 0) continue;
    RETURN_IF_ERROR(
        tx.ExecLater("DELETE FROM board_cells WHERE dim = $1 AND level = $2 AND cell = $3 AND open = 0 AND "
                     "finished = 0",
                     {key.dim, key.level, key.cell}));
  }
  return absl::OkStatus();
}

}  // namespace dinh::feedback

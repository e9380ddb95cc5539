// Follows, and what is to be published.
#include <set>

#include "libs/db/dialect.h"
#include "services/feedback/sealed.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {
namespace {

constexpr std::string_view kFollowName = "follows.name";
constexpr int kFollowersPerTileMax = 5000;

int64_t FollowTile(const Tile& tile) { return RangeOf(tile).from >> (2 * (kMortonLevel - kFollowTileLevel)); }

// Every tile of a box around the circle: who follows is filtered by distance anyway.
std::vector<int64_t> TilesAround(const Point& centre, double radius_m) {
  const Bbox box = BoxAround(centre, radius_m);
  const Tile first = TileOf({box.north, box.west}, kFollowTileLevel);
  const Tile last = TileOf({box.south, box.east}, kFollowTileLevel);
  std::vector<int64_t> tiles;
  for (int32_t x = first.x; x <= last.x; ++x) {
    for (int32_t y = first.y; y <= last.y; ++y) tiles.push_back(FollowTile({kFollowTileLevel, x, y}));
  }
  return tiles;
}

}  // namespace

absl::Status BoardStore::InsertFollow(db::Tx& tx, const FollowRow& row) const {
  const SealedText name(sealer_, row.name, {kFollowName, row.id});
  RETURN_IF_ERROR(tx.Exec("INSERT INTO follows (id, account, unit, lat, lng, radius_m, name_sealed, created_at) "
                          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                          {row.id, row.account, row.unit, row.center.lat, row.center.lon, row.radius_m, name.param(),
                           row.created_at})
                      .status());
  if (!row.unit.empty()) return absl::OkStatus();
  for (const int64_t tile : TilesAround(row.center, row.radius_m)) {
    RETURN_IF_ERROR(tx.Exec("INSERT INTO follow_tiles (tile, follow) VALUES ($1, $2)", {tile, row.id}).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FollowRow>> BoardStore::Follows(db::Tx& tx, std::string_view account) const {
  std::vector<FollowRow> rows;
  RETURN_IF_ERROR(
      tx.Query("SELECT id, account, unit, lat, lng, radius_m, name_sealed, created_at FROM follows "
               "WHERE account = $1 ORDER BY id",
               {account}, [&](const db::Row& row) -> absl::Status {
                 FollowRow follow;
                 follow.id = row.Text(0);
                 follow.account = row.Text(1);
                 follow.unit = row.Text(2);
                 follow.center = {row.Double(3), row.Double(4)};
                 follow.radius_m = static_cast<int>(row.Int(5));
                 ASSIGN_OR_RETURN(follow.name, OpenSealed(sealer_, row, 6, {kFollowName, follow.id}));
                 follow.created_at = row.Int(7);
                 rows.push_back(std::move(follow));
                 return absl::OkStatus();
               }));
  return rows;
}

absl::StatusOr<int64_t> BoardStore::CountFollows(db::Tx& tx, std::string_view account) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> count,
                   tx.QueryOne("SELECT COUNT(*) FROM follows WHERE account = $1", {account},
                               [](const db::Row& row) { return row.Int(0); }));
  return count.value_or(0);
}

absl::StatusOr<bool> BoardStore::RemoveFollow(db::Tx& tx, std::string_view account, std::string_view id) const {
  ASSIGN_OR_RETURN(const std::optional<FollowRow> follow,
                   tx.QueryOne("SELECT unit, lat, lng, radius_m FROM follows WHERE id = $1 AND account = $2",
                               {id, account}, [](const db::Row& row) {
                                 FollowRow found;
                                 found.unit = row.Text(0);
                                 found.center = {row.Double(1), row.Double(2)};
                                 found.radius_m = static_cast<int>(row.Int(3));
                                 return found;
                               }));
  if (!follow) return false;
  if (follow->unit.empty()) {
    for (const int64_t tile : TilesAround(follow->center, follow->radius_m)) {
      RETURN_IF_ERROR(tx.Exec("DELETE FROM follow_tiles WHERE tile = $1 AND follow = $2", {tile, id}).status());
    }
  }
  RETURN_IF_ERROR(tx.Exec("DELETE FROM follows WHERE id = $1", {id}).status());
  return true;
}

absl::StatusOr<std::vector<std::string>> BoardStore::Followers(db::Tx& tx, const std::vector<std::string>& units,
                                                               const std::optional<Point>& point, int limit) const {
  std::set<std::string> accounts;
  for (const std::string& unit : units) {
    RETURN_IF_ERROR(tx.Query("SELECT account FROM follows WHERE unit = $1 AND unit <> '' LIMIT $2", {unit, limit},
                             [&](const db::Row& row) { accounts.insert(row.Text(0)); }));
  }
  if (point) {
    RETURN_IF_ERROR(
        tx.Query("SELECT f.account, f.lat, f.lng, f.radius_m FROM follow_tiles t JOIN follows f ON f.id = t.follow "
                 "WHERE t.tile = $1 LIMIT $2",
                 {FollowTile(TileOf(*point, kFollowTileLevel)), kFollowersPerTileMax}, [&](const db::Row& row) {
                   const double metres = MetresBetween(*point, {row.Double(1), row.Double(2)});
                   if (metres <= static_cast<double>(row.Int(3))) accounts.insert(row.Text(0));
                 }));
  }
  std::vector<std::string> out(accounts.begin(), accounts.end());
  if (out.size() > static_cast<size_t>(limit)) out.resize(static_cast<size_t>(limit));
  return out;
}

absl::StatusOr<std::vector<Publication>> BoardStore::Due(db::Tx& tx, base::Micros now, int limit) const {
  const std::string sql = "SELECT report, due_at, " + std::string(db::RowVersion(tx.engine())) +
                          " FROM publications WHERE due_at <= $1 ORDER BY due_at LIMIT $2";
  return tx.QueryAll(sql, {now, limit}, [](const db::Row& row) {
    return Publication{row.Text(0), row.Int(1), row.Int(2)};
  });
}

absl::StatusOr<std::vector<std::string>> BoardStore::PeekDue(db::Tx& tx, base::Micros now, int limit) const {
  return tx.QueryAll("SELECT report FROM publications WHERE due_at <= $1 ORDER BY due_at LIMIT $2", {now, limit},
                     [](const db::Row& row) { return row.Text(0); });
}

absl::StatusOr<bool> BoardStore::AnyDue(db::Tx& tx, base::Micros now) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> due,
                   tx.QueryOne("SELECT due_at FROM publications WHERE due_at <= $1 LIMIT 1", {now},
                               [](const db::Row& row) { return row.Int(0); }));
  return due.has_value();
}

absl::Status BoardStore::Done(db::Tx& tx, const Publication& publication) const {
  return tx.ExecLater("DELETE FROM publications WHERE report = $1 AND due_at = $2 AND " +
                          std::string(db::RowVersion(tx.engine())) + " = $3",
                      {publication.report, publication.due_at, publication.version});
}

absl::Status BoardStore::Postpone(db::Tx& tx, const Publication& publication, base::Micros due_at) const {
  return tx.ExecLater("UPDATE publications SET due_at = $3 WHERE report = $1 AND due_at = $2 AND " +
                          std::string(db::RowVersion(tx.engine())) + " = $4",
                      {publication.report, publication.due_at, due_at, publication.version});
}

absl::StatusOr<int64_t> BoardStore::CountDue(db::Tx& tx, base::Micros now, int limit) const {
  ASSIGN_OR_RETURN(const std::optional<int64_t> count,
                   tx.QueryOne("SELECT COUNT(*) FROM (SELECT 1 FROM publications WHERE due_at <= $1 LIMIT $2) AS due",
                               {now, limit}, [](const db::Row& row) { return row.Int(0); }));
  return count.value_or(0);
}

}  // namespace dinh::feedback

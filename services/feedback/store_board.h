// Every SQL statement about what is public: the board with its text index and map counts, follows, indicators, and the
// list of what is to be published. (Reports themselves: store.h.)
//
// What a reader asks costs the same however large the board is: lists go down an index from where they stand and look
// at kBoardScanMax rows at most; a page may then be short and say where to go on.
//
// Thread-safe: holds no state.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/sealer.h"
#include "libs/db/database.h"
#include "libs/db/text_index.h"
#include "services/feedback/board_rows.h"
#include "services/feedback/domain/indicators.h"
#include "services/feedback/rows.h"

namespace dinh::feedback {

inline constexpr char kBoardText[] = "board_text";  // the text index
inline constexpr int kBoardScanMax = 2000;          // rows looked at for one page
inline constexpr int kSectionScanMax = 65'536;      // in an index that holds what is looked at
inline constexpr int kBoardPointsMax = 500;         // single reports in one answer of the map
inline constexpr int kNearbyMax = 20;
inline constexpr size_t kCellsPerAnswerMax = 4096;
inline constexpr int kFollowTileLevel = 14;

class BoardStore {
 public:
  explicit BoardStore(const auth::Sealer& sealer) : sealer_(sealer), text_(kBoardText) {}

  // The text index; once, after the service's migrations.
  absl::Status EnsureSchema(db::Database& database) const { return text_.EnsureSchema(database); }

  // --- rows (store_board.cc)

  // The first of `count` numbers. They follow each other in the order of commits: other publishers wait for the end of
  // the transaction.
  absl::StatusOr<int64_t> NextNumber(db::Tx& tx, int64_t count = 1) const;
  absl::Status Insert(db::Tx& tx, const BoardRow& row) const;
  // `before`: as it stands in the table.
  absl::Status Update(db::Tx& tx, const BoardRow& before, const BoardRow& row) const;
  absl::Status Remove(db::Tx& tx, const BoardRow& row) const;
  absl::StatusOr<std::optional<BoardRow>> ByCode(db::Tx& tx, std::string_view code) const;
  // Whether a photo stands on the board. (By the report's code: photos have no index of their own.)
  absl::StatusOr<bool> ShowsPhoto(db::Tx& tx, std::string_view code, std::string_view photo) const;

  // --- lists (store_board_lists.cc), newest first

  // By number; with times in the filter by shown time, then number.
  absl::StatusOr<BoardPage> List(db::Tx& tx, const BoardFilter& filter, const std::optional<BoardCursor>& after,
                                 int limit) const;
  // `limit` rows of a list by time after its first `skipped`, for readers that count pages; both are small. Looks at
  // kSectionScanMax rows at most.
  absl::StatusOr<std::vector<BoardRow>> Section(db::Tx& tx, const BoardFilter& filter, int skipped, int limit) const;
  // That hold all words (db::TextWords of the folded query), by number.
  absl::StatusOr<BoardPage> Search(db::Tx& tx, const std::vector<std::string>& words, const BoardFilter& filter,
                                   const std::optional<BoardCursor>& after, int limit) const;
  // In the order of publication: numbers above `after` published before `published_before`.
  absl::StatusOr<std::vector<BoardRow>> Export(db::Tx& tx, const BoardFilter& filter, int64_t after,
                                               base::Micros published_before, int limit) const;
  // Changed (as shown) within [from, to), latest first, at most `limit`.
  absl::StatusOr<std::vector<BoardRow>> Changed(db::Tx& tx, base::Micros from, base::Micros to, int limit) const;

  // --- the map (store_board_map.cc)

  // Open ones of these leaves around a point, nearest first, at most kNearbyMax.
  absl::StatusOr<std::vector<NearRow>> Nearby(db::Tx& tx, const Point& centre, double radius_m,
                                              const std::vector<std::string>& categories) const;
  // Those in filter.box (needed), newest first, without texts, photos and history; nullopt: more than kBoardPointsMax,
  // or more than can be looked through.
  absl::StatusOr<std::optional<std::vector<BoardRow>>> InBox(db::Tx& tx, const BoardFilter& filter) const;
  // Counts of the tiles that touch the box, summed over `dims`; empty ones are left out. At most kCellsPerAnswerMax.
  absl::StatusOr<std::vector<CountedTile>> Cells(db::Tx& tx, const std::vector<std::string>& dims, int level,
                                                 const Bbox& box) const;
  absl::Status AddCells(db::Tx& tx, const std::map<CellKey, CellCount>& changes) const;

  // --- follows (store_follows.cc)

  absl::Status InsertFollow(db::Tx& tx, const FollowRow& row) const;
  absl::StatusOr<std::vector<FollowRow>> Follows(db::Tx& tx, std::string_view account) const;
  absl::StatusOr<int64_t> CountFollows(db::Tx& tx, std::string_view account) const;
  // false: there is no such follow of this account.
  absl::StatusOr<bool> RemoveFollow(db::Tx& tx, std::string_view account, std::string_view id) const;
  // Accounts that follow one of the units or a circle around the point; each once, sorted, at most `limit`.
  absl::StatusOr<std::vector<std::string>> Followers(db::Tx& tx, const std::vector<std::string>& units,
                                                     const std::optional<Point>& point, int limit) const;

  // --- indicators (store_figures.cc): changes are rows of their own until they are merged into the totals

  // `id`: a new one. Shares no row with anybody.
  absl::Status AddFigures(db::Tx& tx, std::string_view id, const IndicatorKey& key, const FigureChange& change) const;
  // Takes the first `limit` changes (without those that another merger holds) into the totals; how many there were. In
  // a transaction, once each: what it takes it removes.
  absl::StatusOr<int64_t> MergeFigures(db::Tx& tx, int limit) const;
  // Straight into the totals: rows that others count in are locked, in the order of the keys.
  absl::Status AddTotals(db::Tx& tx, const IndicatorSums& sums) const;
  // Whether changes of figures or loads wait to be merged.
  absl::StatusOr<bool> AnyUnmerged(db::Tx& tx) const;
  // Exact, merged or not. Sums over days [from, to] by unit and root category; empty arguments: all.
  // Counts::overdue_open holds what passed
  // its time. Never beyond today: an anonymous report counts from the day it may show on, and not sooner for whoever
  // asks ahead.
  absl::StatusOr<std::map<std::pair<std::string, std::string>, Counts>> Sums(db::Tx& tx, std::string_view unit,
                                                                             std::string_view category, int64_t from,
                                                                             int64_t to) const;

  // --- publications (store_follows.cc)

  // Those due, the longest first, without a lock.
  absl::StatusOr<std::vector<Publication>> Due(db::Tx& tx, base::Micros now, int limit) const;
  // The ids of their reports, to prepare for them.
  absl::StatusOr<std::vector<std::string>> PeekDue(db::Tx& tx, base::Micros now, int limit) const;
  absl::StatusOr<bool> AnyDue(db::Tx& tx, base::Micros now) const;
  // Forgets it unless the report was to be published again since it was read. Others that want it so wait from here on
  // to the end of the transaction: the last thing it does.
  absl::Status Done(db::Tx& tx, const Publication& publication) const;
  absl::Status Postpone(db::Tx& tx, const Publication& publication, base::Micros due_at) const;
  absl::StatusOr<int64_t> CountDue(db::Tx& tx, base::Micros now, int limit) const;

 private:
  struct Candidate;
  absl::StatusOr<std::vector<BoardRow>> Rows(db::Tx& tx, const std::vector<int64_t>& numbers) const;

  const auth::Sealer& sealer_;
  const db::TextIndex text_;
};

}  // namespace dinh::feedback

// Lists of the board: down (or up) an index from where the reader stands, with what the index does not know filtered
// here.
#include <algorithm>
#include <limits>
#include <utility>

#include "services/feedback/board_candidate.h"
#include "services/feedback/store_board.h"
#include "services/feedback/store_board_columns.h"

namespace dinh::feedback {

namespace {

#define DINH_CANDIDATE_COLUMNS DINH_PLACED_COLUMNS ", published_at"

constexpr int64_t kNewest = std::numeric_limits<int64_t>::max();
constexpr size_t kMergedMax = 64;  // leaves whose indexes are read side by side
constexpr size_t kBoxRanges = 16;
constexpr int kStep = 128;  // rows read at a time
constexpr int kSectionStep = 2048;

template <typename Candidate>
Candidate ReadCandidate(const db::Row& row) {
  Candidate c = ReadPlaced<Candidate>(row);
  c.published_at = row.Int(7);
  return c;
}

enum class Way { kDown, kUp };

// One index, from `from` on (exclusive).
template <typename Candidate>
absl::StatusOr<std::vector<Candidate>> ReadIndex(db::Tx& tx, Way way, const BoardFilter& filter,
                                                 const std::string& category, int64_t from, int limit) {
  static const std::string kSelect = "SELECT " DINH_CANDIDATE_COLUMNS " FROM board_reports WHERE ";
  const bool unit = !filter.unit.empty();
  const bool state = !unit && category.empty() && filter.states.size() == 1;
  std::string sql = kSelect;
  if (unit) sql += "unit = $3 AND ";
  if (!category.empty()) sql += unit ? "category = $4 AND " : "category = $3 AND ";
  if (state) sql += "state = $3 AND ";
  sql += way == Way::kDown ? "number < $1 ORDER BY number DESC LIMIT $2" : "number > $1 ORDER BY number LIMIT $2";
  if (state) return tx.QueryAll(sql, {from, limit, filter.states.front()}, &ReadCandidate<Candidate>);
  if (unit && !category.empty()) {
    return tx.QueryAll(sql, {from, limit, filter.unit, category}, &ReadCandidate<Candidate>);
  }
  if (unit) return tx.QueryAll(sql, {from, limit, filter.unit}, &ReadCandidate<Candidate>);
  if (!category.empty()) return tx.QueryAll(sql, {from, limit, category}, &ReadCandidate<Candidate>);
  return tx.QueryAll(sql, {from, limit}, &ReadCandidate<Candidate>);
}

template <typename Candidate>
struct Stretch {
  std::vector<Candidate> rows;  // in order
  std::optional<int64_t> next;  // go on from here (exclusive); nullopt: that was all
};

// The next rows of all leaves together, in order; rows of one leaf beyond what is known of another are left for later.
template <typename Candidate>
absl::StatusOr<Stretch<Candidate>> ReadStretch(db::Tx& tx, Way way, const BoardFilter& filter, int64_t from,
                                               int limit) {
  const bool merged = !filter.categories.empty() && filter.categories.size() <= kMergedMax;
  const std::vector<std::string> all = {""};
  const std::vector<std::string>& leaves = merged ? filter.categories : all;
  const int each = std::max(8, limit / static_cast<int>(leaves.size()) + 1);
  const auto earlier = [way](int64_t a, int64_t b) { return way == Way::kDown ? a > b : a < b; };
  Stretch<Candidate> out;
  for (const std::string& leaf : leaves) {
    ASSIGN_OR_RETURN(std::vector<Candidate> rows, ReadIndex<Candidate>(tx, way, filter, leaf, from, each));
    const bool full = static_cast<int>(rows.size()) == each;
    if (full && (!out.next || earlier(rows.back().number, *out.next))) out.next = rows.back().number;
    std::move(rows.begin(), rows.end(), std::back_inserter(out.rows));
  }
  std::sort(out.rows.begin(), out.rows.end(),
            [&](const Candidate& a, const Candidate& b) { return earlier(a.number, b.number); });
  if (out.next) std::erase_if(out.rows, [&](const Candidate& c) { return earlier(*out.next, c.number); });
  return out;
}

// By shown time, then number, latest first.
template <typename Candidate>
absl::StatusOr<std::vector<Candidate>> ReadTimes(db::Tx& tx, const BoardFilter& filter, const BoardCursor& after,
                                                 int limit) {
  return tx.QueryAll("SELECT " DINH_CANDIDATE_COLUMNS
                     " FROM board_reports WHERE shown_at >= $1 AND (shown_at, number) < ($2, $3) "
                     "ORDER BY shown_at DESC, number DESC LIMIT $4",
                     {filter.from.value_or(std::numeric_limits<int64_t>::min()), after.shown_at, after.number, limit},
                     &ReadCandidate<Candidate>);
}

// Everything in the box, newest first; nullopt: more than may be looked through.
template <typename Candidate>
absl::StatusOr<std::optional<std::vector<Candidate>>> ReadBox(db::Tx& tx, const Bbox& box) {
  std::vector<Candidate> rows;
  for (const Range& range : CoverBox(box, kBoxRanges)) {
    const int64_t room = kBoardScanMax + 1 - static_cast<int64_t>(rows.size());
    ASSIGN_OR_RETURN(
        std::vector<Candidate> found,
        tx.QueryAll("SELECT " DINH_PLACED_COLUMNS " FROM board_reports WHERE morton >= $1 AND morton < $2 LIMIT $3",
                    {range.from, range.to, room}, &ReadPlaced<Candidate>));
    std::move(found.begin(), found.end(), std::back_inserter(rows));
    if (rows.size() > kBoardScanMax) return std::optional<std::vector<Candidate>>();
  }
  std::sort(rows.begin(), rows.end(), [](const Candidate& a, const Candidate& b) { return a.number > b.number; });
  return std::optional<std::vector<Candidate>>(std::move(rows));
}

}  // namespace

absl::StatusOr<BoardPage> BoardStore::List(db::Tx& tx, const BoardFilter& filter,
                                           const std::optional<BoardCursor>& after, int limit) const {
  const bool by_time = filter.from.has_value() || filter.to.has_value();
  BoardCursor at = after.value_or(BoardCursor{filter.to.value_or(kNewest), by_time ? 0 : kNewest});
  std::optional<std::vector<Candidate>> boxed;
  if (filter.box && !by_time) {
    ASSIGN_OR_RETURN(boxed, ReadBox<Candidate>(tx, *filter.box));
  }
  std::vector<int64_t> numbers;
  BoardPage page;
  bool more = true;
  for (int scanned = 0; more && scanned < kBoardScanMax && static_cast<int>(numbers.size()) < limit;) {
    Stretch<Candidate> stretch;
    if (by_time) {
      ASSIGN_OR_RETURN(stretch.rows, ReadTimes<Candidate>(tx, filter, at, kStep));
      if (static_cast<int>(stretch.rows.size()) == kStep) stretch.next = stretch.rows.back().number;
    } else if (boxed) {
      stretch.rows = *std::exchange(boxed, std::nullopt);
      std::erase_if(stretch.rows, [&](const Candidate& c) { return c.number >= at.number; });
    } else {
      ASSIGN_OR_RETURN(stretch, ReadStretch<Candidate>(tx, Way::kDown, filter, at.number, kStep));
    }
    more = stretch.next.has_value();
    scanned += static_cast<int>(stretch.rows.size()) + 1;
    if (!by_time && more) at.number = *stretch.next;
    for (size_t i = 0; i < stretch.rows.size(); ++i) {
      const Candidate& c = stretch.rows[i];
      if (by_time) at = {c.shown_at, c.number};
      if (!Matches(filter, c)) continue;
      numbers.push_back(c.number);
      if (static_cast<int>(numbers.size()) < limit) continue;
      at = {by_time ? c.shown_at : 0, c.number};
      more = more || i + 1 < stretch.rows.size();
      break;
    }
  }
  if (more) page.next = BoardCursor{by_time ? at.shown_at : 0, at.number};
  ASSIGN_OR_RETURN(page.rows, Rows(tx, numbers));
  return page;
}

absl::StatusOr<std::vector<BoardRow>> BoardStore::Section(db::Tx& tx, const BoardFilter& filter, int skipped,
                                                          int limit) const {
  std::vector<int64_t> numbers;
  BoardCursor at{filter.to.value_or(kNewest), 0};
  for (int scanned = 0, met = 0; scanned < kSectionScanMax && static_cast<int>(numbers.size()) < limit;) {
    ASSIGN_OR_RETURN(const std::vector<Candidate> rows, ReadTimes<Candidate>(tx, filter, at, kSectionStep));
    scanned += kSectionStep;
    for (const Candidate& c : rows) {
      at = {c.shown_at, c.number};
      if (!Matches(filter, c) || met++ < skipped || static_cast<int>(numbers.size()) == limit) continue;
      numbers.push_back(c.number);
    }
    if (static_cast<int>(rows.size()) < kSectionStep) break;
  }
  return Rows(tx, numbers);
}

absl::StatusOr<BoardPage> BoardStore::Search(db::Tx& tx, const std::vector<std::string>& words,
                                             const BoardFilter& filter, const std::optional<BoardCursor>& after,
                                             int limit) const {
  int64_t before = after ? after->number : kNewest;
  std::vector<int64_t> numbers;
  for (int scanned = 0; before > 0 && scanned < kBoardScanMax && static_cast<int>(numbers.size()) < limit;) {
    ASSIGN_OR_RETURN(const db::TextPage found, text_.Find(tx, words, before, kStep));
    before = found.searched_to;
    scanned += static_cast<int>(found.keys.size());
    ASSIGN_OR_RETURN(const std::vector<Candidate> rows,
                     ReadByNumber<Candidate>(tx, DINH_CANDIDATE_COLUMNS, found.keys, &ReadCandidate<Candidate>));
    for (const Candidate& c : rows) {
      if (!Matches(filter, c)) continue;
      numbers.push_back(c.number);
      if (static_cast<int>(numbers.size()) < limit) continue;
      if (c.number != found.keys.back()) before = c.number;
      break;
    }
    // The words were not all found in time: the reader goes on with the next page.
    if (static_cast<int>(found.keys.size()) < kStep) break;
  }
  BoardPage page;
  if (before > 0) page.next = BoardCursor{0, before};
  ASSIGN_OR_RETURN(page.rows, Rows(tx, numbers));
  return page;
}

absl::StatusOr<std::vector<BoardRow>> BoardStore::Export(db::Tx& tx, const BoardFilter& filter, int64_t after,
                                                         base::Micros published_before, int limit) const {
  std::vector<int64_t> numbers;
  for (std::optional<int64_t> at = after; at && static_cast<int>(numbers.size()) < limit;) {
    ASSIGN_OR_RETURN(const Stretch<Candidate> stretch, ReadStretch<Candidate>(tx, Way::kUp, filter, *at, limit));
    at = stretch.next;
    for (const Candidate& c : stretch.rows) {
      if (c.published_at >= published_before) {
        at.reset();
        break;
      }
      if (static_cast<int>(numbers.size()) < limit && Matches(filter, c)) numbers.push_back(c.number);
    }
  }
  return Rows(tx, numbers);
}

absl::StatusOr<std::vector<BoardRow>> BoardStore::Changed(db::Tx& tx, base::Micros from, base::Micros to,
                                                          int limit) const {
  return tx.QueryAll("SELECT " DINH_BOARD_COLUMNS
                     " FROM board_reports WHERE changed_at >= $1 AND changed_at < $2 "
                     "ORDER BY changed_at DESC, number DESC LIMIT $3",
                     {from, to, limit}, &ReadBoardRow);
}

}  // namespace dinh::feedback

// As much of a row of the board as a filter looks at. Private to store_board*.cc.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "services/feedback/board_rows.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

struct BoardStore::Candidate {
  int64_t number = 0;
  std::string category;
  std::string unit;
  State state = State::kNone;
  base::Micros shown_at = 0;
  std::optional<Point> point;
  base::Micros published_at = 0;  // of lists by number
};

// All of them stand in board_by_place: a look through the rows of a place reads that index only.
#define DINH_PLACED_COLUMNS "number, category, unit, state, shown_at, lat, lng"

template <typename T>
bool Among(const std::vector<T>& wanted, const T& value) {
  return wanted.empty() || std::find(wanted.begin(), wanted.end(), value) != wanted.end();
}

template <typename Candidate>
Candidate ReadPlaced(const db::Row& row) {
  Candidate c;
  c.number = row.Int(0);
  c.category = row.Text(1);
  c.unit = row.Text(2);
  c.state = static_cast<State>(row.Int(3));
  c.shown_at = row.Int(4);
  if (!row.IsNull(5)) c.point = Point{row.Double(5), row.Double(6)};
  return c;
}

template <typename Candidate>
bool Matches(const BoardFilter& filter, const Candidate& c) {
  if (!filter.unit.empty() && filter.unit != c.unit) return false;
  if (filter.box && (!c.point || !Contains(*filter.box, *c.point))) return false;
  if (filter.from && c.shown_at < *filter.from) return false;
  if (filter.to && c.shown_at >= *filter.to) return false;
  return Among(filter.states, c.state) && Among(filter.categories, c.category);
}

}  // namespace dinh::feedback

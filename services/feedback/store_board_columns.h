// The order in which rows of the board are read. Private to store_board*.cc.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/db/database.h"
#include "services/feedback/board_rows.h"

namespace dinh::feedback {

// Without texts: they stand at the end of the row, and what is not asked for is not read.
#define DINH_PIN_COLUMNS                                                                                       \
  "number, code, category, unit, agency, state, lat, lng, day, shown_at, changed_at, expected_at, anonymous, " \
  "joined, stars"
#define DINH_BOARD_COLUMNS DINH_PIN_COLUMNS ", text, place, photos, updates, search, published_at"
inline constexpr int kPinColumns = 15;

BoardRow ReadPin(const db::Row& row);
BoardRow ReadBoardRow(const db::Row& row);

// Rows by their numbers, in the order of `numbers`; absent ones are left out. Many at a time: each statement costs a
// way to the server. `columns` has "number" among them, and T the same.
template <typename T>
absl::StatusOr<std::vector<T>> ReadByNumber(db::Tx& tx, const std::string& columns, const std::vector<int64_t>& numbers,
                                            T (*read)(const db::Row&)) {
  constexpr std::array<size_t, 3> kWidths = {1, 8, 64};  // few statements, each prepared once
  std::vector<T> rows;
  rows.reserve(numbers.size());
  for (size_t at = 0; at < numbers.size();) {
    const size_t left = numbers.size() - at;
    const size_t width = left <= kWidths[0] ? kWidths[0] : left <= kWidths[1] ? kWidths[1] : kWidths[2];
    const size_t count = std::min(left, width);
    std::string sql = "SELECT " + columns + " FROM board_reports WHERE number IN (";
    std::vector<db::Param> params;
    for (size_t i = 0; i < width; ++i) {
      sql += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
      params.emplace_back(numbers[at + std::min(i, count - 1)]);
    }
    std::map<int64_t, T> found;
    RETURN_IF_ERROR(tx.QueryParams(sql + ")", params.data(), params.size(), [&](const db::Row& row) -> absl::Status {
      T one = read(row);
      const int64_t number = one.number;
      found.emplace(number, std::move(one));
      return absl::OkStatus();
    }));
    for (size_t i = 0; i < count; ++i) {
      if (auto one = found.find(numbers[at + i]); one != found.end()) rows.push_back(std::move(one->second));
    }
    at += count;
  }
  return rows;
}

}  // namespace dinh::feedback

// The order in which rows of the board are read. Private to store_board*.cc.
#pragma once

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

}  // namespace dinh::feedback

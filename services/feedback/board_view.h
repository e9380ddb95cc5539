// From rows of the board to what the API shows everybody.
#pragma once

#include <string>

#include "dinh/feedback/v1/resources.pb.h"
#include "services/feedback/board_rows.h"
#include "services/feedback/domain/categories.h"

namespace dinh::feedback {

struct BoardView {
  const CategoryTree& categories;
  base::Micros now = 0;
  bool english = false;
  std::string unit_name;
  std::string agency_name;
};

// "2026-02-13" of a shown time.
std::string DayText(base::Micros at);
// "PA-7K3M9QXZ4T.3"
std::string UpdateId(const BoardRow& row, int64_t position);

// Without history: what lists and the map show. Of an anonymous report days stand where times would.
pb::Report PublicSummary(const BoardView& view, const BoardRow& row);
pb::Report PublicReport(const BoardView& view, const BoardRow& row);

}  // namespace dinh::feedback

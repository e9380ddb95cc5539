// From a report to its row on the board: what of it is public, said once and here. No database, no clock.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/auth/sealer.h"
#include "libs/base/clock.h"
#include "services/feedback/board_rows.h"
#include "services/feedback/domain/categories.h"
#include "services/feedback/domain/screening.h"
#include "services/feedback/rows.h"

namespace dinh::feedback {

// 32 bytes, secret: for HidePoint only. See publisher.h.
std::string HiddenPlaceKey(const auth::Sealer& sealer);

struct PublicationRules {
  const CategoryTree& categories;
  Screener screener;
  std::string hidden_place_key;
};

struct PublicationInput {
  const ReportRow& report;
  const std::vector<UpdateRow>& updates;
  const std::vector<PhotoRow>& photos;
  const BoardRow* before = nullptr;  // as the board shows it now; nullptr: it does not
  std::string village;               // name of the place's village; "" unknown or none
  base::Micros now = 0;
};

struct PublicationPlan {
  std::optional<BoardRow> row;  // nullopt: is not to stand on the board. number and published_at: of `before`, else 0
  bool more_later = false;      // lines too young were kept back: to be published again
};

// Thread-safe.
PublicationPlan PlanPublication(const PublicationRules& rules, const PublicationInput& input);

// Every count a row of the board has its part in.
std::vector<CellKey> CellsOf(const CategoryTree& categories, const BoardRow& row);
// The dims above for a filter: category any node ("" all), months as "202611" (empty: all times). Empty when such
// counts are not kept.
std::vector<std::string> DimsFor(const CategoryTree& categories, const std::string& category, const std::string& unit,
                                 const std::vector<std::string>& months);

}  // namespace dinh::feedback

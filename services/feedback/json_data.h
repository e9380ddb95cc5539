// Reads and checks deploy/data/feedback.json. A file that is not exactly as expected (an unknown key, a wrong type, a
// rule of the domain broken) is refused with the place of the fault: the service does not start on half-understood
// data.
//
// Categories are nested ("children"); what a category does not state it has from its parent, and a root from
// "defaults". Thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/feedback/domain/categories.h"
#include "services/feedback/domain/geo.h"
#include "services/feedback/domain/templates.h"

namespace dinh::feedback {

struct FeedbackData {
  CategoryTree categories;
  std::vector<AnswerTemplate> templates;
  Bbox service_area;                   // approximate: what lies outside is refused or flagged, by configuration
  std::vector<ReferencePoint> places;  // approximate: only to suggest a unit
  double suggest_within_m = 0;         // farther from every reference point no unit is suggested
  std::vector<std::string> profanity;  // for Screener
};

// INVALID_ARGUMENT, naming the place: "feedback.json.categories[2].children[0].answer_hours: missing".
absl::StatusOr<FeedbackData> ReadFeedback(std::string_view json);

}  // namespace dinh::feedback

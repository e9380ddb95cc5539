// Templates of answers: texts with {variables}, so that an officer writes the same thing once. Pure; thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/status.h"
#include "services/feedback/domain/categories.h"
#include "services/feedback/domain/transitions.h"

namespace dinh::feedback {

struct AnswerTemplate {
  std::string id;
  std::string title;                    // Vietnamese, for the officer's list
  std::string text;                     // Vietnamese, for the citizen
  std::vector<EventKind> events;        // where it is offered
  std::vector<std::string> categories;  // ids of leaves or groups it is for; empty: all
};

// What a template may name. The service fills in what it knows; the officer the rest.
//   code category unit officer_position received_day due_day today place  — filled in by the service
//   result plan_day contact other_unit reason                              — asked of the officer
const std::vector<std::string>& KnownVariables();

using Variables = std::map<std::string, std::string, std::less<>>;

// The variables of a text in order, each once. INVALID_ARGUMENT: a brace without its partner, or a name that is not
// [a-z][a-z0-9_]* . "{{" and "}}" stand for the braces themselves.
absl::StatusOr<std::vector<std::string>> TemplateVariables(std::string_view text);

// Values are put in as they are and not read again. INVALID_ARGUMENT TEMPLATE_VARIABLE_MISSING (metadata variables,
// comma-separated), or as TemplateVariables.
absl::StatusOr<std::string> FillTemplate(std::string_view text, const Variables& values);

// Is it offered for this event in this category?
bool Offered(const AnswerTemplate& answer, EventKind event, const CategoryTree& tree, std::string_view category);

}  // namespace dinh::feedback

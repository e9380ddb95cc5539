// The one check of the answers to a category's extra questions. Pure; thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libs/base/status.h"
#include "services/feedback/domain/categories.h"

namespace dinh::feedback {

// Question id -> text: a choice's value, a number in decimal, "true" | "false".
using Answers = std::map<std::string, std::string, std::less<>>;

// Every violation at once, in the order of the questions, then unknown ids in theirs; fields "answers.<id>". Empty when
// all is well. `answers` is changed into its normal form: NFC, trimmed, empty ones dropped, numbers without leading
// zeros or sign "+".
std::vector<base::FieldViolation> CheckAnswers(const Category& category, Answers& answers);

// Without those to personal questions and to questions the category does not have: what may stand on the board.
Answers PublicAnswers(const Category& category, const Answers& answers);

}  // namespace dinh::feedback

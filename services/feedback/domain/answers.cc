#include "services/feedback/domain/answers.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "libs/base/text.h"

namespace dinh::feedback {
namespace {

const Question* FindQuestion(const Category& category, std::string_view id) {
  for (const Question& question : category.questions) {
    if (question.id == id) return &question;
  }
  return nullptr;
}

std::optional<base::Text> NumberFault(const Question& question, std::string& value) {
  std::string_view digits = value;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.starts_with('+')) {
    return base::Text{"Hãy nhập số nguyên.", "Enter a whole number."};
  }
  if (question.min && number < *question.min) {
    const std::string min = std::to_string(*question.min);
    return base::Text{"Số nhỏ nhất là " + min + ".", "The least is " + min + "."};
  }
  if (question.max && number > *question.max) {
    const std::string max = std::to_string(*question.max);
    return base::Text{"Số lớn nhất là " + max + ".", "The most is " + max + "."};
  }
  value = std::to_string(number);
  return std::nullopt;
}

// `value` is normal and not empty.
std::optional<base::Text> FaultOf(const Question& question, std::string& value) {
  switch (question.type) {
    case QuestionType::kText:
      if (base::CodePoints(value) > question.max_length) {
        const std::string max = std::to_string(question.max_length);
        return base::Text{"Tối đa " + max + " ký tự.", "At most " + max + " characters."};
      }
      return std::nullopt;
    case QuestionType::kChoice:
      for (const Option& option : question.options) {
        if (option.value == value) return std::nullopt;
      }
      return base::Text{"Hãy chọn một trong các mục đã cho.", "Choose one of the options."};
    case QuestionType::kNumber:
      return NumberFault(question, value);
    case QuestionType::kYesNo:
      if (value == "true" || value == "false") return std::nullopt;
      return base::Text{"Hãy chọn có hoặc không.", "Choose yes or no."};
  }
  return std::nullopt;
}

// Into the normal form; empty ones fall away, and what is no UTF-8 is a violation.
void Normalize(Answers& answers, std::vector<base::FieldViolation>& violations) {
  for (auto at = answers.begin(); at != answers.end();) {
    const absl::StatusOr<std::string> normal = base::NormalizeText(at->second);
    if (normal.ok()) {
      at->second = *normal;
    } else {
      violations.push_back({"answers." + at->first, {"Văn bản không phải UTF-8 hợp lệ.", "This is not valid UTF-8."}});
    }
    at = !normal.ok() || at->second.empty() ? answers.erase(at) : std::next(at);
  }
}

}  // namespace

std::vector<base::FieldViolation> CheckAnswers(const Category& category, Answers& answers) {
  std::vector<base::FieldViolation> violations;
  Normalize(answers, violations);
  for (const Question& question : category.questions) {
    const std::string field = "answers." + question.id;
    const auto answer = answers.find(question.id);
    const bool refused = std::any_of(violations.begin(), violations.end(),
                                     [&](const base::FieldViolation& violation) { return violation.field == field; });
    if (answer != answers.end()) {
      std::optional<base::Text> fault = FaultOf(question, answer->second);
      if (fault) violations.push_back({field, *std::move(fault)});
    } else if (question.required && !refused) {
      violations.push_back({field, {"Hãy trả lời câu hỏi này.", "Answer this question."}});
    }
  }
  for (const auto& [id, value] : answers) {
    if (FindQuestion(category, id) != nullptr) continue;
    violations.push_back({"answers." + id,
                          {"Lĩnh vực này không có câu hỏi đó. Hãy tải lại trang.",
                           "This category has no such question. Reload the page."}});
  }
  return violations;
}

Answers PublicAnswers(const Category& category, const Answers& answers) {
  Answers out;
  for (const auto& [id, value] : answers) {
    const Question* question = FindQuestion(category, id);
    if (question != nullptr && !question->personal) out.emplace(id, value);
  }
  return out;
}

}  // namespace dinh::feedback

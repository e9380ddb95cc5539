#include "services/feedback/domain/templates.h"

#include <algorithm>

#include "libs/base/strings.h"

namespace dinh::feedback {
namespace {

bool IsName(std::string_view text) {
  if (text.empty() || text.front() < 'a' || text.front() > 'z') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

absl::Status Malformed() {
  return base::InvalidField("text", {"Mẫu có dấu ngoặc nhọn { } không khớp hoặc tên biến không hợp lệ.",
                                     "The template has a brace without its partner or a malformed variable."});
}

// Calls plain(text) and variable(name) for the parts in order.
template <typename Plain, typename Variable>
absl::Status Read(std::string_view text, Plain&& plain, Variable&& variable) {
  while (!text.empty()) {
    const size_t brace = text.find_first_of("{}");
    plain(text.substr(0, brace));
    if (brace == std::string_view::npos) break;
    text.remove_prefix(brace);
    if (text.starts_with("{{") || text.starts_with("}}")) {
      plain(text.substr(0, 1));
      text.remove_prefix(2);
      continue;
    }
    const size_t end = text.find('}');
    if (text.front() == '}' || end == std::string_view::npos || !IsName(text.substr(1, end - 1))) return Malformed();
    variable(text.substr(1, end - 1));
    text.remove_prefix(end + 1);
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& KnownVariables() {
  static const std::vector<std::string> kNames = {"code",    "category",   "unit",  "officer_position", "received_day",
                                                  "due_day", "today",      "place", "result",           "plan_day",
                                                  "contact", "other_unit", "reason"};
  return kNames;
}

absl::StatusOr<std::vector<std::string>> TemplateVariables(std::string_view text) {
  std::vector<std::string> names;
  RETURN_IF_ERROR(Read(
      text, [](std::string_view) {},
      [&](std::string_view name) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
      }));
  return names;
}

absl::StatusOr<std::string> FillTemplate(std::string_view text, const Variables& values) {
  std::string out;
  std::vector<std::string> missing;
  RETURN_IF_ERROR(Read(
      text, [&](std::string_view plain) { out += plain; },
      [&](std::string_view name) {
        const auto value = values.find(name);
        if (value != values.end()) {
          out += value->second;
        } else if (std::find(missing.begin(), missing.end(), name) == missing.end()) {
          missing.emplace_back(name);
        }
      }));
  if (missing.empty()) return out;
  const std::string names = base::Join(missing, ",");
  return base::Error(absl::StatusCode::kInvalidArgument, "TEMPLATE_VARIABLE_MISSING",
                     {"Mẫu trả lời còn thiếu nội dung: " + names + ". Hãy điền rồi gửi lại.",
                      "The template still needs: " + names + ". Fill them in, then send again."},
                     {{"variables", names}});
}

bool Offered(const AnswerTemplate& answer, EventKind event, const CategoryTree& tree, std::string_view category) {
  if (std::find(answer.events.begin(), answer.events.end(), event) == answer.events.end()) return false;
  if (answer.categories.empty()) return true;
  const std::vector<const Category*> chain = tree.Chain(category);
  return std::any_of(chain.begin(), chain.end(), [&](const Category* at) {
    return std::find(answer.categories.begin(), answer.categories.end(), at->id) != answer.categories.end();
  });
}

}  // namespace dinh::feedback

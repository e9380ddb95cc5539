#include "services/feedback/handlers/board_filter.h"

#include <charconv>

#include "libs/auth/page_token.h"
#include "libs/base/civil.h"
#include "libs/base/status.h"
#include "services/feedback/errors.h"

namespace dinh::feedback {
namespace {

std::optional<int64_t> NumberOf(const std::string& text) {
  int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end ? std::optional<int64_t>(number) : std::nullopt;
}

std::optional<base::Micros> DayBegin(const std::string& date, int64_t days_later) {
  const auto day = base::ParseDate(date);
  if (!day) return std::nullopt;
  return base::FromVietnam({base::AddDays(*day, days_later), 0, 0, 0});
}

}  // namespace

absl::StatusOr<std::vector<std::string>> LeavesOf(const CategoryTree& categories, const std::string& category) {
  std::vector<std::string> leaves;
  if (category.empty()) return leaves;
  for (const Category* leaf : categories.LeavesUnder(category)) leaves.push_back(leaf->id);
  if (leaves.empty()) return CategoryUnknown();
  return leaves;
}

std::vector<State> StatesOf(const google::protobuf::RepeatedField<int>& states) {
  std::vector<State> out;
  for (const int state : states) out.push_back(static_cast<State>(state));
  return out;
}

absl::StatusOr<Days> DaysOf(const std::string& from, const std::string& to) {
  const Days days{DayBegin(from, 0), DayBegin(to, 1)};
  if (days.from && days.to && *days.from >= *days.to) {
    return base::InvalidField("to", {"Ngày cuối phải từ ngày đầu trở đi. Hãy chọn lại khoảng ngày.",
                                     "The last day is before the first. Choose the days again."});
  }
  return days;
}

std::string KeyOf(const BoardCursor& cursor) {
  return auth::JoinKey({std::to_string(cursor.shown_at), std::to_string(cursor.number)});
}

absl::StatusOr<std::optional<BoardCursor>> CursorOf(const std::string& key) {
  if (key.empty()) return std::optional<BoardCursor>();
  ASSIGN_OR_RETURN(const std::vector<std::string> parts, auth::SplitKey(key, 2));
  const std::optional<int64_t> shown_at = NumberOf(parts[0]), number = NumberOf(parts[1]);
  if (!shown_at || !number) return base::Internal("a page token of the board holds no numbers");
  return std::optional<BoardCursor>(BoardCursor{*shown_at, *number});
}

}  // namespace dinh::feedback

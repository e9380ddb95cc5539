// What readers of the board ask for, as filters of the store. Shared by the handlers of the public board.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"
#include "libs/base/clock.h"
#include "services/feedback/board_rows.h"
#include "services/feedback/domain/categories.h"

namespace dinh::feedback {

// Leaves under any node of the tree; "": none, which a filter takes for all. CATEGORY_UNKNOWN.
absl::StatusOr<std::vector<std::string>> LeavesOf(const CategoryTree& categories, const std::string& category);

std::vector<State> StatesOf(const google::protobuf::RepeatedField<int>& states);

// Days, inclusive, as instants [from, to). INVALID_FIELD: to before from.
struct Days {
  std::optional<base::Micros> from, to;
};
absl::StatusOr<Days> DaysOf(const std::string& from, const std::string& to);

// A place in a list, for page tokens, and back. PAGE_TOKEN_MISMATCH.
std::string KeyOf(const BoardCursor& cursor);
absl::StatusOr<std::optional<BoardCursor>> CursorOf(const std::string& key);

}  // namespace dinh::feedback

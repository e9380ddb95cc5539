// The board as files for others: Atom (RFC 4287), CSV (RFC 4180), JSON. Holds what is public and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/feedback/board_rows.h"
#include "services/feedback/domain/categories.h"

namespace dinh::feedback {

// Newest first. `category`, `unit`: what it was asked for, part of the feed's id.
std::string AtomFeed(const CategoryTree& categories, const std::vector<BoardRow>& rows, std::string_view category,
                     std::string_view unit);
// With a header line. A cell that a spreadsheet would take for a formula begins with an apostrophe.
std::string ExportCsv(const CategoryTree& categories, const std::vector<BoardRow>& rows);
// An array of objects with the columns of the CSV.
std::string ExportJson(const CategoryTree& categories, const std::vector<BoardRow>& rows);

}  // namespace dinh::feedback

// What a copy of the store's rows leaves to be made anew.
#pragma once

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"

namespace dinh::feedback {

// Fills the text index of a PostgreSQL store from the board's rows; goes on where it was stopped.
absl::Status FillTextIndex(db::Database& database, const base::Clock& clock);

}  // namespace dinh::feedback

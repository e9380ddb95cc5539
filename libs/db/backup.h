// The copy of a database file that is made before its schema changes. Internal to libs/db.
#pragma once

#include <sqlite3.h>

#include <string_view>

#include "absl/status/status.h"
#include "libs/db/database.h"

namespace dinh::db {

inline constexpr size_t kBackupsKept = 3;

// Copies the committed state to "<file>.before-<component>-<version>", synced. A complete copy of that name from an
// earlier try is kept as it is: it is the state before the first try. Only the newest kBackupsKept copies of a file are
// kept. Errors: UNAVAILABLE (nothing is migrated then).
absl::Status BackupBeforeMigrate(sqlite3* source, const SqliteOptions& options, std::string_view component,
                                 int first_version);

}  // namespace dinh::db

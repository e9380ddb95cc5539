// Copies of database files: one that is made before its schema changes, and those of snapshots.h. Internal to libs/db.
#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/db/database.h"

namespace dinh::db {

inline constexpr size_t kBackupsKept = 3;

// Copies what `source` sees (its open read transaction, else the committed state) to a new file at `target`, which is
// left behind incomplete after an error. Errors: UNAVAILABLE reason STORAGE_FULL or STORAGE_UNAVAILABLE.
absl::Status CopyDatabase(sqlite3* source, const std::string& target, const SqliteOptions& options);

// Copies the committed state to "<file>.before-<component>-<version>", synced. A complete copy of that name from an
// earlier try is kept as it is: it is the state before the first try. Only the newest kBackupsKept copies of a file are
// kept. Errors: UNAVAILABLE (nothing is migrated then).
absl::Status BackupBeforeMigrate(sqlite3* source, const SqliteOptions& options, std::string_view component,
                                 int first_version);

}  // namespace dinh::db

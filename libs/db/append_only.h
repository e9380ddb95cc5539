// Tables whose rows are written once: the engine itself refuses to change or delete them, whatever statement tries.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "libs/db/database.h"

namespace dinh::db {

// Once at start, after the service's own migrations. `table`: [a-z_]+, exists. A migration component of its own,
// "append_only_<table>". From then on UPDATE and DELETE of its rows (on PostgreSQL TRUNCATE too) fail with INTERNAL and
// change nothing.
absl::Status EnsureAppendOnly(Database& database, const std::string& table);

}  // namespace dinh::db

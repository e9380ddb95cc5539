// The small text work on SQL statements.
#pragma once

#include <string>
#include <string_view>

#include "libs/db/database.h"

namespace dinh::db {

// $1 … $n -> ?1 … ?n for SQLite, which would number $2,$1 by first appearance. Quoted text and comments stay as they
// are.
std::string RewriteParameters(std::string_view sql);

// BEGIN, COMMIT, SAVEPOINT, PRAGMA, ATTACH …: what a closure must not run, since it would break the group around it.
bool ControlsTransaction(std::string_view sql);

// The SQL of a migration as the engine takes it; the checksum is always that of the text as written. For PostgreSQL the
// types BLOB and TEXT of columns (in capitals, as migrations write them) become BYTEA and TEXT COLLATE "C", so that
// texts compare by their bytes on both engines. Quoted text and comments stay as they are.
std::string MigrationSql(Engine engine, std::string_view sql);

}  // namespace dinh::db

// The small text work on SQL statements.
#pragma once

#include <string>
#include <string_view>

namespace dinh::db {

// $1 … $n -> ?1 … ?n for SQLite, which would number $2,$1 by first appearance. Quoted text and comments stay as they
// are.
std::string RewriteParameters(std::string_view sql);

// BEGIN, COMMIT, SAVEPOINT, PRAGMA, ATTACH …: what a closure must not run, since it would break the group around it.
bool ControlsTransaction(std::string_view sql);

}  // namespace dinh::db

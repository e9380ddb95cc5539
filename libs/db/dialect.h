// Where the engines must differ, the difference is a call: each returns the SQL fragment of the engine.
#pragma once

#include <string_view>

#include "libs/db/database.h"

namespace dinh::db {

// Appended to a SELECT whose rows this transaction is going to change. SQLite has one writer: nothing to lock.
inline std::string_view ForUpdate(Engine engine) { return engine == Engine::kPostgres ? " FOR UPDATE" : ""; }

// The same for workers that share a table: rows that another worker holds are left out.
inline std::string_view ForUpdateSkipLocked(Engine engine) {
  return engine == Engine::kPostgres ? " FOR UPDATE SKIP LOCKED" : "";
}

// The type of a column that numbers rows in insertion order, to stand behind the column's name. Numbers may have holes;
// the newest row must not be deleted (SQLite would give its number again).
inline std::string_view InsertionOrderKey(Engine engine) {
  return engine == Engine::kPostgres ? "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" : "INTEGER PRIMARY KEY";
}

// The type of raw bytes.
inline std::string_view BytesType(Engine engine) { return engine == Engine::kPostgres ? "BYTEA" : "BLOB"; }

}  // namespace dinh::db

// What tables a store has, on either engine. Internal to libs/db.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/db/database.h"

namespace dinh::db {

struct StoredColumn {
  enum class Kind { kInteger, kReal, kText, kBytes };
  std::string name;
  Kind kind = Kind::kText;
  bool identity = false;
};

struct StoredTable {
  std::string name;
  std::vector<StoredColumn> columns;
  std::vector<size_t> key;  // columns of the primary key, in its order; empty: none
};

// Of a PostgreSQL schema, those that others refer to before those that do; without what libs/db keeps for itself
// (schema_migrations, copy_progress) and without text indexes.
absl::StatusOr<std::vector<StoredTable>> PostgresTables(Tx& tx);

// Names of the tables that hold rows of a store's own: as above, on any engine.
absl::StatusOr<std::vector<std::string>> TableNames(Tx& tx);

// "component version", sorted.
absl::StatusOr<std::vector<std::string>> AppliedSteps(Tx& tx);

}  // namespace dinh::db

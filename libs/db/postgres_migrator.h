// Migrations and provisioning on PostgreSQL. Internal to libs/db.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/db/postgres.h"

namespace dinh::db {

// What Database::MigrateComponent does, on a connection of its own under an advisory lock of the schema: of several
// migrators one works and the others find everything done.
absl::Status MigratePostgres(const PostgresOptions& options, const base::Clock& clock, std::string_view component,
                             const std::vector<Migration>& migrations);

// Makes the schema where it is missing and the role may. Errors: SCHEMA_ABSENT, those of connecting.
absl::Status EnsurePostgresSchema(const PostgresOptions& options);

}  // namespace dinh::db

// What has run on a schema and what is to run. Internal to libs/db, the same on every engine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/db/database.h"

namespace dinh::db {

// Run before anything else on every start.
inline constexpr std::string_view kMigrationsTable =
    "CREATE TABLE IF NOT EXISTS schema_migrations (\n"
    "  component TEXT NOT NULL,\n"
    "  version BIGINT NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  checksum TEXT NOT NULL,\n"
    "  compatible_from BIGINT NOT NULL,\n"
    "  applied_at BIGINT NOT NULL,\n"
    "  PRIMARY KEY (component, version)\n"
    ");";

struct AppliedMigration {
  int version = 0;
  std::string checksum;
  int compatible_from = 0;
};

// Hexadecimal SHA-256 of the SQL.
std::string MigrationChecksum(const Migration& migration);

absl::StatusOr<std::vector<AppliedMigration>> ReadApplied(Tx& tx, std::string_view component);
absl::Status RecordApplied(Tx& tx, std::string_view component, const Migration& migration);

// The migrations still to run, in order. Errors: MIGRATION_CHANGED, MIGRATION_MISSING, SCHEMA_TOO_NEW; INTERNAL when
// `given` is not numbered upwards from 1.
absl::StatusOr<std::vector<const Migration*>> PlanMigrations(std::string_view component,
                                                             const std::vector<AppliedMigration>& applied,
                                                             const std::vector<Migration>& given);

}  // namespace dinh::db

#include "libs/db/migrations.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/errors.h"

namespace dinh::db {

std::string MigrationChecksum(const Migration& migration) { return base::HexEncode(base::Sha256(migration.sql)); }

absl::StatusOr<std::vector<AppliedMigration>> ReadApplied(Tx& tx, std::string_view component) {
  return tx.QueryAll(
      "SELECT version, checksum, compatible_from FROM schema_migrations WHERE component = $1 ORDER BY version",
      {component}, [](const Row& row) {
        return AppliedMigration{static_cast<int>(row.Int(0)), row.Text(1), static_cast<int>(row.Int(2))};
      });
}

absl::Status RecordApplied(Tx& tx, std::string_view component, const Migration& migration) {
  return tx
      .Exec(
          "INSERT INTO schema_migrations (component, version, name, checksum, compatible_from, applied_at) "
          "VALUES ($1, $2, $3, $4, $5, $6)",
          {component, migration.version, migration.name, MigrationChecksum(migration), migration.compatible_from,
           tx.context().Now()})
      .status();
}

absl::StatusOr<std::vector<const Migration*>> PlanMigrations(std::string_view component,
                                                             const std::vector<AppliedMigration>& applied,
                                                             const std::vector<Migration>& given) {
  int newest_applied = 0, compatible_from = 0;
  for (const AppliedMigration& done : applied) {
    newest_applied = std::max(newest_applied, done.version);
    compatible_from = std::max(compatible_from, done.compatible_from);
  }
  const int newest_known = given.empty() ? 0 : given.back().version;
  if (compatible_from > newest_known) return SchemaTooNew(component, compatible_from, newest_known);

  std::vector<const Migration*> plan;
  int last = 0;
  for (const Migration& migration : given) {
    if (migration.version != last + 1) {
      return base::Internal("migrations of " + std::string(component) + " are not numbered 1, 2, 3 … at " +
                            std::to_string(migration.version));
    }
    last = migration.version;
    const auto done = std::find_if(applied.begin(), applied.end(),
                                   [&](const AppliedMigration& a) { return a.version == migration.version; });
    if (done != applied.end()) {
      if (done->checksum != MigrationChecksum(migration)) return MigrationChanged(component, migration.version);
    } else if (migration.version < newest_applied) {
      return MigrationMissing(component, migration.version, newest_applied);
    } else {
      plan.push_back(&migration);
    }
  }
  return plan;
}

}  // namespace dinh::db

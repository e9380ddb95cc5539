#include "libs/db/append_only.h"

namespace dinh::db {

absl::Status EnsureAppendOnly(Database& database, const std::string& table) {
  const std::string refuse = " BEGIN SELECT RAISE(ABORT, 'append-only table'); END;\n";
  const std::string sql = database.engine() == Engine::kSqlite
                              ? "CREATE TRIGGER " + table + "_no_update BEFORE UPDATE ON " + table + refuse +
                                    "CREATE TRIGGER " + table + "_no_delete BEFORE DELETE ON " + table + refuse
                              : "CREATE FUNCTION " + table +
                                    "_append_only() RETURNS trigger LANGUAGE plpgsql AS "
                                    "'BEGIN RAISE EXCEPTION ''append-only table''; END';\n"
                                    "CREATE TRIGGER " +
                                    table + "_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON " + table +
                                    " FOR EACH STATEMENT EXECUTE FUNCTION " + table + "_append_only();\n";
  return database.MigrateComponent("append_only_" + table, {{1, "triggers", sql, 1}});
}

}  // namespace dinh::db

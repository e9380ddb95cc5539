#include "libs/db/store_tables.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "libs/base/status.h"

namespace dinh::db {
namespace {

std::string FirstText(const Row& row) { return row.Text(0); }

bool IsOwn(const std::string& table) { return table == "schema_migrations" || table == "copy_progress"; }

absl::StatusOr<StoredColumn::Kind> KindOf(const std::string& table, const std::string& type) {
  if (type == "bigint" || type == "integer" || type == "smallint") return StoredColumn::Kind::kInteger;
  if (type == "double precision") return StoredColumn::Kind::kReal;
  if (type == "text") return StoredColumn::Kind::kText;
  if (type == "bytea") return StoredColumn::Kind::kBytes;
  return base::Internal("table " + table + " has a column of type " + type);
}

absl::StatusOr<std::set<std::string>> TextIndexes(Tx& tx) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   tx.QueryAll("SELECT DISTINCT CAST(table_name AS TEXT) FROM information_schema.columns "
                               "WHERE table_schema = current_schema() AND data_type = 'tsvector'",
                               {}, FirstText));
  return std::set<std::string>(names.begin(), names.end());
}

absl::StatusOr<std::vector<std::string>> PostgresTableNames(Tx& tx) {
  ASSIGN_OR_RETURN(const std::set<std::string> texts, TextIndexes(tx));
  ASSIGN_OR_RETURN(std::vector<std::string> names,
                   tx.QueryAll("SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() "
                               "ORDER BY tablename",
                               {}, FirstText));
  std::erase_if(names, [&](const std::string& name) { return IsOwn(name) || texts.contains(name); });
  return names;
}

absl::StatusOr<std::vector<std::string>> SqliteTableNames(Tx& tx) {
  ASSIGN_OR_RETURN(
      const std::vector<std::string> indexes,
      tx.QueryAll("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'", {}, FirstText));
  ASSIGN_OR_RETURN(std::vector<std::string> names,
                   tx.QueryAll("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", {}, FirstText));
  std::erase_if(names, [&](const std::string& name) {
    const auto belongs = [&](const std::string& index) { return name == index || name.starts_with(index + "_"); };
    return IsOwn(name) || name.starts_with("sqlite_") || std::any_of(indexes.begin(), indexes.end(), belongs);
  });
  return names;
}

absl::Status ReadColumns(Tx& tx, StoredTable& table) {
  RETURN_IF_ERROR(
      tx.Query("SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT), CAST(is_identity AS TEXT) "
               "FROM information_schema.columns "
               "WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
               {table.name}, [&](const Row& row) -> absl::Status {
                 ASSIGN_OR_RETURN(const StoredColumn::Kind kind, KindOf(table.name, row.Text(1)));
                 table.columns.push_back({row.Text(0), kind, row.Text(2) == "YES"});
                 return absl::OkStatus();
               }));
  ASSIGN_OR_RETURN(
      const std::vector<std::string> key,
      tx.QueryAll("SELECT CAST(k.column_name AS TEXT) FROM information_schema.table_constraints c "
                  "JOIN information_schema.key_column_usage k ON k.constraint_schema = c.constraint_schema "
                  "AND k.constraint_name = c.constraint_name AND k.table_name = c.table_name "
                  "WHERE c.table_schema = current_schema() AND c.table_name = $1 "
                  "AND c.constraint_type = 'PRIMARY KEY' ORDER BY k.ordinal_position",
                  {table.name}, FirstText));
  for (const std::string& name : key) {
    const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                                 [&](const StoredColumn& column) { return column.name == name; });
    if (at != table.columns.end()) table.key.push_back(static_cast<size_t>(at - table.columns.begin()));
  }
  return absl::OkStatus();
}

// Referred to before referring.
absl::Status Sort(Tx& tx, std::vector<StoredTable>& tables) {
  std::map<std::string, std::set<std::string>> needs;
  RETURN_IF_ERROR(
      tx.Query("SELECT CAST(a.relname AS TEXT), CAST(b.relname AS TEXT) FROM pg_constraint c "
               "JOIN pg_class a ON a.oid = c.conrelid JOIN pg_class b ON b.oid = c.confrelid "
               "WHERE c.contype = 'f' AND a.oid <> b.oid "
               "AND c.connamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())",
               {}, [&](const Row& row) { needs[row.Text(0)].insert(row.Text(1)); }));
  std::vector<StoredTable> sorted;
  std::set<std::string> done;
  while (!tables.empty()) {
    const auto ready = std::find_if(tables.begin(), tables.end(), [&](const StoredTable& table) {
      const std::set<std::string>& wanted = needs[table.name];
      return std::includes(done.begin(), done.end(), wanted.begin(), wanted.end());
    });
    if (ready == tables.end()) return base::Internal("tables refer to each other in a circle");
    done.insert(ready->name);
    sorted.push_back(std::move(*ready));
    tables.erase(ready);
  }
  tables = std::move(sorted);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> TableNames(Tx& tx) {
  return tx.engine() == Engine::kPostgres ? PostgresTableNames(tx) : SqliteTableNames(tx);
}

absl::StatusOr<std::vector<StoredTable>> PostgresTables(Tx& tx) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, PostgresTableNames(tx));
  std::vector<StoredTable> tables;
  for (const std::string& name : names) {
    tables.push_back({name, {}, {}});
    RETURN_IF_ERROR(ReadColumns(tx, tables.back()));
  }
  RETURN_IF_ERROR(Sort(tx, tables));
  return tables;
}

absl::StatusOr<std::vector<std::string>> AppliedSteps(Tx& tx) {
  return tx.QueryAll("SELECT component, version FROM schema_migrations ORDER BY component, version", {},
                     [](const Row& row) { return row.Text(0) + " " + std::to_string(row.Int(1)); });
}

}  // namespace dinh::db

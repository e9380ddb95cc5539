// How PostgreSQL runs the statements of a store when its tables are large: filled in one statement, then each statement
// explained as it is asked. A walk through a whole large table is a failure. Header only.
//
//   FillSeries(*database, ctx, "charges", PlanRows(), {{"id", "'c' || n"}, {"agency", "'a' || n % 500"}});
//   database->Transact(ctx, [&](db::Tx& tx) {
//     PlanTx plans(tx, {"charges"});
//     …store.List(plans, …)…
//     EXPECT_THAT(plans.walks, IsEmpty());
#pragma once

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace dinh::testing {

// `make plans` asks for a million; without it as many as PostgreSQL's choices need to be those of a large table.
inline int64_t PlanRows() {
  const char* rows = std::getenv("DINH_PLAN_ROWS");
  return rows == nullptr ? 100'000 : std::atoll(rows);
}

// `rows` rows, n = 1 …; `given`: SQL by column, of n; other columns get something of their type.
inline absl::Status FillSeries(db::Database& database, base::OpContext& ctx, const std::string& table, int64_t rows,
                               const std::map<std::string, std::string>& given) {
  return database.Transact(ctx, [&](db::Tx& tx) -> absl::Status {
    std::string columns, values;
    RETURN_IF_ERROR(
        tx.Query("SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT) FROM information_schema.columns "
                 "WHERE table_schema = current_schema() AND table_name = $1 AND is_nullable = 'NO'",
                 {table}, [&](const db::Row& row) {
                   if (given.contains(row.Text(0))) return;
                   const std::string type = row.Text(1);
                   columns += ", " + row.Text(0);
                   values += type == "bytea"              ? ", CAST('x' AS BYTEA)"
                             : type == "text"             ? ", 'x'"
                             : type == "double precision" ? ", 1.0"
                                                          : ", 1";
                 }));
    for (const auto& [column, value] : given) {
      columns += ", " + column;
      values += ", " + value;
    }
    RETURN_IF_ERROR(tx.Exec("INSERT INTO " + table + " (" + columns.substr(2) + ") SELECT " + values.substr(2) +
                                " FROM generate_series(CAST(1 AS BIGINT), $1) n",
                            {rows})
                        .status());
    return tx.Exec("ANALYZE " + table).status();
  });
}

// Explains each statement before it runs.
class PlanTx final : public db::Tx {
 public:
  PlanTx(db::Tx& tx, std::set<std::string> large) : tx_(tx), large_(std::move(large)) {}

  absl::StatusOr<int64_t> ExecParams(std::string_view sql, const db::Param* params, size_t count) override {
    RETURN_IF_ERROR(Explain(sql, params, count));
    return tx_.ExecParams(sql, params, count);
  }
  absl::Status QueryParams(std::string_view sql, const db::Param* params, size_t count,
                           const std::function<absl::Status(const db::Row&)>& on_row) override {
    RETURN_IF_ERROR(Explain(sql, params, count));
    return tx_.QueryParams(sql, params, count, on_row);
  }
  base::OpContext& context() override { return tx_.context(); }
  db::Engine engine() const override { return tx_.engine(); }
  void AfterCommit(std::function<void()> call) override { tx_.AfterCommit(std::move(call)); }

  std::vector<std::string> walks;  // "Seq Scan on charges …: SELECT …"
  std::set<std::string> seen;      // statements

 private:
  absl::Status Explain(std::string_view sql, const db::Param* params, size_t count) {
    seen.emplace(sql);
    return tx_.QueryParams("EXPLAIN " + std::string(sql), params, count, [&](const db::Row& row) -> absl::Status {
      const std::string line = row.Text(0);
      constexpr std::string_view kWalk = "Seq Scan on ";
      const size_t at = line.find(kWalk);
      if (at == std::string::npos) return absl::OkStatus();
      const size_t name = at + kWalk.size();
      if (large_.contains(line.substr(name, line.find(' ', name) - name)))
        walks.push_back(line + ": " + std::string(sql));
      return absl::OkStatus();
    });
  }

  db::Tx& tx_;
  const std::set<std::string> large_;
};

}  // namespace dinh::testing

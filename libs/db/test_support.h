// For tests of what keeps data: a folder of the test's own and operations with a deadline. Header-only.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <concepts>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/op_context.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/db/postgres.h"
#include "libs/testing/postgres_server.h"

namespace dinh::db {

// Removed with everything in it at the end of the scope.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "dinh_test_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::unique_ptr<base::OpContext> TestContext(const base::Clock& clock,
                                                    std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  return std::make_unique<base::OpContext>(clock, clock.Steady() + limit);
}

// "" for a status without a reason.
inline std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : "";
}

inline std::string EngineName(Engine engine) { return engine == Engine::kSqlite ? "Sqlite" : "Postgres"; }

// Tests of this fixture run on both engines:
//   class StoreTest : public db::EngineTest { … db::TestDatabase t_{GetParam(), Migrations()}; };
//   DINH_BOTH_ENGINES(StoreTest);
//   TEST_P(StoreTest, …) { … }
class EngineTest : public ::testing::TestWithParam<Engine> {};
#define DINH_BOTH_ENGINES(Fixture)                                                                        \
  INSTANTIATE_TEST_SUITE_P(Both, Fixture,                                                                 \
                           ::testing::Values(::dinh::db::Engine::kSqlite, ::dinh::db::Engine::kPostgres), \
                           [](const auto& param) { return ::dinh::db::EngineName(param.param); })

// An empty schema on the program's own server.
inline PostgresOptions TestPostgresOptions() {
  postgres_test::PostgresServer& server = postgres_test::PostgresServer::Shared();
  PostgresOptions options;
  options.dsn = server.Dsn();
  options.schema = server.NewSchema();
  return options;
}

// A database of the test's own; aborts when it does not open.
struct TestDatabase {
  TestDatabase() : TestDatabase(SqliteOptions()) {}
  explicit TestDatabase(const SqliteOptions& given, const std::vector<Migration>& migrations = {}) : options(given) {
    if (options.path.empty()) options.path = folder.File("test.db");
    Open(migrations);
  }
  // Templates, so that {} means SqliteOptions.
  template <std::same_as<PostgresOptions> Options>
  explicit TestDatabase(const Options& given, const std::vector<Migration>& migrations = {})
      : engine(Engine::kPostgres), postgres(given) {
    Open(migrations);
  }
  // The same data beside `first`, as another process has it open.
  explicit TestDatabase(const TestDatabase* first)
      : engine(first->engine), options(first->options), postgres(first->postgres) {
    options.busy_timeout_ms = 10'000;
    Open();
  }
  template <std::same_as<Engine> Which>
  explicit TestDatabase(Which which, const std::vector<Migration>& migrations = {}) : engine(which) {
    options.path = folder.File("test.db");
    if (which == Engine::kPostgres) postgres = TestPostgresOptions();
    Open(migrations);
  }
  absl::StatusOr<std::unique_ptr<Database>> TryOpen(const base::Clock& with) const {
    return engine == Engine::kSqlite ? OpenSqlite(options, with) : OpenPostgres(postgres, with);
  }
  void Open(const std::vector<Migration>& migrations = {}) {
    absl::StatusOr<std::unique_ptr<Database>> opened = TryOpen(clock);
    if (!opened.ok()) Abort(opened.status());
    db = *std::move(opened);
    if (migrations.empty()) return;
    if (absl::Status migrated = db->Migrate(migrations); !migrated.ok()) Abort(migrated);
  }
  static void Abort(const absl::Status& status) {
    std::fprintf(stderr, "the test's database: %s\n", status.ToString().c_str());
    std::abort();
  }
  std::unique_ptr<base::OpContext> Context() const { return TestContext(clock); }
  // One statement in a transaction of its own.
  absl::StatusOr<int64_t> Exec(std::string_view sql) {
    auto ctx = Context();
    return db->Transact(*ctx, [&](Tx& tx) { return tx.Exec(sql); });
  }
  // Rows of `table` whose `column` of bytes holds `text`.
  int64_t RowsHolding(const std::string& table, const std::string& column, std::string_view text) {
    auto ctx = Context();
    int64_t rows = 0;
    const absl::Status read = db->Read(*ctx, [&](Tx& tx) {
      return tx.Query("SELECT " + column + " FROM " + table, {},
                      [&](const Row& row) { rows += row.TextView(0).find(text) != std::string_view::npos ? 1 : 0; });
    });
    return read.ok() ? rows : -1;
  }
  // How the engine would run a statement, as if its tables were large.
  std::string Plan(const std::string& sql) {
    auto ctx = Context();
    std::string plan;
    const absl::Status read = db->Read(*ctx, [&](Tx& tx) -> absl::Status {
      const bool postgres_engine = tx.engine() == Engine::kPostgres;
      if (postgres_engine) {
        RETURN_IF_ERROR(
            tx.Query("SELECT set_config('enable_seqscan', 'off', TRUE), "
                     "set_config('enable_bitmapscan', 'off', TRUE)",
                     {}, [](const Row&) {}));
      }
      return tx.Query((postgres_engine ? "EXPLAIN " : "EXPLAIN QUERY PLAN ") + sql, {},
                      [&](const Row& row) { plan += row.Text(postgres_engine ? 0 : 3) + "; "; });
    });
    return read.ok() ? plan : read.ToString();
  }
  // The first column of the first row; -1 when there is none or an error.
  int64_t Number(std::string_view sql) {
    auto ctx = Context();
    const auto found =
        db->Read(*ctx, [&](Tx& tx) { return tx.QueryOne(sql, {}, [](const Row& row) { return row.Int(0); }); });
    return found.ok() && found->has_value() ? **found : -1;
  }

  TestFolder folder;
  base::SystemClock clock;
  Engine engine = Engine::kSqlite;
  SqliteOptions options;
  PostgresOptions postgres;
  std::unique_ptr<Database> db;
};

}  // namespace dinh::db

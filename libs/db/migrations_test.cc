#include "libs/db/migrations.h"

#include <gtest/gtest.h>

#include "libs/db/test_support.h"
#include "libs/db/testing_vfs.h"

namespace dinh::db {
namespace {

Migration One() { return {1, "one", "CREATE TABLE a (x BIGINT); CREATE TABLE b (x BIGINT);", 1}; }
Migration Two() { return {2, "two", "ALTER TABLE a ADD COLUMN y BIGINT; INSERT INTO a (x, y) VALUES (1, 2);", 1}; }

class Migrations : public EngineTest {};
DINH_BOTH_ENGINES(Migrations);

TEST_P(Migrations, RunOnceInOrder) {
  TestDatabase t(GetParam());
  ASSERT_TRUE(t.db->Migrate({One()}).ok());
  ASSERT_TRUE(t.db->Migrate({One(), Two()}).ok());
  ASSERT_TRUE(t.db->Migrate({One(), Two()}).ok());
  EXPECT_EQ(t.Number("SELECT CAST(SUM(y) AS BIGINT) FROM a"), 2);
  t.db.reset();
  t.Open({One(), Two()});
  EXPECT_EQ(t.Number("SELECT CAST(SUM(y) AS BIGINT) FROM a"), 2);
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM schema_migrations WHERE component = 'service'"), 2);
}

TEST_P(Migrations, ComponentsCountForThemselves) {
  TestDatabase t(GetParam());
  ASSERT_TRUE(t.db->MigrateComponent("events", {{1, "e", "CREATE TABLE e (x BIGINT);"}}).ok());
  ASSERT_TRUE(t.db->Migrate({One()}).ok());
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM schema_migrations WHERE version = 1"), 3);  // and libs/db's own
}

TEST_P(Migrations, AChangedTextIsRefused) {
  TestDatabase t(GetParam(), {One()});
  Migration changed = One();
  changed.sql += " ";
  const absl::Status status = t.db->Migrate({changed, Two()});
  EXPECT_EQ(ReasonOf(status), "MIGRATION_CHANGED");
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM schema_migrations WHERE component = 'service'"), 1);
}

TEST_P(Migrations, AFailingStepLeavesNothingOfItself) {
  TestDatabase t(GetParam());
  EXPECT_FALSE(t.db->Migrate({One(), {2, "bad", "INSERT INTO a VALUES (5); CREATE TABLE a (again BIGINT);"}}).ok());
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM a"), 0);
  ASSERT_TRUE(t.db->Migrate({One(), Two()}).ok());
}

TEST_P(Migrations, NumbersMustGoUp) {
  TestDatabase t(GetParam(), {One()});
  EXPECT_EQ(t.db->Migrate({One(), {3, "gap", "SELECT 1;"}}).code(), absl::StatusCode::kInternal);
  const std::vector<AppliedMigration> applied = {{1, MigrationChecksum(One()), 0}, {3, "x", 0}};
  EXPECT_EQ(ReasonOf(PlanMigrations("service", applied, {One(), Two()}).status()), "MIGRATION_MISSING");
}

TEST_P(Migrations, AnOlderBinaryRunsWhileCompatible) {
  Migration two = Two();
  TestDatabase t(GetParam(), {One(), two});
  EXPECT_TRUE(t.db->Migrate({One()}).ok());  // compatible_from 1
  const Migration three{3, "three", "ALTER TABLE a DROP COLUMN x;", 3};
  ASSERT_TRUE(t.db->Migrate({One(), two, three}).ok());
  EXPECT_EQ(ReasonOf(t.db->Migrate({One(), two})), "SCHEMA_TOO_NEW");
}

TEST(SqliteMigrations, ACopyIsMadeBeforeDataChanges) {
  TestDatabase t(Engine::kSqlite, {One()});
  const std::string copy = t.options.path + ".before-service-2";
  ASSERT_TRUE(t.Exec("INSERT INTO b VALUES (42)").ok());
  EXPECT_FALSE(std::filesystem::exists(t.options.path + ".before-service-1"));  // the file was new
  t.db.reset();
  t.Open({One()});
  EXPECT_FALSE(std::filesystem::exists(copy));  // nothing to run
  t.db.reset();
  t.Open({One(), Two()});
  ASSERT_TRUE(std::filesystem::exists(copy));
  SqliteOptions options;
  options.path = copy;
  TestDatabase before(options);
  EXPECT_EQ(before.Number("SELECT x FROM b"), 42);
  EXPECT_EQ(before.Number("SELECT COUNT(*) FROM schema_migrations WHERE component = 'service'"), 1);
}

TEST(SqliteMigrations, OnlyTheNewestCopiesAreKept) {
  TestDatabase t(Engine::kSqlite, {One()});
  std::vector<Migration> steps = {One()};
  for (int version = 2; version <= 7; ++version) {
    steps.push_back({version, "step", "CREATE TABLE t" + std::to_string(version) + " (x BIGINT);", 1});
    t.db.reset();
    t.Open(steps);
    const std::string copy = t.options.path + ".before-service-" + std::to_string(version);
    ASSERT_TRUE(std::filesystem::exists(copy));
    // Each a day after the other, however fast the test is.
    std::filesystem::last_write_time(
        copy, std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * (10 - version)));
  }
  for (int version = 2; version <= 7; ++version) {
    EXPECT_EQ(std::filesystem::exists(t.options.path + ".before-service-" + std::to_string(version)), version >= 5)
        << version;
  }
}

TEST(SqliteMigrations, WithoutACopyNothingRuns) {
  TestDatabase t(Engine::kSqlite, {One()});
  t.db.reset();
  t.Open();
  std::filesystem::create_directory(t.options.path + ".before-service-2.tmp");
  std::filesystem::create_directory(t.options.path + ".before-service-2.tmp/x");
  EXPECT_EQ(ReasonOf(t.db->Migrate({One(), Two()})), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM schema_migrations WHERE component = 'service'"), 1);
}

}  // namespace
}  // namespace dinh::db

#include "libs/db/rewrite.h"

#include <gtest/gtest.h>

namespace dinh::db {
namespace {

TEST(RewriteParameters, NumbersStay) {
  EXPECT_EQ(RewriteParameters("SELECT $2, $1, $12"), "SELECT ?2, ?1, ?12");
  EXPECT_EQ(RewriteParameters("a=$1"), "a=?1");
  EXPECT_EQ(RewriteParameters(""), "");
}

TEST(RewriteParameters, QuotedTextAndCommentsStay) {
  EXPECT_EQ(RewriteParameters("SELECT '$1', \"$2\", `$3`, [$4], $5"), "SELECT '$1', \"$2\", `$3`, [$4], ?5");
  EXPECT_EQ(RewriteParameters("SELECT 'it''s $1' || $1"), "SELECT 'it''s $1' || ?1");
  EXPECT_EQ(RewriteParameters("-- $1\nSELECT $1"), "-- $1\nSELECT ?1");
  EXPECT_EQ(RewriteParameters("/* $1 */ SELECT $1 /* ' $2"), "/* $1 */ SELECT ?1 /* ' $2");
  EXPECT_EQ(RewriteParameters("SELECT 'open $1"), "SELECT 'open $1");
  EXPECT_EQ(RewriteParameters("SELECT 6-$1/$2"), "SELECT 6-?1/?2");
}

TEST(RewriteParameters, DollarInNamesStays) {
  EXPECT_EQ(RewriteParameters("SELECT a$1, $x, $ FROM t"), "SELECT a$1, $x, $ FROM t");
}

TEST(ControlsTransaction, FindsTheFirstWord) {
  EXPECT_TRUE(ControlsTransaction("commit"));
  EXPECT_TRUE(ControlsTransaction("  -- update\n /* x */ ROLLBACK TO a"));
  EXPECT_TRUE(ControlsTransaction("PRAGMA user_version=1"));
  EXPECT_FALSE(ControlsTransaction("UPDATE t SET a = 'commit'"));
  EXPECT_FALSE(ControlsTransaction("-- commit\nSELECT 1"));
  EXPECT_FALSE(ControlsTransaction("WITH x AS (SELECT 1) SELECT * FROM x"));
  EXPECT_FALSE(ControlsTransaction(""));
}

TEST(MigrationSql, ColumnTypesOfPostgres) {
  const auto rewritten = [](std::string_view sql) { return MigrationSql(Engine::kPostgres, sql); };
  EXPECT_EQ(rewritten("CREATE TABLE t (id TEXT NOT NULL, \"order\" TEXT,\n  bytes BLOB -- a BLOB, a TEXT\n);"),
            "CREATE TABLE t (id TEXT COLLATE \"C\" NOT NULL, \"order\" TEXT COLLATE \"C\",\n  bytes BYTEA -- a BLOB, a "
            "TEXT\n);");
  EXPECT_EQ(rewritten("ALTER TABLE t ADD COLUMN note TEXT NOT NULL DEFAULT 'a TEXT';"),
            "ALTER TABLE t ADD COLUMN note TEXT COLLATE \"C\" NOT NULL DEFAULT 'a TEXT';");
  EXPECT_EQ(rewritten("CREATE TABLE t (text TEXT, TEXTS BIGINT, blob BLOB);"),
            "CREATE TABLE t (text TEXT COLLATE \"C\", TEXTS BIGINT, blob BYTEA);");
  EXPECT_EQ(rewritten("UPDATE t SET a = CAST(b AS TEXT);"), "UPDATE t SET a = CAST(b AS TEXT);");
  const std::string sqlite = "CREATE TABLE t (id TEXT, bytes BLOB);";
  EXPECT_EQ(MigrationSql(Engine::kSqlite, sqlite), sqlite);
}

}  // namespace
}  // namespace dinh::db

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

}  // namespace
}  // namespace dinh::db

#include "libs/db/metrics.h"

#include <gtest/gtest.h>

#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

TEST(DatabaseMetrics, CountUpFromTheStats) {
  TestDatabase t(Engine::kSqlite, {{1, "x", "CREATE TABLE x (a BIGINT);"}});
  telemetry::Metrics metrics;
  const auto subscription = ExportMetrics(*t.db, "procedures", metrics);
  const auto has = [&](const std::string& line) { return metrics.Exposition().find(line + "\n") != std::string::npos; };
  EXPECT_TRUE(has("db_transactions_total{database=\"procedures\"} 0"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(t.Exec("INSERT INTO x VALUES (1)").ok());
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM x"), 3);
  EXPECT_FALSE(t.Exec("INSERT INTO nowhere VALUES (1)").ok());
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(has("db_transactions_total{database=\"procedures\"} 3"));
    EXPECT_TRUE(has("db_commits_total{database=\"procedures\"} 3"));
    EXPECT_TRUE(has("db_transaction_failures_total{database=\"procedures\"} 1"));
    EXPECT_TRUE(has("db_reads_total{database=\"procedures\"} 1"));
    EXPECT_TRUE(has("db_queue_depth{database=\"procedures\"} 0"));
  }
}

}  // namespace
}  // namespace dinh::db

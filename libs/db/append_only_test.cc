#include "libs/db/append_only.h"

#include <gtest/gtest.h>

#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

class AppendOnlyTest : public EngineTest {};
DINH_BOTH_ENGINES(AppendOnlyTest);

TEST_P(AppendOnlyTest, RowsAreWrittenOnce) {
  TestDatabase t(GetParam(),
                 {{1, "books", "CREATE TABLE books (id TEXT NOT NULL PRIMARY KEY, vnd BIGINT NOT NULL);", 1}});
  ASSERT_TRUE(t.Exec("INSERT INTO books (id, vnd) VALUES ('a', 1), ('b', 2)").ok());
  for (int start = 0; start < 2; ++start) {
    const absl::Status ensured = EnsureAppendOnly(*t.db, "books");
    ASSERT_TRUE(ensured.ok()) << ensured;
  }
  for (const char* sql : {"UPDATE books SET vnd = 3 WHERE id = 'a'", "UPDATE books SET vnd = vnd", "DELETE FROM books",
                          "DELETE FROM books WHERE id = 'b'",
                          "INSERT INTO books (id, vnd) VALUES ('a', 9) "
                          "ON CONFLICT (id) DO UPDATE SET vnd = excluded.vnd"}) {
    EXPECT_TRUE(absl::IsInternal(t.Exec(sql).status())) << sql;
  }
  if (GetParam() == Engine::kPostgres) {
    EXPECT_TRUE(absl::IsInternal(t.Exec("TRUNCATE books").status()));
  }
  EXPECT_EQ(t.Number("SELECT CAST(COUNT(*) * 10 + SUM(vnd) AS BIGINT) FROM books"), 23);
  EXPECT_TRUE(t.Exec("INSERT INTO books (id, vnd) VALUES ('c', 3)").ok());
  EXPECT_TRUE(t.Exec("INSERT INTO books (id, vnd) VALUES ('a', 4) ON CONFLICT (id) DO NOTHING").ok());
  EXPECT_EQ(t.Number("SELECT CAST(SUM(vnd) AS BIGINT) FROM books"), 6);
}

}  // namespace
}  // namespace dinh::db

#include "libs/db/database.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "libs/db/dialect.h"
#include "libs/db/sqlite_connection.h"
#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

const std::vector<Migration>& Schema() {
  static const std::vector<Migration> migrations = {
      {1, "items",
       "CREATE TABLE items (id TEXT NOT NULL PRIMARY KEY, number BIGINT NOT NULL, note TEXT, bytes BLOB, real DOUBLE "
       "PRECISION);"
       "CREATE TABLE parts (item TEXT NOT NULL REFERENCES items (id), CHECK (item <> ''));"}};
  return migrations;
}

class DatabaseTest : public EngineTest {
 protected:
  absl::Status Insert(const std::string& id, int64_t number) {
    auto ctx = t_.Context();
    return t_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
      return tx.Exec("INSERT INTO items (id, number) VALUES ($1, $2)", {id, number}).status();
    });
  }
  TestDatabase t_{GetParam(), Schema()};
};

DINH_BOTH_ENGINES(DatabaseTest);

TEST_P(DatabaseTest, BindsAndReadsEveryType) {
  auto ctx = t_.Context();
  const std::string bytes("\0\x01\xff", 3);
  const auto changed = t_.db->Transact(*ctx, [&](Tx& tx) {
    return tx.Exec("INSERT INTO items (id, number, note, bytes, real) VALUES ($1, $2, $3, $4, $5)",
                   {"một", INT64_MIN, std::optional<std::string>(), BlobView{bytes}, 0.5});
  });
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_EQ(*changed, 1);
  const absl::Status read = t_.db->Read(*ctx, [&](Tx& tx) {
    return tx.Query("SELECT id, number, note, bytes, real, '', TRUE FROM items WHERE id = $1", {"một"},
                    [&](const Row& row) {
                      EXPECT_EQ(row.Text(0), "một");
                      EXPECT_EQ(row.Int(1), INT64_MIN);
                      EXPECT_TRUE(row.IsNull(2));
                      EXPECT_EQ(row.OptText(2), std::nullopt);
                      EXPECT_EQ(row.Text(3), bytes);
                      EXPECT_EQ(row.Double(4), 0.5);
                      EXPECT_FALSE(row.IsNull(5));
                      EXPECT_TRUE(row.Bool(6));
                    });
  });
  EXPECT_TRUE(read.ok()) << read;
}

TEST_P(DatabaseTest, EmptyTextIsNotNull) {
  auto ctx = t_.Context();
  ASSERT_TRUE(
      t_.db
          ->Transact(
              *ctx,
              [&](Tx& tx) {
                return tx.Exec("INSERT INTO items (id, number, note) VALUES ($1, 1, $2)", {"a", std::string_view()});
              })
          .ok());
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items WHERE note = ''"), 1);
}

TEST_P(DatabaseTest, ParametersByNumberNotByAppearance) {
  auto ctx = t_.Context();
  const auto row = t_.db->Read(*ctx, [&](Tx& tx) {
    return tx.QueryOne("SELECT $2 || '-' || $1", {"first", "second"}, [](const Row& r) { return r.Text(0); });
  });
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(**row, "second-first");
}

TEST_P(DatabaseTest, AnErrorRollsBackEverything) {
  auto ctx = t_.Context();
  const absl::Status status = t_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Exec("INSERT INTO items (id, number) VALUES ('x', 1)").status());
    return base::StaleEtag();
  });
  EXPECT_EQ(ReasonOf(status), "STALE_ETAG");
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items"), 0);
}

TEST_P(DatabaseTest, ConstraintErrorsAreNamed) {
  ASSERT_TRUE(Insert("a", 1).ok());
  const absl::Status again = Insert("a", 2);
  EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReasonOf(again), "UNIQUE_VIOLATION");
  EXPECT_EQ(ReasonOf(t_.Exec("INSERT INTO parts (item) VALUES ('absent')").status()), "REFERENCE_VIOLATION");
  EXPECT_EQ(t_.Exec("INSERT INTO parts (item) VALUES ('')").status().code(), absl::StatusCode::kInternal);
  EXPECT_EQ(t_.Exec("INSERT INTO nowhere VALUES (1)").status().code(), absl::StatusCode::kInternal);
}

TEST_P(DatabaseTest, AFailedStatementEndsTheTransaction) {
  ASSERT_TRUE(Insert("a", 1).ok());
  auto ctx = t_.Context();
  const absl::Status swallowed = t_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    EXPECT_TRUE(tx.Exec("INSERT INTO items (id, number) VALUES ('b', 2)").ok());
    EXPECT_EQ(ReasonOf(tx.Exec("INSERT INTO items (id, number) VALUES ('a', 2)").status()), "UNIQUE_VIOLATION");
    EXPECT_EQ(ReasonOf(tx.Exec("INSERT INTO items (id, number) VALUES ('c', 2)").status()), "UNIQUE_VIOLATION");
    EXPECT_EQ(ReasonOf(tx.Query("SELECT 1", {}, [](const Row&) {})), "UNIQUE_VIOLATION");
    return absl::OkStatus();
  });
  EXPECT_EQ(ReasonOf(swallowed), "UNIQUE_VIOLATION");
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items"), 1);
}

TEST_P(DatabaseTest, ARowRefusedByTheClosureEndsOnlyTheQuery) {
  ASSERT_TRUE(Insert("a", 1).ok());
  auto ctx = t_.Context();
  ASSERT_TRUE(t_.db
                  ->Transact(*ctx,
                             [&](Tx& tx) -> absl::Status {
                               const absl::Status query =
                                   tx.Query("SELECT id FROM items", {}, [](const Row&) { return base::StaleEtag(); });
                               EXPECT_EQ(ReasonOf(query), "STALE_ETAG");
                               return tx.Exec("INSERT INTO items (id, number) VALUES ('b', 2)").status();
                             })
                  .ok());
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items"), 2);
}

TEST_P(DatabaseTest, RefusesWhatWouldBreakTheGroup) {
  for (const char* sql :
       {"COMMIT", "ROLLBACK", " begin", "PRAGMA synchronous=OFF", "SELECT 1; SELECT 2", "", "SELECT $1"}) {
    EXPECT_EQ(t_.Exec(sql).status().code(), absl::StatusCode::kInternal) << sql;
  }
  EXPECT_TRUE(Insert("still works", 1).ok());
}

TEST_P(DatabaseTest, ReadersCannotWrite) {
  auto ctx = t_.Context();
  const auto wrote =
      t_.db->Read(*ctx, [](Tx& tx) { return tx.Exec("INSERT INTO items (id, number) VALUES ('r', 1)"); });
  EXPECT_FALSE(wrote.ok());
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items"), 0);
}

TEST_P(DatabaseTest, ReadsSeeOneSnapshot) {
  ASSERT_TRUE(Insert("a", 1).ok());
  auto ctx = t_.Context();
  const absl::Status read = t_.db->Read(*ctx, [&](Tx& tx) -> absl::Status {
    const auto count = [&] {
      return tx.QueryOne("SELECT COUNT(*) FROM items", {}, [](const Row& row) { return row.Int(0); }).value().value();
    };
    EXPECT_EQ(count(), 1);
    // Another operation commits meanwhile (on the writer's connection) and sees its own write at once.
    EXPECT_TRUE(Insert("b", 2).ok());
    EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items"), 2);
    EXPECT_EQ(count(), 1);
    return absl::OkStatus();
  });
  EXPECT_TRUE(read.ok()) << read;
}

TEST_P(DatabaseTest, TheSameQueryInsideItsRows) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Insert(std::to_string(i), i).ok());
  auto ctx = t_.Context();
  int pairs = 0;
  const std::string_view sql = "SELECT id FROM items";
  ASSERT_TRUE(t_.db
                  ->Read(*ctx,
                         [&](Tx& tx) {
                           return tx.Query(sql, {},
                                           [&](const Row&) { return tx.Query(sql, {}, [&](const Row&) { ++pairs; }); });
                         })
                  .ok());
  EXPECT_EQ(pairs, 9);
}

TEST_P(DatabaseTest, LaterStatementsRunInOrderAndFailTheTransaction) {
  auto ctx = t_.Context();
  const auto run = [&](const std::string& second) {
    return t_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
      // The text is gone by the time the statement is looked at.
      RETURN_IF_ERROR(tx.ExecLater("INSERT INTO items (id, number) VALUES ($1, 1)", {std::string("a") + second}));
      (void)tx.ExecLater("INSERT INTO items (id, number) VALUES ($1, 2)", {second});
      return absl::OkStatus();
    });
  };
  ASSERT_TRUE(run("x").ok());
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items"), 2);
  EXPECT_EQ(ReasonOf(run("ax")), "UNIQUE_VIOLATION");
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items"), 2);
  const absl::Status seen = t_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    (void)tx.ExecLater("INSERT INTO items (id, number) VALUES ('x', 1)");
    return tx.Query("SELECT 1", {}, [](const Row&) {});
  });
  EXPECT_EQ(ReasonOf(seen), "UNIQUE_VIOLATION");
  // Together with a statement that answers.
  const auto count = t_.db->Transact(*ctx, [&](Tx& tx) -> absl::StatusOr<std::optional<int64_t>> {
    for (int i = 0; i < 100; ++i) {
      RETURN_IF_ERROR(tx.ExecLater("INSERT INTO items (id, number) VALUES ($1, $2)", {std::to_string(i), i}));
    }
    return tx.QueryOne("SELECT COUNT(*) FROM items", {}, [](const Row& row) { return row.Int(0); });
  });
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(**count, 102);
}

TEST_P(DatabaseTest, ReturningGivesRows) {
  auto ctx = t_.Context();
  const auto id = t_.db->Transact(*ctx, [&](Tx& tx) {
    return tx.QueryOne("INSERT INTO items (id, number) VALUES ($1, 7) ON CONFLICT (id) DO NOTHING RETURNING id", {"r"},
                       [](const Row& row) { return row.Text(0); });
  });
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_EQ(**id, "r");
}

TEST_P(DatabaseTest, NestedCallsAreRefused) {
  auto ctx = t_.Context();
  auto other = t_.Context();
  const absl::Status status = t_.db->Transact(*ctx, [&](Tx&) -> absl::Status {
    EXPECT_TRUE(ctx->in_transaction);
    EXPECT_EQ(t_.db->Transact(*ctx, [](Tx&) { return absl::OkStatus(); }).code(), absl::StatusCode::kInternal);
    EXPECT_EQ(t_.db->Read(*other, [](Tx&) { return absl::OkStatus(); }).code(), absl::StatusCode::kInternal);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_FALSE(ctx->in_transaction);
}

TEST_P(DatabaseTest, AfterCommitOnlyWhenCommitted) {
  auto ctx = t_.Context();
  int calls = 0;
  const auto run = [&](const absl::Status& result) {
    return t_.db->Transact(*ctx, [&](Tx& tx) {
      tx.AfterCommit([&] { ++calls; });
      return result;
    });
  };
  EXPECT_FALSE(run(base::StaleEtag()).ok());
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(run(absl::OkStatus()).ok());
  EXPECT_EQ(calls, 1);
}

TEST_P(DatabaseTest, DeadlineAndCancellationBeforeTheStart) {
  bool ran = false;
  const auto closure = [&](Tx&) {
    ran = true;
    return absl::OkStatus();
  };
  auto late = TestContext(t_.clock, std::chrono::milliseconds(-1));
  EXPECT_EQ(t_.db->Transact(*late, closure).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(t_.db->Read(*late, closure).code(), absl::StatusCode::kDeadlineExceeded);
  auto cancelled = t_.Context();
  cancelled->cancelled()->store(true);
  EXPECT_EQ(t_.db->Transact(*cancelled, closure).code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(ran);
}

TEST_P(DatabaseTest, ALateReadIsStopped) {
  auto ctx = TestContext(t_.clock, std::chrono::milliseconds(30));
  const absl::Status status = t_.db->Read(*ctx, [](Tx& tx) {
    return tx.Query("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n", {},
                    [](const Row&) {});
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_EQ(t_.Number("SELECT 5"), 5);
}

TEST_P(DatabaseTest, ReadersWaitTheirTurn) {
  TestDatabase t(GetParam(), Schema());
  t.options.max_readers = t.postgres.connections_max = 2;
  t.db.reset();
  t.Open();
  std::atomic<int> inside{0}, most{0};
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto ctx = t.Context();
      for (int round = 0; round < 20; ++round) {
        const absl::Status status = t.db->Read(*ctx, [&](Tx& tx) {
          const int now = ++inside;
          for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
          }
          absl::Status read = tx.Query("SELECT COUNT(*) FROM items", {}, [](const Row&) {});
          --inside;
          return read;
        });
        EXPECT_TRUE(status.ok()) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 2);
  EXPECT_EQ(t.db->stats().reads, 160);
}

TEST_P(DatabaseTest, CloseDuringTraffic) {
  std::atomic<int> acknowledged{0};
  std::latch started(4);
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      bool counted = false;
      for (int i = 0;; ++i) {
        const absl::Status status = Insert(std::to_string(thread) + "/" + std::to_string(i), i);
        if (!counted) started.count_down();
        counted = true;
        if (!status.ok()) {
          EXPECT_EQ(ReasonOf(status), "STORAGE_CLOSED");
          return;
        }
        ++acknowledged;
      }
    });
  }
  started.wait();
  t_.db->Close();
  for (std::thread& thread : threads) thread.join();
  auto ctx = t_.Context();
  EXPECT_EQ(ReasonOf(t_.db->Read(*ctx, [](Tx&) { return absl::OkStatus(); })), "STORAGE_CLOSED");
  EXPECT_FALSE(std::filesystem::exists(t_.options.path + "-wal"));
  t_.Open();
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM items"), acknowledged);
}

TEST(SqliteConnection, KeepsABoundedNumberOfStatements) {
  TestFolder folder;
  SqliteOptions options;
  options.path = folder.File("c.db");
  auto connection = SqliteConnection::Open(options, SqliteConnection::Role::kWriter);
  ASSERT_TRUE(connection.ok());
  ASSERT_TRUE((*connection)->Control("BEGIN").ok());
  const size_t before = (*connection)->statements();
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE((*connection)->Exec("SELECT 1", nullptr, 0).ok());
  }
  EXPECT_EQ((*connection)->statements(), before + 1);
  for (size_t i = 0; i < 2 * kStatementsMax; ++i) {
    ASSERT_TRUE((*connection)->Exec("SELECT " + std::to_string(i), nullptr, 0).ok());
  }
  EXPECT_EQ((*connection)->statements(), kStatementsMax);
}

TEST(OpenSqlite, RefusesWhatIsNoDatabase) {
  TestFolder folder;
  base::SystemClock clock;
  std::string log;
  SqliteOptions options;
  options.log = [&](std::string_view text) { log += text; };
  options.path = folder.File("no/such/folder.db");
  EXPECT_EQ(OpenSqlite(options, clock).status().code(), absl::StatusCode::kUnavailable);
  options.path = folder.path();
  const absl::Status status = OpenSqlite(options, clock).status();
  EXPECT_EQ(ReasonOf(status), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(std::string(status.message()).find(folder.path()), std::string::npos);
  EXPECT_FALSE(log.empty());
}

TEST(Dialect, LocksOnlyWherePossible) {
  EXPECT_EQ(ForUpdate(Engine::kSqlite), "");
  EXPECT_EQ(ForUpdate(Engine::kPostgres), " FOR UPDATE");
  EXPECT_EQ(ForUpdateSkipLocked(Engine::kPostgres), " FOR UPDATE SKIP LOCKED");
}

}  // namespace
}  // namespace dinh::db

// What only PostgreSQL can show: sessions beside each other, sessions that break, rights. What both engines do alike is
// tested in database_test.cc and its neighbours.
#include "libs/db/postgres.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

#include "google/protobuf/wrappers.pb.h"
#include "libs/db/postgres_connection.h"
#include "libs/db/test_support.h"

namespace dinh::db {
namespace {

using google::protobuf::StringValue;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<Migration>& Schema() {
  static const std::vector<Migration> migrations = {
      {1, "counters", "CREATE TABLE counters (id TEXT NOT NULL PRIMARY KEY, value BIGINT NOT NULL);"}};
  return migrations;
}

int64_t ValueOf(Tx& tx, std::string_view id, std::string_view suffix = "") {
  const std::string sql = "SELECT value FROM counters WHERE id = $1" + std::string(suffix);
  const auto found = tx.QueryOne(sql, {id}, [](const Row& row) { return row.Int(0); });
  return found.ok() && found->has_value() ? **found : -1;
}

class PostgresTest : public ::testing::Test {
 protected:
  void Reopen() {
    t_.db.reset();
    t_.Open();
  }
  absl::Status Set(const std::string& id, int64_t value) {
    auto ctx = t_.Context();
    return t_.db->Transact(*ctx, [&](Tx& tx) {
      return tx
          .Exec(
              "INSERT INTO counters (id, value) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = excluded.value",
              {id, value})
          .status();
    });
  }
  int64_t Get(const std::string& id) { return t_.Number("SELECT value FROM counters WHERE id = '" + id + "'"); }
  // Ends the other sessions of the schema's database as an administrator would.
  void KillOthers(const std::string& application) {
    PostgresOptions options = t_.postgres;
    options.application = "killer";
    TestDatabase killer(options);
    EXPECT_GE(killer.Number("SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '" +
                            application + "'"),
              1);
  }
  TestDatabase t_{Engine::kPostgres, Schema()};
};

TEST_F(PostgresTest, ReadThenWriteIsSerializable) {
  ASSERT_TRUE(Set("n", 0).ok());
  constexpr int kThreads = 4, kRounds = 25;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::atomic<int> have_read{0};  // at first all read before any writes: so they do get in each other's way
  const auto together = [&] {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    ++have_read;
    while (have_read < kThreads && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  };
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds;) {
        auto ctx = t_.Context();
        const absl::Status status = t_.db->Transact(*ctx, [&](Tx& tx) {
          const int64_t value = ValueOf(tx, "n");
          together();
          return tx.Exec("UPDATE counters SET value = $1 WHERE id = 'n'", {value + 1}).status();
        });
        EXPECT_TRUE(status.ok() || ReasonOf(status) == "STORAGE_BUSY") << status;
        if (status.ok()) ++round;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Get("n"), kThreads * kRounds);
  EXPECT_GT(t_.db->stats().retries, 0);
}

// Each looks whether the other is on duty and goes; READ COMMITTED and snapshots let both go.
TEST_F(PostgresTest, NoWriteSkew) {
  ASSERT_TRUE(Set("a", 1).ok());
  ASSERT_TRUE(Set("b", 1).ok());
  std::latch both(2);
  std::atomic<int> runs{0};
  const auto leave = [&](const std::string& own, const std::string& other) {
    auto ctx = t_.Context();
    bool first = true;
    EXPECT_TRUE(t_.db
                    ->Transact(*ctx,
                               [&](Tx& tx) -> absl::Status {
                                 ++runs;
                                 const bool covered = ValueOf(tx, other) == 1;
                                 if (std::exchange(first, false)) both.arrive_and_wait();
                                 if (!covered) return absl::OkStatus();
                                 return tx.Exec("UPDATE counters SET value = 0 WHERE id = $1", {own}).status();
                               })
                    .ok());
  };
  std::thread one(leave, "a", "b"), two(leave, "b", "a");
  one.join();
  two.join();
  EXPECT_EQ(Get("a") + Get("b"), 1);
  EXPECT_EQ(runs, 3);
}

TEST_F(PostgresTest, DeadlocksAreRunAgain) {
  ASSERT_TRUE(Set("a", 0).ok());
  ASSERT_TRUE(Set("b", 0).ok());
  std::latch both(2);
  const auto add = [&](const std::string& left, const std::string& right) {
    auto ctx = t_.Context();
    bool first = true;
    EXPECT_TRUE(t_.db
                    ->Transact(
                        *ctx,
                        [&](Tx& tx) -> absl::Status {
                          const std::string_view sql = "UPDATE counters SET value = value + 1 WHERE id = $1";
                          RETURN_IF_ERROR(tx.Exec(sql, {left}).status());
                          if (std::exchange(first, false)) both.arrive_and_wait();
                          return tx.Exec(sql, {right}).status();
                        },
                        Isolation::kReadCommitted)
                    .ok());
  };
  std::thread one(add, "a", "b"), two(add, "b", "a");
  one.join();
  two.join();
  EXPECT_EQ(Get("a"), 2);
  EXPECT_EQ(Get("b"), 2);
}

TEST_F(PostgresTest, AttemptsAreBounded) {
  t_.postgres.attempts_max = 3;
  Reopen();
  ASSERT_TRUE(Set("n", 0).ok());
  int runs = 0;
  auto ctx = t_.Context();
  const absl::Status status = t_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    const int64_t value = ValueOf(tx, "n");
    std::thread([&] { EXPECT_TRUE(Set("n", 100 + ++runs).ok()); }).join();  // always somebody faster
    return tx.Exec("UPDATE counters SET value = $1 WHERE id = 'n'", {value + 1}).status();
  });
  EXPECT_EQ(ReasonOf(status), "STORAGE_BUSY");
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(Get("n"), 103);
}

TEST_F(PostgresTest, TheQueueForConnectionsIsBounded) {
  t_.postgres.connections_max = 1;
  t_.postgres.queue_max = 1;
  Reopen();
  auto holder = t_.Context();
  std::thread waiter;
  ASSERT_TRUE(t_.db
                  ->Transact(*holder,
                             [&](Tx&) {
                               waiter = std::thread([&] { EXPECT_TRUE(Set("waited", 1).ok()); });
                               while (t_.db->stats().queue_depth < 1) std::this_thread::yield();
                               std::thread([&] {
                                 const absl::Status full = Set("refused", 1);
                                 EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
                                 EXPECT_EQ(ReasonOf(full), "STORAGE_QUEUE_FULL");
                                 EXPECT_GT(base::DetailOf(full)->retry_after_ms, 0);
                               }).join();
                               return absl::OkStatus();
                             })
                  .ok());
  waiter.join();
  EXPECT_EQ(Get("waited"), 1);
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM counters"), 1);
  EXPECT_EQ(t_.db->stats().connections, 1);
}

TEST_F(PostgresTest, WaitingForAConnectionEndsAtTheDeadline) {
  t_.postgres.connections_max = 1;
  Reopen();
  auto holder = t_.Context();
  ASSERT_TRUE(t_.db
                  ->Transact(*holder,
                             [&](Tx&) {
                               std::thread([&] {
                                 auto late = TestContext(t_.clock, std::chrono::milliseconds(20));
                                 EXPECT_EQ(t_.db->Read(*late, [](Tx&) { return absl::OkStatus(); }).code(),
                                           absl::StatusCode::kDeadlineExceeded);
                               }).join();
                               return absl::OkStatus();
                             })
                  .ok());
}

TEST_F(PostgresTest, ALateStatementIsCancelledAndRolledBack) {
  auto ctx = TestContext(t_.clock, std::chrono::milliseconds(50));
  const absl::Status status = t_.db->Transact(*ctx, [](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Exec("INSERT INTO counters (id, value) VALUES ('late', 1)").status());
    return tx.Query("SELECT pg_sleep(60)", {}, [](const Row&) {});
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM counters"), 0);
}

TEST_F(PostgresTest, LocksAreWaitedForSoLong) {
  t_.postgres.lock_timeout = std::chrono::milliseconds(50);
  Reopen();
  ASSERT_TRUE(Set("n", 1).ok());
  auto ctx = t_.Context();
  ASSERT_TRUE(t_.db
                  ->Transact(*ctx,
                             [&](Tx& tx) {
                               EXPECT_EQ(ValueOf(tx, "n", " FOR UPDATE"), 1);
                               std::thread([&] { EXPECT_EQ(ReasonOf(Set("n", 2)), "STORAGE_BUSY"); }).join();
                               return absl::OkStatus();
                             })
                  .ok());
}

TEST_F(PostgresTest, SessionsBeginWithTheirLimits) {
  t_.postgres.statement_timeout = std::chrono::milliseconds(1234);
  t_.postgres.lock_timeout = std::chrono::milliseconds(2345);
  t_.postgres.idle_in_transaction_timeout = std::chrono::milliseconds(3456);
  Reopen();
  auto ctx = t_.Context();
  const auto setting = [&](std::string_view name) {
    return t_.db
        ->Read(*ctx,
               [&](Tx& tx) {
                 return tx.QueryOne("SELECT current_setting($1)", {name}, [](const Row& row) { return row.Text(0); });
               })
        .value()
        .value();
  };
  EXPECT_EQ(setting("statement_timeout"), "1234ms");
  EXPECT_EQ(setting("lock_timeout"), "2345ms");
  EXPECT_EQ(setting("idle_in_transaction_session_timeout"), "3456ms");
  EXPECT_EQ(setting("transaction_isolation"), "repeatable read");
  EXPECT_EQ(setting("transaction_read_only"), "on");
  EXPECT_EQ(setting("search_path"), t_.postgres.schema);
  EXPECT_EQ(setting("TimeZone"), "UTC");
  const auto isolation = t_.db->Transact(*ctx, [](Tx& tx) {
    return tx.QueryOne("SELECT current_setting('transaction_isolation')", {},
                       [](const Row& row) { return row.Text(0); });
  });
  EXPECT_EQ(**isolation, "serializable");
}

TEST_F(PostgresTest, StatementsKeptAreBounded) {
  t_.postgres.statements_max = 8;
  t_.postgres.connections_max = 1;
  Reopen();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(t_.Number("SELECT " + std::to_string(i)), i);
    EXPECT_EQ(t_.Number("SELECT " + std::to_string(i)), i);
  }
  // Those in use, and the fixed ones.
  EXPECT_LE(t_.Number("SELECT COUNT(*) FROM pg_prepared_statements WHERE name LIKE 's%'"), 10);
}

TEST_F(PostgresTest, ValuesThatDoNotFitAreRefused) {
  auto ctx = t_.Context();
  const auto read = [&](std::string_view sql, Params params) {
    return t_.db->Read(*ctx, [&](Tx& tx) { return tx.Query(sql, params, [](const Row&) {}); });
  };
  EXPECT_EQ(read("SELECT 1 WHERE CAST($1 AS SMALLINT) = 1", {40'000}).code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(read("SELECT 1 WHERE CAST($1 AS SMALLINT) = 1", {-32'768}).ok());
  EXPECT_EQ(read("SELECT 1 WHERE CAST($1 AS BYTEA) = $1", {1}).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(ReasonOf(read("SELECT CAST($1 AS TEXT)", {std::string_view("a\0b", 3)})), "TEXT_HAS_NUL");
  EXPECT_THAT(std::string(read("SELECT SUM(value) FROM counters", {}).message()), HasSubstr("CAST"));
  EXPECT_EQ(t_.Number("SELECT 1"), 1);
}

TEST_F(PostgresTest, EveryTypeThatRowsHold) {
  auto ctx = t_.Context();
  const absl::Status read = t_.db->Read(*ctx, [](Tx& tx) {
    return tx.Query(
        "SELECT CAST(-2 AS SMALLINT), CAST(-3 AS INTEGER), CAST(1.5 AS REAL), CAST(2.5 AS DOUBLE PRECISION),"
        " FALSE, '42', CAST('x' AS VARCHAR), CAST(NULL AS BIGINT), CAST('\\x00ff' AS BYTEA)",
        {}, [](const Row& row) {
          EXPECT_EQ(row.Int(0), -2);
          EXPECT_EQ(row.Text(0), "-2");
          EXPECT_EQ(row.Int(1), -3);
          EXPECT_EQ(row.Double(1), -3);
          EXPECT_EQ(row.Double(2), 1.5);
          EXPECT_EQ(row.Text(3), "2.5");
          EXPECT_EQ(row.Int(3), 2);
          EXPECT_FALSE(row.Bool(4));
          EXPECT_EQ(row.Int(5), 42);
          EXPECT_EQ(row.Double(5), 42);
          EXPECT_EQ(row.Text(6), "x");
          EXPECT_TRUE(row.IsNull(7));
          EXPECT_EQ(row.Int(7), 0);
          EXPECT_EQ(row.Text(8), std::string("\0\xff", 2));
        });
  });
  EXPECT_TRUE(read.ok()) << read;
}

TEST_F(PostgresTest, AConnectionLostInTheClosureRunsItAgain) {
  t_.postgres.application = "victim-closure";
  Reopen();
  int runs = 0;
  auto ctx = t_.Context();
  const absl::Status status = t_.db->Transact(*ctx, [&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Exec("INSERT INTO counters (id, value) VALUES ('x', 1)").status());
    if (++runs == 1) KillOthers("victim-closure");
    return tx.Exec("UPDATE counters SET value = value + 1 WHERE id = 'x'").status();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(Get("x"), 2);
}

TEST_F(PostgresTest, ALostClaimedTransactionIsNotInItsOwnWay) {
  t_.postgres.application = "victim-claim";
  Reopen();
  int runs = 0;
  auto ctx = t_.Context();
  ctx->claim = std::make_unique<base::IdempotencyClaim>();
  ctx->claim->principal = "p";
  ctx->claim->request_id = "r";
  const auto result = t_.db->Transact(*ctx, [&](Tx& tx) -> absl::StatusOr<StringValue> {
    RETURN_IF_ERROR(tx.Exec("INSERT INTO counters (id, value) VALUES ('x', 1)").status());
    if (++runs == 1) KillOthers("victim-claim");
    return StringValue();
  });
  EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(Get("x"), 1);
}

TEST_F(PostgresTest, IdleConnectionsThatDiedAreReplaced) {
  t_.postgres.application = "victim-idle";
  Reopen();
  ASSERT_TRUE(Set("x", 1).ok());
  KillOthers("victim-idle");
  EXPECT_EQ(Get("x"), 1);
  EXPECT_TRUE(Set("x", 2).ok());
}

// Two replicas of a service on one database.
TEST_F(PostgresTest, InFlightAcrossProcesses) {
  TestDatabase other(t_.postgres, Schema());
  const auto run = [](TestDatabase& t, const std::function<void()>& inside, bool* replayed) {
    auto ctx = t.Context();
    ctx->claim = std::make_unique<base::IdempotencyClaim>();
    ctx->claim->principal = "p";
    ctx->claim->request_id = "r";
    ctx->claim->body_hash = "same";
    auto result = t.db->Transact(*ctx, [&](Tx& tx) -> absl::StatusOr<StringValue> {
      RETURN_IF_ERROR(tx.Exec("INSERT INTO counters (id, value) VALUES ('once', 1)").status());
      inside();
      StringValue value;
      value.set_value("answer");
      return value;
    });
    if (replayed != nullptr) *replayed = ctx->replayed;
    return result;
  };
  const auto first = run(
      t_,
      [&] {
        std::thread([&] {
          EXPECT_EQ(ReasonOf(run(
                                 other, [] { ADD_FAILURE(); }, nullptr)
                                 .status()),
                    "REQUEST_IN_FLIGHT");
        }).join();
      },
      nullptr);
  ASSERT_TRUE(first.ok()) << first.status();
  for (int i = 0; i < 10; ++i) {
    bool replayed = false;
    const auto again = run(
        other, [] { ADD_FAILURE(); }, &replayed);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->value(), "answer");
    EXPECT_TRUE(replayed);
  }
  // The lock goes a moment after the answer.
  const auto locks = [&] { return t_.Number("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'"); };
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (locks() > 0 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_EQ(locks(), 0);
}

TEST_F(PostgresTest, TextsCompareByTheirBytes) {
  for (const char* id : {"b", "A", "á", "a", "B", "_", "z"}) ASSERT_TRUE(Set(id, 1).ok());
  std::string order;
  auto ctx = t_.Context();
  ASSERT_TRUE(t_.db
                  ->Read(*ctx,
                         [&](Tx& tx) {
                           return tx.Query("SELECT id FROM counters ORDER BY id", {},
                                           [&](const Row& row) { order += row.Text(0); });
                         })
                  .ok());
  EXPECT_EQ(order, "AB_abzá");
}

TEST_F(PostgresTest, TwoMigratorsAtOnce) {
  const std::vector<Migration> steps = {Schema()[0],
                                        {2, "slow", "SELECT pg_sleep(0.1); CREATE TABLE slow (x BIGINT);", 1},
                                        {3, "last", "INSERT INTO slow VALUES (1);", 1}};
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      auto opened = OpenPostgres(t_.postgres, t_.clock);
      ASSERT_TRUE(opened.ok()) << opened.status();
      const absl::Status migrated = (*opened)->Migrate(steps);
      EXPECT_TRUE(migrated.ok()) << migrated;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(t_.Number("SELECT COUNT(*) FROM slow"), 1);
}

TEST_F(PostgresTest, EachServiceSeesItsOwnTablesOnly) {
  auto& server = postgres_test::PostgresServer::Shared();
  const std::string one = server.NewSchema(), two = server.NewSchema();
  for (int i = 0; i < 2; ++i) {  // again: nothing changes
    const absl::Status made = ProvisionPostgres(server.Dsn(), {{one, one, "một"}, {two, two, "hai"}});
    ASSERT_TRUE(made.ok()) << made;
  }
  PostgresOptions options;
  options.dsn = server.DsnOf(one, "một");
  options.schema = one;
  TestDatabase first(options, Schema());
  options.dsn = server.DsnOf(two, "hai");
  options.schema = two;
  TestDatabase second(options, Schema());
  ASSERT_TRUE(first.Exec("INSERT INTO counters (id, value) VALUES ('secret', 7)").ok());
  EXPECT_EQ(first.Number("SELECT value FROM counters"), 7);
  EXPECT_EQ(second.Number("SELECT COUNT(*) FROM counters"), 0);
  const std::vector<std::string> attempts = {
      "SELECT value FROM " + one + ".counters", "DELETE FROM " + one + ".counters",
      "DROP TABLE " + one + ".counters",        "CREATE TABLE " + one + ".mine (x BIGINT)",
      "CREATE TABLE public.mine (x BIGINT)",    "GRANT USAGE ON SCHEMA " + one + " TO " + two};
  for (const std::string& sql : attempts) {
    const absl::Status refused = second.Exec(sql).status();
    EXPECT_THAT(std::string(refused.message()), HasSubstr("permission denied")) << sql;
  }
  EXPECT_EQ(first.Number("SELECT value FROM counters"), 7);
  // A schema that is not there, and that this role may not make.
  options.schema = server.NewSchema();
  EXPECT_EQ(ReasonOf(OpenPostgres(options, first.clock).status()), "SCHEMA_ABSENT");
  // Somebody else's.
  options.schema = one;
  EXPECT_EQ(ReasonOf(OpenPostgres(options, first.clock).status()), "DATABASE_RIGHT_MISSING");
}

TEST_F(PostgresTest, WhatIsWrongWithADsnIsNamed) {
  auto& server = postgres_test::PostgresServer::Shared();
  const std::string role = server.NewSchema();
  ASSERT_TRUE(ProvisionPostgres(server.Dsn(), {{role, role, "đúng"}}).ok());
  std::string log;
  const auto open = [&](const std::string& dsn, const std::string& schema) {
    PostgresOptions options;
    options.dsn = dsn;
    options.schema = schema;
    options.log = [&](std::string_view text) { log += text; };
    const absl::Status status = OpenPostgres(options, t_.clock).status();
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("s3cret")));
    return ReasonOf(status);
  };
  EXPECT_EQ(open("", role), "DATABASE_DSN_INVALID");
  EXPECT_EQ(open("password=s3cret nonsense", role), "DATABASE_DSN_INVALID");
  EXPECT_EQ(open("hots=nowhere password=s3cret", role), "DATABASE_DSN_INVALID");
  EXPECT_EQ(open(server.DsnOf(role, "s3cret"), role), "DATABASE_LOGIN_REFUSED");
  EXPECT_EQ(open(server.DsnOf(role, ""), role), "DATABASE_LOGIN_REFUSED");
  EXPECT_EQ(open(server.DsnOf("nobody", "s3cret"), role), "DATABASE_LOGIN_REFUSED");
  EXPECT_EQ(open(server.Dsn() + " dbname=absent", role), "DATABASE_ABSENT");
  EXPECT_EQ(open("host=" + server.folder() + " port=1 password=s3cret", role), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(open(server.Dsn(), "Not a name"), "INVALID_FIELD");
  EXPECT_EQ(open(server.DsnOf(role, "đúng"), role), "");
  EXPECT_THAT(log, Not(HasSubstr("s3cret")));
  EXPECT_THAT(log, HasSubstr("no connection"));
  EXPECT_EQ(ProvisionPostgres(server.Dsn(), {{"a\"; DROP", "x", ""}}).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace dinh::db

// PostgreSQL that stops, breaks, moves to another machine: what becomes of transactions then.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "google/protobuf/wrappers.pb.h"
#include "libs/db/test_support.h"
#include "libs/testing/postgres_proxy.h"

namespace dinh::db {
namespace {

using google::protobuf::StringValue;
using Mode = postgres_test::PostgresProxy::Mode;

const std::vector<Migration>& Schema() {
  static const std::vector<Migration> migrations = {{1, "rows", "CREATE TABLE rows (id BIGINT NOT NULL);"}};
  return migrations;
}

bool Eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    ::usleep(2'000);
  }
  return true;
}

struct Outcome {
  absl::Status status;
  int runs = 0;
  bool replayed = false;
};

// Adds the row `id` in one transaction, claimed under `request` unless that is empty.
Outcome Add(
    TestDatabase& t, int64_t id, const std::string& request = "", const std::function<void()>& inside = [] {}) {
  auto ctx = t.Context();
  if (!request.empty()) {
    ctx->claim = std::make_unique<base::IdempotencyClaim>();
    ctx->claim->principal = "p";
    ctx->claim->request_id = request;
    ctx->claim->body_hash = "body";
  }
  Outcome outcome;
  const auto result = t.db->Transact(*ctx, [&](Tx& tx) -> absl::StatusOr<StringValue> {
    ++outcome.runs;
    RETURN_IF_ERROR(tx.Exec("INSERT INTO rows (id) VALUES ($1)", {id}).status());
    inside();
    RETURN_IF_ERROR(tx.Query("SELECT 1", {}, [](const Row&) {}));
    return StringValue();
  });
  outcome.status = result.status();
  outcome.replayed = ctx->replayed;
  return outcome;
}

// Behind a proxy that breaks connections.
class LostCommitTest : public ::testing::Test {
 protected:
  LostCommitTest() {
    PostgresOptions options = TestPostgresOptions();
    direct_ = std::make_unique<TestDatabase>(options, Schema());
    options.dsn = "host=" + proxy_.folder() + " port=5432 dbname=postgres user=dinh_owner";
    options.connections_max = 1;
    options.reconnect_limit = std::chrono::milliseconds(300);
    t_ = std::make_unique<TestDatabase>(options);
  }
  int64_t Rows() { return direct_->Number("SELECT COUNT(*) FROM rows"); }

  postgres_test::PostgresProxy proxy_{postgres_test::PostgresServer::Shared().folder()};
  std::unique_ptr<TestDatabase> direct_, t_;
};

TEST_F(LostCommitTest, ACommitWhoseAnswerIsLostIsFoundOut) {
  for (const std::string request : {"", "claimed"}) {
    const int64_t before = Rows();
    proxy_.Set(Mode::kCutAfterCommit);
    const Outcome outcome = Add(*t_, 1, request);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(outcome.runs, 1);
    EXPECT_EQ(Rows(), before + 1);
  }
  EXPECT_EQ(proxy_.cuts(), 2);
  EXPECT_TRUE(Add(*t_, 1, "claimed").replayed);
}

TEST_F(LostCommitTest, ACommitThatNeverArrivedIsRunAgain) {
  for (const std::string request : {"", "claimed"}) {
    const int64_t before = Rows();
    proxy_.Set(Mode::kCutBeforeCommit);
    const Outcome outcome = Add(*t_, 1, request);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
    EXPECT_EQ(outcome.runs, 2);
    EXPECT_EQ(Rows(), before + 1);
  }
  EXPECT_EQ(proxy_.cuts(), 2);
}

TEST_F(LostCommitTest, WhatNobodyCanSayIsUnknown) {
  for (const Mode mode : {Mode::kCutBeforeCommit, Mode::kCutAfterCommit}) {
    const std::string request = mode == Mode::kCutAfterCommit ? "happened" : "did not";
    const int64_t before = Rows();
    proxy_.Set(mode, Mode::kRefuse);
    const Outcome lost = Add(*t_, 1, request);
    EXPECT_EQ(lost.status.code(), absl::StatusCode::kUnknown);
    EXPECT_EQ(ReasonOf(lost.status), "COMMIT_OUTCOME_UNKNOWN");
    EXPECT_EQ(Rows(), before + (mode == Mode::kCutAfterCommit ? 1 : 0));
    // The same request id tells.
    proxy_.Set(Mode::kPass);
    Outcome again;
    EXPECT_TRUE(Eventually([&] { return (again = Add(*t_, 1, request)).status.ok(); }));
    EXPECT_TRUE(again.status.ok()) << again.status;
    EXPECT_EQ(again.replayed, mode == Mode::kCutAfterCommit);
    EXPECT_EQ(Rows(), before + 1);
  }
  EXPECT_EQ(t_->db->stats().outcomes_unknown, 2);
}

TEST_F(LostCommitTest, NothingWrittenNothingUnknown) {
  proxy_.Set(Mode::kCutAfterCommit, Mode::kRefuse);
  auto ctx = t_->Context();
  const absl::Status status =
      t_->db->Transact(*ctx, [](Tx& tx) { return tx.Query("SELECT id FROM rows", {}, [](const Row&) {}); });
  EXPECT_EQ(ReasonOf(status), "STORAGE_UNAVAILABLE");
}

class RestartTest : public ::testing::Test {
 protected:
  RestartTest() {
    PostgresOptions options;
    options.dsn = server_.Dsn();
    options.schema = "s";
    t_ = std::make_unique<TestDatabase>(options, Schema());
  }
  int64_t Rows() { return t_->Number("SELECT COUNT(*) FROM rows"); }

  postgres_test::PostgresServer server_{{.durable = true}};
  std::unique_ptr<TestDatabase> t_;
};

TEST_F(RestartTest, BetweenAndInsideTransactions) {
  ASSERT_TRUE(Add(*t_, 1).status.ok());
  server_.Restart();
  ASSERT_TRUE(Add(*t_, 2).status.ok());
  server_.Restart();
  EXPECT_EQ(Rows(), 2);
  bool first = true;
  const Outcome inside = Add(*t_, 3, "r", [&] {
    if (std::exchange(first, false)) server_.Restart();
  });
  EXPECT_TRUE(inside.status.ok()) << inside.status;
  EXPECT_EQ(inside.runs, 2);
  EXPECT_EQ(Rows(), 3);
}

TEST_F(RestartTest, WhileItIsDownEverybodyIsTold) {
  server_.Stop();
  const Outcome down = Add(*t_, 1);
  EXPECT_EQ(ReasonOf(down.status), "STORAGE_UNAVAILABLE");
  EXPECT_GT(base::DetailOf(down.status)->retry_after_ms, 0);
  server_.Start();
  EXPECT_TRUE(Add(*t_, 1).status.ok());
}

TEST_F(RestartTest, WhatWasAcknowledgedSurvivesACrash) {
  constexpr int kThreads = 4, kCrashes = 3;
  std::atomic<int64_t> acknowledged{0}, next{0}, unknown{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  writers.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    writers.emplace_back([&] {
      while (!stop) {
        const int64_t id = ++next;
        // Half of them with a claim: those are sent again until they are told. The others are when they must be.
        const std::string request = id % 2 == 0 ? "r" + std::to_string(id) : "";
        Outcome outcome = Add(*t_, id, request);
        while (!outcome.status.ok() && (!request.empty() || !absl::IsUnknown(outcome.status))) {
          outcome = Add(*t_, id, request);
        }
        ++(outcome.status.ok() ? acknowledged : unknown);
      }
    });
  }
  for (int crash = 1; crash <= kCrashes; ++crash) {
    EXPECT_TRUE(Eventually([&] { return acknowledged > crash * 50; }));
    server_.Crash();
    server_.Start();
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(t_->Number("SELECT COUNT(DISTINCT id) FROM rows"), Rows()) << "something happened twice";
  EXPECT_GE(Rows(), acknowledged) << "something acknowledged was lost";
  EXPECT_LE(Rows(), acknowledged + unknown) << "something was reported as failed and happened";
}

// A primary behind a proxy and a streaming replica.
class FailOverTest : public ::testing::Test {
 protected:
  FailOverTest() : primary_({.settings = {"wal_sender_timeout=2s"}}), replica_(&primary_), proxy_(primary_.folder()) {
    PostgresOptions options;
    options.dsn = "host=" + proxy_.folder() + "," + replica_.folder() + " port=5432 dbname=postgres user=dinh_owner";
    options.replica_dsn = replica_.Dsn();
    options.schema = "s";
    options.reconnect_limit = std::chrono::seconds(20);
    t_ = std::make_unique<TestDatabase>(options, Schema());
  }
  void FailOver() {
    EXPECT_TRUE(Eventually([&] {
      return direct_.Number("SELECT COUNT(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()") == 1;
    }));
    proxy_.Set(Mode::kRefuse);
    primary_.Crash();
    replica_.Promote();
  }
  static PostgresOptions Direct(const postgres_test::PostgresServer& server) {
    PostgresOptions options;
    options.dsn = server.Dsn();
    options.schema = "direct";
    return options;
  }
  int64_t Rows() { return t_->Number("SELECT COUNT(*) FROM rows"); }

  postgres_test::PostgresServer primary_, replica_;
  postgres_test::PostgresProxy proxy_;
  TestDatabase direct_{Direct(primary_)};
  std::unique_ptr<TestDatabase> t_;
};

TEST_F(FailOverTest, TransactionsGoOnAtTheNewPrimary) {
  ASSERT_TRUE(Add(*t_, 1).status.ok());
  bool first = true;
  const Outcome inside = Add(*t_, 2, "r", [&] {
    if (std::exchange(first, false)) FailOver();
  });
  EXPECT_TRUE(inside.status.ok()) << inside.status;
  EXPECT_EQ(inside.runs, 2);
  EXPECT_TRUE(Add(*t_, 3).status.ok());
  EXPECT_EQ(Rows(), 3);
}

TEST_F(FailOverTest, ReadsThatMayLagGoToTheReplica) {
  ASSERT_TRUE(Add(*t_, 1).status.ok());
  const auto in_recovery = [&](ReadFrom from) {
    auto ctx = t_->Context();
    return t_->db
        ->Read(
            *ctx,
            [](Tx& tx) {
              return tx.QueryOne("SELECT pg_is_in_recovery()", {}, [](const Row& row) { return row.Bool(0); });
            },
            from)
        .value()
        .value();
  };
  EXPECT_FALSE(in_recovery(ReadFrom::kPrimary));
  EXPECT_TRUE(in_recovery(ReadFrom::kReplica));
  replica_.Stop();
  EXPECT_FALSE(in_recovery(ReadFrom::kReplica));
}

TEST_F(FailOverTest, ALostCommitIsFoundByItsClaim) {
  proxy_.Set(Mode::kCutAfterCommit, Mode::kRefuse);
  std::thread mover([&] {
    EXPECT_TRUE(Eventually([&] { return proxy_.cuts() == 1; }));
    FailOver();
  });
  const Outcome outcome = Add(*t_, 1, "claimed");
  mover.join();
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.runs, 1);
  EXPECT_EQ(Rows(), 1);
}

TEST_F(FailOverTest, WithoutAClaimAnotherHistoryCannotTell) {
  proxy_.Set(Mode::kCutAfterCommit, Mode::kRefuse);
  std::thread mover([&] {
    EXPECT_TRUE(Eventually([&] { return proxy_.cuts() == 1; }));
    FailOver();
  });
  const Outcome outcome = Add(*t_, 1);
  mover.join();
  EXPECT_EQ(ReasonOf(outcome.status), "COMMIT_OUTCOME_UNKNOWN");
  EXPECT_EQ(Rows(), 1);
}

// What the server has no room for is a refusal that passes, and nothing half-done.
TEST(LimitTest, WhatTheServerHasNoRoomForIsRefused) {
  TestDatabase t(Engine::kPostgres, {{1, "rows", "CREATE TABLE rows (id BIGINT NOT NULL);"}});
  auto ctx = t.Context();
  const absl::Status full = t.db->Transact(*ctx, [](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Exec("INSERT INTO rows (id) VALUES (1)").status());
    const auto ignore = [](const Row&) {};
    RETURN_IF_ERROR(
        tx.Query("SELECT set_config('temp_file_limit', '64', TRUE), set_config('work_mem', '64', TRUE)", {}, ignore));
    return tx.Query("SELECT n FROM generate_series(1, 200000) n ORDER BY -n LIMIT 150000", {}, ignore);
  });
  EXPECT_EQ(ReasonOf(full), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(full.message().find("temp_file"), std::string::npos) << "no internal text";
  EXPECT_EQ(t.Number("SELECT COUNT(*) FROM rows"), 0);
  EXPECT_TRUE(t.Exec("INSERT INTO rows (id) VALUES (2)").ok());
}

}  // namespace
}  // namespace dinh::db

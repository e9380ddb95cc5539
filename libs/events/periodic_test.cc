#include "libs/events/periodic.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "libs/base/status.h"
#include "libs/events/test_support.h"

namespace dinh::events {
namespace {

constexpr base::Micros kSecond = base::kMicrosPerSecond;
constexpr std::chrono::seconds kEvery{60};

// Two processes on one database.
class PeriodicTest : public db::EngineTest {
 protected:
  struct Process {
    Process(PeriodicTest& test, std::function<absl::Status(base::OpContext&, const Fence&)> round)
        : jobs(JobsOptions{"test", 1}, *test.database_, test.clock_, test.ids_, test.logger_, test.metrics_,
               TestSeal()),
          work(jobs, *test.database_, {.kind = "test.sweep", .every = kEvery, .round = std::move(round)}) {
      EXPECT_TRUE(work.Register().ok());
    }
    Jobs jobs;
    Periodic work;
  };

  void SetUp() override {
    auto opened = t_.TryOpen(clock_);
    ASSERT_TRUE(opened.ok());
    database_ = *std::move(opened);
    ASSERT_TRUE(EnsureSchema(*database_).ok());
    ASSERT_TRUE(database_->Migrate({{1, "done", "CREATE TABLE done (round BIGINT NOT NULL);"}}).ok());
  }
  void Begin(Process& process) {
    auto ctx = db::TestContext(clock_);
    ASSERT_TRUE(process.work.Begin(*ctx).ok());
  }
  absl::Status Write(const Fence& fence) {
    auto ctx = db::TestContext(clock_);
    return database_->Transact(*ctx, [&](db::Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(fence.Check(tx));
      return tx.Exec("INSERT INTO done (round) VALUES ($1)", {clock_.Now()}).status();
    });
  }
  int64_t Number(std::string_view sql) {
    auto ctx = db::TestContext(clock_);
    return database_
        ->Read(*ctx, [&](db::Tx& tx) { return tx.QueryOne(sql, {}, [](const db::Row& row) { return row.Int(0); }); })
        .value()
        .value_or(-1);
  }

  db::TestDatabase t_{GetParam()};
  base::FakeClock clock_{1'700'000'000 * kSecond};
  base::SeededRandom random_{5};
  base::IdGenerator ids_{clock_, random_};
  telemetry::Metrics metrics_;
  telemetry::Logger logger_{clock_, "test", telemetry::Level::kError, [](std::string_view) {}};
  std::unique_ptr<db::Database> database_;
};

DINH_BOTH_ENGINES(PeriodicTest);

TEST_P(PeriodicTest, EachRoundIsMadeByOne) {
  std::atomic<int> rounds{0};
  const auto count = [&](base::OpContext&, const Fence& fence) {
    ++rounds;
    return Write(fence);
  };
  Process one(*this, count), two(*this, count);
  Begin(one);
  Begin(two);
  constexpr int kRounds = 20;
  for (int i = 0; i < kRounds; ++i) {
    std::vector<std::thread> workers;
    for (Process* process : {&one, &two})
      workers.emplace_back([process] { EXPECT_TRUE(process->jobs.RunOneDue().ok()); });
    for (std::thread& worker : workers) worker.join();
    EXPECT_EQ(rounds, i + 1);
    EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs"), 1) << "the next one waits";
    clock_.Advance(std::chrono::microseconds(kEvery).count());
  }
  EXPECT_EQ(Number("SELECT COUNT(*) FROM done"), kRounds);
}

TEST_P(PeriodicTest, ARestartMakesNoSecondChain) {
  Process one(*this, [&](base::OpContext&, const Fence& fence) { return Write(fence); });
  Begin(one);
  EXPECT_TRUE(one.jobs.RunOneDue().value());
  clock_.Advance(kSecond);
  Begin(one);
  while (one.jobs.RunOneDue().value()) continue;
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs"), 1);
  clock_.Advance(std::chrono::microseconds(kEvery).count());
  EXPECT_TRUE(one.jobs.RunOneDue().value());
  EXPECT_FALSE(one.jobs.RunOneDue().value());
}

TEST_P(PeriodicTest, AFailureIsTriedAgainAndNeverTheEnd) {
  int tries = 0;
  Process one(*this, [&](base::OpContext&, const Fence& fence) {
    return ++tries < 20 ? base::NotFound("GONE", {"x", "x"}) : Write(fence);
  });
  Begin(one);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(one.jobs.RunOneDue().value());
    clock_.Advance(600 * kSecond);
  }
  EXPECT_EQ(Number("SELECT COUNT(*) FROM done"), 1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs WHERE state = 'waiting'"), 1);
}

// Two write only what the one writes whose turn it is, also when the first is halted for longer than its lease.
TEST_P(PeriodicTest, AHaltedProcessWritesNothingBesideItsSuccessor) {
  std::optional<absl::Status> late;
  Process two(*this, [&](base::OpContext&, const Fence& fence) { return Write(fence); });
  Process one(*this, [&](base::OpContext&, const Fence& fence) {
    clock_.Advance(25 * kSecond + 1);
    EXPECT_TRUE(two.jobs.RunOneDue().value());
    late = Write(fence);
    return *late;
  });
  Begin(one);
  EXPECT_TRUE(one.jobs.RunOneDue().value());
  ASSERT_TRUE(late.has_value());
  EXPECT_TRUE(absl::IsUnavailable(*late)) << *late;
  EXPECT_EQ(Number("SELECT COUNT(*) FROM done"), 1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs WHERE state = 'waiting' AND attempts = 0"), 1);
}

TEST_P(PeriodicTest, WhatIsNotCompleteIsRefused) {
  Jobs jobs(JobsOptions{"test", 1}, *database_, clock_, ids_, logger_, metrics_, TestSeal());
  EXPECT_FALSE(Periodic(jobs, *database_, {.kind = "test.sweep", .every = kEvery}).Register().ok());
  EXPECT_FALSE(
      Periodic(jobs, *database_,
               {.kind = "test.sweep", .round = [](base::OpContext&, const Fence&) { return absl::OkStatus(); }})
          .Register()
          .ok());
}

}  // namespace
}  // namespace dinh::events

#include "libs/events/jobs.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "libs/events/test_support.h"

namespace dinh::events {
namespace {

constexpr base::Micros kSecond = base::kMicrosPerSecond;

// With a clock of its own, so that pauses pass when the test says so.
class JobsTest : public db::EngineTest {
 protected:
  void SetUp() override { Open(); }
  void Open() {
    jobs_.reset();
    database_.reset();
    t_.db.reset();
    auto opened = t_.TryOpen(clock_);
    ASSERT_TRUE(opened.ok());
    database_ = *std::move(opened);
    ASSERT_TRUE(EnsureSchema(*database_).ok());
    ASSERT_TRUE(database_->Migrate({{1, "done", "CREATE TABLE done (id TEXT NOT NULL);"}}).ok());
    jobs_ = std::make_unique<Jobs>(JobsOptions{"test", 2}, *database_, clock_, ids_, logger_, metrics_, TestSeal());
    JobKind kind;
    kind.attempts_max = 3;
    kind.run = [this](base::OpContext& ctx, const Job& job) -> absl::StatusOr<JobDone> {
      EXPECT_FALSE(ctx.in_transaction);
      ++calls_;
      last_ = job;
      if (!outcome_.ok()) return outcome_;
      return [id = job.id](db::Tx& tx) { return tx.Exec("INSERT INTO done (id) VALUES ($1)", {id}).status(); };
    };
    kind.on_failed = [](db::Tx& tx, const Job& job) {
      return tx.Exec("INSERT INTO done (id) VALUES ($1)", {"failed " + job.id}).status();
    };
    ASSERT_TRUE(jobs_->Register("sms", kind).ok());
  }
  std::string Enqueue(NewJob job = {.kind = "sms", .payload = "gửi mã 123456"}) {
    auto ctx = db::TestContext(clock_);
    const auto id = database_->Transact(*ctx, [&](db::Tx& tx) { return jobs_->Enqueue(tx, job); });
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or("");
  }
  int64_t Number(std::string_view sql) {
    auto ctx = db::TestContext(clock_);
    return database_
        ->Read(*ctx, [&](db::Tx& tx) { return tx.QueryOne(sql, {}, [](const db::Row& row) { return row.Int(0); }); })
        .value()
        .value_or(-1);
  }
  bool RunOne() { return jobs_->RunOneDue().value(); }

  db::TestDatabase t_{GetParam()};
  base::FakeClock clock_{1'700'000'000 * kSecond};
  base::SeededRandom random_{5};
  base::IdGenerator ids_{clock_, random_};
  telemetry::Metrics metrics_;
  telemetry::Logger logger_{clock_, "test", telemetry::Level::kError, [](std::string_view) {}};
  std::unique_ptr<db::Database> database_;
  std::unique_ptr<Jobs> jobs_;
  std::atomic<int> calls_{0};
  Job last_;
  absl::Status outcome_;
};

DINH_BOTH_ENGINES(JobsTest);

TEST_P(JobsTest, RunsOutsideATransactionAndEndsInOne) {
  const std::string id = Enqueue();
  t_.Open();
  EXPECT_EQ(t_.RowsHolding("jobs", "payload", "123456"), 0);
  EXPECT_TRUE(RunOne());
  EXPECT_EQ(last_.id, id);
  EXPECT_EQ(last_.payload, "gửi mã 123456");
  EXPECT_EQ(last_.attempt, 1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM done"), 1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs"), 0);
  EXPECT_FALSE(RunOne());
}

TEST_P(JobsTest, NothingWithoutItsChange) {
  auto ctx = db::TestContext(clock_);
  EXPECT_FALSE(database_
                   ->Transact(*ctx,
                              [&](db::Tx& tx) -> absl::Status {
                                EXPECT_TRUE(jobs_->Enqueue(tx, {.kind = "sms", .payload = "x"}).ok());
                                return base::StaleEtag();
                              })
                   .ok());
  EXPECT_FALSE(RunOne());
}

TEST_P(JobsTest, FailuresAreRepeatedWithGrowingPauses) {
  outcome_ = base::Unavailable("PROVIDER_DOWN", {"x 123456", "x 123456"});
  Enqueue();
  EXPECT_TRUE(RunOne());
  EXPECT_FALSE(RunOne());
  clock_.Advance(kSecond);
  EXPECT_TRUE(RunOne());
  clock_.Advance(kSecond);
  EXPECT_FALSE(RunOne());  // two seconds this time
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs WHERE last_error = 'UNAVAILABLE PROVIDER_DOWN'"), 1);
  outcome_ = absl::OkStatus();
  clock_.Advance(kSecond);
  EXPECT_TRUE(RunOne());
  EXPECT_EQ(last_.attempt, 3);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM done"), 1);
}

TEST_P(JobsTest, GivenUpAfterTheLastAttempt) {
  outcome_ = base::Unavailable("PROVIDER_DOWN", {"x", "x"});
  Enqueue();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(RunOne());
    clock_.Advance(600 * kSecond);
  }
  EXPECT_FALSE(RunOne());
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs WHERE state = 'failed' AND attempts = 3"), 1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM done WHERE id LIKE 'failed %'"), 1);
  EXPECT_NE(metrics_.Exposition().find("events_jobs_failed_total{kind=\"sms\",service=\"test\"} 1"), std::string::npos)
      << metrics_.Exposition();
}

TEST_P(JobsTest, WhatWaitingDoesNotHelpIsGivenUpAtOnce) {
  outcome_ = base::FailedPrecondition("BAD_NUMBER", {"x", "x"});
  Enqueue();
  EXPECT_TRUE(RunOne());
  clock_.Advance(600 * kSecond);
  EXPECT_FALSE(RunOne());
  EXPECT_EQ(calls_, 1);
}

TEST_P(JobsTest, ACrashDuringTheCallRepeatsItWithTheSameId) {
  const std::string id = Enqueue();
  // The process dies in the middle of the call: claimed, never finished.
  auto ctx = db::TestContext(clock_);
  ASSERT_TRUE(database_
                  ->Transact(*ctx,
                             [&](db::Tx& tx) {
                               return tx.Exec("UPDATE jobs SET attempts = 1, run_after = $2 WHERE id = $1",
                                              {id, clock_.Now() + 45 * kSecond});
                             })
                  .ok());
  Open();
  EXPECT_FALSE(RunOne());
  clock_.Advance(45 * kSecond);
  EXPECT_TRUE(RunOne());
  EXPECT_EQ(last_.id, id);
  EXPECT_EQ(last_.attempt, 2);
}

TEST_P(JobsTest, AClaimedJobIsNobodyElses) {
  const std::string id = Enqueue();
  ASSERT_TRUE(jobs_
                  ->Register("outer", {.run = [&](base::OpContext&, const Job&) -> absl::StatusOr<JobDone> {
                               EXPECT_TRUE(RunOne());   // the other job
                               EXPECT_FALSE(RunOne());  // and not this one again
                               return JobDone();
                             }})
                  .ok());
  clock_.Advance(-kSecond);
  const std::string outer = Enqueue({.kind = "outer", .payload = "", .run_after = 0});
  clock_.Advance(kSecond);
  EXPECT_TRUE(RunOne());
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs"), 0);
}

// A worker that is halted in its call until its lease is over finds its job taken: it writes nothing any more.
TEST_P(JobsTest, PastItsLeaseAWorkerWritesNothing) {
  Jobs other(JobsOptions{"other", 1}, *database_, clock_, ids_, logger_, metrics_, TestSeal());
  struct Case {
    absl::Status first, second;
    int64_t waiting;  // jobs left for a third try
    std::string_view done;
  };
  const absl::Status down = base::Unavailable("PROVIDER_DOWN", {"x", "x"});
  const absl::Status wrong = base::FailedPrecondition("BAD_NUMBER", {"x", "x"});
  const Case cases[] = {{absl::OkStatus(), absl::OkStatus(), 0, "second"},
                        {down, absl::OkStatus(), 0, "second"},
                        {wrong, absl::OkStatus(), 0, "second"},
                        {absl::OkStatus(), down, 1, ""},
                        {wrong, down, 1, ""}};
  int number = 0;
  for (const Case& one : cases) {
    const std::string kind = "halted." + std::to_string(number++);
    bool fenced = false;
    const auto note = [](std::string_view who) {
      return [who](db::Tx& tx) { return tx.Exec("INSERT INTO done (id) VALUES ($1)", {who}).status(); };
    };
    JobKind second;
    second.run = [&](base::OpContext&, const Job& job) -> absl::StatusOr<JobDone> {
      EXPECT_EQ(job.attempt, 2);
      if (!one.second.ok()) return one.second;
      return note("second");
    };
    ASSERT_TRUE(other.Register(kind, second).ok());
    JobKind first;
    first.run = [&](base::OpContext&, const Job& job) -> absl::StatusOr<JobDone> {
      const auto mine = [&] {
        auto ctx = db::TestContext(clock_);
        return database_->Transact(*ctx, [&](db::Tx& tx) { return jobs_->StillMine(tx, job); });
      };
      EXPECT_TRUE(mine().ok());
      clock_.Advance(15 * kSecond + 10 * kSecond + 1);  // the call's time and the reserve
      EXPECT_TRUE(mine().ok()) << "nobody has come";
      EXPECT_TRUE(other.RunOneDue().value());
      fenced = absl::IsUnavailable(mine());
      if (!one.first.ok()) return one.first;
      return note("first");
    };
    first.on_failed = [&](db::Tx& tx, const Job&) { return note("gave up")(tx); };
    ASSERT_TRUE(jobs_->Register(kind, first).ok());
    Enqueue({.kind = kind, .payload = ""});
    EXPECT_TRUE(RunOne());
    EXPECT_TRUE(fenced) << kind;
    EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs WHERE state = 'waiting'"), one.waiting) << kind;
    EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs WHERE state = 'failed'"), 0) << kind;
    EXPECT_EQ(Number("SELECT COUNT(*) FROM done"), one.done.empty() ? 0 : 1) << kind;
    EXPECT_EQ(Number("SELECT COUNT(*) FROM done WHERE id = '" + std::string(one.done) + "'"), one.done.empty() ? 0 : 1);
    auto ctx = db::TestContext(clock_);
    ASSERT_TRUE(database_
                    ->Transact(*ctx,
                               [](db::Tx& tx) -> absl::Status {
                                 RETURN_IF_ERROR(tx.Exec("DELETE FROM jobs").status());
                                 return tx.Exec("DELETE FROM done").status();
                               })
                    .ok());
  }
}

TEST_P(JobsTest, SomeWorkIsTriedForEver) {
  JobKind kind;
  kind.run = [this](base::OpContext&, const Job&) -> absl::StatusOr<JobDone> {
    if (++calls_ < 30) return base::FailedPrecondition("NOT_YET", {"x", "x"});
    return JobDone();
  };
  kind.for_ever = true;
  ASSERT_TRUE(jobs_->Register("endless", kind).ok());
  Enqueue({.kind = "endless", .payload = ""});
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(RunOne());
    clock_.Advance(600 * kSecond);
  }
  EXPECT_EQ(calls_, 30);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs"), 0);
}

TEST_P(JobsTest, RunNowIsTheSameJobEarlier) {
  const std::string id = Enqueue();
  auto ctx = db::TestContext(clock_);
  EXPECT_TRUE(jobs_->RunNow(*ctx, id).ok());
  EXPECT_EQ(calls_, 1);
  EXPECT_TRUE(jobs_->RunNow(*ctx, id).ok());  // done: nothing happens
  EXPECT_FALSE(RunOne());
  EXPECT_EQ(calls_, 1);
  outcome_ = base::Unavailable("PROVIDER_DOWN", {"x", "x"});
  const std::string second = Enqueue();
  EXPECT_EQ(db::ReasonOf(jobs_->RunNow(*ctx, second)), "PROVIDER_DOWN");
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs WHERE state = 'waiting'"), 1);
}

TEST_P(JobsTest, RunNowWaitsForAWorkerThatWasFaster) {
  std::mutex mutex;
  std::condition_variable changed;
  bool entered = false, open = false, finished = false;
  JobKind slow;
  slow.run = [&](base::OpContext&, const Job&) -> absl::StatusOr<JobDone> {
    std::unique_lock lock(mutex);
    entered = true;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
    finished = true;
    return JobDone();
  };
  ASSERT_TRUE(jobs_->Register("slow", slow).ok());
  jobs_->Start();
  const std::string id = Enqueue({.kind = "slow", .payload = ""});
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return entered; });
  }
  std::thread opener([&] {
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  });
  auto ctx = db::TestContext(clock_);
  EXPECT_TRUE(jobs_->RunNow(*ctx, id).ok());
  EXPECT_EQ(Number("SELECT COUNT(*) FROM jobs"), 0);  // not merely taken: done
  EXPECT_TRUE(finished);
  opener.join();
  jobs_->Stop();
}

TEST_P(JobsTest, RunNowReturnsWhenTheJobIsDoneWhoeverDoesIt) {
  jobs_->Start();
  for (int i = 1; i <= 100; ++i) {
    const std::string id = Enqueue();  // wakes the workers
    auto ctx = db::TestContext(clock_);
    ASSERT_TRUE(jobs_->RunNow(*ctx, id).ok());
    ASSERT_EQ(Number("SELECT COUNT(*) FROM done"), i);
  }
  jobs_->Stop();
}

TEST_P(JobsTest, AnIdIsEnqueuedOnce) {
  Enqueue({.kind = "sms", .payload = "a", .id = "transfer-1"});
  Enqueue({.kind = "sms", .payload = "b", .id = "transfer-1"});
  EXPECT_TRUE(RunOne());
  EXPECT_EQ(last_.payload, "a");
  EXPECT_FALSE(RunOne());
}

TEST_P(JobsTest, LaterMeansLater) {
  Enqueue({.kind = "sms", .payload = "a", .run_after = clock_.Now() + 10 * kSecond});
  EXPECT_FALSE(RunOne());
  clock_.Advance(10 * kSecond);
  EXPECT_TRUE(RunOne());
}

TEST_P(JobsTest, UnknownKindsAreRefused) {
  auto ctx = db::TestContext(clock_);
  EXPECT_FALSE(database_->Transact(*ctx, [&](db::Tx& tx) { return jobs_->Enqueue(tx, {.kind = "fax"}); }).ok());
  EXPECT_FALSE(
      jobs_->Register("sms", {.run = [](base::OpContext&, const Job&) -> absl::StatusOr<JobDone> { return JobDone(); }})
          .ok());
}

TEST_P(JobsTest, WorkersAreWokenByCommits) {
  jobs_->Start();
  for (int i = 0; i < 20; ++i) Enqueue();
  EXPECT_TRUE(Eventually([&] { return Number("SELECT COUNT(*) FROM done") == 20; }));
  jobs_->Stop();
  EXPECT_EQ(calls_, 20);
}

}  // namespace
}  // namespace dinh::events

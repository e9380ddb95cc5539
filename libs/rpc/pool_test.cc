#include "libs/rpc/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "libs/base/status.h"

namespace dinh::rpc {
namespace {

using ::testing::HasSubstr;

// Counts arrivals and holds them until opened. Its state outlives it, because who is let go may still be leaving.
class Gate {
 public:
  void Wait() {
    const std::shared_ptr<State> state = state_;
    std::unique_lock lock(state->mutex);
    ++state->waiting;
    state->changed.notify_all();
    state->changed.wait_for(lock, std::chrono::seconds(10), [&] { return state->open; });
  }
  bool WaitFor(int waiting) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, std::chrono::seconds(10), [&] { return state_->waiting >= waiting; });
  }
  void Open() {
    std::lock_guard lock(state_->mutex);
    state_->open = true;
    state_->changed.notify_all();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int waiting = 0;
    bool open = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

TEST(HandlerPoolTest, RefusesWhatDoesNotFitAndRunsTheRest) {
  telemetry::Metrics metrics;
  HandlerPool pool({.max_threads = 2, .max_queue = 3, .retry_after_ms = 700}, &metrics);
  Gate gate;
  std::atomic<int> done = 0;
  const auto task = [&] {
    gate.Wait();
    ++done;
  };
  ASSERT_TRUE(pool.Run(task).ok());
  ASSERT_TRUE(pool.Run(task).ok());
  ASSERT_TRUE(gate.WaitFor(2));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(pool.Run(task).ok());
  const absl::Status refused = pool.Run(task);
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  ASSERT_TRUE(base::DetailOf(refused).has_value());
  EXPECT_EQ(base::DetailOf(refused)->retry_after_ms, 700);
  EXPECT_EQ(pool.threads(), 2);
  const std::string page = metrics.Exposition();
  EXPECT_THAT(page, HasSubstr("queue_depth{queue=\"handlers\"} 3"));
  EXPECT_THAT(page, HasSubstr("queue_refused_total{queue=\"handlers\"} 1"));
  gate.Open();
  pool.Stop();
  EXPECT_EQ(done, 5);
  EXPECT_TRUE(absl::IsUnavailable(pool.Run(task)));
}

TEST(HandlerPoolTest, LongTasksTakeAtMostHalfOfTheThreads) {
  HandlerPool pool({.max_threads = 4, .max_queue = 10}, nullptr);
  Gate slow, quick;
  quick.Open();
  ASSERT_TRUE(pool.RunLong([&] { slow.Wait(); }).ok());
  ASSERT_TRUE(pool.RunLong([&] { slow.Wait(); }).ok());
  ASSERT_TRUE(slow.WaitFor(2));
  EXPECT_TRUE(absl::IsResourceExhausted(pool.RunLong([] {})));
  ASSERT_TRUE(pool.Run([&] { quick.Wait(); }).ok());
  EXPECT_TRUE(quick.WaitFor(1));
  slow.Open();
  pool.Stop();
}

TEST(HandlerPoolTest, StartsThreadsOnlyAsNeeded) {
  HandlerPool pool({.max_threads = 8, .max_queue = 100}, nullptr);
  EXPECT_EQ(pool.threads(), 0);
  for (int i = 0; i < 50; ++i) {
    Gate gate;
    gate.Open();
    ASSERT_TRUE(pool.Run([&] { gate.Wait(); }).ok());
    ASSERT_TRUE(gate.WaitFor(1));
  }
  // One after the other: a second thread starts at most when the first has not yet come back for more.
  EXPECT_LE(pool.threads(), 8);
  EXPECT_GE(pool.threads(), 1);
}

TEST(HandlerPoolTest, ManyTasksAllRunOnce) {
  HandlerPool pool({.max_threads = 4, .max_queue = 100'000}, nullptr);
  std::atomic<int> done = 0;
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(pool.Run([&] { ++done; }).ok());
  pool.Stop();
  EXPECT_EQ(done, 10'000);
}

}  // namespace
}  // namespace dinh::rpc

#include "libs/cache/circuit_breaker.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace dinh::cache {
namespace {

using Outcome = CircuitBreaker::Outcome;
using State = CircuitBreaker::State;

class CircuitBreakerTest : public testing::Test {
 protected:
  void Fail(int times) {
    for (int i = 0; i < times; ++i) {
      const auto permit = breaker_.Ask();
      ASSERT_TRUE(permit.has_value());
      breaker_.Report(*permit, Outcome::kFailure);
    }
  }
  void Pass(int milliseconds) { clock_.Advance(milliseconds * base::kMicrosPerMilli); }

  base::FakeClock clock_{1'700'000'000 * base::kMicrosPerSecond};
  std::vector<State> seen_;
  CircuitBreaker breaker_{{.failures_max = 3, .open_for = std::chrono::milliseconds(1000)},
                          clock_,
                          [this](State state) { seen_.push_back(state); }};
};

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARow) {
  Fail(2);
  breaker_.Report(*breaker_.Ask(), Outcome::kSuccess);  // the row is broken
  Fail(2);
  EXPECT_EQ(breaker_.state(), State::kClosed);
  breaker_.Report(*breaker_.Ask(), Outcome::kUnknown);  // says nothing
  Fail(1);
  EXPECT_EQ(breaker_.state(), State::kOpen);
  EXPECT_FALSE(breaker_.Ask().has_value());
  EXPECT_EQ(breaker_.counters().opened, 1);
  EXPECT_EQ(breaker_.counters().rejected, 1);
}

TEST_F(CircuitBreakerTest, OneProbeDecides) {
  Fail(3);
  Pass(999);
  EXPECT_FALSE(breaker_.Ask().has_value());
  Pass(1);
  auto probe = breaker_.Ask();
  ASSERT_TRUE(probe.has_value());
  EXPECT_TRUE(probe->probe);
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);
  EXPECT_FALSE(breaker_.Ask().has_value());  // only one at a time
  breaker_.Report(*probe, Outcome::kFailure);
  EXPECT_EQ(breaker_.state(), State::kOpen);
  EXPECT_FALSE(breaker_.Ask().has_value());
  Pass(1000);
  probe = breaker_.Ask();
  breaker_.Report(*probe, Outcome::kUnknown);  // the next one decides
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);
  probe = breaker_.Ask();
  ASSERT_TRUE(probe.has_value());
  breaker_.Report(*probe, Outcome::kSuccess);
  EXPECT_EQ(breaker_.state(), State::kClosed);
  EXPECT_EQ(seen_,
            (std::vector<State>{State::kOpen, State::kHalfOpen, State::kOpen, State::kHalfOpen, State::kClosed}));
  EXPECT_EQ(breaker_.counters().opened, 2);
  EXPECT_EQ(breaker_.counters().closed, 1);
  EXPECT_EQ(breaker_.counters().probes, 3);
}

TEST_F(CircuitBreakerTest, WhatBeganBeforeItOpenedChangesNothing) {
  const auto slow_success = breaker_.Ask(), slow_failure = breaker_.Ask();
  Fail(3);
  breaker_.Report(*slow_success, Outcome::kSuccess);
  EXPECT_EQ(breaker_.state(), State::kOpen);
  Pass(1000);
  const auto probe = breaker_.Ask();
  breaker_.Report(*slow_failure, Outcome::kFailure);
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);
  breaker_.Report(*probe, Outcome::kSuccess);
  EXPECT_EQ(breaker_.state(), State::kClosed);
}

TEST_F(CircuitBreakerTest, ThreadsGetOneProbeTogether) {
  Fail(3);
  Pass(1000);
  std::atomic<int> probes{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] { probes += breaker_.Ask().has_value() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(probes, 1);
}

}  // namespace
}  // namespace dinh::cache

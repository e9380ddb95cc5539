#include "libs/cache/rate_limiter.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace dinh::cache {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RateLimiterTest : public testing::Test {
 protected:
  void Pass(milliseconds time) { clock_.Advance(time.count() * base::kMicrosPerMilli); }
  base::FakeClock clock_{1'700'000'000 * base::kMicrosPerSecond};
  LocalRateLimiter limiter_{{.keys_max = 1000, .shards = 4}, clock_};
};

TEST_F(RateLimiterTest, ABurstThenTheRate) {
  const Rate rate{.count = 60, .period = seconds(60), .burst = 3};  // one a second, three at once
  for (int64_t left : {2, 1, 0}) {
    const RateDecision decision = limiter_.Take("a", rate);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.remaining, left);
    EXPECT_EQ(decision.limit, 3);
    EXPECT_EQ(decision.reset, seconds(3 - left));
    EXPECT_EQ(decision.retry_after.count(), 0);
  }
  RateDecision refused = limiter_.Take("a", rate);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_EQ(refused.retry_after, seconds(1));
  Pass(milliseconds(999));
  refused = limiter_.Take("a", rate);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, milliseconds(1));
  Pass(milliseconds(1));
  EXPECT_TRUE(limiter_.Take("a", rate).allowed);
  EXPECT_FALSE(limiter_.Take("a", rate).allowed);
  Pass(seconds(3600));
  EXPECT_EQ(limiter_.Take("a", rate).remaining, 2);  // waiting longer saves up no more than the burst
}

TEST_F(RateLimiterTest, KeysAreIndependent) {
  const Rate rate{.count = 1, .period = seconds(60)};
  EXPECT_TRUE(limiter_.Take("a", rate).allowed);
  EXPECT_FALSE(limiter_.Take("a", rate).allowed);
  EXPECT_TRUE(limiter_.Take("b", rate).allowed);
}

TEST_F(RateLimiterTest, OverALongTimeTheRateHolds) {
  const Rate rate{.count = 10, .period = seconds(1), .burst = 5};
  int allowed = 0;
  for (int i = 0; i < 100'000; ++i) {
    allowed += limiter_.Take("a", rate).allowed ? 1 : 0;
    Pass(milliseconds(1));
  }
  EXPECT_GE(allowed, 1000);
  EXPECT_LE(allowed, 1005);
}

TEST_F(RateLimiterTest, CostsPeekAndReset) {
  const Rate rate{.count = 10, .period = seconds(10), .burst = 10};
  EXPECT_TRUE(limiter_.Take("a", rate, 7).allowed);
  EXPECT_EQ(limiter_.Peek("a", rate).remaining, 2);
  EXPECT_EQ(limiter_.Peek("a", rate).remaining, 2);
  const RateDecision refused = limiter_.Take("a", rate, 5);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 3);  // the refusal took nothing
  EXPECT_EQ(refused.retry_after, seconds(2));
  EXPECT_TRUE(limiter_.Take("a", rate, 3).allowed);
  EXPECT_FALSE(limiter_.Take("a", rate, 11).allowed);
  EXPECT_FALSE(limiter_.Take("fresh", rate, 11).allowed);  // never fits
  limiter_.Reset("a");
  EXPECT_TRUE(limiter_.Take("a", rate, 10).allowed);
}

TEST_F(RateLimiterTest, MemoryIsBoundedAndIdleKeysAreForgotten) {
  const Rate rate{.count = 1, .period = seconds(60)};
  for (int i = 0; i < 20'000; ++i) limiter_.Take("flood " + std::to_string(i), rate);
  EXPECT_LE(limiter_.keys(), 1000u);
  Pass(seconds(61));
  for (int i = 0; i < 2000; ++i) limiter_.Take("later " + std::to_string(i % 50), rate);
  EXPECT_LT(limiter_.keys(), 1000u);
}

TEST_F(RateLimiterTest, AFloodOfNewKeysDoesNotFreeWhoWasJustRefused) {
  const Rate rate{.count = 1, .period = seconds(60), .burst = 20};
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(limiter_.Take("guesser", rate).allowed);  // used up: farthest from full
  for (int i = 0; i < 20'000; ++i) limiter_.Take("flood " + std::to_string(i), rate);
  EXPECT_FALSE(limiter_.Take("guesser", rate).allowed);
}

TEST_F(RateLimiterTest, ThreadsTogetherGetNoMoreThanTheBurst) {
  const Rate rate{.count = 100, .period = seconds(3600)};
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) allowed += limiter_.Take("a", rate).allowed ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(allowed, 100);
}

}  // namespace
}  // namespace dinh::cache

// What every Cache and every RateLimiter does, whoever keeps the data: the same tests over all of them.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <thread>

#include "libs/cache/local_cache.h"
#include "libs/cache/redis_cache.h"
#include "libs/cache/redis_rate_limiter.h"
#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kThreads = 8;

Cache::Value V(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

// A Cache or a RateLimiter with whatever it needs.
struct Subject {
  virtual ~Subject() = default;
  virtual Cache& cache() { std::abort(); }
  virtual RateLimiter& limiter() { std::abort(); }
  // Lets time pass until `condition` holds; false when it does not within `limit`.
  virtual bool Until(const std::function<bool()>& condition, milliseconds limit) {
    return Eventually(condition, limit);
  }
};

struct Local final : Subject {
  Cache& cache() override { return cache_; }
  RateLimiter& limiter() override { return limiter_; }
  bool Until(const std::function<bool()>& condition, milliseconds limit) override {
    for (milliseconds passed{0}; passed < limit; ++passed) {
      if (condition()) return true;
      clock_.Advance(base::kMicrosPerMilli);
    }
    return condition();
  }
  base::FakeClock clock_{1'700'000'000 * base::kMicrosPerSecond};
  LocalCache cache_{{.bytes_max = 8 << 20}, clock_};
  LocalRateLimiter limiter_{{}, clock_};
};

struct Redis : Subject {
  Redis() { node_.channel.Start(); }
  ~Redis() override { node_.channel.Stop(); }
  Cache& cache() override { return cache_; }
  RateLimiter& limiter() override { return limiter_; }
  TestRedis redis_;
  TestNode node_{redis_.ClientOptions()};
  RedisCache cache_{{}, node_.channel, node_.random, node_.clock, node_.metrics};
  RedisRateLimiter limiter_{{.key_secret = "secret"}, *node_.client, node_.clock, node_.metrics};
};

// With the near layer at work.
struct RedisProven final : Redis {
  RedisProven() {
    if (!Eventually([this] { return node_.Proven(); })) std::abort();
  }
};

// As every process goes on while Redis is away.
struct RedisGone final : Redis {
  RedisGone() {
    redis_.Kill();
    while (node_.client->available()) node_.client->Call({"PING"}).IgnoreError();
  }
};

using Make = std::function<std::unique_ptr<Subject>()>;
struct Implementation {
  std::string name;
  Make make;
};

template <typename T>
Implementation Named(std::string name) {
  return {.name = std::move(name), .make = [] { return std::make_unique<T>(); }};
}

class Conformance : public testing::TestWithParam<Implementation> {
 protected:
  std::string Get(const std::string& key, const std::string& group = "g") {
    const Cache::Value value = cache_().Get(group, key);
    return value == nullptr ? "(none)" : *value;
  }
  void Put(const std::string& key, const std::string& value, milliseconds ttl = minutes(1)) {
    cache_().Put("g", key, V(value), ttl, cache_().Version("g"));
  }
  Cache& cache_() { return subject_->cache(); }
  std::unique_ptr<Subject> subject_ = GetParam().make();
};

class CacheConformance : public Conformance {};
class RateLimiterConformance : public Conformance {
 protected:
  RateLimiter& limiter() { return subject_->limiter(); }
};

std::string NameOf(const testing::TestParamInfo<Implementation>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(All, CacheConformance,
                         testing::Values(Named<Local>("Local"), Named<Redis>("Redis"),
                                         Named<RedisProven>("RedisProven"), Named<RedisGone>("RedisGone")),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(All, RateLimiterConformance,
                         testing::Values(Named<Local>("Local"), Named<Redis>("Redis"), Named<RedisGone>("RedisGone")),
                         NameOf);

TEST_P(CacheConformance, KeepsReplacesRemoves) {
  EXPECT_EQ(Get("a"), "(none)");
  Put("a", "1");
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("a", "other"), "(none)");
  const std::string bytes("\0\r\n{}\xff", 6);
  Put(bytes, bytes);
  EXPECT_EQ(Get(bytes), bytes);
  Put("empty", "");
  EXPECT_EQ(Get("empty"), "");
  cache_().Remove("g", "a");
  EXPECT_EQ(Get("a"), "(none)");
  Put("a", "2");
  EXPECT_EQ(Get("a"), "2");
  EXPECT_GE(cache_().stats().hits, 4);
  EXPECT_GE(cache_().stats().misses, 3);
}

TEST_P(CacheConformance, EntriesGrowOld) {
  Put("short", "1", milliseconds(300));
  Put("never", "1", milliseconds(0));
  EXPECT_EQ(Get("never"), "(none)");
  EXPECT_EQ(Get("short"), "1");
  EXPECT_EQ(Get("short"), "1");
  EXPECT_TRUE(subject_->Until([&] { return Get("short") == "(none)"; }, seconds(3)));
}

TEST_P(CacheConformance, InvalidationIsAtOnceAndForTheWholeGroup) {
  Put("a", "1");
  Put("b", "1");
  EXPECT_EQ(Get("a") + Get("a") + Get("b"), "111");
  cache_().Put("other", "a", V("kept"), minutes(1), cache_().Version("other"));
  cache_().Invalidate("g");
  EXPECT_EQ(Get("a"), "(none)");
  EXPECT_EQ(Get("b"), "(none)");
  EXPECT_EQ(Get("a", "other"), "kept");
  Put("a", "2");
  EXPECT_EQ(Get("a"), "2");
}

TEST_P(CacheConformance, AValueReadBeforeAChangeIsNotStoredAfterIt) {
  const uint64_t version = cache_().Version("g");
  cache_().Invalidate("g");
  cache_().Put("g", "a", V("stale"), minutes(1), version);
  EXPECT_EQ(Get("a"), "(none)");
  cache_().Version("g");
  EXPECT_EQ(Get("a"), "(none)");
}

TEST_P(CacheConformance, WhatIsTooLargeIsNotKept) {
  Put("large", std::string(4 << 20, 'x'));
  EXPECT_EQ(Get("large"), "(none)");
  EXPECT_LE(cache_().stats().bytes, 16 << 20);
}

// A store with one number; a reader fills the cache from it, a writer changes it and invalidates. Nobody in the process
// gets a number from before an invalidation that had returned.
TEST_P(CacheConformance, ThreadsNeverSeeWhatWasInvalidatedBefore) {
  std::atomic<int64_t> stored{0}, invalidated{0}, hits{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int t = 1; t < kThreads; ++t) {
    threads.emplace_back([&] {
      while (!done) {
        const int64_t floor = invalidated.load();
        if (const Cache::Value value = cache_().Get("g", "n")) {
          ++hits;
          ASSERT_GE(std::stoll(*value), floor);
          continue;
        }
        const uint64_t version = cache_().Version("g");
        cache_().Put("g", "n", V(std::to_string(stored.load())), minutes(1), version);
      }
    });
  }
  for (int64_t n = 1; n <= 150; ++n) {
    stored = n;
    cache_().Invalidate("g");
    invalidated = n;
    const int64_t before = hits;
    Eventually([&] { return hits > before + 5; }, milliseconds(5));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(hits, 100);
}

TEST_P(RateLimiterConformance, ABurstThenTheRate) {
  const Rate rate{.count = 60, .period = hours(1), .burst = 3};  // one a minute, three at once
  for (int64_t left : {2, 1, 0}) {
    const RateDecision decision = limiter().Take("a", rate);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.limit, 3);
    EXPECT_EQ(decision.remaining, left);
    EXPECT_EQ(decision.retry_after.count(), 0);
    EXPECT_LE(decision.reset, minutes(3 - left));
    EXPECT_GT(decision.reset, minutes(3 - left) - seconds(10));
  }
  const RateDecision refused = limiter().Take("a", rate);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 0);
  EXPECT_LE(refused.retry_after, minutes(1));
  EXPECT_GT(refused.retry_after, seconds(50));
  EXPECT_TRUE(limiter().Take("b", rate).allowed);
}

TEST_P(RateLimiterConformance, WaitingHelps) {
  const Rate rate{.count = 5, .period = seconds(1), .burst = 2};
  EXPECT_TRUE(limiter().Take("a", rate, 2).allowed);
  const RateDecision refused = limiter().Take("a", rate);
  EXPECT_FALSE(refused.allowed);
  EXPECT_LE(refused.retry_after, milliseconds(200));
  EXPECT_GT(refused.retry_after, milliseconds(0));
  EXPECT_TRUE(subject_->Until([&] { return limiter().Take("a", rate).allowed; }, seconds(2)));
  EXPECT_TRUE(subject_->Until([&] { return limiter().Peek("a", rate, 2).allowed; }, seconds(2)));
  EXPECT_TRUE(subject_->Until([&] { return limiter().Peek("a", rate, 0).remaining == 2; }, seconds(2)));
  EXPECT_FALSE(limiter().Peek("a", rate, 3).allowed);  // waiting saves up no more than the burst
}

TEST_P(RateLimiterConformance, CostsPeekAndReset) {
  const Rate rate{.count = 10, .period = hours(10), .burst = 10};
  EXPECT_TRUE(limiter().Take("a", rate, 7).allowed);
  EXPECT_EQ(limiter().Peek("a", rate).remaining, 2);
  EXPECT_EQ(limiter().Peek("a", rate).remaining, 2);
  const RateDecision refused = limiter().Take("a", rate, 5);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.remaining, 3);
  EXPECT_GT(refused.retry_after, minutes(119));
  EXPECT_LE(refused.retry_after, hours(2));
  EXPECT_TRUE(limiter().Take("a", rate, 3).allowed);
  EXPECT_FALSE(limiter().Take("a", rate).allowed);
  EXPECT_TRUE(limiter().Take("a", rate, 0).allowed);
  EXPECT_FALSE(limiter().Take("fresh", rate, 11).allowed);  // never fits
  EXPECT_EQ(limiter().Peek("fresh", rate).remaining, 9);
  limiter().Reset("a");
  EXPECT_TRUE(limiter().Take("a", rate, 10).allowed);
}

TEST_P(RateLimiterConformance, ThreadsTogetherGetNoMoreThanTheBurst) {
  const Rate rate{.count = 100, .period = hours(1)};
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) allowed += limiter().Take("a", rate).allowed ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(allowed, 100);
  EXPECT_LE(allowed, 101);  // one comes back within 36 s
}

}  // namespace
}  // namespace dinh::cache

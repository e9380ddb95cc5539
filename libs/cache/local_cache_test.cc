#include "libs/cache/local_cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "libs/base/random.h"

namespace dinh::cache {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Cache::Value V(const std::string& text) { return std::make_shared<const std::string>(text); }

class LocalCacheTest : public testing::Test {
 protected:
  void Put(Cache& cache, const std::string& key, const std::string& value, milliseconds ttl = seconds(60)) {
    cache.Put("g", key, V(value), ttl, cache.Version("g"));
  }
  std::string Get(Cache& cache, const std::string& key, const std::string& group = "g") {
    const Cache::Value value = cache.Get(group, key);
    return value == nullptr ? "(none)" : *value;
  }
  base::FakeClock clock_{1'700'000'000 * base::kMicrosPerSecond};
  LocalCache cache_{{.bytes_max = 1 << 20, .shards = 4}, clock_};
};

TEST_F(LocalCacheTest, KeepsReplacesRemoves) {
  EXPECT_EQ(Get(cache_, "a"), "(none)");
  Put(cache_, "a", "1");
  EXPECT_EQ(Get(cache_, "a"), "1");
  EXPECT_EQ(Get(cache_, "a", "other"), "(none)");
  Put(cache_, "a", "2");
  EXPECT_EQ(Get(cache_, "a"), "2");
  EXPECT_EQ(cache_.stats().entries, 1);
  cache_.Remove("g", "a");
  EXPECT_EQ(Get(cache_, "a"), "(none)");
  EXPECT_EQ(cache_.stats().bytes, 0);
  EXPECT_EQ(cache_.stats().hits, 2);
  EXPECT_EQ(cache_.stats().misses, 3);
}

TEST_F(LocalCacheTest, EntriesGrowOld) {
  Put(cache_, "a", "1", seconds(10));
  Put(cache_, "never", "1", seconds(0));
  clock_.Advance(10 * base::kMicrosPerSecond - 1);
  EXPECT_EQ(Get(cache_, "a"), "1");
  clock_.Advance(1);
  EXPECT_EQ(Get(cache_, "a"), "(none)");
  EXPECT_EQ(Get(cache_, "never"), "(none)");
  EXPECT_EQ(cache_.stats().entries, 0);
}

TEST_F(LocalCacheTest, TheLeastRecentlyUsedGoesFirst) {
  LocalCache cache({.bytes_max = 4000, .shards = 1}, clock_);
  for (int i = 0; i < 3; ++i) Put(cache, std::to_string(i), std::string(1000, 'x'));
  EXPECT_EQ(cache.stats().entries, 3);
  Get(cache, "0");
  Put(cache, "3", std::string(1000, 'x'));
  EXPECT_NE(Get(cache, "0"), "(none)");
  EXPECT_EQ(Get(cache, "1"), "(none)");
  EXPECT_NE(Get(cache, "2"), "(none)");
  EXPECT_EQ(cache.stats().evictions, 1);
  Put(cache, "too large", std::string(5000, 'x'));
  EXPECT_EQ(Get(cache, "too large"), "(none)");
  EXPECT_EQ(cache.stats().entries, 3);
}

TEST_F(LocalCacheTest, InvalidationIsAtOnceAndForTheWholeGroup) {
  Put(cache_, "a", "1");
  Put(cache_, "b", "1");
  cache_.Put("other", "a", V("kept"), seconds(60), cache_.Version("other"));
  cache_.Invalidate("g");
  EXPECT_EQ(Get(cache_, "a"), "(none)");
  EXPECT_EQ(Get(cache_, "b"), "(none)");
  EXPECT_EQ(Get(cache_, "a", "other"), "kept");
}

TEST_F(LocalCacheTest, AValueReadBeforeAChangeIsNotStoredAfterIt) {
  const uint64_t version = cache_.Version("g");
  cache_.Invalidate("g");
  cache_.Put("g", "a", V("stale"), seconds(60), version);
  EXPECT_EQ(Get(cache_, "a"), "(none)");
}

TEST_F(LocalCacheTest, StaysWithinItsBytesUnderThreads) {
  LocalCache cache({.bytes_max = 64 << 10, .shards = 4}, clock_);
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      base::SeededRandom random(seed);
      for (int i = 0; i < 3000; ++i) {
        const std::string key = std::to_string(random.Below(500));
        if (random.Below(3) == 0) {
          cache.Put("g", key, V(key + std::string(random.Below(600), 'x')), seconds(60), cache.Version("g"));
        } else if (const Cache::Value value = cache.Get("g", key)) {
          EXPECT_TRUE(value->starts_with(key));
        }
        if (random.Below(500) == 0) cache.Invalidate("g");
        EXPECT_LE(cache.stats().bytes, 64 << 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(cache.stats().evictions, 0);
}

}  // namespace
}  // namespace dinh::cache

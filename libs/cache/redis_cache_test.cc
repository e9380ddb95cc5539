#include "libs/cache/redis_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "libs/cache/redis_rate_limiter.h"
#include "libs/cache/revoked_tokens.h"
#include "libs/cache/test_line.h"
#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::steady_clock;

Cache::Value V(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

struct CacheNode : TestNode {
  explicit CacheNode(const RedisOptions& options) : TestNode(options) { channel.Start(); }
  ~CacheNode() { channel.Stop(); }

  std::string Get(const std::string& key) {
    const Cache::Value value = cache.Get("g", key);
    return value == nullptr ? "(none)" : *value;
  }
  void Put(const std::string& key, const std::string& value) {
    cache.Put("g", key, V(value), minutes(1), cache.Version("g"));
  }
  double Hits(const std::string& layer) const {
    return Metric("cache_hits_total{group=\"g\",layer=\"" + layer + "\"}");
  }
  // Redis is trusted again and the channel proven.
  bool Settled() const { return Proven() && client->available() && client->SinceFailure() > kDistrustLasts; }

  RedisCache cache{{}, channel, random, clock, metrics};
};

class RedisCacheTest : public testing::Test {
 protected:
  void Settle() {
    ASSERT_TRUE(Eventually([&] { return a_.Settled() && b_.Settled(); }));
  }
  TestRedis redis_;
  CacheNode a_{redis_.DefaultOptions()}, b_{redis_.DefaultOptions()};
};

TEST_F(RedisCacheTest, WhatOneReadsIsThereForAllAndThenNearby) {
  Settle();
  a_.Put("k", "1");
  EXPECT_EQ(b_.Get("k"), "1");
  EXPECT_EQ(b_.Hits("redis"), 1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(b_.Get("k"), "1");
  EXPECT_EQ(b_.Hits("redis"), 1);
  EXPECT_EQ(b_.Hits("near"), 10);
  EXPECT_EQ(b_.cache.stats().hits, 11);
  EXPECT_EQ(b_.Get("x"), "(none)");
  EXPECT_EQ(b_.Metric("cache_misses_total{group=\"g\"}"), 1);
  EXPECT_EQ(b_.Metric("cache_local_only_total"), 0);
}

TEST_F(RedisCacheTest, AChangeReachesTheOthersNearLayers) {
  Settle();
  for (int n = 0; n < 20; ++n) {
    a_.Put("k", std::to_string(n));
    ASSERT_EQ(b_.Get("k"), std::to_string(n));
    ASSERT_EQ(b_.Get("k"), std::to_string(n));
    a_.cache.Invalidate("g");
    EXPECT_EQ(a_.Get("k"), "(none)");
    EXPECT_TRUE(Eventually([&] { return b_.Get("k") == "(none)"; }, kStalenessMax));
  }
  a_.Put("k", "last");
  ASSERT_EQ(b_.Get("k"), "last");
  a_.cache.Remove("g", "k");
  EXPECT_TRUE(Eventually([&] { return b_.Get("k") == "(none)"; }, kStalenessMax));
}

TEST_F(RedisCacheTest, FlushedRedisIsAnEmptyCache) {
  Settle();
  a_.Put("k", "old");
  const uint64_t version = a_.cache.Version("g");
  redis_.Admin({"FLUSHALL"});
  EXPECT_EQ(b_.Get("k"), "(none)");
  b_.Put("k", "new");
  a_.cache.Put("g", "k2", V("read before the flush"), minutes(1), version);
  EXPECT_EQ(b_.Get("k2"), "(none)");
  EXPECT_EQ(b_.Get("k"), "new");
  EXPECT_TRUE(Eventually([&] { return a_.Get("k") == "new"; }));
  b_.cache.Invalidate("g");
  EXPECT_TRUE(Eventually([&] { return a_.Get("k") == "(none)"; }, kStalenessMax));
}

TEST_F(RedisCacheTest, WithoutRedisItGoesOnAndComesBack) {
  Settle();
  a_.Put("k", "1");
  EXPECT_EQ(a_.Get("k"), "1");
  redis_.Kill();
  // Each process for itself, and not for long: nobody could tell of a change.
  EXPECT_TRUE(Eventually([&] { return !a_.Proven() && !b_.Proven(); }));
  EXPECT_EQ(a_.Get("k"), "(none)");
  const auto read_at = steady_clock::now();
  a_.Put("k", "2");
  EXPECT_EQ(a_.Get("k"), "2");
  EXPECT_EQ(b_.Get("k"), "(none)");
  EXPECT_TRUE(Eventually([&] { return a_.Get("k") == "(none)"; }));
  EXPECT_LE(steady_clock::now() - read_at, kStalenessMax);
  EXPECT_GT(a_.Hits("spare"), 0);
  EXPECT_GT(a_.Metric("cache_local_only_total"), 0);
  EXPECT_EQ(a_.Metric("cache_channel_proven"), 0);

  a_.Put("k", "3");
  a_.cache.Invalidate("g");
  EXPECT_EQ(a_.Get("k"), "(none)");
  EXPECT_TRUE(Eventually([&] { return a_.Metric("cache_invalidations_waiting") == 1; }));
  redis_.Start();
  Settle();
  EXPECT_TRUE(Eventually([&] { return a_.Metric("cache_invalidations_waiting") == 0; }));
  a_.Put("k", "4");
  EXPECT_EQ(b_.Get("k"), "4");
  EXPECT_EQ(b_.Get("k"), "4");
  EXPECT_GT(b_.Hits("near"), 0);
}

TEST_F(RedisCacheTest, AChangeDuringAHangIsToldBeforeAnybodyTrustsRedisAgain) {
  Settle();
  a_.Put("k", "old");
  EXPECT_EQ(b_.Get("k"), "old");
  redis_.Freeze();
  a_.cache.Invalidate("g");
  EXPECT_EQ(a_.Get("k"), "(none)");
  const auto changed_at = steady_clock::now();
  EXPECT_TRUE(Eventually([&] { return b_.Get("k") == "(none)"; }));
  EXPECT_LE(steady_clock::now() - changed_at, kStalenessMax);
  const auto noticed = [](CacheNode& node) { return node.client->SinceFailure() < kDistrustLasts; };
  EXPECT_TRUE(Eventually([&] { return noticed(a_) && noticed(b_) && !b_.Proven(); }));
  redis_.Thaw();
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(b_.Get("k"), "(none)");
    EXPECT_EQ(a_.Get("k"), "(none)");
    return a_.Settled() && b_.Settled();
  }));
}

TEST_F(RedisCacheTest, ASnapshotFromBeforeAChangeDoesNotBringItBack) {
  Settle();
  a_.Put("k", "old");
  EXPECT_EQ(redis_.Admin({"SAVE"}).text, "OK");
  a_.cache.Invalidate("g");
  redis_.Kill();
  redis_.Start();
  const RedisReply keys = redis_.Admin({"KEYS", "*:k:k"});
  ASSERT_EQ(keys.items.size(), 1u);  // there it is again
  CacheNode c(redis_.DefaultOptions());
  EXPECT_EQ(c.Get("k"), "(none)");
  Settle();
  EXPECT_EQ(a_.Get("k"), "(none)");
  EXPECT_EQ(b_.Get("k"), "(none)");
}

TEST_F(RedisCacheTest, ABrokenSubscriptionDropsTheNearLayer) {
  Settle();
  a_.Put("k", "1");
  EXPECT_EQ(b_.Get("k"), "1");
  const uint64_t epoch = b_.channel.proof().epoch;
  EXPECT_GE(redis_.Admin({"CLIENT", "KILL", "TYPE", "pubsub"}).integer, 2);
  EXPECT_TRUE(Eventually([&] { return b_.channel.proof().epoch != epoch; }));
  const double near = b_.Hits("near");
  EXPECT_EQ(b_.Get("k"), "1");  // from Redis, where versions settle it
  EXPECT_EQ(b_.Hits("near"), near);
  EXPECT_TRUE(Eventually([&] { return b_.Proven(); }));
  EXPECT_EQ(b_.Get("k"), "1");
  EXPECT_EQ(b_.Get("k"), "1");
  EXPECT_GT(b_.Hits("near"), near);
  EXPECT_EQ(b_.Metric("cache_channel_lost_total"), 1);
}

// As redis_config.h states them.
TEST(RedisRights, AreEnoughForEverything) {
  TestRedis redis({.password = "first",
                   .acl = {"user dinh on >second ~test:* &test:* +@read +@write +@transaction +@scripting +@pubsub "
                           "+select +info +role +ping +time"}});
  RedisOptions options = redis.DefaultOptions();
  options.user = "dinh";
  options.password = "second";
  options.database = 1;
  TestNode node(options);
  RedisCache cache({}, node.channel, node.random, node.clock, node.metrics);
  RevokedTokens tokens({}, node.channel, node.clock, node.metrics);
  RedisRateLimiter limiter({.prefix = "test"}, *node.client, node.clock, node.metrics);
  node.channel.Start();
  ASSERT_TRUE(Eventually([&] { return node.Proven(); })) << node.Log();
  EXPECT_TRUE(node.client->Check().ok()) << node.client->Check();
  cache.Put("g", "k", V("1"), minutes(1), cache.Version("g"));
  EXPECT_NE(cache.Get("g", "k"), nullptr);
  cache.Remove("g", "k");
  cache.Invalidate("g");
  EXPECT_TRUE(limiter.Take("a", {}).allowed);
  limiter.Reset("a");
  EXPECT_TRUE(tokens.Add("t", node.clock.Now() + base::kMicrosPerSecond * 60).ok());
  EXPECT_EQ(redis.Admin({"ACL", "LOG"}).items.size(), 0u);  // nothing was refused
  EXPECT_EQ(node.Metric("cache_rate_local_total"), 0);
  node.channel.Stop();
}

// The network to the subscription goes silent without breaking, and then a change is made: the message is lost.
TEST_F(RedisCacheTest, AMissedInvalidationIsServedForTwoSecondsAtMost) {
  TestLine line(redis_.endpoint().socket_path);
  RedisOptions options = redis_.DefaultOptions();
  options.servers = {line.endpoint()};
  CacheNode far(options);
  ASSERT_TRUE(Eventually([&] { return far.Proven(); }));
  a_.Put("k", "old");
  EXPECT_EQ(far.Get("k"), "old");
  EXPECT_EQ(far.Get("k"), "old");
  EXPECT_EQ(far.Hits("near"), 1);

  line.Silence(true);
  const auto changed_at = steady_clock::now();
  a_.cache.Invalidate("g");
  auto last_stale = changed_at;
  bool served = false;
  ASSERT_TRUE(Eventually([&] {
    const auto now = steady_clock::now();
    if (far.Get("k") == "(none)") return true;
    served = true;
    last_stale = now;
    return false;
  }));
  EXPECT_TRUE(served);  // the message was missed: otherwise this test shows nothing
  EXPECT_LE(last_stale - changed_at, kStalenessMax);
  // Commands still work, so Redis serves; the near layer stays out of it until the line is back.
  a_.Put("k", "new");
  EXPECT_EQ(far.Get("k"), "new");
  const double near = far.Hits("near");
  EXPECT_TRUE(Eventually([&] { return far.Metric("cache_channel_lost_total") == 1; }));
  EXPECT_EQ(far.Get("k"), "new");
  EXPECT_EQ(far.Hits("near"), near);
  line.Silence(false);
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(far.Get("k"), "new");
    return far.Hits("near") > near;
  }));
}

// Two processes with four threads each, one number in a store that both read and change, and everything that can happen
// to Redis meanwhile. Whatever a cache serves was true less than two seconds ago; in the process that made a change it
// was true at once.
TEST_F(RedisCacheTest, NothingOldIsServedWhateverHappensToRedis) {
  Settle();
  std::mutex mutex;
  std::map<int64_t, steady_clock::time_point> changed_at;  // guarded by mutex: when a number became the stored one
  std::atomic<int64_t> stored{0}, reads{0}, hits{0};
  std::atomic<bool> done{false};
  std::atomic<int64_t> oldest_ms{0};
  changed_at[0] = steady_clock::now();
  const auto read = [&](CacheNode& node) {
    const auto begin = steady_clock::now();
    ++reads;
    const Cache::Value value = node.cache.Get("g", "n");
    if (value == nullptr) {
      const uint64_t version = node.cache.Version("g");
      node.cache.Put("g", "n", V(std::to_string(stored.load())), minutes(1), version);
      return;
    }
    ++hits;
    std::lock_guard lock(mutex);
    const auto next = changed_at.find(std::stoll(*value) + 1);
    if (next == changed_at.end() || next->second >= begin) return;
    const int64_t age = std::chrono::duration_cast<milliseconds>(begin - next->second).count();
    oldest_ms = std::max(oldest_ms.load(), age);
  };
  std::vector<std::thread> threads;
  for (CacheNode* node : {&a_, &b_}) {
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, node] {
        while (!done) read(*node);
      });
    }
    threads.emplace_back([&, node] {
      base::SeededRandom random(7);
      while (!done) {
        int64_t mine;
        {
          std::lock_guard lock(mutex);
          mine = stored.load() + 1;
          stored = mine;
          changed_at[mine] = steady_clock::now();
        }
        node->cache.Invalidate("g");
        const Cache::Value value = node->cache.Get("g", "n");
        EXPECT_TRUE(value == nullptr || std::stoll(*value) >= mine);
        const auto pause = milliseconds(random.Below(300));
        Eventually([&] { return done.load(); }, pause);
      }
    });
  }
  const auto let = [&](milliseconds time) { Eventually([&] { return false; }, time); };
  let(milliseconds(400));
  redis_.Admin({"CLIENT", "KILL", "TYPE", "pubsub"});
  let(milliseconds(400));
  redis_.Admin({"FLUSHALL"});
  let(milliseconds(200));
  redis_.Freeze();
  let(milliseconds(700));
  redis_.Thaw();
  let(milliseconds(800));
  redis_.Freeze();
  let(milliseconds(1800));
  redis_.Thaw();
  let(milliseconds(2300));
  redis_.Admin({"SAVE"});
  let(milliseconds(100));
  redis_.Kill();
  let(milliseconds(400));
  redis_.Start();
  const double near = a_.Hits("near") + b_.Hits("near");
  EXPECT_TRUE(Eventually([&] { return a_.Hits("near") + b_.Hits("near") > near; }));  // back at work
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(oldest_ms, kStalenessMax.count());
  EXPECT_GT(hits, 1000);
  RecordProperty("oldest_ms", static_cast<int>(oldest_ms));
  RecordProperty("reads", static_cast<int>(reads));
}

}  // namespace
}  // namespace dinh::cache

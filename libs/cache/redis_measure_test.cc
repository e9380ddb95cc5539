// How long things take, printed for the documentation and not judged: absolute times drift with the machine. What is
// judged is that each of them did what is timed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "libs/cache/redis_cache.h"
#include "libs/cache/redis_rate_limiter.h"
#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

// Microseconds each, of the fastest of some rounds.
double Micros(int times, const std::function<bool()>& work, int per_call = 1) {
  constexpr int kRounds = 5;
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i) EXPECT_TRUE(work());
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / (static_cast<double>(times) * per_call));
  }
  return best;
}

void Tell(const char* what, double micros) { std::printf("  %-46s %8.2f us\n", what, micros); }

TEST(RedisFigures, Printed) {
  constexpr std::chrono::minutes kTtl{5};
  const std::string page(2000, 'x');
  for (const bool tls : {false, true}) {
    TestRedis redis({.tcp = tls, .tls = tls});
    TestNode node(redis.ClientOptions());
    RedisCache cache({}, node.channel, node.random, node.clock, node.metrics);
    RedisRateLimiter limiter({.key_secret = "secret"}, *node.client, node.clock, node.metrics);
    LocalRateLimiter local({}, node.clock);
    cache.Put("g", "k", std::make_shared<const std::string>(page), kTtl, cache.Version("g"));
    std::printf("%s, a value of 2,000 bytes\n", tls ? "TLS over TCP" : "unix socket");
    ASSERT_TRUE(node.client->Call({"SET", "k", page}).ok());
    Tell("GET", Micros(500, [&] { return node.client->Call({"GET", "k"})->text.size() == page.size(); }));
    RedisBatch batch;
    for (int i = 0; i < 64; ++i) batch.Add({"GET", "k"});
    Tell("GET, 64 in one round trip, each",
         Micros(
             20, [&] { return node.client->Run(batch)->back().text.size() == page.size(); }, 64));
    Tell("RedisCache::Get from Redis (MGET + PTTL)", Micros(500, [&] { return cache.Get("g", "k") != nullptr; }));
    const Rate rate{.count = 1'000'000, .period = std::chrono::hours(1)};
    Tell("RedisRateLimiter::Take (one script)", Micros(500, [&] { return limiter.Take("a", rate).allowed; }));
    if (tls) continue;
    node.channel.Start();
    ASSERT_TRUE(Eventually([&] { return node.Proven(); }));
    ASSERT_NE(cache.Get("g", "k"), nullptr);
    Tell("RedisCache::Get from the near layer", Micros(20'000, [&] { return cache.Get("g", "k") != nullptr; }));
    Tell("LocalRateLimiter::Take", Micros(20'000, [&] { return local.Take("a", rate).allowed; }));
    EXPECT_GT(node.Metric("cache_hits_total{group=\"g\",layer=\"near\"}"), 50'000);
    EXPECT_EQ(node.Metric("cache_rate_local_total"), 0);
    node.channel.Stop();
  }
}

}  // namespace
}  // namespace dinh::cache

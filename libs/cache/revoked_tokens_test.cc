#include "libs/cache/revoked_tokens.h"

#include <gtest/gtest.h>

#include <thread>

#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

constexpr base::Micros kMinute = 60 * base::kMicrosPerSecond;

struct TokenNode : TestNode {
  explicit TokenNode(const RedisOptions& options, RevokedTokensOptions tokens_options = {})
      : TestNode(options), tokens(tokens_options, channel, clock, metrics) {
    channel.Start();
  }
  ~TokenNode() { channel.Stop(); }
  base::Micros In(base::Micros time) const { return clock.Now() + time; }

  RevokedTokens tokens;
};

TEST(RevokedTokens, OneRevokesAllKnow) {
  TestRedis redis;
  TokenNode a(redis.ClientOptions()), b(redis.ClientOptions());
  ASSERT_TRUE(Eventually([&] { return a.Proven() && b.Proven(); }));
  EXPECT_FALSE(b.tokens.Contains("t1"));
  ASSERT_TRUE(a.tokens.Add("t1", a.In(kMinute)).ok());
  EXPECT_TRUE(a.tokens.Contains("t1"));
  EXPECT_TRUE(Eventually([&] { return b.tokens.size() == 1; }, kStalenessMax));
  EXPECT_TRUE(b.tokens.Contains("t1"));
  EXPECT_FALSE(b.tokens.Contains("t2"));
  // Who comes later learns it as well.
  TokenNode c(redis.ClientOptions());
  EXPECT_TRUE(c.tokens.Contains("t1"));
  EXPECT_TRUE(Eventually([&] { return c.tokens.size() == 1; }));
}

TEST(RevokedTokens, AreForgottenWhenTheTokenHasEnded) {
  TestRedis redis;
  TokenNode a(redis.ClientOptions()), b(redis.ClientOptions());
  ASSERT_TRUE(a.tokens.Add("past", a.In(-1)).ok());
  EXPECT_EQ(a.tokens.size(), 0u);
  ASSERT_TRUE(a.tokens.Add("short", a.In(base::kMicrosPerSecond)).ok());
  ASSERT_TRUE(a.tokens.Add("long", a.In(kMinute)).ok());
  ASSERT_TRUE(a.tokens.Add("long", a.In(kMinute / 2)).ok());  // the later end holds
  EXPECT_TRUE(Eventually([&] { return b.tokens.size() == 2; }));
  EXPECT_TRUE(Eventually([&] { return !a.tokens.Contains("short") && !b.tokens.Contains("short"); }));
  EXPECT_TRUE(Eventually([&] { return a.tokens.size() == 1 && b.tokens.size() == 1; }));
  ASSERT_TRUE(b.tokens.Add("next", b.In(kMinute)).ok());
  EXPECT_EQ(redis.Admin({"ZCARD", "test:revoked"}).integer, 2);
  EXPECT_TRUE(a.tokens.Contains("long"));
}

TEST(RevokedTokens, BadIds) {
  TestRedis redis;
  TokenNode a(redis.ClientOptions());
  EXPECT_EQ(ReasonOf(a.tokens.Add("", a.In(kMinute))), "INVALID_TOKEN_ID");
  EXPECT_EQ(ReasonOf(a.tokens.Add(std::string(129, 'x'), a.In(kMinute))), "INVALID_TOKEN_ID");
  EXPECT_TRUE(a.tokens.Add(std::string(128, 'x'), a.In(kMinute)).ok());
}

TEST(RevokedTokens, AFlushedOrRestartedRedisIsToldAgain) {
  TestRedis redis;
  TokenNode a(redis.ClientOptions());
  ASSERT_TRUE(Eventually([&] { return a.Proven(); }));
  ASSERT_TRUE(a.tokens.Add("t1", a.In(kMinute)).ok());
  redis.Admin({"FLUSHALL"});
  EXPECT_TRUE(Eventually([&] { return redis.Admin({"ZCARD", "test:revoked"}).integer == 1; }));
  redis.Kill();
  ASSERT_TRUE(a.tokens.Add("t2", a.In(kMinute)).ok());  // this process knows, and tells when it can
  EXPECT_TRUE(a.tokens.Contains("t1"));
  EXPECT_TRUE(a.tokens.Contains("t2"));
  EXPECT_TRUE(Eventually([&] { return !a.Proven(); }));
  EXPECT_FALSE(a.tokens.Contains("t3"));
  EXPECT_GT(a.Metric("cache_revoked_unsure_total"), 0);
  redis.Start();
  TokenNode b(redis.ClientOptions());
  EXPECT_TRUE(Eventually([&] { return b.tokens.Contains("t1") && b.tokens.Contains("t2"); }));
}

TEST(RevokedTokens, MoreThanFitAreAskedOfRedis) {
  TestRedis redis;
  TokenNode a(redis.ClientOptions()), small(redis.ClientOptions(), {.tokens_max = 10});
  ASSERT_TRUE(Eventually([&] { return a.Proven() && small.Proven(); }));
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(a.tokens.Add("t" + std::to_string(i), a.In(kMinute)).ok());
  EXPECT_TRUE(Eventually([&] { return small.tokens.size() == 10; }));
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(Eventually([&] { return small.tokens.Contains("t" + std::to_string(i)); }));
  EXPECT_LE(small.tokens.size(), 10u);
  EXPECT_FALSE(small.tokens.Contains("t30"));
  EXPECT_TRUE(small.tokens.Add("own", a.In(kMinute)).ok());  // Redis has it
  redis.Kill();
  EXPECT_EQ(ReasonOf(small.tokens.Add("lost", a.In(kMinute))), "REVOKED_TOKENS_FULL");
}

TEST(RevokedTokens, ThreadsAddAndAsk) {
  TestRedis redis;
  TokenNode a(redis.ClientOptions()), b(redis.ClientOptions());
  ASSERT_TRUE(Eventually([&] { return a.Proven() && b.Proven(); }));
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      TokenNode& mine = t % 2 == 0 ? a : b;
      for (int i = 0; i < 50; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        ASSERT_TRUE(mine.tokens.Add(id, mine.In(kMinute)).ok());
        ASSERT_TRUE(mine.tokens.Contains(id));
        ASSERT_FALSE(mine.tokens.Contains(id + "x"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(Eventually([&] { return a.tokens.size() == 400 && b.tokens.size() == 400; }));
}

}  // namespace
}  // namespace dinh::cache

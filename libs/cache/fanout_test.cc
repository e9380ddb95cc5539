#include "libs/cache/fanout.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

struct FanoutNode : TestNode {
  explicit FanoutNode(const RedisOptions& redis, FanoutOptions options = {})
      : TestNode(redis), fanout(options, channel, "sse", random, metrics) {
    channel.Start();
  }
  ~FanoutNode() { channel.Stop(); }
  Fanout fanout;
};

// All that is waiting; a gap is "!".
std::string Drain(Fanout::Subscription& subscription) {
  std::string out;
  while (const auto message = subscription.Next()) {
    if (message->gap) out += "!";
    if (message->payload != nullptr) out += *message->payload + ".";
  }
  return out;
}

TEST(Fanout, ReachesEveryProcessOnce) {
  TestRedis redis;
  FanoutNode a(redis.ClientOptions()), b(redis.ClientOptions());
  ASSERT_TRUE(Eventually([&] { return a.Proven() && b.Proven(); }));
  std::atomic<int> wakes{0};
  auto here = *a.fanout.Subscribe("report:7", nullptr);
  auto there = *b.fanout.Subscribe("report:7", [&] { ++wakes; });
  auto other = *b.fanout.Subscribe("report:8", nullptr);
  const std::string binary("\0\r\n\xff", 4);
  ASSERT_TRUE(a.fanout.Publish("report:7", "1").ok());
  EXPECT_EQ(Drain(*here), "1.");  // at once
  ASSERT_TRUE(a.fanout.Publish("report:7", binary).ok());
  ASSERT_TRUE(b.fanout.Publish("report:8", "last").ok());
  EXPECT_EQ(Drain(*here), binary + ".");
  std::string got;
  EXPECT_TRUE(Eventually([&] { return (got += Drain(*there)) == "1." + binary + "."; }));
  EXPECT_GE(wakes, 1);
  EXPECT_EQ(Drain(*other), "last.");
  // When the later message has come back, the earlier ones are through.
  auto end_here = *a.fanout.Subscribe("end", nullptr);
  ASSERT_TRUE(b.fanout.Publish("end", "x").ok());
  EXPECT_TRUE(Eventually([&] { return Drain(*end_here) == "x."; }));
  EXPECT_EQ(Drain(*here), "");
  EXPECT_EQ(Drain(*there), "");
}

TEST(Fanout, ASlowReaderIsToldOfTheGap) {
  TestRedis redis;
  FanoutNode a(redis.ClientOptions(), {.queue_max = 3});
  std::atomic<int> wakes{0};
  auto subscription = *a.fanout.Subscribe("t", [&] { ++wakes; });
  for (int i = 1; i <= 3; ++i) a.fanout.Publish("t", std::to_string(i)).IgnoreError();
  EXPECT_EQ(wakes, 1);  // for the first; the others were waiting with it
  EXPECT_EQ(Drain(*subscription), "1.2.3.");
  for (int i = 1; i <= 5; ++i) a.fanout.Publish("t", std::to_string(i)).IgnoreError();
  EXPECT_EQ(Drain(*subscription), "!4.5.");
  EXPECT_EQ(a.Metric("cache_fanout_dropped_total"), 3);
}

TEST(Fanout, LimitsHold) {
  TestRedis redis;
  FanoutNode a(redis.ClientOptions(), {.payload_bytes_max = 10, .subscriptions_max = 2});
  EXPECT_EQ(ReasonOf(a.fanout.Publish("t", std::string(11, 'x'))), "PAYLOAD_TOO_LARGE");
  EXPECT_EQ(ReasonOf(a.fanout.Publish("", "x")), "INVALID_TOPIC");
  EXPECT_EQ(ReasonOf(a.fanout.Publish(std::string(257, 't'), "x")), "INVALID_TOPIC");
  EXPECT_EQ(ReasonOf(a.fanout.Publish(std::string("a\0b", 3), "x")), "INVALID_TOPIC");
  auto first = *a.fanout.Subscribe("t", nullptr);
  {
    auto second = *a.fanout.Subscribe("t", nullptr);
    EXPECT_EQ(ReasonOf(a.fanout.Subscribe("t", nullptr).status()), "FANOUT_FULL");
    EXPECT_EQ(a.fanout.subscriptions(), 2u);
  }
  EXPECT_TRUE(a.fanout.Subscribe("t", nullptr).ok());
  EXPECT_EQ(a.fanout.subscriptions(), 1u);
  // What others put on the channel is looked at before it is believed.
  ASSERT_TRUE(Eventually([&] { return a.Proven(); }));
  for (const std::string& foreign : {std::string(), std::string("short"), std::string("12345678no separator"),
                                     std::string("12345678t\0", 10) + std::string(11, 'x')}) {
    EXPECT_EQ(redis.Admin({"PUBLISH", "test:sse", foreign}).integer, 1);
  }
  redis.Admin({"PUBLISH", "test:sse", std::string("12345678t\0fits", 14)});
  std::string got;
  EXPECT_TRUE(Eventually([&] { return (got += Drain(*first)) == "fits."; })) << got;
}

TEST(Fanout, WithoutRedisTheProcessGoesOnAndTheGapIsTold) {
  TestRedis redis;
  FanoutNode a(redis.ClientOptions()), b(redis.ClientOptions());
  ASSERT_TRUE(Eventually([&] { return a.Proven() && b.Proven(); }));
  auto here = *a.fanout.Subscribe("t", nullptr);
  auto there = *b.fanout.Subscribe("t", nullptr);
  redis.Kill();
  EXPECT_FALSE(a.fanout.Publish("t", "1").ok());
  EXPECT_EQ(Drain(*here), "1.");
  EXPECT_GE(a.Metric("cache_fanout_unsent_total"), 1);
  EXPECT_TRUE(Eventually([&] { return !b.Proven(); }));
  EXPECT_EQ(Drain(*there), "");
  redis.Start();
  std::string got;
  EXPECT_TRUE(Eventually([&] { return (got += Drain(*there)) == "!"; })) << got;
  EXPECT_TRUE(Eventually([&] { return a.fanout.Publish("t", "2").ok(); }));
  EXPECT_TRUE(Eventually([&] { return (got += Drain(*there)).ends_with("2."); })) << got;
}

TEST(Fanout, ThreadsPublishWhileReadersComeAndGo) {
  TestRedis redis;
  FanoutNode a(redis.ClientOptions()), b(redis.ClientOptions());
  ASSERT_TRUE(Eventually([&] { return a.Proven() && b.Proven(); }));
  auto all = *b.fanout.Subscribe("t", nullptr);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 30; ++i) {
        if (t % 2 == 0) {
          ASSERT_TRUE(a.fanout.Publish("t", "x").ok());
        } else {
          auto reader = *b.fanout.Subscribe("t", nullptr);
          Drain(*reader);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::string got;
  EXPECT_TRUE(Eventually([&] { return (got += Drain(*all)).size() == 4 * 30 * 2; })) << got.size();
}

}  // namespace
}  // namespace dinh::cache

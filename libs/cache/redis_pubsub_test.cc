#include "libs/cache/redis_pubsub.h"

#include <gtest/gtest.h>

#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

class Recorder final : public RedisPubSub::Listener {
 public:
  void OnMessage(std::string_view payload) override { Add(std::string(payload)); }
  void OnLost() override { Add("lost"); }
  void OnProven() override { Add("proven"); }
  void OnBeat() override {
    std::lock_guard lock(mutex_);
    ++beats_;
  }
  std::string text() const {
    std::lock_guard lock(mutex_);
    return text_;
  }
  int beats() const {
    std::lock_guard lock(mutex_);
    return beats_;
  }

 private:
  void Add(const std::string& what) {
    std::lock_guard lock(mutex_);
    if (what != "lost" || !text_.ends_with("lost ")) text_ += what + " ";  // each attempt to connect is a loss
  }
  mutable std::mutex mutex_;
  std::string text_;
  int beats_ = 0;
};

struct ListeningNode : TestNode {
  explicit ListeningNode(const RedisOptions& options) : TestNode(options) {
    channel.Listen("news", recorder);
    channel.Start();
  }
  ~ListeningNode() { channel.Stop(); }
  Recorder recorder;
};

TEST(RedisPubSub, MessagesComeInOrderAndLossesBetweenProofs) {
  TestRedis redis;
  ListeningNode a(redis.DefaultOptions()), b(redis.DefaultOptions());
  ASSERT_TRUE(Eventually([&] { return a.recorder.text() == "proven " && b.recorder.text() == "proven "; }))
      << a.recorder.text() << a.Log() << b.recorder.text() << b.Log();
  for (const char* text : {"1", "2", "3"}) ASSERT_TRUE(a.channel.Publish("news", text).ok());
  ASSERT_TRUE(a.channel.Publish("elsewhere", "4").ok());
  EXPECT_TRUE(Eventually([&] { return b.recorder.text() == "proven 1 2 3 "; }));
  EXPECT_TRUE(Eventually([&] { return a.recorder.text() == "proven 1 2 3 "; }));
  const RedisPubSub::Proof before = b.channel.proof();
  redis.Kill();
  EXPECT_TRUE(Eventually([&] { return b.recorder.text() == "proven 1 2 3 lost "; }));
  EXPECT_FALSE(b.channel.proof().good);
  EXPECT_NE(b.channel.proof().epoch, before.epoch);
  EXPECT_FALSE(b.channel.Publish("news", "5").ok());
  const int beats = b.recorder.beats();
  EXPECT_TRUE(Eventually([&] { return b.recorder.beats() > beats + 1; }));  // with or without Redis
  redis.Start();
  EXPECT_TRUE(Eventually([&] { return b.recorder.text() == "proven 1 2 3 lost proven "; })) << b.recorder.text();
  EXPECT_TRUE(Eventually([&] { return a.channel.Publish("news", "6").ok(); }));
  EXPECT_TRUE(Eventually([&] { return b.recorder.text() == "proven 1 2 3 lost proven 6 "; })) << b.recorder.text();
  EXPECT_EQ(b.Metric("cache_channel_lost_total"), 1);
  EXPECT_EQ(b.Metric("cache_channel_messages_total{channel=\"news\"}"), 4);
}

TEST(RedisPubSub, TheProofEndsWithTheHeartbeat) {
  TestRedis redis;
  ListeningNode node(redis.DefaultOptions());
  ASSERT_TRUE(Eventually([&] { return node.Proven(); }));
  const auto frozen_at = std::chrono::steady_clock::now();
  redis.Freeze();
  EXPECT_TRUE(Eventually([&] { return !node.Proven(); }));
  EXPECT_LE(std::chrono::steady_clock::now() - frozen_at, kStalenessMax);
  redis.Thaw();
  EXPECT_TRUE(Eventually([&] { return node.Proven(); }));
  EXPECT_TRUE(Eventually([&] { return node.recorder.text() == "proven lost proven "; })) << node.recorder.text();
}

TEST(RedisPubSub, WhoMayNotSubscribeIsNeverProven) {
  TestRedis redis({.password = "first", .acl = {"user dinh on >second ~* resetchannels +@all"}});
  RedisOptions options = redis.DefaultOptions();
  options.user = "dinh";
  options.password = "second";
  ListeningNode node(options);
  EXPECT_TRUE(Eventually([&] { return node.Log().find("REDIS_AUTH_REFUSED") != std::string::npos; }));
  EXPECT_FALSE(node.Proven());
  EXPECT_TRUE(node.client->Call({"SET", "a", "1"}).ok());
}

TEST(RedisPubSub, StopsWhereverItIs) {
  TestRedis redis;
  for (int i = 0; i < 20; ++i) {
    ListeningNode node(redis.DefaultOptions());
    if (i % 2 == 0) {
      EXPECT_TRUE(Eventually([&] { return node.Proven(); }));
    }
  }
  redis.Freeze();
  ListeningNode hung(redis.DefaultOptions());
  const auto begin = std::chrono::steady_clock::now();
  hung.channel.Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

}  // namespace
}  // namespace dinh::cache

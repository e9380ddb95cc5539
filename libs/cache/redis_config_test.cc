#include "libs/cache/redis_config.h"

#include <gtest/gtest.h>

#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

RedisOptions Parse(const std::string& url) {
  RedisConfig config;
  config.url = url;
  const absl::StatusOr<RedisOptions> options = config.Options();
  EXPECT_TRUE(options.ok()) << url << ": " << options.status();
  return options.ok() ? *options : RedisOptions{};
}

TEST(RedisConfig, Urls) {
  RedisOptions options = Parse("redis://cache");
  EXPECT_EQ(options.servers, (std::vector<RedisEndpoint>{{.host = "cache", .port = 6379, .socket_path = {}}}));
  EXPECT_FALSE(options.tls.enabled);
  options = Parse("rediss://[::1]:7000/3");
  EXPECT_EQ(options.servers[0].host, "::1");
  EXPECT_EQ(options.servers[0].port, 7000);
  EXPECT_EQ(options.database, 3);
  EXPECT_TRUE(options.tls.enabled);
  options = Parse("unix:///run/redis/redis.sock?2");
  EXPECT_EQ(options.servers[0].socket_path, "/run/redis/redis.sock");
  EXPECT_EQ(options.database, 2);
  options = Parse("rediss-sentinel://a,b:1,c:26380/1#main");
  ASSERT_EQ(options.servers.size(), 3u);
  EXPECT_EQ(options.servers[0].port, 26379);
  EXPECT_EQ(options.servers[1].port, 1);
  EXPECT_EQ(options.master_name, "main");
  EXPECT_EQ(options.database, 1);
  EXPECT_TRUE(options.tls.enabled);
}

TEST(RedisConfig, RefusesWhatItDoesNotUnderstandWithoutRepeatingIt) {
  for (const std::string url :
       {"cache:6379", "http://cache", "redis://", "redis://user:hunter2@cache", "redis://cache:0",
        "redis://cache:70000", "redis://cache/16", "redis://cache/x", "redis://a,b", "redis://cache#main",
        "redis-sentinel://a,b", "redis-sentinel://a,,b#main", "unix://relative", "unix:///a?99", "redis://[::1",
        "redis://a b"}) {
    RedisConfig config;
    config.url = url;
    const absl::Status status = config.Options().status();
    EXPECT_EQ(ReasonOf(status), "INVALID_CONFIG") << url;
    EXPECT_EQ(status.message().find("hunter2"), absl::string_view::npos);
  }
}

TEST(RedisConfig, SettingsThatDoNotFitTogether) {
  const auto refused = [](auto change) {
    RedisConfig config;
    config.url = "redis://cache";
    change(config);
    return ReasonOf(config.Options().status());
  };
  EXPECT_EQ(refused([](RedisConfig&) {}), "OK");
  EXPECT_EQ(refused([](RedisConfig& c) { c.user = "dinh"; }), "INVALID_CONFIG");
  EXPECT_EQ(refused([](RedisConfig& c) { c.sentinel_user = "dinh"; }), "INVALID_CONFIG");
  EXPECT_EQ(refused([](RedisConfig& c) { c.ca_file = "/ca.pem"; }), "INVALID_CONFIG");
  EXPECT_EQ(refused([](RedisConfig& c) { c.connections = 0; }), "INVALID_CONFIG");
  EXPECT_EQ(refused([](RedisConfig& c) { c.prefix = "a{b"; }), "INVALID_CONFIG");
  EXPECT_EQ(refused([](RedisConfig& c) { c.command_timeout = std::chrono::milliseconds(0); }), "INVALID_CONFIG");
  EXPECT_EQ(refused([](RedisConfig& c) { c.connect_timeout = std::chrono::milliseconds(800); }), "INVALID_CONFIG");
}

TEST(RedisConfig, IsBoundAndHidesItsSecrets) {
  RedisConfig config;
  config::Registry registry;
  config.Bind(registry);
  ASSERT_TRUE(registry
                  .Load("", {"DINH_CACHE_REDIS=rediss://cache:1", "DINH_CACHE_REDIS_USER=dinh",
                             "DINH_CACHE_REDIS_PASSWORD=hunter2", "DINH_CACHE_REDIS_CONNECTIONS=3",
                             "DINH_CACHE_REDIS_COMMAND_TIMEOUT=100ms", "DINH_CACHE_NEAR_BYTES=1MiB"})
                  .ok());
  EXPECT_TRUE(config.enabled());
  const absl::StatusOr<RedisOptions> options = config.Options();
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->password, "hunter2");
  EXPECT_EQ(options->user, "dinh");
  EXPECT_EQ(options->connections_max, 3u);
  EXPECT_EQ(options->command_timeout, std::chrono::milliseconds(100));
  EXPECT_EQ(config.near.bytes, 1 << 20);
  EXPECT_EQ(registry.Print().find("hunter2"), std::string::npos);
  EXPECT_FALSE(RedisConfig().enabled());
}

}  // namespace
}  // namespace dinh::cache

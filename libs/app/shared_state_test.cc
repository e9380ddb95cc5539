// What processes share by a Redis of the test's own, and what they do without it.
#include "libs/app/shared_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "libs/cache/test_support.h"
#include "libs/config/registry.h"

namespace dinh::app {
namespace {

using cache::Eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr cache::Rate kThree{.count = 3, .period = std::chrono::hours(1)};
constexpr std::string_view kAddress = "read-a:203.0.113.7";

class SharedStateTest : public ::testing::Test {
 protected:
  // What one process has of it.
  struct Process {
    Process(const cache::RedisConfig& config, const auth::KeyRing& keys)
        : logger(clock, "test", telemetry::Level::kError, [](std::string_view) {}) {
      auto opened = SharedState::Open(config, keys, clock, random, logger, metrics);
      EXPECT_TRUE(opened.ok()) << opened.status();
      if (!opened.ok()) std::abort();
      state = *std::move(opened);
    }
    double Metric(std::string_view name) const {
      const std::string text = metrics.Exposition();
      const size_t at = text.find("\n" + std::string(name) + " ");
      return at == std::string::npos ? -1 : std::atof(text.c_str() + at + name.size() + 2);
    }
    bool Proven() const { return Metric("cache_channel_proven") == 1; }
    base::Micros In(std::chrono::microseconds time) const { return clock.Now() + time.count(); }
    bool Take() { return state->limiter().Take(kAddress, kThree).allowed; }

    base::SystemClock clock;
    base::SystemRandom random;
    telemetry::Metrics metrics;
    telemetry::Logger logger;
    std::unique_ptr<SharedState> state;
  };

  SharedStateTest() : keys_(auth::KeyRing::Ephemeral(clock_, random_)) {}
  cache::RedisConfig Config() const {
    cache::RedisConfig config;
    config.url = "unix://" + redis_.endpoint().socket_path;
    return config;
  }

  base::SystemClock clock_;
  base::SystemRandom random_;
  const std::unique_ptr<auth::KeyRing> keys_;
  cache::TestRedis redis_;
};

TEST_F(SharedStateTest, WithoutARedisEverythingStaysInTheProcess) {
  Process process({}, *keys_);
  process.state->Start();
  EXPECT_EQ(process.state->revoked(), nullptr);
  EXPECT_EQ(process.state->fanout(), nullptr);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(process.Take());
  EXPECT_FALSE(process.Take());
  EXPECT_THAT(process.metrics.Exposition(), Not(HasSubstr("cache_")));
  process.state->Stop();
}

TEST_F(SharedStateTest, AMistakeInTheSettingsIsNamed) {
  cache::RedisConfig config = Config();
  config.url = "http://127.0.0.1";
  Process process({}, *keys_);
  const absl::Status status =
      SharedState::Open(config, *keys_, clock_, random_, process.logger, process.metrics).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.ToString()), HasSubstr("cache.redis"));
}

TEST_F(SharedStateTest, ProcessesShareLimitsEndedLoginsAndWakeUps) {
  Process a(Config(), *keys_), b(Config(), *keys_);
  a.state->Start();
  b.state->Start();
  ASSERT_TRUE(Eventually([&] { return a.Proven() && b.Proven(); }));

  EXPECT_TRUE(a.Take());
  EXPECT_TRUE(b.Take());
  EXPECT_TRUE(a.Take());
  EXPECT_FALSE(b.Take()) << "one allowance for both";
  EXPECT_EQ(a.Metric("cache_rate_local_total"), 0);

  EXPECT_FALSE(b.state->revoked()->Contains("login-1"));
  ASSERT_TRUE(a.state->revoked()->Add("login-1", a.In(std::chrono::minutes(15))).ok());
  EXPECT_TRUE(Eventually([&] { return b.state->revoked()->Contains("login-1"); }));

  const auto page = std::make_shared<const std::string>("page");
  a.state->cache().Put("board", "first", page, std::chrono::minutes(1), a.state->cache().Version("board"));
  EXPECT_TRUE(Eventually([&] { return b.state->cache().Get("board", "first") != nullptr; }));
  b.state->cache().Invalidate("board");
  EXPECT_TRUE(Eventually([&] { return a.state->cache().Get("board", "first") == nullptr; }));

  std::atomic<int> woken = 0;
  auto subscription = b.state->fanout()->Subscribe("events:feedback", [&] { ++woken; });
  ASSERT_TRUE(subscription.ok());
  ASSERT_TRUE(a.state->fanout()->Publish("events:feedback", "").ok());
  EXPECT_TRUE(Eventually([&] { return woken == 1; }));
  subscription->reset();
  a.state->Stop();
  b.state->Stop();
}

TEST_F(SharedStateTest, AddressesDoNotStandInRedis) {
  Process process(Config(), *keys_);
  ASSERT_TRUE(process.Take());
  const cache::RedisReply keys = redis_.Admin({"KEYS", "*"});
  ASSERT_EQ(keys.items.size(), 1u);
  EXPECT_THAT(keys.items[0].text, HasSubstr("dinh:rate:"));
  EXPECT_THAT(keys.items[0].text, Not(HasSubstr("203.0.113.7")));
  // Who reads Redis cannot find the address by trying them all: the name hangs on the installation's keys.
  const std::unique_ptr<auth::KeyRing> others = auth::KeyRing::Ephemeral(clock_, random_);
  Process stranger(Config(), *others);
  ASSERT_TRUE(stranger.Take());
  EXPECT_EQ(redis_.Admin({"KEYS", "*"}).items.size(), 2u);
}

TEST_F(SharedStateTest, ARedisThatIsAwayIsNoErrorAndIsUsedWhenItComes) {
  redis_.Kill();
  Process a(Config(), *keys_), b(Config(), *keys_);
  a.state->Start();
  b.state->Start();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(a.Take());
  EXPECT_FALSE(a.Take()) << "each process counts for itself";
  EXPECT_TRUE(b.Take());
  EXPECT_GE(a.Metric("cache_rate_local_total"), 4);
  EXPECT_FALSE(a.Proven());
  ASSERT_TRUE(a.state->revoked()->Add("login-1", a.In(std::chrono::minutes(15))).ok());
  EXPECT_TRUE(a.state->revoked()->Contains("login-1"));

  redis_.Start();
  ASSERT_TRUE(Eventually([&] { return a.Proven() && b.Proven(); }));
  EXPECT_TRUE(Eventually([&] { return b.state->revoked()->Contains("login-1"); })) << "told later";
  const double alone = b.Metric("cache_rate_local_total");
  EXPECT_TRUE(Eventually([&] { return !b.Take() && b.Metric("cache_rate_local_total") == alone; }));
  EXPECT_FALSE(a.Take()) << "the shared allowance is used up";
  a.state->Stop();
  b.state->Stop();
}

TEST_F(SharedStateTest, ARedisThatForgotEverythingIsToldAgain) {
  Process a(Config(), *keys_), late(Config(), *keys_);
  a.state->Start();
  ASSERT_TRUE(Eventually([&] { return a.Proven(); }));
  ASSERT_TRUE(a.state->revoked()->Add("login-1", a.In(std::chrono::minutes(15))).ok());
  redis_.Kill();
  ASSERT_TRUE(Eventually([&] { return !a.Proven(); }));
  redis_.Start();
  late.state->Start();
  EXPECT_TRUE(Eventually([&] { return late.state->revoked()->Contains("login-1"); }));
  a.state->Stop();
  late.state->Stop();
}

// As a process reads its settings.
cache::RedisConfig FromEnvironment(const std::vector<std::string>& environment) {
  cache::RedisConfig config;
  config::Registry registry;
  config.Bind(registry);
  const absl::Status loaded = registry.Load("", environment);
  EXPECT_TRUE(loaded.ok()) << loaded;
  return config;
}

TEST_F(SharedStateTest, TlsCertificatesPasswordsAndUsersAreSettings) {
  cache::TestRedis redis(
      {.tls = true,
       .client_certificate = true,
       .password = "admin-password",
       .acl = {"user dinh on >user-password ~dinh:* &dinh:* +@read +@write +@transaction +@scripting +@pubsub +select "
               "+info +role +ping +time"}});
  const cache::RedisTlsOptions tls = redis.TlsOptions();
  const std::vector<std::string> right = {
      "DINH_CACHE_REDIS=rediss://127.0.0.1:" + std::to_string(redis.endpoint().port),
      "DINH_CACHE_REDIS_USER=dinh",
      "DINH_CACHE_REDIS_PASSWORD=user-password",
      "DINH_CACHE_REDIS_CA=" + tls.ca_file,
      "DINH_CACHE_REDIS_CERTIFICATE=" + tls.certificate_file,
      "DINH_CACHE_REDIS_KEY=" + tls.key_file};
  Process process(FromEnvironment(right), *keys_);
  process.state->Start();
  ASSERT_TRUE(Eventually([&] { return process.Proven(); }));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(process.Take());
  EXPECT_FALSE(process.Take());
  EXPECT_EQ(process.Metric("cache_rate_local_total"), 0);
  const auto page = std::make_shared<const std::string>("page");
  cache::Cache& kept = process.state->cache();
  kept.Put("board", "first", page, std::chrono::minutes(1), kept.Version("board"));
  EXPECT_NE(kept.Get("board", "first"), nullptr);
  kept.Invalidate("board");
  EXPECT_EQ(kept.Get("board", "first"), nullptr);
  EXPECT_EQ(process.Metric("cache_local_only_total"), 0);
  EXPECT_EQ(redis.Admin({"ACL", "LOG"}).items.size(), 0u) << "the rights that the header names are enough";

  // Each of them is needed, and without one the process goes on alone.
  for (size_t wrong = 2; wrong <= 4; ++wrong) {
    std::vector<std::string> settings = right;
    if (wrong == 2) settings[2] = "DINH_CACHE_REDIS_PASSWORD=another-password";
    if (wrong == 3) settings[3] = "DINH_CACHE_REDIS_CA=";
    if (wrong == 4) settings.resize(4);
    Process alone(FromEnvironment(settings), *keys_);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(alone.Take()) << wrong;
    EXPECT_EQ(alone.Metric("cache_rate_local_total"), 3) << wrong;
  }
  process.state->Stop();
}

TEST_F(SharedStateTest, SentinelsAreASettingAndAFailOverIsFollowed) {
  cache::TestSentinel sentinel;
  Process process(FromEnvironment({"DINH_CACHE_REDIS=redis-sentinel://127.0.0.1:1,127.0.0.1:" +
                                   std::to_string(sentinel.ClientOptions().servers.back().port) + "#" +
                                   cache::TestSentinel::name()}),
                  *keys_);
  process.state->Start();
  ASSERT_TRUE(Eventually([&] { return process.Proven(); }));
  EXPECT_TRUE(process.Take());
  EXPECT_EQ(process.Metric("cache_rate_local_total"), 0);
  sentinel.master().Kill();
  EXPECT_TRUE(Eventually([&] { return process.Metric("cache_redis_master_changes_total") >= 1 && process.Proven(); }));
  process.state->Stop();
}

// A dashboard must not lose its series unnoticed: what a process with a Redis shows beside
// tests/e2e/testdata/metrics.txt.
TEST_F(SharedStateTest, TheMetricsArePinned) {
  Process process(Config(), *keys_);
  std::set<std::string> families;
  std::istringstream in(process.metrics.Exposition());
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# TYPE cache_")) families.insert(line.substr(7, line.find(' ', 7) - 7));
  }
  EXPECT_THAT(families,
              UnorderedElementsAre(
                  "cache_channel_lost_total", "cache_channel_messages_total", "cache_channel_proven",
                  "cache_fanout_dropped_total", "cache_fanout_subscriptions", "cache_fanout_unsent_total",
                  "cache_invalidations_total", "cache_invalidations_waiting", "cache_local_only_total",
                  "cache_rate_local_total", "cache_redis_breaker_opened_total", "cache_redis_breaker_rejected_total",
                  "cache_redis_breaker_state", "cache_redis_connections", "cache_redis_master_changes_total",
                  "cache_redis_seconds", "cache_revoked_tokens", "cache_revoked_unsure_total"));
}

}  // namespace
}  // namespace dinh::app

#include "libs/cache/redis_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "libs/base/strings.h"
#include "libs/cache/redis_errors.h"
#include "libs/cache/test_garbage_server.h"
#include "libs/cache/test_support.h"

namespace dinh::cache {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;
using testing::Not;

std::string Text(const absl::StatusOr<RedisReply>& reply) {
  return reply.ok() ? reply->text : "(" + ReasonOf(reply.status()) + ")";
}

milliseconds Took(const std::function<void()>& work) {
  const auto begin = steady_clock::now();
  work();
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
}

// A loaded machine runs late.
constexpr milliseconds kSlack{400};

TEST(RedisClient, CommandsAndPipelines) {
  TestRedis redis;
  TestNode node(redis.ClientOptions());
  EXPECT_TRUE(node.client->Check().ok());
  EXPECT_EQ(Text(node.client->Call({"SET", "a", "1"})), "OK");
  EXPECT_EQ(Text(node.client->Call({"GET", "a"})), "1");
  EXPECT_TRUE(node.client->Call({"GET", "none"})->is_nil());
  RedisBatch batch;
  for (int i = 0; i < 1000; ++i) batch.Add({"INCR", "n"});
  batch.Add({"LPUSH", "a", "x"}).Add({"GET", "a"});  // an error is a reply among the others
  const auto replies = node.client->Run(batch);
  ASSERT_TRUE(replies.ok()) << replies.status();
  ASSERT_EQ(replies->size(), 1002u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ((*replies)[i].integer, i + 1);
  EXPECT_TRUE((*replies)[1000].is_error());
  EXPECT_EQ(replies->back().text, "1");
  // Much more than the sockets' buffers hold, both ways at once.
  const std::string large(1 << 20, 'x');
  RedisBatch echo;
  for (int i = 0; i < 12; ++i) echo.Add({"ECHO", large});
  EXPECT_EQ(node.client->Run(echo)->back().text, large);
  EXPECT_EQ(node.Metric("cache_redis_connections"), 1);
  EXPECT_EQ(node.client->Run({})->size(), 0u);
}

TEST(RedisClient, AnErrorReplyIsAStatusWithoutItsText) {
  TestRedis redis;
  TestNode node(redis.ClientOptions());
  node.client->Call({"SET", "private-key", "private-value"}).IgnoreError();
  const absl::Status status = node.client->Call({"LPUSH", "private-key", "x"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("WRONGTYPE"));
  EXPECT_TRUE(node.client->available());
  RedisBatch large;
  for (size_t i = 0; i <= kRedisBatchCommandsMax; ++i) large.Add({"PING"});
  EXPECT_EQ(node.client->Run(large).status().code(), absl::StatusCode::kInternal);
  node.client->Call({"NOSUCH private-key"}).IgnoreError();
  EXPECT_THAT(node.Log(), Not(HasSubstr("private")));
}

TEST(RedisClient, PasswordsUsersAndDatabases) {
  TestRedis redis({.password = "first", .acl = {"user dinh on >second ~dinh:* &dinh:* +@all -flushall"}});
  RedisOptions options = redis.ClientOptions();
  options.database = 3;
  TestNode node(options);
  EXPECT_EQ(Text(node.client->Call({"SET", "a", "1"})), "OK");
  options.database = 0;
  TestNode other(options);
  EXPECT_TRUE(other.client->Call({"GET", "a"})->is_nil());

  options.user = "dinh";
  options.password = "second";
  TestNode user(options);
  EXPECT_EQ(Text(user.client->Call({"SET", "dinh:a", "1"})), "OK");
  EXPECT_EQ(Text(user.client->Call({"SET", "a", "1"})), "(REDIS_AUTH_REFUSED)");
  EXPECT_EQ(Text(user.client->Call({"FLUSHALL"})), "(REDIS_AUTH_REFUSED)");

  options.password = "wrong";
  TestNode wrong(options);
  EXPECT_EQ(ReasonOf(wrong.client->Check()), "REDIS_AUTH_REFUSED");
  EXPECT_EQ(Text(wrong.client->Call({"PING"})), "(REDIS_AUTH_REFUSED)");
  options.password.clear();
  TestNode nobody(options);
  EXPECT_EQ(ReasonOf(nobody.client->Check()), "REDIS_AUTH_REFUSED");
  EXPECT_THAT(wrong.Log() + node.Log(), Not(testing::AnyOf(HasSubstr("wrong"), HasSubstr("first"))));

  TestRedis open;
  options = open.ClientOptions();
  options.password = "not asked for";
  TestNode superfluous(options);
  EXPECT_EQ(ReasonOf(superfluous.client->Check()), "REDIS_AUTH_REFUSED");
}

TEST(RedisClient, Tls) {
  TestRedis redis({.tls = true, .client_certificate = true});
  const RedisOptions good = redis.ClientOptions();
  TestNode node(good);
  EXPECT_TRUE(node.client->Check().ok()) << node.client->Check();
  const std::string large(3 << 20, 'y');
  RedisBatch batch;
  batch.Add({"SET", "a", large}).Add({"GET", "a"});
  EXPECT_EQ(node.client->Run(batch)->back().text, large);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Text(node.client->Call({"PING"})), "PONG");
  EXPECT_EQ(node.Metric("cache_redis_connections"), 1);

  RedisOptions options = good;
  options.tls.server_name = "redis.test";
  EXPECT_TRUE(TestNode(options).client->Check().ok());
  options.tls.server_name = "another.test";
  EXPECT_EQ(ReasonOf(TestNode(options).client->Check()), "REDIS_TLS");
  options = good;
  options.tls.ca_file = redis.certificates().stranger.certificate;
  EXPECT_EQ(ReasonOf(TestNode(options).client->Check()), "REDIS_TLS");
  options = good;
  options.tls.certificate_file = options.tls.key_file = "";
  EXPECT_EQ(ReasonOf(TestNode(options).client->Check()), "REDIS_TLS");
  options = good;
  options.tls.enabled = false;
  EXPECT_FALSE(TestNode(options).client->Check().ok());

  // A restart is noticed before a connection is used again.
  redis.Kill();
  redis.Start();
  EXPECT_TRUE(Eventually([&] { return node.client->Call({"PING"}).ok(); }));
}

TEST(RedisClient, CertificatesThatCannotBeUsedAreRefusedAtTheStart) {
  TestRedis redis({.tls = true});
  base::SystemClock clock;
  telemetry::Metrics metrics;
  telemetry::Logger logger(clock, "test", telemetry::Level::kError, [](std::string_view) {});
  const auto refused = [&](auto change) {
    RedisOptions options = redis.ClientOptions();
    change(options.tls);
    return ReasonOf(RedisClient::Create(options, clock, logger, metrics).status());
  };
  const TestCertificates& made = redis.certificates();
  EXPECT_EQ(refused([](RedisTlsOptions&) {}), "OK");
  EXPECT_EQ(refused([](RedisTlsOptions& tls) { tls.ca_file = "/nowhere"; }), "REDIS_TLS");
  EXPECT_EQ(refused([&](RedisTlsOptions& tls) { tls.certificate_file = made.client.certificate; }), "REDIS_TLS");
  EXPECT_EQ(refused([&](RedisTlsOptions& tls) {
              tls.certificate_file = made.client.certificate;
              tls.key_file = made.server.key;
            }),
            "REDIS_TLS");
}

TEST(RedisClient, KilledAndStartedAgain) {
  TestRedis redis;
  TestNode node(redis.ClientOptions());
  ASSERT_TRUE(node.client->Call({"PING"}).ok());
  redis.Kill();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Text(node.client->Call({"PING"})), "(REDIS_UNREACHABLE)");
  EXPECT_EQ(node.client->breaker().state(), CircuitBreaker::State::kOpen);
  EXPECT_EQ(Text(node.client->Call({"PING"})), "(REDIS_BREAKER_OPEN)");
  EXPECT_EQ(ReasonOf(node.client->Check()), "REDIS_UNREACHABLE");
  EXPECT_EQ(node.Metric("cache_redis_breaker_state"), 2);
  EXPECT_EQ(node.Metric("cache_redis_breaker_rejected_total"), 1);
  EXPECT_EQ(node.Metric("cache_redis_errors_total{reason=\"REDIS_UNREACHABLE\"}"), 5);
  redis.Start();
  EXPECT_TRUE(Eventually([&] { return node.client->Call({"PING"}).ok(); }));
  EXPECT_TRUE(node.client->available());
  EXPECT_EQ(node.Metric("cache_redis_breaker_state"), 0);
  EXPECT_EQ(node.Metric("cache_redis_breaker_opened_total"), 1);
  EXPECT_THAT(node.Log(), HasSubstr("redis_used_again"));
}

TEST(RedisClient, ARestartBetweenTwoCallsFailsNone) {
  TestRedis redis;
  TestNode node(redis.ClientOptions());
  ASSERT_TRUE(node.client->Call({"PING"}).ok());
  redis.Kill();
  redis.Start();
  EXPECT_EQ(Text(node.client->Call({"PING"})), "PONG");
}

TEST(RedisClient, AHungServerHoldsNobodyBeyondTheDeadline) {
  TestRedis redis;
  RedisOptions options = redis.DefaultOptions();
  options.connections_max = 2;
  TestNode node(options);
  ASSERT_TRUE(node.client->Call({"PING"}).ok());
  redis.Freeze();
  EXPECT_LT(Took([&] { EXPECT_EQ(Text(node.client->Call({"PING"})), "(REDIS_TIMEOUT)"); }),
            options.command_timeout + kSlack);
  // It cannot log in either.
  EXPECT_LT(Took([&] { EXPECT_EQ(Text(node.client->Call({"PING"})), "(REDIS_TIMEOUT)"); }),
            options.connect_timeout + options.command_timeout + kSlack);
  EXPECT_LT(Took([&] {
              EXPECT_EQ(Text(node.client->Call({"PING"}, steady_clock::now() + milliseconds(30))), "(REDIS_TIMEOUT)");
            }),
            milliseconds(30) + kSlack);
  std::vector<std::thread> threads;
  const milliseconds together = Took([&] {
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] { EXPECT_FALSE(node.client->Call({"PING"}).ok()); });
    }
    for (std::thread& thread : threads) thread.join();
  });
  EXPECT_LT(together, options.connect_timeout + options.command_timeout + kSlack);
  EXPECT_LT(Took([&] {
              while (node.client->available()) node.client->Call({"PING"}).IgnoreError();
            }),
            milliseconds(5000));
  EXPECT_LT(Took([&] { node.client->Call({"PING"}).IgnoreError(); }), milliseconds(50));
  redis.Thaw();
  EXPECT_TRUE(Eventually([&] { return node.client->Call({"PING"}).ok(); }));
}

TEST(RedisClient, ThePoolIsBoundedAndWaits) {
  TestRedis redis;
  RedisOptions options = redis.ClientOptions();
  options.connections_max = 3;
  TestNode node(options);
  std::atomic<int> done{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const std::string key = "k" + std::to_string(t);
      for (int i = 1; i <= 500; ++i) {
        const auto reply = node.client->Call({"INCR", key});
        ASSERT_TRUE(reply.ok()) << reply.status();
        ASSERT_EQ(reply->integer, i);  // nobody reads another's answer
        ++done;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 4000);
  EXPECT_LE(node.Metric("cache_redis_connections"), 3);

  // All in use until a deadline: refused, and nothing is said about Redis.
  options.connections_max = 1;
  options.command_timeout = milliseconds(2000);
  TestNode one(options);
  std::thread busy([&] { one.client->Call({"BLPOP", "nothing", "1"}).IgnoreError(); });
  EXPECT_TRUE(Eventually([&] { return one.Metric("cache_redis_connections") == 1; }));
  EXPECT_EQ(Text(one.client->Call({"PING"}, steady_clock::now() + milliseconds(50))), "(REDIS_POOL_BUSY)");
  busy.join();
  EXPECT_TRUE(one.client->Call({"PING"}).ok());
}

TEST(RedisClient, GarbageFromTheNetworkIsAnError) {
  for (const std::string& garbage : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("*2147483647\r\n"),
                                     std::string(100'000, '\xff'), std::string("$20\r\nrun_id:zzzzzzzzzzzz\r\n\r\n"),
                                     std::string("$4\r\nnone\r\n"), std::string("+OK\r\n+OK\r\n"), std::string()}) {
    TestGarbageServer server(garbage);
    RedisOptions options;
    options.servers = {{.host = "127.0.0.1", .port = server.port(), .socket_path = {}}};
    TestNode node(options);
    const absl::Status status = node.client->Call({"GET", "a"}).status();
    EXPECT_EQ(ReasonOf(status), garbage.empty() ? "REDIS_UNREACHABLE" : "REDIS_PROTOCOL") << status;
    EXPECT_EQ(node.Metric("cache_redis_connections"), 0);
  }
}

TEST(RedisClient, NobodyThere) {
  RedisOptions options;
  options.servers = {{.host = "127.0.0.1", .port = FreePort(), .socket_path = {}}};
  EXPECT_EQ(ReasonOf(TestNode(options).client->Check()), "REDIS_UNREACHABLE");
  options.servers = {{.host = "no-such-host.invalid", .port = 1, .socket_path = {}}};
  EXPECT_EQ(ReasonOf(TestNode(options).client->Check()), "REDIS_UNREACHABLE");
  options.servers = {{.host = {}, .port = 0, .socket_path = std::string(200, '/')}};
  EXPECT_EQ(ReasonOf(TestNode(options).client->Check()), "REDIS_UNREACHABLE");
}

TEST(RedisSentinel, FindsTheMasterAndFollowsAFailOver) {
  TestSentinel sentinel;
  TestNode node(sentinel.ClientOptions());
  node.channel.Start();
  ASSERT_TRUE(node.client->Check().ok()) << node.client->Check();
  EXPECT_EQ(Text(node.client->Call({"SET", "a", "1"})), "OK");
  EXPECT_TRUE(Eventually([&] { return sentinel.replica().Admin({"GET", "a"}).text == "1"; }));
  EXPECT_TRUE(Eventually([&] { return node.Proven(); }));
  const uint64_t before = node.client->generation();

  sentinel.master().Kill();
  EXPECT_TRUE(Eventually([&] { return node.client->Call({"SET", "a", "2"}).ok(); }));
  EXPECT_EQ(sentinel.replica().Admin({"GET", "a"}).text, "2");
  EXPECT_NE(node.client->generation(), before);
  EXPECT_EQ(node.Metric("cache_redis_master_changes_total"), 1);
  EXPECT_TRUE(Eventually([&] { return node.Proven(); }));

  RedisOptions options = sentinel.ClientOptions();
  options.master_name = "another";
  EXPECT_EQ(ReasonOf(TestNode(options).client->Check()), "REDIS_NO_MASTER");
}

TEST(RedisSentinel, AReplicaIsNotTakenForTheMaster) {
  TestRedis master({.tcp = true});
  TestRedis replica({.replica_of = master.endpoint().port});
  // A Sentinel that is behind, played by a server that answers as it would.
  const std::string port = std::to_string(replica.endpoint().port);
  TestGarbageServer stale("*2\r\n$9\r\n127.0.0.1\r\n$" + std::to_string(port.size()) + "\r\n" + port + "\r\n");
  RedisOptions options;
  options.servers = {{.host = "127.0.0.1", .port = stale.port(), .socket_path = {}}};
  options.master_name = "main";
  TestNode node(options);
  EXPECT_EQ(ReasonOf(node.client->Check()), "REDIS_NO_MASTER");
  // Without Sentinel nobody asks, but a write is refused and not taken for done.
  TestNode direct(replica.ClientOptions());
  EXPECT_EQ(Text(direct.client->Call({"SET", "a", "1"})), "(REDIS_NOT_READY)");
}

}  // namespace
}  // namespace dinh::cache

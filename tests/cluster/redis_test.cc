// A Redis that wants TLS, a client's certificate and a password: the settings reach every process, which then uses it.
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/cache/test_support.h"
#include "libs/testing/temp_dir.h"
#include "services/standalone/demo/api_client.h"
#include "tests/support/cluster.h"

namespace dinh::testing {
namespace {

TEST(ClusterRedis, EveryProcessUsesOneBehindTlsAndAPassword) {
  cache::TestRedis redis({.tls = true, .client_certificate = true, .password = "of-redis"});
  const cache::RedisTlsOptions tls = redis.TlsOptions();
  const std::vector<std::string> settings = {
      "DINH_CACHE_REDIS=rediss://127.0.0.1:" + std::to_string(redis.endpoint().port),
      "DINH_CACHE_REDIS_PASSWORD=of-redis",
      "DINH_CACHE_REDIS_CA=" + tls.ca_file,
      "DINH_CACHE_REDIS_CERTIFICATE=" + tls.certificate_file,
      "DINH_CACHE_REDIS_KEY=" + tls.key_file,
  };
  std::map<std::string, std::vector<std::string>> environment;
  for (const char* service : kClusterServices) environment[service] = settings;
  TempDir dir;
  Cluster cluster({.folder = dir.path(), .replicas = 1, .redis = false, .service_environment = environment});
  const absl::Status started = cluster.Start();
  ASSERT_TRUE(started.ok()) << started;
  for (const char* service : kClusterServices) {
    const Replica& replica = *cluster.replicas(service).front();
    demo::ApiClient scraper("127.0.0.1", replica.metrics_port());
    EXPECT_TRUE(cache::Eventually([&] {
      return scraper.Get("/metrics").raw.find("\ncache_channel_proven 1\n") != std::string::npos;
    })) << service;
  }
  // What they share stands there.
  demo::ApiClient reader("127.0.0.1", cluster.http_port(0));
  EXPECT_TRUE(cache::Eventually([&] {
    EXPECT_EQ(reader.Get("/v1/reports").status, 200);
    return redis.Admin({"EXISTS", "dinh:{board}:v"}).integer == 1;
  }));
  const absl::Status stopped = cluster.Stop();
  EXPECT_TRUE(stopped.ok()) << stopped;
}

}  // namespace
}  // namespace dinh::testing

// How to reach Redis and how long to wait for it. An operator writes RedisConfig (redis_config.h); this is what it
// means.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libs/cache/circuit_breaker.h"

namespace dinh::cache {

inline constexpr uint16_t kRedisPort = 6379;
inline constexpr uint16_t kSentinelPort = 26379;

// A TCP address or, when `socket_path` is not empty, a unix socket.
struct RedisEndpoint {
  std::string host;
  uint16_t port = kRedisPort;
  std::string socket_path;

  bool operator==(const RedisEndpoint&) const = default;
  std::string Name() const {
    if (!socket_path.empty()) return "unix:" + socket_path;
    return host + ":" + std::to_string(port);
  }
};

struct RedisTlsOptions {
  bool enabled = false;
  std::string ca_file;           // empty: the system's store
  std::string certificate_file;  // of this client, with key_file; empty: none
  std::string key_file;
  std::string server_name;  // what the server's certificate must say; empty: the host as it was dialled
};

struct RedisOptions {
  // One server; or, when `master_name` is set, the Sentinels that know where the master is.
  std::vector<RedisEndpoint> servers;
  std::string master_name;
  int database = 0;
  std::string user;  // ACL user; empty: the default user
  std::string password;
  std::string sentinel_user;
  std::string sentinel_password;
  RedisTlsOptions tls;  // for Sentinels too

  size_t connections_max = 8;
  // A call that finds a connection takes at most command_timeout, one that must make one connect_timeout more.
  std::chrono::milliseconds connect_timeout{500};
  std::chrono::milliseconds command_timeout{250};
  BreakerOptions breaker;
};

// What one round trip may carry; more is a mistake of the program or of the server.
inline constexpr size_t kRedisBatchCommandsMax = 4096;
inline constexpr size_t kRedisBatchBytesMax = 16 << 20;
inline constexpr size_t kRedisReplyBytesMax = 16 << 20;
inline constexpr size_t kRedisReplyItemsMax = 200'000;  // of all arrays of one reply

}  // namespace dinh::cache

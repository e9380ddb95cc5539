// What an operator writes to have a Redis: one URL for where it is, secrets and certificates beside it.
//
//   redis://host[:6379][/database]                          rediss://…            with TLS
//   redis-sentinel://host[:26379][,host…][/database]#master rediss-sentinel://…   with TLS, to Sentinels as well
//   unix:///run/redis/redis.sock[?database]
//
// The ACL user needs
//   ~<prefix>:* &<prefix>:* +@read +@write +@transaction +@scripting +@pubsub +select +info +role +ping +time
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "libs/cache/redis_options.h"
#include "libs/config/registry.h"

namespace dinh::cache {

struct RedisConfig {
  std::string url;  // empty: no Redis
  std::string prefix = "dinh";
  std::string user;
  std::string password;
  std::string sentinel_user;
  std::string sentinel_password;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string server_name;
  int connections = 8;
  std::chrono::milliseconds connect_timeout{500};
  std::chrono::milliseconds command_timeout{250};
  config::ByteSize near{8 << 20};

  void Bind(config::Registry& registry);
  bool enabled() const { return !url.empty(); }
  // INVALID_ARGUMENT (INVALID_CONFIG) that names the setting; never repeats a value.
  absl::StatusOr<RedisOptions> Options() const;
};

}  // namespace dinh::cache

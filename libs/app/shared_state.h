// What the processes of a cluster share by Redis: rate limits, ended logins, answers that many ask for, and wake-ups
// between replicas. Never the only copy of anything; while Redis cannot be used each process limits and keeps answers
// for itself, asks identity for rights after a few seconds, and looks for events once a second.
//
//   ASSIGN_OR_RETURN(auto shared, SharedState::Open(config, keys, clock, random, logger, metrics));
//   … Host with shared->limiter(), shared->revoked(), shared->fanout() …
//   shared->Start();  … shared->Stop();            // Stop after the host has stopped
//
// Thread safety: Open, Start and Stop on one thread; the parts are thread-safe.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/cache/fanout.h"
#include "libs/cache/local_cache.h"
#include "libs/cache/rate_limiter.h"
#include "libs/cache/redis_client.h"
#include "libs/cache/redis_config.h"
#include "libs/cache/redis_pubsub.h"
#include "libs/cache/redis_rate_limiter.h"
#include "libs/cache/revoked_tokens.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::app {

class SharedState {
 public:
  // Does not connect: a Redis that is away is no error. Without a URL everything stays in the process. The arguments
  // outlive the object. INVALID_ARGUMENT names the setting.
  static absl::StatusOr<std::unique_ptr<SharedState>> Open(const cache::RedisConfig& config, const auth::KeyRing& keys,
                                                           const base::Clock& clock, base::Random& random,
                                                           telemetry::Logger& logger, telemetry::Metrics& metrics);
  ~SharedState();

  void Start();
  void Stop();

  cache::RateLimiter& limiter() { return *limiter_; }
  // Without Redis of this process alone: entries are to live for less than they may be old.
  cache::Cache& cache() { return *cache_; }
  // Null without Redis.
  cache::RevokedTokens* revoked() { return revoked_ ? &*revoked_ : nullptr; }
  cache::Fanout* fanout() { return fanout_ ? &*fanout_ : nullptr; }

 private:
  SharedState() = default;

  std::unique_ptr<cache::RedisClient> client_;
  std::unique_ptr<cache::RedisPubSub> channel_;
  std::unique_ptr<cache::RateLimiter> limiter_;
  std::unique_ptr<cache::Cache> cache_;
  std::optional<cache::RevokedTokens> revoked_;
  std::optional<cache::Fanout> fanout_;
};

}  // namespace dinh::app

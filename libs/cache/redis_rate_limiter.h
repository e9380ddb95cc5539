// One rate for all processes: the generic cell rate algorithm as one script in Redis, by the clock of Redis. While
// Redis cannot be used each process counts for itself (LocalRateLimiter), so a limit is at most multiplied by their
// number.
//
// Keys are hashed before they leave the process: addresses and the like do not stand in Redis in clear.
// Metrics: cache_rate_local_total (decisions made without Redis).
// Thread safety: thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "libs/base/clock.h"
#include "libs/cache/rate_limiter.h"
#include "libs/cache/redis_client.h"
#include "libs/telemetry/metrics.h"

namespace dinh::cache {

struct RedisRateLimiterOptions {
  std::string prefix = "dinh";
  // The same in every process. Without it who can read Redis can find out an address by trying them all.
  std::string key_secret;
  LocalRateLimiterOptions local;
};

class RedisRateLimiter final : public RateLimiter {
 public:
  RedisRateLimiter(RedisRateLimiterOptions options, RedisClient& client, const base::Clock& clock,
                   telemetry::Metrics& metrics);

  RateDecision Take(std::string_view key, const Rate& rate, int64_t cost = 1) override;
  RateDecision Peek(std::string_view key, const Rate& rate, int64_t cost = 1) override;
  void Reset(std::string_view key) override;

 private:
  // false: Redis did not decide.
  bool Decide(std::string_view key, const Rate& rate, int64_t cost, bool take, RateDecision* decision);
  std::string NameOf(std::string_view key) const;

  const RedisRateLimiterOptions options_;
  RedisClient& client_;
  const std::string script_hash_;
  LocalRateLimiter local_;
  telemetry::Counter& local_decisions_;
};

}  // namespace dinh::cache

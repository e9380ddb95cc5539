// How often somebody may do something: the generic cell rate algorithm (GCRA, ITU-T I.371), a token bucket that needs
// one number per key. In a cluster RedisRateLimiter (redis_rate_limiter.h) stands behind the same interface.
//
//   LocalRateLimiter limiter({.keys_max = 100'000}, clock);
//   const RateDecision d = limiter.Take("otp:" + phone_index, {.count = 5, .period = 1h, .burst = 3});
//   if (!d.allowed) → RESOURCE_EXHAUSTED, retry after d.retry_after
//
// Keys are opaque: never personal data in clear (they may stand in Redis).
// Thread safety: thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/base/clock.h"

namespace dinh::cache {

// `count` per `period` on average, up to `burst` at once (0: as many as `count`).
struct Rate {
  int64_t count = 1;
  std::chrono::milliseconds period{1000};
  int64_t burst = 0;
};

struct RateDecision {
  bool allowed = false;
  int64_t limit = 0;                         // the burst: what `remaining` starts from
  int64_t remaining = 0;                     // how many more at once, after this one
  std::chrono::milliseconds retry_after{0};  // until this one would be allowed; 0 when it is
  std::chrono::milliseconds reset{0};        // until `remaining` is `limit` again
};

class RateLimiter {
 public:
  virtual ~RateLimiter() = default;
  // Takes `cost` from the key's allowance; a refusal takes nothing. A cost above the burst is always refused.
  virtual RateDecision Take(std::string_view key, const Rate& rate, int64_t cost = 1) = 0;
  // What Take would say, without taking.
  virtual RateDecision Peek(std::string_view key, const Rate& rate, int64_t cost = 1) = 0;
  // Forgives the key (a login that succeeded).
  virtual void Reset(std::string_view key) = 0;
};

struct LocalRateLimiterOptions {
  // Keys remembered at most (about 100 bytes each). When more are active at once the one that is nearest to a full
  // allowance among a few is forgotten: a flood of new keys cannot use up memory, and gains at most those.
  size_t keys_max = 100'000;
  size_t shards = 16;
};

class LocalRateLimiter final : public RateLimiter {
 public:
  LocalRateLimiter(LocalRateLimiterOptions options, const base::Clock& clock);

  RateDecision Take(std::string_view key, const Rate& rate, int64_t cost = 1) override;
  RateDecision Peek(std::string_view key, const Rate& rate, int64_t cost = 1) override;
  void Reset(std::string_view key) override;
  size_t keys() const;

 private:
  using Nanos = int64_t;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  struct Shard {
    mutable std::mutex mutex;
    // The theoretical arrival time: when the allowance is full again.
    std::unordered_map<std::string, Nanos, Hash, std::equal_to<>> full_at;
    size_t sweep_bucket = 0;
  };

  RateDecision Decide(std::string_view key, const Rate& rate, int64_t cost, bool take);
  Nanos Now() const;
  Shard& ShardOf(std::string_view key);
  // Forgets keys whose allowance is full, a few buckets at a time; makes room when the shard is full.
  void Tidy(Shard& shard, Nanos now);

  const size_t shard_keys_max_;
  const base::Clock& clock_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace dinh::cache

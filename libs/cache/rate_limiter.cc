#include "libs/cache/rate_limiter.h"

#include <algorithm>
#include <utility>

namespace dinh::cache {
namespace {

// How many buckets of the table one insertion looks through.
constexpr size_t kBucketsPerInsertion = 8;

std::chrono::milliseconds RoundUp(int64_t nanos) {
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds(std::max<int64_t>(nanos, 0)));
}

}  // namespace

LocalRateLimiter::LocalRateLimiter(LocalRateLimiterOptions options, const base::Clock& clock)
    : shard_keys_max_(std::max<size_t>(options.keys_max / std::max<size_t>(options.shards, 1), 1)), clock_(clock) {
  for (size_t i = 0; i < std::max<size_t>(options.shards, 1); ++i) shards_.push_back(std::make_unique<Shard>());
}

LocalRateLimiter::Nanos LocalRateLimiter::Now() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(clock_.Steady().time_since_epoch()).count();
}

LocalRateLimiter::Shard& LocalRateLimiter::ShardOf(std::string_view key) {
  return *shards_[Hash()(key) % shards_.size()];
}

RateDecision LocalRateLimiter::Take(std::string_view key, const Rate& rate, int64_t cost) {
  return Decide(key, rate, cost, true);
}

RateDecision LocalRateLimiter::Peek(std::string_view key, const Rate& rate, int64_t cost) {
  return Decide(key, rate, cost, false);
}

RateDecision LocalRateLimiter::Decide(std::string_view key, const Rate& rate, int64_t cost, bool take) {
  const int64_t burst = std::max<int64_t>(rate.burst > 0 ? rate.burst : rate.count, 1);
  const Nanos interval = std::max<Nanos>(
      std::chrono::nanoseconds(rate.period).count() / std::max<int64_t>(rate.count, 1), 1);  // between two at full rate
  const Nanos capacity = interval * burst;
  cost = std::max<int64_t>(cost, 0);

  Shard& shard = ShardOf(key);
  std::lock_guard lock(shard.mutex);
  const Nanos now = Now();
  const auto found = shard.full_at.find(key);
  const Nanos full_at = found == shard.full_at.end() ? now : std::max(found->second, now);

  RateDecision decision;
  decision.limit = burst;
  const Nanos after = cost > burst ? full_at : full_at + interval * cost;
  decision.allowed = cost <= burst && after - now <= capacity;
  const Nanos stands = decision.allowed ? after : full_at;
  decision.remaining = std::max<int64_t>((capacity - (stands - now)) / interval, 0);
  decision.reset = RoundUp(stands - now);
  if (!decision.allowed) {
    decision.retry_after = cost > burst ? RoundUp(capacity) : RoundUp(after - now - capacity);
    return decision;
  }
  if (!take || cost == 0) return decision;
  if (found != shard.full_at.end()) {
    found->second = after;
  } else {
    Tidy(shard, now);
    shard.full_at.emplace(std::string(key), after);
  }
  return decision;
}

void LocalRateLimiter::Tidy(Shard& shard, Nanos now) {
  auto& table = shard.full_at;
  std::string nearest;
  Nanos nearest_full_at = 0;
  bool any = false;
  const auto look = [&](size_t bucket) {
    std::vector<std::string> full;
    for (auto it = table.begin(bucket); it != table.end(bucket); ++it) {
      if (it->second <= now) {
        full.push_back(it->first);
      } else if (!any || it->second < nearest_full_at) {
        nearest = it->first;
        nearest_full_at = it->second;
        any = true;
      }
    }
    for (const std::string& key : full) table.erase(key);
  };
  const size_t buckets = table.bucket_count();
  for (size_t i = 0; i < std::min(kBucketsPerInsertion, buckets); ++i) {
    shard.sweep_bucket = (shard.sweep_bucket + 1) % buckets;
    look(shard.sweep_bucket);
  }
  // Still full: one of those just seen must go; where they were all empty, go on to the first that is not.
  for (size_t i = 0; table.size() >= shard_keys_max_ && !any && i < buckets; ++i) {
    shard.sweep_bucket = (shard.sweep_bucket + 1) % buckets;
    look(shard.sweep_bucket);
  }
  if (table.size() >= shard_keys_max_ && any) table.erase(nearest);
}

void LocalRateLimiter::Reset(std::string_view key) {
  Shard& shard = ShardOf(key);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.full_at.find(key);
  if (found != shard.full_at.end()) shard.full_at.erase(found);
}

size_t LocalRateLimiter::keys() const {
  size_t keys = 0;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    std::lock_guard lock(shard->mutex);
    keys += shard->full_at.size();
  }
  return keys;
}

}  // namespace dinh::cache

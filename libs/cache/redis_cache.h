// The cluster's cache: Redis, shared by all processes, with a small layer in the process in front.
//
//   RedisPubSub channel(*redis, "dinh", clock, random, logger, metrics);
//   RedisCache cache({.near_bytes_max = 8 << 20}, channel, random, clock, metrics);   // before channel.Start()
//   channel.Start();   …   channel.Stop();                                            // before the cache goes
//
// What may be served. A group has a version in Redis: a random number that Invalidate replaces. Every entry carries the
// version of its group from before it was read, and one MGET fetches both: an entry of another version is a miss. A
// version is good only on the very server process it was made on: after a restart from a snapshot, or a fail-over to a
// replica that had not heard of everything, nothing older counts. So what comes out of Redis is never older than the
// last invalidation that reached it.
//   near layer   entries that came from Redis while the channel was proven; an invalidation's message drops the group.
//                Served only while the proof is good (kProofLasts), dropped and bypassed when it is lost: at most
//                kProofLasts old, whatever went missing.
//   spare layer  while Redis cannot be used: values read in this process, for kSpareLasts from before they were read.
// An invalidation that could not be told to Redis is told again with every heartbeat until it is; meanwhile this
// process does not use the group in Redis, and others, whose calls failed as well, do not use Redis for kDistrustLasts
// after the last failure, which is longer than the retry takes. Those of the last kRepeatFor are told again after every
// loss: they may have been told to a master that was none any more. What remains: a process that dies between its
// commit and Invalidate, or that alone is cut off from Redis. Entries then live on until their ttl: choose it
// accordingly.
//
// Keys and groups stand in Redis in clear: no personal data in them.
// Metrics: cache_hits_total{group,layer=near|redis|spare}, cache_misses_total{group}, cache_invalidations_total,
// cache_invalidations_waiting, cache_local_only_total (reads answered without Redis because it cannot be used).
// Thread safety: thread-safe.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/cache/local_cache.h"
#include "libs/cache/redis_client.h"
#include "libs/cache/redis_pubsub.h"
#include "libs/telemetry/metrics.h"

namespace dinh::cache {

// From before a value was read until it is not served any more, while nobody can tell of a change.
inline constexpr std::chrono::milliseconds kSpareLasts = kProofLasts;
// More than a heartbeat, the breaker's open_for and a call that hangs (at most 1 s, see RedisConfig::Options): who
// could not tell has told by then.
inline constexpr std::chrono::milliseconds kDistrustLasts{2000};
inline constexpr std::chrono::seconds kRepeatFor{60};

struct RedisCacheOptions {
  size_t near_bytes_max = 8 << 20;   // of each local layer
  size_t value_bytes_max = 1 << 20;  // larger ones are not kept
  std::chrono::milliseconds near_ttl_max{60'000};
};

class RedisCache final : public Cache, private RedisPubSub::Listener {
 public:
  RedisCache(RedisCacheOptions options, RedisPubSub& channel, base::Random& random, const base::Clock& clock,
             telemetry::Metrics& metrics);

  Value Get(std::string_view group, std::string_view key) override;
  void Put(std::string_view group, std::string_view key, Value value, std::chrono::milliseconds ttl,
           uint64_t version) override;
  // The key is gone for all. In the near layers the whole group goes, so that a reader that is just fetching the key
  // does not bring it back.
  void Remove(std::string_view group, std::string_view key) override;
  // Opaque, not ordered.
  uint64_t Version(std::string_view group) override;
  void Invalidate(std::string_view group) override;
  // Hits of all layers; entries and bytes of this process.
  CacheStats stats() const override;

 private:
  struct Group {
    std::string name;
    std::atomic<uint64_t> known{0};          // the version in Redis as it was seen last; 0: not seen
    std::atomic<uint64_t> wanted{0};         // invalidations so far
    std::atomic<uint64_t> told{0};           // how many of them Redis knows
    std::atomic<int64_t> invalidated_at{0};  // by this process, as SteadyMillis; 0: never
    telemetry::Counter* near_hits;
    telemetry::Counter* redis_hits;
    telemetry::Counter* spare_hits;
    telemetry::Counter* misses;

    bool waiting() const { return told.load(std::memory_order_acquire) < wanted.load(std::memory_order_acquire); }
    void Want() { wanted.fetch_add(1, std::memory_order_acq_rel); }
  };

  void OnMessage(std::string_view group) override;
  void OnLost() override;
  void OnProven() override;
  void OnBeat() override;

  Group& GroupOf(std::string_view name);
  std::vector<Group*> Groups();
  std::string VersionKey(std::string_view group) const;
  std::string EntryKey(std::string_view group, std::string_view key) const;
  Value FromRedis(Group& group, std::string_view key, bool* answered);
  // The group's version on the server that gave `text`; 0: none that counts there.
  uint64_t TakeVersion(Group& group, const RedisReply& reply, uint32_t server_id);
  Value Hit(telemetry::Counter* counter, Value value);
  // Whether Redis takes part for this group now.
  bool UsesRedis(const Group& group) const;
  uint64_t SpareVersion(std::string_view group);
  void PutSpare(std::string_view group, std::string_view key, Value value, std::chrono::milliseconds ttl,
                uint64_t version);
  // false: Redis did not take it.
  bool TellInvalidated(Group& group);
  int64_t SteadyMillis() const;

  const RedisCacheOptions options_;
  RedisPubSub& channel_;
  RedisClient& client_;
  base::Random& random_;
  const base::Clock& clock_;
  const std::chrono::steady_clock::time_point start_;
  LocalCache near_;
  LocalCache spare_;
  telemetry::CounterFamily& hits_;
  telemetry::CounterFamily& misses_;
  telemetry::Counter& invalidations_;
  telemetry::Gauge& waiting_;
  telemetry::Counter& local_only_;
  std::atomic<int64_t> hit_count_{0}, miss_count_{0};
  std::atomic<uint32_t> server_id_{0};  // who answered last

  std::mutex groups_mutex_;
  std::map<std::string, std::unique_ptr<Group>, std::less<>> groups_;  // guarded by groups_mutex_
};

}  // namespace dinh::cache

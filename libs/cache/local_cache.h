// A bounded cache in the process: sharded, least recently used goes first, entries live for a time. In a cluster
// RedisCache (redis_cache.h) stands behind the same interface. Cache what is expensive or shared; an SQLite point read
// (6 µs) is neither.
//
//   LocalCache cache({.bytes_max = 8 << 20}, clock);
//   if (auto page = cache.Get("procedures", code)) return *page;
//   const uint64_t version = cache.Version("procedures");
//   … read the page …
//   cache.Put("procedures", code, page, ttl, version);   // kept only if nothing was invalidated since Version()
//   cache.Invalidate("procedures");                       // after a change: all entries of the group are gone
//
// Thread safety: thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/base/clock.h"

namespace dinh::cache {

struct CacheStats {
  int64_t hits = 0;
  int64_t misses = 0;
  int64_t evictions = 0;  // for room, not for age
  int64_t entries = 0;
  int64_t bytes = 0;  // keys, values and bookkeeping, estimated
};

class Cache {
 public:
  using Value = std::shared_ptr<const std::string>;
  virtual ~Cache() = default;

  // Null when absent, too old or invalidated.
  virtual Value Get(std::string_view group, std::string_view key) = 0;
  // `version`: Version(group) from before the value was read, so that a value read before a change and stored after it
  // is not taken for fresh. A value that is larger than a shard is not kept.
  virtual void Put(std::string_view group, std::string_view key, Value value, std::chrono::milliseconds ttl,
                   uint64_t version) = 0;
  virtual void Remove(std::string_view group, std::string_view key) = 0;
  virtual uint64_t Version(std::string_view group) = 0;
  // Everything in the group is gone at once. Groups are few and named by the program, never by a caller.
  virtual void Invalidate(std::string_view group) = 0;
  virtual CacheStats stats() const = 0;
};

struct LocalCacheOptions {
  size_t bytes_max = 8 << 20;  // of all shards together
  size_t shards = 8;
};

class LocalCache final : public Cache {
 public:
  LocalCache(LocalCacheOptions options, const base::Clock& clock);

  Value Get(std::string_view group, std::string_view key) override;
  void Put(std::string_view group, std::string_view key, Value value, std::chrono::milliseconds ttl,
           uint64_t version) override;
  void Remove(std::string_view group, std::string_view key) override;
  uint64_t Version(std::string_view group) override;
  void Invalidate(std::string_view group) override;
  CacheStats stats() const override;
  // As Invalidate, of every group.
  void Clear() { epoch_.fetch_add(1, std::memory_order_acq_rel); }

 private:
  struct Entry {
    std::string name;
    Value value;
    std::chrono::steady_clock::time_point until;
    uint64_t version;
    size_t bytes;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<Entry> recent;  // most recently used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_name;
    size_t bytes = 0;
    int64_t hits = 0, misses = 0, evictions = 0;
  };

  std::atomic<uint64_t>& Counter(std::string_view group);
  Shard& ShardOf(std::string_view name);
  static void Drop(Shard& shard, std::list<Entry>::iterator entry);

  const size_t shard_bytes_max_;
  const base::Clock& clock_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<uint64_t> epoch_{0};  // a part of every group's version
  std::mutex groups_mutex_;
  std::unordered_map<std::string, std::unique_ptr<std::atomic<uint64_t>>> groups_;  // guarded by groups_mutex_
};

}  // namespace dinh::cache

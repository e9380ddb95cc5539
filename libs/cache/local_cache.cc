#include "libs/cache/local_cache.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace dinh::cache {
namespace {

// What an entry costs besides its texts: list node, map node, control block.
constexpr size_t kEntryOverheadBytes = 192;

// Groups are the program's own names, so a separator that cannot stand in them keeps names apart.
std::string NameOf(std::string_view group, std::string_view key) {
  std::string name;
  name.reserve(group.size() + 1 + key.size());
  name.append(group).push_back('\0');
  name.append(key);
  return name;
}

}  // namespace

LocalCache::LocalCache(LocalCacheOptions options, const base::Clock& clock)
    : shard_bytes_max_(options.bytes_max / std::max<size_t>(options.shards, 1)), clock_(clock) {
  for (size_t i = 0; i < std::max<size_t>(options.shards, 1); ++i) shards_.push_back(std::make_unique<Shard>());
}

LocalCache::Shard& LocalCache::ShardOf(std::string_view name) {
  return *shards_[std::hash<std::string_view>()(name) % shards_.size()];
}

std::atomic<uint64_t>& LocalCache::Counter(std::string_view group) {
  std::lock_guard lock(groups_mutex_);
  std::unique_ptr<std::atomic<uint64_t>>& counter = groups_[std::string(group)];
  if (counter == nullptr) counter = std::make_unique<std::atomic<uint64_t>>(0);
  return *counter;
}

// Both only grow, so that no sum comes twice for a group.
uint64_t LocalCache::Version(std::string_view group) {
  return epoch_.load(std::memory_order_acquire) + Counter(group).load(std::memory_order_acquire);
}

void LocalCache::Invalidate(std::string_view group) { Counter(group).fetch_add(1, std::memory_order_acq_rel); }

void LocalCache::Drop(Shard& shard, std::list<Entry>::iterator entry) {
  shard.bytes -= entry->bytes;
  shard.by_name.erase(entry->name);
  shard.recent.erase(entry);
}

Cache::Value LocalCache::Get(std::string_view group, std::string_view key) {
  const uint64_t version = Version(group);
  const std::string name = NameOf(group, key);
  Shard& shard = ShardOf(name);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.by_name.find(name);
  if (found == shard.by_name.end()) {
    ++shard.misses;
    return nullptr;
  }
  const auto entry = found->second;
  if (entry->version != version || entry->until <= clock_.Steady()) {
    Drop(shard, entry);
    ++shard.misses;
    return nullptr;
  }
  shard.recent.splice(shard.recent.begin(), shard.recent, entry);
  ++shard.hits;
  return entry->value;
}

void LocalCache::Put(std::string_view group, std::string_view key, Value value, std::chrono::milliseconds ttl,
                     uint64_t version) {
  if (value == nullptr || ttl.count() <= 0 || version != Version(group)) return;
  std::string name = NameOf(group, key);
  const size_t bytes = name.size() + value->size() + kEntryOverheadBytes;
  Shard& shard = ShardOf(name);
  std::lock_guard lock(shard.mutex);
  if (const auto found = shard.by_name.find(name); found != shard.by_name.end()) Drop(shard, found->second);
  if (bytes > shard_bytes_max_) return;
  while (shard.bytes + bytes > shard_bytes_max_) {
    Drop(shard, std::prev(shard.recent.end()));
    ++shard.evictions;
  }
  shard.recent.push_front(Entry{std::move(name), std::move(value), clock_.Steady() + ttl, version, bytes});
  shard.by_name.emplace(shard.recent.front().name, shard.recent.begin());
  shard.bytes += bytes;
}

void LocalCache::Remove(std::string_view group, std::string_view key) {
  const std::string name = NameOf(group, key);
  Shard& shard = ShardOf(name);
  std::lock_guard lock(shard.mutex);
  if (const auto found = shard.by_name.find(name); found != shard.by_name.end()) Drop(shard, found->second);
}

CacheStats LocalCache::stats() const {
  CacheStats stats;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    std::lock_guard lock(shard->mutex);
    stats.hits += shard->hits;
    stats.misses += shard->misses;
    stats.evictions += shard->evictions;
    stats.entries += static_cast<int64_t>(shard->recent.size());
    stats.bytes += static_cast<int64_t>(shard->bytes);
  }
  return stats;
}

}  // namespace dinh::cache

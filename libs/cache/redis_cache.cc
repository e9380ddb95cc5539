#include "libs/cache/redis_cache.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace dinh::cache {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::string_view kChannel = "invalidate";  // messages are names of groups
constexpr size_t kVersionDigits = 16;                // hexadecimal, in front of every value
constexpr size_t kServerDigits = 8;                  // hexadecimal, in front of the version where it stands alone

// Versions that Version() gives out. Those of Redis have the highest bit clear; the spare layer's have it set, then 47
// bits of milliseconds since the start (when it was asked for), then the low bits of the layer's own version.
constexpr uint64_t kSpareBit = 1ULL << 63;
constexpr int kSpareVersionBits = 16;
constexpr uint64_t kSpareVersionMask = (1ULL << kSpareVersionBits) - 1;

std::string FormatHex(uint64_t number, size_t digits) {
  std::string text(digits, '0');
  for (size_t i = digits; i-- > 0; number >>= 4) text[i] = "0123456789abcdef"[number & 15];
  return text;
}

// 0: none.
uint64_t ParseVersion(std::string_view text) {
  uint64_t version = 0;
  if (text.size() != kVersionDigits) return 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version, 16);
  return error == std::errc() && end == text.data() + text.size() && (version & kSpareBit) == 0 ? version : 0;
}

// As it stands in the group's key: good on this server only.
std::string VersionText(uint32_t server_id, uint64_t version) {
  return FormatHex(server_id, kServerDigits) + FormatHex(version, kVersionDigits);
}

uint64_t NewVersion(base::Random& random) {
  uint64_t version = 0;
  random.Fill(&version, sizeof(version));
  return std::max<uint64_t>(version & ~kSpareBit, 1);
}

}  // namespace

RedisCache::RedisCache(RedisCacheOptions options, RedisPubSub& channel, base::Random& random, const base::Clock& clock,
                       telemetry::Metrics& metrics)
    : options_(options),
      channel_(channel),
      client_(channel.client()),
      random_(random),
      clock_(clock),
      start_(clock.Steady()),
      near_({.bytes_max = options.near_bytes_max}, clock),
      spare_({.bytes_max = options.near_bytes_max}, clock),
      hits_(metrics.AddCounter("cache_hits_total", "values served from the cache", {"group", "layer"})),
      misses_(metrics.AddCounter("cache_misses_total", "values that were not in the cache", {"group"})),
      invalidations_(metrics.AddCounter("cache_invalidations_total", "groups invalidated by this process").With({})),
      waiting_(
          metrics.AddGauge("cache_invalidations_waiting", "groups whose change Redis has not been told yet").With({})),
      local_only_(metrics.AddCounter("cache_local_only_total", "reads that did without Redis because it cannot be used")
                      .With({})) {
  channel_.Listen(std::string(kChannel), *this);
}

RedisCache::Group& RedisCache::GroupOf(std::string_view name) {
  std::lock_guard lock(groups_mutex_);
  const auto found = groups_.find(name);
  if (found != groups_.end()) return *found->second;
  auto group = std::make_unique<Group>();
  group->name = std::string(name);
  group->near_hits = &hits_.With({name, "near"});
  group->redis_hits = &hits_.With({name, "redis"});
  group->spare_hits = &hits_.With({name, "spare"});
  group->misses = &misses_.With({name});
  return *groups_.emplace(std::string(name), std::move(group)).first->second;
}

std::vector<RedisCache::Group*> RedisCache::Groups() {
  std::lock_guard lock(groups_mutex_);
  std::vector<Group*> out;
  out.reserve(groups_.size());
  for (const auto& [name, group] : groups_) out.push_back(group.get());
  return out;
}

// {group}: a Redis Cluster keeps the keys of a group together, so that one MGET may name them.
std::string RedisCache::VersionKey(std::string_view group) const {
  std::string key = channel_.prefix();
  return key.append(":{").append(group).append("}:v");
}

std::string RedisCache::EntryKey(std::string_view group, std::string_view key) const {
  std::string out = channel_.prefix();
  return out.append(":{").append(group).append("}:k:").append(key);
}

int64_t RedisCache::SteadyMillis() const {
  return std::chrono::duration_cast<milliseconds>(clock_.Steady() - start_).count();
}

bool RedisCache::UsesRedis(const Group& group) const {
  return !group.waiting() && client_.available() && client_.SinceFailure() > kDistrustLasts;
}

Cache::Value RedisCache::Hit(telemetry::Counter* counter, Value value) {
  counter->Increment();
  hit_count_.fetch_add(1, std::memory_order_relaxed);
  return value;
}

Cache::Value RedisCache::Get(std::string_view group_name, std::string_view key) {
  Group& group = GroupOf(group_name);
  if (UsesRedis(group)) {
    const RedisPubSub::Proof before = channel_.proof();
    if (before.good) {
      Value value = near_.Get(group_name, key);
      // Only when the proof that holds now is the one from before the look: otherwise a loss was in between.
      const RedisPubSub::Proof after = channel_.proof();
      if (value != nullptr && after.good && after.epoch == before.epoch) return Hit(group.near_hits, std::move(value));
    }
    bool answered = false;
    Value value = FromRedis(group, key, &answered);
    if (value != nullptr) return Hit(group.redis_hits, std::move(value));
    if (answered) {
      group.misses->Increment();
      miss_count_.fetch_add(1, std::memory_order_relaxed);
      return nullptr;
    }
  }
  local_only_.Increment();
  if (Value value = spare_.Get(group_name, key)) return Hit(group.spare_hits, std::move(value));
  group.misses->Increment();
  miss_count_.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

Cache::Value RedisCache::FromRedis(Group& group, std::string_view key, bool* answered) {
  // Before the proof: a loss after it changes the version, so that what is fetched meanwhile is not kept.
  const uint64_t near_version = near_.Version(group.name);
  const RedisPubSub::Proof proof = channel_.proof();
  const std::string entry = EntryKey(group.name, key);
  RedisBatch batch;
  batch.Add({"MGET", VersionKey(group.name), entry}).Add({"PTTL", entry});
  uint32_t server_id = 0;
  absl::StatusOr<std::vector<RedisReply>> replies = client_.Run(batch, std::nullopt, &server_id);
  if (!replies.ok()) return nullptr;
  RedisReply& both = replies->front();
  if (!both.is_array() || both.items.size() != 2) return nullptr;
  *answered = true;
  const uint64_t version = TakeVersion(group, both.items[0], server_id);
  std::string& text = both.items[1].text;
  if (version == 0 || !both.items[1].is_string() || text.size() < kVersionDigits ||
      ParseVersion(std::string_view(text).substr(0, kVersionDigits)) != version) {
    return nullptr;
  }
  text.erase(0, kVersionDigits);
  Value value = std::make_shared<const std::string>(std::move(text));
  const RedisReply& ttl = replies->back();
  if (proof.good && ttl.type == RedisReply::Type::kInteger && ttl.integer > 0) {
    // Refused by the layer when the group was invalidated or the proof was lost since near_version was read.
    near_.Put(group.name, key, value, std::min(milliseconds(ttl.integer), options_.near_ttl_max), near_version);
  }
  return value;
}

uint64_t RedisCache::Version(std::string_view group_name) {
  Group& group = GroupOf(group_name);
  if (!UsesRedis(group)) return SpareVersion(group_name);
  // An outdated one does no harm: what is stored under it is never read.
  if (const uint64_t known = group.known.load(std::memory_order_acquire); known != 0) return known;
  uint32_t server_id = 0;
  const absl::StatusOr<std::vector<RedisReply>> replies =
      client_.Run({"GET", VersionKey(group_name)}, std::nullopt, &server_id);
  if (!replies.ok()) return SpareVersion(group_name);
  if (const uint64_t version = TakeVersion(group, replies->front(), server_id); version != 0) return version;
  // Several processes may come here together: the last one's holds, what is stored under the others' is never read.
  const uint64_t fresh = NewVersion(random_);
  if (!client_.Call({"SET", VersionKey(group_name), VersionText(server_id, fresh)}).ok())
    return SpareVersion(group_name);
  group.known.store(fresh, std::memory_order_release);
  return fresh;
}

uint64_t RedisCache::TakeVersion(Group& group, const RedisReply& reply, uint32_t server_id) {
  server_id_.store(server_id, std::memory_order_release);
  uint64_t version = 0;
  const std::string_view text = reply.text;
  if (reply.is_string() && text.size() == kServerDigits + kVersionDigits &&
      text.substr(0, kServerDigits) == FormatHex(server_id, kServerDigits)) {
    version = ParseVersion(text.substr(kServerDigits));
  }
  group.known.store(version, std::memory_order_release);
  return version;
}

uint64_t RedisCache::SpareVersion(std::string_view group) {
  return kSpareBit | (static_cast<uint64_t>(SteadyMillis()) << kSpareVersionBits & ~kSpareBit) |
         (spare_.Version(group) & kSpareVersionMask);
}

void RedisCache::PutSpare(std::string_view group, std::string_view key, Value value, milliseconds ttl,
                          uint64_t version) {
  const uint64_t now = spare_.Version(group);
  if ((now & kSpareVersionMask) != (version & kSpareVersionMask)) return;
  const auto asked = static_cast<int64_t>((version & ~kSpareBit) >> kSpareVersionBits);
  // One less for the milliseconds that were cut off.
  const milliseconds left = kSpareLasts - milliseconds(SteadyMillis() - asked + 1);
  spare_.Put(group, key, std::move(value), std::min(ttl, left), now);
}

void RedisCache::Put(std::string_view group_name, std::string_view key, Value value, milliseconds ttl,
                     uint64_t version) {
  if (value == nullptr || ttl.count() <= 0 || value->size() > options_.value_bytes_max) return;
  if ((version & kSpareBit) != 0) return PutSpare(group_name, key, std::move(value), ttl, version);
  Group& group = GroupOf(group_name);
  const uint64_t known = group.known.load(std::memory_order_acquire);
  if ((known != 0 && known != version) || !UsesRedis(group)) return;
  std::string text = FormatHex(version, kVersionDigits);
  text.append(*value);
  // The near layer takes it from Redis, where the version is checked.
  (void)client_.Call({"SET", EntryKey(group_name, key), text, "PX", std::to_string(ttl.count())});
}

void RedisCache::Remove(std::string_view group_name, std::string_view key) {
  Group& group = GroupOf(group_name);
  near_.Invalidate(group_name);
  spare_.Remove(group_name, key);
  RedisBatch batch;
  batch.Add({"DEL", EntryKey(group_name, key)}).Add({"PUBLISH", channel_.FullName(kChannel), group_name});
  const absl::StatusOr<std::vector<RedisReply>> replies = client_.Run(batch);
  const bool done = replies.ok() && !replies->front().is_error() && !replies->back().is_error();
  if (!done) group.Want();
  near_.Invalidate(group_name);
}

void RedisCache::Invalidate(std::string_view group_name) {
  Group& group = GroupOf(group_name);
  invalidations_.Increment();
  spare_.Invalidate(group_name);
  group.invalidated_at.store(std::max<int64_t>(SteadyMillis(), 1), std::memory_order_release);
  // Before and after: a reader in between may have fetched the old version.
  near_.Invalidate(group_name);
  group.Want();
  TellInvalidated(group);
  near_.Invalidate(group_name);
}

bool RedisCache::TellInvalidated(Group& group) {
  const uint64_t wanted = group.wanted.load(std::memory_order_acquire);
  const uint64_t version = NewVersion(random_);
  const uint32_t server_id = server_id_.load(std::memory_order_acquire);
  RedisBatch batch;
  // Both or neither.
  batch.Add({"MULTI"})
      .Add({"SET", VersionKey(group.name), VersionText(server_id, version)})
      .Add({"PUBLISH", channel_.FullName(kChannel), group.name})
      .Add({"EXEC"});
  uint32_t answered_by = 0;
  const absl::StatusOr<std::vector<RedisReply>> replies = client_.Run(batch, std::nullopt, &answered_by);
  if (!replies.ok() || !replies->back().is_array()) return false;
  // Told all the same where another server answers than the last time, but this version does not count there.
  server_id_.store(answered_by, std::memory_order_release);
  group.known.store(answered_by == server_id ? version : 0, std::memory_order_release);
  for (uint64_t told = group.told.load(std::memory_order_acquire);
       told < wanted && !group.told.compare_exchange_weak(told, wanted, std::memory_order_acq_rel);) {
  }
  return true;
}

void RedisCache::OnMessage(std::string_view group) {
  {
    std::lock_guard lock(groups_mutex_);
    const auto found = groups_.find(group);
    if (found == groups_.end()) return;  // nothing of it is here
    found->second->known.store(0, std::memory_order_release);
  }
  near_.Invalidate(group);
}

void RedisCache::OnLost() { near_.Clear(); }

void RedisCache::OnProven() {
  const int64_t since = SteadyMillis() - milliseconds(kRepeatFor).count();
  for (Group* group : Groups()) {
    const int64_t at = group->invalidated_at.load(std::memory_order_acquire);
    if (at != 0 && at >= since) group->Want();  // OnBeat, which follows, tells it
  }
}

void RedisCache::OnBeat() {
  int64_t waiting = 0;
  for (Group* group : Groups()) {
    if (group->waiting() && !TellInvalidated(*group)) ++waiting;
  }
  waiting_.Set(static_cast<double>(waiting));
}

CacheStats RedisCache::stats() const {
  const CacheStats near = near_.stats(), spare = spare_.stats();
  return {.hits = hit_count_.load(std::memory_order_relaxed),
          .misses = miss_count_.load(std::memory_order_relaxed),
          .evictions = near.evictions + spare.evictions,
          .entries = near.entries + spare.entries,
          .bytes = near.bytes + spare.bytes};
}

}  // namespace dinh::cache

#include "libs/cache/revoked_tokens.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "libs/base/status.h"

namespace dinh::cache {
namespace {

constexpr std::string_view kChannel = "revoked";
constexpr size_t kTokensMaxMax = 50'000;
constexpr size_t kToldPerBeat = 1000;

bool ParseMicros(std::string_view text, base::Micros* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

RevokedTokens::RevokedTokens(RevokedTokensOptions options, RedisPubSub& channel, const base::Clock& clock,
                             telemetry::Metrics& metrics)
    : options_{.tokens_max = std::min(options.tokens_max, kTokensMaxMax)},
      channel_(channel),
      client_(channel.client()),
      clock_(clock),
      key_(channel.prefix() + ":revoked"),
      tokens_(metrics.AddGauge("cache_revoked_tokens", "revoked tokens that this process knows").With({})),
      unsure_(metrics
                  .AddCounter("cache_revoked_unsure_total",
                              "tokens taken for good while neither the channel nor Redis could be asked")
                  .With({})) {
  channel_.Listen(std::string(kChannel), *this);
}

size_t RevokedTokens::size() const {
  std::lock_guard lock(mutex_);
  return by_id_.size();
}

void RevokedTokens::Prune() {
  const base::Micros now = clock_.Now();
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now) {
    by_id_.erase(by_expiry_.begin()->second);
    by_expiry_.erase(by_expiry_.begin());
  }
}

bool RevokedTokens::Keep(std::string_view id, base::Micros expires_at, bool own) {
  std::lock_guard lock(mutex_);
  Prune();
  const auto found = by_id_.find(std::string(id));
  if (found != by_id_.end()) {
    Entry& entry = found->second;
    if (expires_at > entry.expires_at) {
      by_expiry_.erase({entry.expires_at, found->first});
      by_expiry_.emplace(expires_at, found->first);
      entry.expires_at = expires_at;
    }
    if (own) {
      entry.own = untold_ = true;
      entry.told = false;
    }
    return true;
  }
  if (by_id_.size() >= options_.tokens_max) {
    missed_ = true;
    complete_epoch_ = 0;
    return false;
  }
  by_id_.emplace(std::string(id), Entry{.expires_at = expires_at, .own = own, .told = !own});
  by_expiry_.emplace(expires_at, std::string(id));
  if (own) untold_ = true;
  tokens_.Set(static_cast<double>(by_id_.size()));
  return true;
}

absl::Status RevokedTokens::Add(std::string_view id, base::Micros expires_at) {
  if (id.empty() || id.size() > kTokenIdBytesMax) {
    return base::InvalidField("id", {"Mã phải có 1 đến 128 byte.", "An id has 1 to 128 bytes."}, "INVALID_TOKEN_ID");
  }
  if (expires_at <= clock_.Now()) return absl::OkStatus();
  const bool kept = Keep(id, expires_at, true);
  if (Tell(id, expires_at).ok()) {
    MarkTold(id);
    return absl::OkStatus();
  }
  if (kept) return absl::OkStatus();
  return base::ResourceExhausted(
      "REVOKED_TOKENS_FULL",
      {"Danh sách thẻ đăng nhập bị thu hồi đã đầy; hãy thử lại sau.", "The list of revoked tokens is full; try later."},
      kHeartbeat.count());
}

absl::Status RevokedTokens::Tell(std::string_view id, base::Micros expires_at) {
  const std::string expiry = std::to_string(expires_at);
  std::string message = expiry;
  message.append(":").append(id);
  RedisBatch batch;
  batch.Add({"ZREMRANGEBYSCORE", key_, "-inf", std::to_string(clock_.Now())})
      .Add({"ZADD", key_, "GT", expiry, id})
      .Add({"PUBLISH", channel_.FullName(kChannel), message});
  ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, client_.Run(batch));
  for (const RedisReply& reply : replies) {
    if (reply.is_error()) return base::Internal("Redis refused a revoked token");
  }
  return absl::OkStatus();
}

void RevokedTokens::MarkTold(std::string_view id) {
  std::lock_guard lock(mutex_);
  const auto found = by_id_.find(std::string(id));
  if (found != by_id_.end()) found->second.told = true;
}

bool RevokedTokens::Contains(std::string_view id) {
  const RedisPubSub::Proof proof = channel_.proof();
  {
    std::lock_guard lock(mutex_);
    const auto found = by_id_.find(std::string(id));
    if (found != by_id_.end()) return found->second.expires_at > clock_.Now();
    if (proof.good && proof.epoch == complete_epoch_) return false;
  }
  bool answered = false;
  const bool revoked = AskRedis(id, &answered);
  if (!answered) unsure_.Increment();
  return revoked;
}

bool RevokedTokens::AskRedis(std::string_view id, bool* answered) {
  const absl::StatusOr<RedisReply> score = client_.Call({"ZSCORE", key_, id});
  *answered = score.ok();
  base::Micros expires_at = 0;
  if (!score.ok() || !score->is_string() || !ParseMicros(score->text, &expires_at)) return false;
  if (expires_at <= clock_.Now()) return false;
  Keep(id, expires_at, false);
  return true;
}

void RevokedTokens::OnMessage(std::string_view payload) {
  const size_t colon = payload.find(':');
  base::Micros expires_at = 0;
  if (colon == std::string_view::npos || !ParseMicros(payload.substr(0, colon), &expires_at)) return;
  const std::string_view id = payload.substr(colon + 1);
  if (id.empty() || id.size() > kTokenIdBytesMax || expires_at <= clock_.Now()) return;
  Keep(id, expires_at, false);
}

void RevokedTokens::OnLost() {
  std::lock_guard lock(mutex_);
  complete_epoch_ = 0;
  for (auto& [id, entry] : by_id_) entry.told = !entry.own;
  untold_ = true;
}

void RevokedTokens::OnBeat() {
  const RedisPubSub::Proof proof = channel_.proof();
  bool load = false;
  {
    std::lock_guard lock(mutex_);
    Prune();
    tokens_.Set(static_cast<double>(by_id_.size()));
    // Not while it is nearly full: it would only fill up again.
    load = proof.good && complete_epoch_ != proof.epoch && by_id_.size() <= options_.tokens_max / 2;
  }
  if (load) Load(proof.epoch);
  Compare();
  TellOwn();
}

void RevokedTokens::Load(uint64_t epoch) {
  {
    std::lock_guard lock(mutex_);
    missed_ = false;
  }
  const absl::StatusOr<RedisReply> all =
      client_.Call({"ZRANGEBYSCORE", key_, "(" + std::to_string(clock_.Now()), "+inf", "WITHSCORES", "LIMIT", "0",
                    std::to_string(options_.tokens_max)});
  if (!all.ok() || !all->is_array()) return;  // with the next beat
  for (size_t i = 0; i + 1 < all->items.size(); i += 2) {
    base::Micros expires_at = 0;
    if (ParseMicros(all->items[i + 1].text, &expires_at)) Keep(all->items[i].text, expires_at, false);
  }
  std::lock_guard lock(mutex_);
  if (!missed_ && all->items.size() / 2 < options_.tokens_max) complete_epoch_ = epoch;
}

void RevokedTokens::Compare() {
  int64_t own = 0;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : by_id_) own += entry.own && entry.told ? 1 : 0;
  }
  if (own == 0) return;
  const absl::StatusOr<RedisReply> count = client_.Call({"ZCARD", key_});
  if (!count.ok() || count->integer >= own) return;
  std::lock_guard lock(mutex_);
  for (auto& [id, entry] : by_id_) entry.told = entry.told && !entry.own;
  untold_ = true;
}

void RevokedTokens::TellOwn() {
  std::vector<std::pair<std::string, base::Micros>> untold;
  {
    std::lock_guard lock(mutex_);
    if (!untold_) return;
    for (const auto& [id, entry] : by_id_) {
      if (entry.own && !entry.told && untold.size() < kToldPerBeat) untold.emplace_back(id, entry.expires_at);
    }
    untold_ = !untold.empty();
  }
  for (const auto& [id, expires_at] : untold) {
    if (!Tell(id, expires_at).ok()) return;  // with the next beat
    MarkTold(id);
  }
}

}  // namespace dinh::cache

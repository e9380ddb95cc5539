#include "libs/cache/redis_rate_limiter.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/base/strings.h"
#include "libs/cache/redis_errors.h"

namespace dinh::cache {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// As LocalRateLimiter::Decide, in microseconds: KEYS[1] holds when the allowance is full again. Lua's numbers are exact
// up to 2^53 (the year 2255). What stands further in the future than the allowance reaches is cut to it: the clock may
// step back, and a server that took over may be behind.
constexpr std::string_view kScript = R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local capacity = interval * burst
local full_at = tonumber(redis.call('GET', KEYS[1]) or now) or now
full_at = math.max(now, math.min(full_at, now + capacity))
local after = full_at + interval * cost
local allowed = cost <= burst and after - now <= capacity
local stands = allowed and after or full_at
if allowed and ARGV[4] == '1' and cost > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
end
local wait = 0
if not allowed then wait = cost > burst and capacity or after - now - capacity end
return {allowed and 1 or 0, math.floor((capacity - (stands - now)) / interval), wait, stands - now}
)";

// How Redis names a script; nothing hangs on its strength.
std::string Sha1Hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  return base::HexEncode({reinterpret_cast<const char*>(digest), size});
}

milliseconds RoundUp(int64_t micros) { return std::chrono::ceil<milliseconds>(microseconds(micros)); }

}  // namespace

RedisRateLimiter::RedisRateLimiter(RedisRateLimiterOptions options, RedisClient& client, const base::Clock& clock,
                                   telemetry::Metrics& metrics)
    : options_(std::move(options)),
      client_(client),
      script_hash_(Sha1Hex(kScript)),
      local_(options_.local, clock),
      local_decisions_(
          metrics.AddCounter("cache_rate_local_total", "rate limits decided by one process without Redis").With({})) {}

std::string RedisRateLimiter::NameOf(std::string_view key) const {
  std::string name = options_.prefix;
  return name.append(":rate:").append(base::Base64UrlEncode(base::HmacSha256(options_.key_secret, key).substr(0, 16)));
}

RateDecision RedisRateLimiter::Take(std::string_view key, const Rate& rate, int64_t cost) {
  RateDecision decision;
  if (Decide(key, rate, cost, true, &decision)) return decision;
  return local_.Take(key, rate, cost);
}

RateDecision RedisRateLimiter::Peek(std::string_view key, const Rate& rate, int64_t cost) {
  RateDecision decision;
  if (Decide(key, rate, cost, false, &decision)) return decision;
  return local_.Peek(key, rate, cost);
}

void RedisRateLimiter::Reset(std::string_view key) {
  local_.Reset(key);
  (void)client_.Call({"DEL", NameOf(key)});
}

bool RedisRateLimiter::Decide(std::string_view key, const Rate& rate, int64_t cost, bool take, RateDecision* decision) {
  const int64_t burst = std::max<int64_t>(rate.burst > 0 ? rate.burst : rate.count, 1);
  const int64_t interval = std::max<int64_t>(microseconds(rate.period).count() / std::max<int64_t>(rate.count, 1), 1);
  const std::string name = NameOf(key), interval_us = std::to_string(interval), burst_text = std::to_string(burst);
  const std::string cost_text = std::to_string(std::max<int64_t>(cost, 0));
  const auto command = [&](std::string_view verb, std::string_view script) {
    return client_.Run({verb, script, "1", name, interval_us, burst_text, cost_text, take ? "1" : "0"});
  };
  absl::StatusOr<std::vector<RedisReply>> replies = command("EVALSHA", script_hash_);
  if (replies.ok() && replies->front().is_error() && RedisErrorCode(replies->front().text) == "NOSCRIPT") {
    replies = command("EVAL", kScript);  // Redis keeps it from then on
  }
  if (!replies.ok() || !replies->front().is_array() || replies->front().items.size() != 4) {
    local_decisions_.Increment();
    return false;
  }
  const std::vector<RedisReply>& figures = replies->front().items;
  decision->allowed = figures[0].integer == 1;
  decision->limit = burst;
  decision->remaining = std::clamp<int64_t>(figures[1].integer, 0, burst);
  decision->retry_after = RoundUp(figures[2].integer);
  decision->reset = RoundUp(figures[3].integer);
  return true;
}

}  // namespace dinh::cache

#include "libs/app/shared_state.h"

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/cache/redis_cache.h"

namespace dinh::app {

absl::StatusOr<std::unique_ptr<SharedState>> SharedState::Open(const cache::RedisConfig& config,
                                                               const auth::KeyRing& keys, const base::Clock& clock,
                                                               base::Random& random, telemetry::Logger& logger,
                                                               telemetry::Metrics& metrics) {
  std::unique_ptr<SharedState> state(new SharedState());
  if (!config.enabled()) {
    state->limiter_ = std::make_unique<cache::LocalRateLimiter>(cache::LocalRateLimiterOptions{}, clock);
    state->cache_ = std::make_unique<cache::LocalCache>(
        cache::LocalCacheOptions{.bytes_max = static_cast<size_t>(config.near.bytes)}, clock);
    return state;
  }
  ASSIGN_OR_RETURN(cache::RedisOptions options, config.Options());
  ASSIGN_OR_RETURN(state->client_, cache::RedisClient::Create(std::move(options), clock, logger, metrics));
  state->channel_ =
      std::make_unique<cache::RedisPubSub>(*state->client_, config.prefix, clock, random, logger, metrics);
  // The oldest key: the same in every process, whatever has been rotated meanwhile.
  const auto secret = keys.All(auth::KeyPurpose::kBlindIndex).back();
  state->limiter_ = std::make_unique<cache::RedisRateLimiter>(
      cache::RedisRateLimiterOptions{.prefix = config.prefix,
                                     .key_secret = base::HmacSha256(secret->secret.view(), "cache.rate_limits"),
                                     .local = {}},
      *state->client_, clock, metrics);
  state->cache_ = std::make_unique<cache::RedisCache>(
      cache::RedisCacheOptions{.near_bytes_max = static_cast<size_t>(config.near.bytes)}, *state->channel_, random,
      clock, metrics);
  state->revoked_.emplace(cache::RevokedTokensOptions{}, *state->channel_, clock, metrics);
  state->fanout_.emplace(cache::FanoutOptions{}, *state->channel_, "wake", random, metrics);
  return state;
}

SharedState::~SharedState() { Stop(); }

void SharedState::Start() {
  if (channel_ != nullptr) channel_->Start();
}

void SharedState::Stop() {
  if (channel_ != nullptr) channel_->Stop();
}

}  // namespace dinh::app

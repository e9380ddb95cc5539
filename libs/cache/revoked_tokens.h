// Ids of tokens that must not be taken any more although they have not expired, known to every process within a beat of
// the channel. Never the only copy: whoever revokes has it in its own store; this is how the others learn of it before
// the token's (short) life ends.
//
// Contains is answered from a copy in the process while the channel is proven; else by Redis; and when that is away
// too, by what the copy knows (cache_revoked_unsure_total counts those). Each process tells Redis again what it revoked
// after every loss, so that a flushed, restarted or failed-over Redis does not forget.
//
// Metrics: cache_revoked_tokens, cache_revoked_unsure_total.
// Thread safety: thread-safe. Made before channel.Start(), gone after channel.Stop().
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/cache/redis_pubsub.h"
#include "libs/telemetry/metrics.h"

namespace dinh::cache {

struct RevokedTokensOptions {
  // Held in the process (about 250 bytes each); with more than these Contains asks Redis about those it does not know.
  // At most 50,000: what one reply of Redis can bring.
  size_t tokens_max = 20'000;
};

inline constexpr size_t kTokenIdBytesMax = 128;

class RevokedTokens final : private RedisPubSub::Listener {
 public:
  RevokedTokens(RevokedTokensOptions options, RedisPubSub& channel, const base::Clock& clock,
                telemetry::Metrics& metrics);

  // `expires_at`: when the token would have ended by itself; then it is forgotten. OK also when only this process
  // knows so far. INVALID_ARGUMENT (INVALID_TOKEN_ID) for an id of no or too many bytes; RESOURCE_EXHAUSTED
  // (REVOKED_TOKENS_FULL) when neither this process nor Redis could take it.
  absl::Status Add(std::string_view id, base::Micros expires_at);
  bool Contains(std::string_view id);
  size_t size() const;  // in this process

 private:
  struct Entry {
    base::Micros expires_at;
    bool own;   // revoked here: told again after a loss
    bool told;  // Redis has it
  };

  void OnMessage(std::string_view payload) override;
  void OnLost() override;
  void OnBeat() override;

  // false: no room, so that the copy is not complete. An expiry that is known already is kept where it is later.
  bool Keep(std::string_view id, base::Micros expires_at, bool own);
  void Prune();  // with mutex_ held
  // Fetches what Redis has, so that the copy is complete from this proof on.
  void Load(uint64_t epoch);
  // Own tokens that Redis does not know any more (it was flushed) are to be told again.
  void Compare();
  void TellOwn();
  absl::Status Tell(std::string_view id, base::Micros expires_at);
  void MarkTold(std::string_view id);
  bool AskRedis(std::string_view id, bool* answered);

  const RevokedTokensOptions options_;
  RedisPubSub& channel_;
  RedisClient& client_;
  const base::Clock& clock_;
  const std::string key_;
  telemetry::Gauge& tokens_;
  telemetry::Counter& unsure_;
  mutable std::mutex mutex_;
  uint64_t complete_epoch_ = 0;  // guarded by mutex_: of the channel, since then the copy has everything; 0: it has not
  bool missed_ = false;          // guarded by mutex_: there was no room since the last Load began
  std::unordered_map<std::string, Entry> by_id_;              // guarded by mutex_
  std::set<std::pair<base::Micros, std::string>> by_expiry_;  // guarded by mutex_
  bool untold_ = false;                                       // guarded by mutex_: some own entry is not told
};

}  // namespace dinh::cache

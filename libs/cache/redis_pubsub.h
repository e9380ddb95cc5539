// One subscription connection of the process, with proof that it works.
//
// Redis forgets a message that it could not deliver, and a broken connection can stay silent for long. So every 0.5 s a
// heartbeat is published and must come back over the subscription. Redis delivers in order: when the heartbeat that was
// sent at time t has come back, everything that was published before t has been handled. The proof is good until
// t + kProofLasts. Silence, an error or a new connection is a loss: listeners are told, and what they learnt by
// messages is not to be trusted until the next proof.
//
// Metrics: cache_channel_proven (0 or 1), cache_channel_lost_total, cache_channel_messages_total{channel}.
// Thread safety: Listen before Start; Start and Stop on one thread; everything else from any.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/cache/redis_client.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::cache {

inline constexpr std::chrono::milliseconds kHeartbeat{500};
// Two heartbeats may be late; with the time that a reader takes it stays below kStalenessMax.
inline constexpr std::chrono::milliseconds kProofLasts{1500};
// Nothing older is served after an invalidation was missed.
inline constexpr std::chrono::milliseconds kStalenessMax{2000};
// Without a heartbeat for so long the connection is given up and made again.
inline constexpr std::chrono::milliseconds kSilenceMax{2000};

class RedisPubSub {
 public:
  // Calls must not block, except those on the beating thread, which may call Redis.
  class Listener {
   public:
    virtual ~Listener() = default;
    // On the reading thread, in the order of publication.
    virtual void OnMessage(std::string_view payload) = 0;
    // What was learnt so far may miss something. On the reading thread, before the next proof.
    virtual void OnLost() {}
    // On the beating thread, after the first proof of a connection: what was missed can be caught up with now.
    virtual void OnProven() {}
    // On the beating thread, after every heartbeat, whether Redis answers or not.
    virtual void OnBeat() {}
  };
  struct Proof {
    uint64_t epoch = 0;  // changes with every loss
    bool good = false;
  };

  // `prefix` stands before every channel's name.
  RedisPubSub(RedisClient& client, std::string prefix, const base::Clock& clock, base::Random& random,
              telemetry::Logger& logger, telemetry::Metrics& metrics);
  ~RedisPubSub();  // Stop
  RedisPubSub(const RedisPubSub&) = delete;
  RedisPubSub& operator=(const RedisPubSub&) = delete;

  // `channel` is a name of the program's. The listener must live until Stop has returned.
  void Listen(const std::string& channel, Listener& listener);
  void Start();
  void Stop();

  // Reaches every process that listens to the channel, this one included. Errors as RedisClient.
  absl::Status Publish(std::string_view channel, std::string_view payload);
  // The channel's name in Redis, for who publishes as a part of a batch.
  std::string FullName(std::string_view channel) const;
  RedisClient& client() { return client_; }
  const std::string& prefix() const { return prefix_; }

  Proof proof() const;

 private:
  struct Channel {
    Listener* listener;
    telemetry::Counter* messages;
  };

  void ReadLoop();
  void BeatLoop();
  // Reads until something ends the connection; what.
  absl::Status ReadConnection(RedisConnection& connection);
  absl::Status Subscribe(RedisConnection& connection);
  void Dispatch(const RedisReply& message);
  void OnHeartbeat(std::string_view sequence);
  void Lose();
  void Beat();
  // false: stopping.
  bool PauseUntil(std::chrono::steady_clock::time_point time);
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

  RedisClient& client_;
  const std::string prefix_;
  const std::string heartbeat_channel_;  // this process' own, so that N processes cost N messages a beat
  const base::Clock& clock_;
  telemetry::Logger& logger_;
  telemetry::CounterFamily& messages_;
  telemetry::Counter& lost_;
  telemetry::Gauge& proven_;
  std::map<std::string, Channel, std::less<>> channels_;  // by full name

  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> epoch_{1};
  std::atomic<int64_t> proven_at_ns_{0};  // 0: not
  std::atomic<uint64_t> proven_epoch_{0};
  std::chrono::steady_clock::time_point heard_at_;  // reading thread's: when a heartbeat came last

  std::mutex mutex_;
  std::condition_variable wake_;
  RedisConnection* connection_ = nullptr;                                 // guarded by mutex_: to shut it down
  uint64_t connection_generation_ = 0;                                    // guarded by mutex_
  std::map<uint64_t, std::chrono::steady_clock::time_point> heartbeats_;  // guarded by mutex_: not yet back
  uint64_t last_heartbeat_ = 0;                                           // guarded by mutex_
  bool beat_now_ = false;                                                 // guarded by mutex_
  uint64_t told_epoch_ = 0;                                               // beating thread's
  std::thread reader_, beater_;
};

}  // namespace dinh::cache

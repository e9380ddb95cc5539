// Redis by hiredis' formatter and reader over sockets of our own: a bounded pool of connections, several commands in
// one round trip, TLS, ACL users, Sentinel, a deadline on every call and a circuit breaker.
//
//   ASSIGN_OR_RETURN(auto redis, RedisClient::Create(options, clock, logger, metrics));   // does not connect yet
//   ASSIGN_OR_RETURN(RedisReply reply, redis->Call({"GET", key}));
//   ASSIGN_OR_RETURN(std::vector<RedisReply> replies, redis->Run(RedisBatch().Add({…}).Add({…})));
//
// Redis is never the only copy of anything: whoever calls goes on when this answers UNAVAILABLE. Nothing is repeated
// here; a call that failed may have had its effect.
//
// Metrics: cache_redis_seconds, cache_redis_errors_total{reason}, cache_redis_connections,
// cache_redis_breaker_state (0 closed, 1 half-open, 2 open), cache_redis_breaker_{opened,rejected}_total,
// cache_redis_master_changes_total. Logs name servers and reasons, never keys or values.
// Thread safety: thread-safe. Must outlive its callers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/cache/circuit_breaker.h"
#include "libs/cache/redis_connection.h"
#include "libs/cache/redis_options.h"
#include "libs/cache/redis_reply.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::cache {

class RedisClient {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // REDIS_TLS for certificates that cannot be used. A server that is away is no error here.
  static absl::StatusOr<std::unique_ptr<RedisClient>> Create(RedisOptions options, const base::Clock& clock,
                                                             telemetry::Logger& logger, telemetry::Metrics& metrics);
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  // One reply a command, in order; a command that was refused is an error reply among them. `deadline`: the caller's
  // own, where it is nearer than the client's. `server_id`: who answered (RedisConnection::server_id). Errors:
  // redis_errors.h.
  absl::StatusOr<std::vector<RedisReply>> Run(const RedisBatch& batch, std::optional<Deadline> deadline = std::nullopt,
                                              uint32_t* server_id = nullptr);
  // A single command, whose error reply becomes a status.
  absl::StatusOr<RedisReply> Call(const RedisBatch& command, std::optional<Deadline> deadline = std::nullopt);
  // One PING past the breaker: says why Redis cannot be used, for start and `check`.
  absl::Status Check();

  // true while calls are let through freely: the breaker is closed.
  bool available() const { return breaker_.state() == CircuitBreaker::State::kClosed; }
  const CircuitBreaker& breaker() const { return breaker_; }
  // How long ago a call failed or was refused by the breaker; a very long time when none did.
  std::chrono::nanoseconds SinceFailure() const;

  // A connection beside the pool, for subscriptions; past the breaker.
  absl::StatusOr<std::unique_ptr<RedisConnection>> Connect(Deadline deadline);
  // Changes when the master does; connections of another generation go to a server that is not it any more.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // Asks the Sentinels whether the master has changed, so that a former one that still answers is left. Nothing
  // without Sentinels.
  absl::Status RefreshMaster();

  const RedisOptions& options() const { return options_; }
  const base::Clock& clock() const { return clock_; }

 private:
  struct Pooled {
    std::unique_ptr<RedisConnection> connection;
    uint64_t generation = 0;
  };
  struct Target {
    RedisEndpoint server;
    uint64_t generation = 0;
  };

  RedisClient(RedisOptions options, std::shared_ptr<RedisTlsContext> tls, const base::Clock& clock,
              telemetry::Logger& logger, telemetry::Metrics& metrics);

  absl::StatusOr<Pooled> Acquire(Deadline deadline);
  void Release(Pooled pooled);
  absl::StatusOr<std::vector<RedisReply>> RunOnce(const RedisBatch& batch, Deadline until, Deadline connect_until,
                                                  uint32_t* server_id);
  // Connects to the server, or to the master: once more when the one it knew is not it.
  absl::StatusOr<Pooled> Dial(Deadline deadline);
  absl::StatusOr<Target> Master(Deadline deadline);
  absl::StatusOr<RedisEndpoint> AskSentinels(Deadline deadline);
  absl::StatusOr<RedisEndpoint> AskSentinel(const RedisEndpoint& sentinel, Deadline deadline);
  void SetMaster(const RedisEndpoint& master);
  void ForgetMaster();
  void CountError(const absl::Status& status);
  void NoteFailure() { failed_at_.store(clock_.Steady(), std::memory_order_release); }
  void OnBreaker(CircuitBreaker::State state);

  const RedisOptions options_;
  const std::shared_ptr<RedisTlsContext> tls_;  // null: plain
  const base::Clock& clock_;
  telemetry::Logger& logger_;
  telemetry::Histogram& seconds_;
  telemetry::CounterFamily& errors_;
  telemetry::Gauge& connections_;
  telemetry::Gauge& breaker_state_;
  telemetry::Counter& breaker_opened_;
  telemetry::Counter& breaker_rejected_;
  telemetry::Counter& master_changes_;
  CircuitBreaker breaker_;
  std::atomic<uint64_t> generation_{1};
  std::atomic<std::chrono::steady_clock::time_point> failed_at_{std::chrono::steady_clock::time_point::min()};

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<Pooled> idle_;  // guarded by mutex_; the last one used is the next
  size_t open_ = 0;           // guarded by mutex_; idle, in use and being made
  std::mutex master_mutex_;
  std::optional<RedisEndpoint> master_;       // guarded by master_mutex_
  std::optional<RedisEndpoint> last_master_;  // guarded by master_mutex_
  size_t sentinel_ = 0;                       // guarded by master_mutex_: who answered last
};

}  // namespace dinh::cache

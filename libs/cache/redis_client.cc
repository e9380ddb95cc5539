#include "libs/cache/redis_client.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "libs/base/status.h"
#include "libs/cache/redis_errors.h"

namespace dinh::cache {
namespace {

using std::chrono::milliseconds;

// A time-out that was shorter than this says more about the caller than about Redis.
constexpr milliseconds kVerdictMin{20};
constexpr milliseconds kSentinelPatienceMin{50};

telemetry::Buckets LatencyBuckets() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1};
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisClient>> RedisClient::Create(RedisOptions options, const base::Clock& clock,
                                                                 telemetry::Logger& logger,
                                                                 telemetry::Metrics& metrics) {
  if (options.servers.empty()) return RedisUnreachable("no server is configured");
  options.connections_max = std::max<size_t>(options.connections_max, 1);
  std::shared_ptr<RedisTlsContext> tls;
  if (options.tls.enabled) {
    ASSIGN_OR_RETURN(tls, RedisTlsContext::Load(options.tls));
  }
  return std::unique_ptr<RedisClient>(new RedisClient(std::move(options), std::move(tls), clock, logger, metrics));
}

RedisClient::RedisClient(RedisOptions options, std::shared_ptr<RedisTlsContext> tls, const base::Clock& clock,
                         telemetry::Logger& logger, telemetry::Metrics& metrics)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      clock_(clock),
      logger_(logger),
      seconds_(
          metrics.AddHistogram("cache_redis_seconds", "round trips to Redis that were answered", {}, LatencyBuckets())
              .With({})),
      errors_(metrics.AddCounter("cache_redis_errors_total", "calls of Redis that failed", {"reason"})),
      connections_(metrics.AddGauge("cache_redis_connections", "connections in the pool").With({})),
      breaker_state_(
          metrics.AddGauge("cache_redis_breaker_state", "0: Redis is used, 1: it is tried again, 2: it is left alone")
              .With({})),
      breaker_opened_(
          metrics.AddCounter("cache_redis_breaker_opened_total", "times that Redis was given up for a while").With({})),
      breaker_rejected_(
          metrics.AddCounter("cache_redis_breaker_rejected_total", "calls refused because Redis is left alone")
              .With({})),
      master_changes_(
          metrics.AddCounter("cache_redis_master_changes_total", "times that another server became master").With({})),
      breaker_(options_.breaker, clock, [this](CircuitBreaker::State state) { OnBreaker(state); }) {}

RedisClient::~RedisClient() = default;

void RedisClient::OnBreaker(CircuitBreaker::State state) {
  // Told outside the breaker's lock, so two changes may arrive in either order: the gauge shows what holds now.
  breaker_state_.Set(static_cast<double>(breaker_.state()));
  if (state == CircuitBreaker::State::kOpen) {
    breaker_opened_.Increment();
    logger_.Warn("redis_given_up", {{"open_ms", static_cast<int64_t>(options_.breaker.open_for.count())}});
  } else if (state == CircuitBreaker::State::kClosed) {
    logger_.Info("redis_used_again");
  }
}

void RedisClient::CountError(const absl::Status& status) { errors_.With({RedisReason(status)}).Increment(); }

absl::StatusOr<std::vector<RedisReply>> RedisClient::Run(const RedisBatch& batch, std::optional<Deadline> deadline,
                                                         uint32_t* server_id) {
  if (batch.commands() > kRedisBatchCommandsMax || batch.bytes().size() > kRedisBatchBytesMax) {
    return base::Internal("too much in one round trip to Redis");
  }
  const auto permit = breaker_.Ask();
  if (!permit) {
    breaker_rejected_.Increment();
    NoteFailure();
    return RedisBreakerOpen();
  }
  const Deadline begin = clock_.Steady();
  const Deadline caller = deadline.value_or(Deadline::max());
  const Deadline until = std::min(begin + options_.command_timeout, caller);
  const Deadline connect_until = std::min(begin + options_.connect_timeout + options_.command_timeout, caller);
  absl::StatusOr<std::vector<RedisReply>> replies = RunOnce(batch, until, connect_until, server_id);
  if (replies.ok()) {
    seconds_.Observe(std::chrono::duration<double>(clock_.Steady() - begin).count());
    breaker_.Report(*permit, CircuitBreaker::Outcome::kSuccess);
    return replies;
  }
  CountError(replies.status());
  const bool says_nothing =
      replies.status().code() == absl::StatusCode::kResourceExhausted ||
      (replies.status().code() == absl::StatusCode::kDeadlineExceeded && clock_.Steady() - begin < kVerdictMin);
  if (!says_nothing) NoteFailure();
  breaker_.Report(*permit, says_nothing ? CircuitBreaker::Outcome::kUnknown : CircuitBreaker::Outcome::kFailure);
  return replies;
}

absl::StatusOr<std::vector<RedisReply>> RedisClient::RunOnce(const RedisBatch& batch, Deadline until,
                                                             Deadline connect_until, uint32_t* server_id) {
  const Deadline begin = clock_.Steady();
  ASSIGN_OR_RETURN(Pooled pooled, Acquire(connect_until));
  // The time for the command itself does not shrink because a connection had to be made.
  until = std::min(connect_until, until + (clock_.Steady() - begin));
  absl::StatusOr<std::vector<RedisReply>> replies = pooled.connection->Run(batch, until);
  if (replies.ok()) {
    if (server_id != nullptr) *server_id = pooled.connection->server_id();
    for (const RedisReply& reply : *replies) {
      if (!reply.is_error()) continue;
      const std::string_view code = RedisErrorCode(reply.text);
      if (code != "LOADING" && code != "READONLY" && code != "MASTERDOWN") continue;
      // A replica, or a server that is coming up: not the one to stay with.
      const absl::Status status = RedisNotReady(code);
      pooled.connection.reset();
      Release(std::move(pooled));
      ForgetMaster();
      return status;
    }
  }
  Release(std::move(pooled));
  return replies;
}

absl::StatusOr<RedisReply> RedisClient::Call(const RedisBatch& command, std::optional<Deadline> deadline) {
  ASSIGN_OR_RETURN(std::vector<RedisReply> replies, Run(command, deadline));
  if (replies.size() != 1) return base::Internal("Call is for one command");
  if (replies[0].is_error()) {
    const absl::Status status = RedisErrorOf(replies[0].text);
    CountError(status);
    return status;
  }
  return std::move(replies[0]);
}

std::chrono::nanoseconds RedisClient::SinceFailure() const {
  const Deadline failed_at = failed_at_.load(std::memory_order_acquire);
  return failed_at == Deadline::min() ? std::chrono::nanoseconds::max() : clock_.Steady() - failed_at;
}

absl::Status RedisClient::Check() {
  const Deadline deadline = clock_.Steady() + options_.connect_timeout + options_.command_timeout;
  ASSIGN_OR_RETURN(const std::unique_ptr<RedisConnection> connection, Connect(deadline));
  ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, connection->Run({"PING"}, deadline));
  return replies[0].is_error() ? RedisErrorOf(replies[0].text) : absl::OkStatus();
}

absl::StatusOr<RedisClient::Pooled> RedisClient::Acquire(Deadline deadline) {
  for (;;) {
    Pooled found;
    {
      std::unique_lock lock(mutex_);
      while (idle_.empty() && open_ >= options_.connections_max) {
        const auto left = deadline - clock_.Steady();
        if (left.count() <= 0) return RedisPoolBusy();
        freed_.wait_for(lock, left);
      }
      if (idle_.empty()) {
        ++open_;
        connections_.Set(static_cast<double>(open_));
      } else {
        found = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (found.connection == nullptr) {
      absl::StatusOr<Pooled> made = Dial(deadline);
      if (!made.ok()) Release({});
      return made;
    }
    if (found.generation == generation() && !found.connection->Stale()) return found;
    found.connection.reset();
    Release(std::move(found));
  }
}

void RedisClient::Release(Pooled pooled) {
  const bool keep = pooled.connection != nullptr && !pooled.connection->broken() && pooled.generation == generation();
  if (!keep) pooled.connection.reset();  // closes outside the lock
  {
    std::lock_guard lock(mutex_);
    if (keep) {
      idle_.push_back(std::move(pooled));
    } else {
      --open_;
      connections_.Set(static_cast<double>(open_));
    }
  }
  freed_.notify_one();
}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisClient::Connect(Deadline deadline) {
  ASSIGN_OR_RETURN(Pooled pooled, Dial(deadline));
  return std::move(pooled.connection);
}

absl::StatusOr<RedisClient::Pooled> RedisClient::Dial(Deadline deadline) {
  const RedisLogin login{.user = options_.user,
                         .password = options_.password,
                         .database = options_.database,
                         .must_be_master = !options_.master_name.empty()};
  for (bool again = false;; again = true) {
    ASSIGN_OR_RETURN(const Target target, Master(deadline));
    absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
        RedisConnection::Open(target.server, tls_.get(), login, clock_, deadline);
    if (connection.ok()) return Pooled{.connection = *std::move(connection), .generation = target.generation};
    if (options_.master_name.empty()) return connection.status();
    ForgetMaster();
    if (again || connection.status().code() != absl::StatusCode::kUnavailable) return connection.status();
  }
}

absl::StatusOr<RedisClient::Target> RedisClient::Master(Deadline deadline) {
  if (options_.master_name.empty()) return Target{.server = options_.servers.front(), .generation = generation()};
  {
    std::lock_guard lock(master_mutex_);
    if (master_) return Target{.server = *master_, .generation = generation()};
  }
  ASSIGN_OR_RETURN(const RedisEndpoint master, AskSentinels(deadline));
  SetMaster(master);
  // The generation of this answer: where another one came in between, the connection is dropped after its first use.
  std::lock_guard lock(master_mutex_);
  return Target{.server = master, .generation = master_ == master ? generation() : 0};
}

absl::StatusOr<RedisEndpoint> RedisClient::AskSentinels(Deadline deadline) {
  size_t first;
  {
    std::lock_guard lock(master_mutex_);
    first = sentinel_;
  }
  // One that hangs must leave time for the others.
  const milliseconds patience =
      std::max(kSentinelPatienceMin, options_.connect_timeout / static_cast<int64_t>(options_.servers.size() + 1));
  absl::Status last = RedisNoMaster("no Sentinel");
  for (size_t i = 0; i < options_.servers.size(); ++i) {
    const size_t at = (first + i) % options_.servers.size();
    absl::StatusOr<RedisEndpoint> master =
        AskSentinel(options_.servers[at], std::min(deadline, clock_.Steady() + patience));
    if (master.ok()) {
      std::lock_guard lock(master_mutex_);
      sentinel_ = at;
      return master;
    }
    last = master.status();
  }
  {
    std::lock_guard lock(master_mutex_);
    sentinel_ = (first + 1) % options_.servers.size();
  }
  return last;
}

absl::StatusOr<RedisEndpoint> RedisClient::AskSentinel(const RedisEndpoint& sentinel, Deadline deadline) {
  const RedisLogin login{.user = options_.sentinel_user, .password = options_.sentinel_password, .identify = false};
  ASSIGN_OR_RETURN(const std::unique_ptr<RedisConnection> connection,
                   RedisConnection::Open(sentinel, tls_.get(), login, clock_, deadline));
  ASSIGN_OR_RETURN(const std::vector<RedisReply> replies,
                   connection->Run({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", options_.master_name}, deadline));
  const RedisReply& reply = replies[0];
  if (reply.is_error()) return RedisErrorOf(reply.text);
  if (reply.is_nil()) return RedisNoMaster("unknown name");
  RedisEndpoint master;
  if (!reply.is_array() || reply.items.size() != 2) return RedisProtocol("no address");
  master.host = reply.items[0].text;
  const std::string& port = reply.items[1].text;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), master.port);
  if (error != std::errc() || end != port.data() + port.size()) return RedisProtocol("no port");
  return master;
}

void RedisClient::SetMaster(const RedisEndpoint& master) {
  {
    std::lock_guard lock(master_mutex_);
    master_ = master;
    if (last_master_ == master) return;
    const bool first = !last_master_.has_value();
    last_master_ = master;
    if (first) return;
    generation_.fetch_add(1, std::memory_order_acq_rel);
  }
  master_changes_.Increment();
  logger_.Info("redis_master", {{"server", master.Name()}});
  // Those that lead elsewhere are not needed any more.
  std::vector<Pooled> old;
  {
    std::lock_guard lock(mutex_);
    old.swap(idle_);
    open_ -= old.size();
    connections_.Set(static_cast<double>(open_));
  }
  freed_.notify_all();
}

void RedisClient::ForgetMaster() {
  std::lock_guard lock(master_mutex_);
  master_.reset();
}

absl::Status RedisClient::RefreshMaster() {
  if (options_.master_name.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const RedisEndpoint master, AskSentinels(clock_.Steady() + options_.connect_timeout));
  SetMaster(master);
  return absl::OkStatus();
}

}  // namespace dinh::cache

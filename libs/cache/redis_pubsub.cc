#include "libs/cache/redis_pubsub.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/cache/redis_errors.h"

namespace dinh::cache {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr milliseconds kReconnectMin{100};
constexpr milliseconds kReconnectMax{1000};
// More than can be on their way within kSilenceMax.
constexpr size_t kHeartbeatsKept = 16;
constexpr size_t kInstanceBytes = 8;

int64_t Nanos(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

RedisPubSub::RedisPubSub(RedisClient& client, std::string prefix, const base::Clock& clock, base::Random& random,
                         telemetry::Logger& logger, telemetry::Metrics& metrics)
    : client_(client),
      prefix_(std::move(prefix)),
      heartbeat_channel_(FullName("beat:" + base::HexEncode(random.Bytes(kInstanceBytes)))),
      clock_(clock),
      logger_(logger),
      messages_(metrics.AddCounter("cache_channel_messages_total", "messages received by subscription", {"channel"})),
      lost_(metrics
                .AddCounter("cache_channel_lost_total",
                            "times that the subscription was silent or broken, so that what it told was dropped")
                .With({})),
      proven_(metrics.AddGauge("cache_channel_proven", "1 while heartbeats come back over the subscription").With({})) {
}

RedisPubSub::~RedisPubSub() { Stop(); }

std::string RedisPubSub::FullName(std::string_view channel) const {
  std::string name = prefix_;
  return name.append(":").append(channel);
}

void RedisPubSub::Listen(const std::string& channel, Listener& listener) {
  channels_[FullName(channel)] = Channel{.listener = &listener, .messages = &messages_.With({channel})};
}

void RedisPubSub::Start() {
  if (reader_.joinable()) return;
  reader_ = std::thread([this] { ReadLoop(); });
  beater_ = std::thread([this] { BeatLoop(); });
}

void RedisPubSub::Stop() {
  if (!reader_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stopping_.store(true, std::memory_order_release);
    if (connection_ != nullptr) connection_->Shutdown();
  }
  wake_.notify_all();
  reader_.join();
  beater_.join();
}

absl::Status RedisPubSub::Publish(std::string_view channel, std::string_view payload) {
  return client_.Call({"PUBLISH", FullName(channel), payload}).status();
}

RedisPubSub::Proof RedisPubSub::proof() const {
  // The epoch on both sides of the time: they belong together only when it did not change in between.
  const uint64_t epoch = epoch_.load(std::memory_order_acquire);
  const int64_t proven_at = proven_at_ns_.load(std::memory_order_acquire);
  if (proven_at == 0 || epoch != epoch_.load(std::memory_order_acquire)) return {.epoch = epoch, .good = false};
  return {.epoch = epoch, .good = Nanos(clock_.Steady()) - proven_at <= nanoseconds(kProofLasts).count()};
}

void RedisPubSub::Lose() {
  // In this order: whoever sees the new epoch sees no proof until there is another one.
  const bool was_proven = proven_at_ns_.exchange(0, std::memory_order_acq_rel) != 0;
  epoch_.fetch_add(1, std::memory_order_acq_rel);
  if (was_proven) {
    lost_.Increment();
    logger_.Warn("redis_channel_lost");
  }
  proven_.Set(0);
  for (const auto& [name, channel] : channels_) channel.listener->OnLost();
}

bool RedisPubSub::PauseUntil(std::chrono::steady_clock::time_point time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, time - clock_.Steady(), [this] { return stopping() || beat_now_; });
  beat_now_ = false;
  return !stopping();
}

void RedisPubSub::ReadLoop() {
  milliseconds pause = kReconnectMin;
  while (!stopping()) {
    const uint64_t generation = client_.generation();
    const RedisOptions& options = client_.options();
    absl::StatusOr<std::unique_ptr<RedisConnection>> connection =
        client_.Connect(clock_.Steady() + options.connect_timeout + options.command_timeout);
    absl::Status ended = connection.status();
    if (connection.ok()) {
      {
        std::lock_guard lock(mutex_);
        connection_ = connection->get();
        connection_generation_ = generation;
        if (stopping()) connection_->Shutdown();
      }
      heard_at_ = clock_.Steady();
      const uint64_t epoch = epoch_.load(std::memory_order_acquire);
      ended = ReadConnection(**connection);
      if (proven_epoch_.load(std::memory_order_acquire) >= epoch) pause = kReconnectMin;  // it had worked
      std::lock_guard lock(mutex_);
      connection_ = nullptr;
    }
    Lose();
    if (stopping()) return;
    if (pause == kReconnectMin) logger_.Warn("redis_channel_ended", {{"reason", RedisReason(ended)}});
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, pause, [this] { return stopping(); });
    pause = std::min(pause * 2, kReconnectMax);
  }
}

absl::Status RedisPubSub::Subscribe(RedisConnection& connection) {
  RedisBatch batch;
  // The heartbeat's last: what comes back over it proves the others.
  for (const auto& [name, channel] : channels_) batch.Add({"SUBSCRIBE", name});
  batch.Add({"SUBSCRIBE", heartbeat_channel_});
  const RedisClient::Deadline deadline = clock_.Steady() + client_.options().command_timeout;
  RETURN_IF_ERROR(connection.Send(batch, deadline));
  // Messages of one channel may stand before the confirmation of the next.
  for (size_t confirmed = 0; confirmed < batch.commands();) {
    ASSIGN_OR_RETURN(const RedisReply message, connection.Read(deadline));
    if (message.is_error()) return RedisErrorOf(message.text);
    if (message.is_array() && message.items.size() == 3 && message.items[0].text == "subscribe") {
      ++confirmed;
    } else {
      Dispatch(message);
    }
  }
  return absl::OkStatus();
}

absl::Status RedisPubSub::ReadConnection(RedisConnection& connection) {
  RETURN_IF_ERROR(Subscribe(connection));
  {
    std::lock_guard lock(mutex_);
    heartbeats_.clear();
    beat_now_ = true;
  }
  wake_.notify_all();
  while (!stopping()) {
    ASSIGN_OR_RETURN(const RedisReply message, connection.Read(heard_at_ + kSilenceMax));
    if (message.is_error()) return RedisErrorOf(message.text);
    Dispatch(message);
    if (clock_.Steady() - heard_at_ > kSilenceMax) return RedisTimeout();
  }
  return absl::OkStatus();
}

void RedisPubSub::Dispatch(const RedisReply& message) {
  if (!message.is_array() || message.items.size() != 3 || message.items[0].text != "message") return;
  const std::string& name = message.items[1].text;
  const std::string& payload = message.items[2].text;
  if (name == heartbeat_channel_) {
    OnHeartbeat(payload);
    return;
  }
  const auto found = channels_.find(name);
  if (found == channels_.end()) return;
  found->second.messages->Increment();
  found->second.listener->OnMessage(payload);
}

void RedisPubSub::OnHeartbeat(std::string_view sequence) {
  uint64_t number = 0;
  std::from_chars(sequence.data(), sequence.data() + sequence.size(), number);
  std::chrono::steady_clock::time_point sent;
  {
    std::lock_guard lock(mutex_);
    const auto found = heartbeats_.find(number);
    if (found == heartbeats_.end()) return;
    sent = found->second;
    heartbeats_.erase(heartbeats_.begin(), std::next(found));
  }
  heard_at_ = clock_.Steady();
  const int64_t proven_at = proven_at_ns_.load(std::memory_order_acquire);
  const int64_t now = Nanos(heard_at_);
  if (now - Nanos(sent) > nanoseconds(kProofLasts).count()) return;  // too old to prove anything
  // A proof that ran out: readers have gone past it, and start afresh.
  if (proven_at != 0 && now - proven_at > nanoseconds(kProofLasts).count()) Lose();
  proven_at_ns_.store(Nanos(sent), std::memory_order_release);
  proven_.Set(1);
  const uint64_t epoch = epoch_.load(std::memory_order_acquire);
  if (proven_epoch_.exchange(epoch, std::memory_order_acq_rel) == epoch) return;
  {
    std::lock_guard lock(mutex_);
    beat_now_ = true;
  }
  wake_.notify_all();  // the beating thread tells the listeners
}

void RedisPubSub::Beat() {
  std::string sequence;
  {
    std::lock_guard lock(mutex_);
    sequence = std::to_string(++last_heartbeat_);
    heartbeats_[last_heartbeat_] = clock_.Steady();
    while (heartbeats_.size() > kHeartbeatsKept) heartbeats_.erase(heartbeats_.begin());
  }
  // Failures are seen by what does not come back, and counted by the client.
  (void)client_.Call({"PUBLISH", heartbeat_channel_, sequence});
  (void)client_.RefreshMaster();
  std::lock_guard lock(mutex_);
  if (connection_ != nullptr && connection_generation_ != client_.generation()) connection_->Shutdown();
}

void RedisPubSub::BeatLoop() {
  std::chrono::steady_clock::time_point next;
  do {
    next = clock_.Steady() + kHeartbeat;
    Beat();
    if (!proof().good) proven_.Set(0);
    const uint64_t proven = proven_epoch_.load(std::memory_order_acquire);
    if (proven != told_epoch_ && proof().good && proof().epoch == proven) {
      told_epoch_ = proven;
      for (const auto& [name, channel] : channels_) channel.listener->OnProven();
    }
    for (const auto& [name, channel] : channels_) channel.listener->OnBeat();
  } while (PauseUntil(next));
}

}  // namespace dinh::cache

// Short messages to everybody in every process who listens to their topic: what a gateway needs so that a browser
// connected to it hears of what happened at another one.
//
//   Fanout fanout({}, channel, "sse", random, metrics);              // before channel.Start()
//   auto subscription = fanout.Subscribe("report:7", [stream] { stream->Wake(); });
//   fanout.Publish("report:7", payload);                             // in any process
//   while (auto message = subscription->Next()) …                    // when woken
//
// Delivery within the process does not need Redis. A message may be missed (a reader that is too slow, a broken
// channel): the next one then says so (`gap`), and the reader fetches what it missed from where it is kept. Messages
// are hints, the store is the truth.
//
// Metrics: cache_fanout_subscriptions, cache_fanout_dropped_total, cache_fanout_unsent_total.
// Thread safety: thread-safe. Made before channel.Start(), gone after channel.Stop() and after its subscriptions.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/random.h"
#include "libs/cache/redis_pubsub.h"
#include "libs/telemetry/metrics.h"

namespace dinh::cache {

struct FanoutOptions {
  size_t payload_bytes_max = 64 << 10;
  size_t queue_max = 256;  // messages waiting for one subscription
  size_t subscriptions_max = 8192;
};

inline constexpr size_t kTopicBytesMax = 256;

class Fanout final : private RedisPubSub::Listener {
 public:
  struct Message {
    bool gap = false;  // something before this one may have been missed
    // Null: nothing but the gap.
    std::shared_ptr<const std::string> payload;
  };

  class Subscription {
   public:
    ~Subscription();  // ends it; does not wait for a wake-up that is running
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    // nullopt: nothing is waiting.
    std::optional<Message> Next();

   private:
    friend class Fanout;
    struct State;
    Subscription(Fanout& fanout, std::shared_ptr<State> state) : fanout_(fanout), state_(std::move(state)) {}
    Fanout& fanout_;
    const std::shared_ptr<State> state_;
  };

  Fanout(FanoutOptions options, RedisPubSub& channel, std::string channel_name, base::Random& random,
         telemetry::Metrics& metrics);

  // INVALID_ARGUMENT (INVALID_TOPIC, PAYLOAD_TOO_LARGE). An error of Redis says that other processes do not get it;
  // this one has.
  absl::Status Publish(std::string_view topic, std::string_view payload);
  // `wake`: called after something was queued for an empty queue; on any thread, must not block, nor call the fanout.
  // RESOURCE_EXHAUSTED (FANOUT_FULL).
  absl::StatusOr<std::unique_ptr<Subscription>> Subscribe(std::string_view topic, std::function<void()> wake);
  size_t subscriptions() const;

 private:
  void OnMessage(std::string_view payload) override;
  void OnLost() override;
  void OnProven() override;

  void Deliver(std::string_view topic, const std::shared_ptr<const std::string>& payload);
  // Wakes where the queue was empty.
  void Queue(Subscription::State& state, const std::shared_ptr<const std::string>& payload);
  void End(const std::shared_ptr<Subscription::State>& state);

  const FanoutOptions options_;
  RedisPubSub& channel_;
  const std::string channel_name_;
  const std::string origin_;  // in front of what this process publishes
  telemetry::Gauge& open_;
  telemetry::Counter& dropped_;
  telemetry::Counter& unsent_;
  mutable std::mutex mutex_;
  std::multimap<std::string, std::shared_ptr<Subscription::State>, std::less<>> by_topic_;  // guarded by mutex_
  bool lost_ = false;                                                                       // guarded by mutex_
};

}  // namespace dinh::cache

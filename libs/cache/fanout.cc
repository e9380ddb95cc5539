#include "libs/cache/fanout.h"

#include <utility>

#include "libs/base/status.h"

namespace dinh::cache {
namespace {

constexpr size_t kOriginBytes = 8;

}  // namespace

struct Fanout::Subscription::State {
  std::string topic;
  std::function<void()> wake;
  std::mutex mutex;
  std::deque<std::shared_ptr<const std::string>> queue;  // guarded by mutex
  bool gap = false;                                      // guarded by mutex
};

Fanout::Subscription::~Subscription() { fanout_.End(state_); }

std::optional<Fanout::Message> Fanout::Subscription::Next() {
  std::lock_guard lock(state_->mutex);
  if (state_->queue.empty() && !state_->gap) return std::nullopt;
  Message message{.gap = std::exchange(state_->gap, false)};
  if (!state_->queue.empty()) {
    message.payload = std::move(state_->queue.front());
    state_->queue.pop_front();
  }
  return message;
}

Fanout::Fanout(FanoutOptions options, RedisPubSub& channel, std::string channel_name, base::Random& random,
               telemetry::Metrics& metrics)
    : options_(options),
      channel_(channel),
      channel_name_(std::move(channel_name)),
      origin_(random.Bytes(kOriginBytes)),
      open_(metrics.AddGauge("cache_fanout_subscriptions", "who listens to a topic in this process").With({})),
      dropped_(
          metrics.AddCounter("cache_fanout_dropped_total", "messages dropped because a reader was too slow").With({})),
      unsent_(metrics.AddCounter("cache_fanout_unsent_total", "messages that reached this process only").With({})) {
  channel_.Listen(channel_name_, *this);
}

size_t Fanout::subscriptions() const {
  std::lock_guard lock(mutex_);
  return by_topic_.size();
}

absl::StatusOr<std::unique_ptr<Fanout::Subscription>> Fanout::Subscribe(std::string_view topic,
                                                                        std::function<void()> wake) {
  auto state = std::make_shared<Subscription::State>();
  state->topic = std::string(topic);
  state->wake = std::move(wake);
  std::lock_guard lock(mutex_);
  if (by_topic_.size() >= options_.subscriptions_max) {
    return base::ResourceExhausted("FANOUT_FULL",
                                   {"Có quá nhiều người đang theo dõi; hãy thử lại sau ít phút.",
                                    "Too many are listening; try again in a few minutes."},
                                   kSilenceMax.count());
  }
  by_topic_.emplace(state->topic, state);
  open_.Set(static_cast<double>(by_topic_.size()));
  return std::unique_ptr<Subscription>(new Subscription(*this, std::move(state)));
}

void Fanout::End(const std::shared_ptr<Subscription::State>& state) {
  std::lock_guard lock(mutex_);
  const auto [begin, end] = by_topic_.equal_range(state->topic);
  for (auto it = begin; it != end; ++it) {
    if (it->second != state) continue;
    by_topic_.erase(it);
    break;
  }
  open_.Set(static_cast<double>(by_topic_.size()));
}

absl::Status Fanout::Publish(std::string_view topic, std::string_view payload) {
  if (topic.empty() || topic.size() > kTopicBytesMax || topic.find('\0') != std::string_view::npos) {
    return base::InvalidField("topic", {"Chủ đề phải có 1 đến 256 byte.", "A topic has 1 to 256 bytes."},
                              "INVALID_TOPIC");
  }
  if (payload.size() > options_.payload_bytes_max) {
    return base::InvalidField("payload", {"Nội dung quá lớn.", "The payload is too large."}, "PAYLOAD_TOO_LARGE");
  }
  Deliver(topic, std::make_shared<const std::string>(payload));
  std::string message = origin_;
  message.append(topic).append(1, '\0').append(payload);
  absl::Status status = channel_.Publish(channel_name_, message);
  if (!status.ok()) unsent_.Increment();
  return status;
}

void Fanout::Deliver(std::string_view topic, const std::shared_ptr<const std::string>& payload) {
  std::vector<std::shared_ptr<Subscription::State>> listening;
  {
    std::lock_guard lock(mutex_);
    const auto [begin, end] = by_topic_.equal_range(topic);
    for (auto it = begin; it != end; ++it) listening.push_back(it->second);
  }
  for (const auto& state : listening) Queue(*state, payload);
}

void Fanout::Queue(Subscription::State& state, const std::shared_ptr<const std::string>& payload) {
  bool wake = false;
  {
    std::lock_guard lock(state.mutex);
    wake = state.queue.empty() && !state.gap;
    if (payload == nullptr) {
      state.gap = true;
    } else if (state.queue.size() < options_.queue_max) {
      state.queue.push_back(payload);
    } else {
      // All that waited would be read before the gap is known: the reader starts afresh from the store.
      dropped_.Increment(static_cast<double>(state.queue.size()));
      state.queue.clear();
      state.queue.push_back(payload);
      state.gap = true;
    }
  }
  if (wake && state.wake) state.wake();
}

void Fanout::OnMessage(std::string_view payload) {
  if (payload.size() < kOriginBytes || payload.substr(0, kOriginBytes) == origin_) return;
  payload.remove_prefix(kOriginBytes);
  const size_t end = payload.find('\0');
  if (end == std::string_view::npos || payload.size() - end - 1 > options_.payload_bytes_max) return;
  Deliver(payload.substr(0, end), std::make_shared<const std::string>(payload.substr(end + 1)));
}

void Fanout::OnLost() {
  std::lock_guard lock(mutex_);
  lost_ = true;
}

// Only now is everything that comes later heard: who fetches what it missed misses nothing.
void Fanout::OnProven() {
  std::vector<std::shared_ptr<Subscription::State>> all;
  {
    std::lock_guard lock(mutex_);
    if (!std::exchange(lost_, false)) return;
    for (const auto& [topic, state] : by_topic_) all.push_back(state);
  }
  for (const auto& state : all) Queue(*state, nullptr);
}

}  // namespace dinh::cache

#include "libs/events/consumer.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "libs/base/status.h"
#include "libs/telemetry/traceparent.h"

namespace dinh::events {
namespace {

constexpr std::chrono::seconds kApplyLimit{30};
// Between two tries to reach the feed: it costs nothing, and people wait for what it brings.
constexpr std::chrono::milliseconds kReconnectPauseMax{3'000};

telemetry::Gauge& GaugeOf(telemetry::Metrics& metrics, std::string_view name, std::string_view help,
                          const ConsumerOptions& options) {
  return metrics.AddGauge(name, help, {"consumer", "feed"}).With({options.name, options.feed});
}

telemetry::Counter& CounterOf(telemetry::Metrics& metrics, std::string_view name, std::string_view help,
                              const ConsumerOptions& options) {
  return metrics.AddCounter(name, help, {"consumer", "feed"}).With({options.name, options.feed});
}

}  // namespace

absl::Status FeedSource::Subscribe(const v1::ReadEventsRequest& request, std::shared_ptr<rpc::StreamSink> sink) {
  feed_.Serve(request, std::move(sink), nullptr);
  return absl::OkStatus();
}

// Between the feed's thread, which must not wait, and the consumer's, which does.
class Consumer::Queue final : public rpc::StreamSink {
 public:
  bool Write(const google::protobuf::Message& message) override {
    {
      std::lock_guard lock(mutex_);
      if (ended_ || closed_) return false;
      if (events_.size() >= kConsumerQueueMax) {
        // The source drops us now; we come back at our cursor, having lost nothing.
        ended_ = true;
        changed_.notify_all();
        return false;
      }
      events_.push_back(static_cast<const v1::FeedEvent&>(message));
    }
    changed_.notify_all();
    return true;
  }
  void Finish(const absl::Status& status) override {
    std::lock_guard lock(mutex_);
    if (!ended_) status_ = status;
    ended_ = true;
    changed_.notify_all();
  }
  void OnClosed(std::function<void()> callback) override {
    {
      std::lock_guard lock(mutex_);
      if (!closed_) {
        on_closed_ = std::move(callback);
        return;
      }
    }
    callback();
  }
  // The next event; nullopt when the stream has ended and all is taken, or it was closed.
  std::optional<v1::FeedEvent> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return closed_ || ended_ || !events_.empty(); });
    if (closed_ || events_.empty()) return std::nullopt;
    v1::FeedEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
  }
  void Close() {
    std::function<void()> callback;
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      closed_ = true;
      callback = std::exchange(on_closed_, nullptr);
      changed_.notify_all();
    }
    if (callback) callback();
  }
  absl::Status status() {
    std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::FeedEvent> events_;
  std::function<void()> on_closed_;
  absl::Status status_;
  bool ended_ = false, closed_ = false;
};

Consumer::Consumer(ConsumerOptions options, std::unique_ptr<EventSource> source, db::Database& database,
                   const base::Clock& clock, telemetry::Logger& logger, telemetry::Metrics& metrics, EventRouter router)
    : options_(std::move(options)),
      source_(std::move(source)),
      database_(database),
      clock_(clock),
      logger_(logger),
      router_(std::move(router)),
      applied_(CounterOf(metrics, "events_consumer_events_total", "events applied", options_)),
      failures_(CounterOf(metrics, "events_consumer_failures_total", "events that failed to apply, per try", options_)),
      cursor_(GaugeOf(metrics, "events_consumer_cursor", "number of the last event applied", options_)),
      stuck_(GaugeOf(metrics, "events_consumer_stuck", "1 while one event keeps failing", options_)),
      lag_seconds_(GaugeOf(metrics, "events_consumer_lag_seconds",
                           "age of the last event when it was applied; of the "
                           "failing one while stuck",
                           options_)),
      connected_(GaugeOf(metrics, "events_consumer_connected", "1 while the feed is being read", options_)) {}

Consumer::~Consumer() { Stop(); }

void Consumer::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Consumer::Stop() {
  std::shared_ptr<Queue> queue;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    queue = queue_;
  }
  changed_.notify_all();
  if (queue != nullptr) queue->Close();
  if (thread_.joinable()) thread_.join();
}

bool Consumer::stopping() {
  std::lock_guard lock(mutex_);
  return stopping_;
}

bool Consumer::Pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, time, [this] { return stopping_; });
}

absl::StatusOr<int64_t> Consumer::ReadCursor() {
  base::OpContext ctx(clock_, clock_.Steady() + kApplyLimit);
  return database_.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const auto cursor,
                     tx.QueryOne("SELECT sequence FROM event_cursors WHERE consumer = $1 AND feed = $2",
                                 {options_.name, options_.feed}, [](const db::Row& row) { return row.Int(0); }));
    return cursor.value_or(0);
  });
}

absl::StatusOr<bool> Consumer::Apply(const v1::FeedEvent& event) {
  base::OpContext ctx(clock_, clock_.Steady() + kApplyLimit);
  ctx.commit_hook = options_.hook;
  if (const auto trace = telemetry::ParseTraceparent(event.traceparent())) ctx.trace = *trace;
  return database_.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const int64_t moved,
                     tx.Exec("INSERT INTO event_cursors (consumer, feed, sequence) VALUES ($1, $2, $3) "
                             "ON CONFLICT (consumer, feed) DO UPDATE SET sequence = excluded.sequence "
                             "WHERE event_cursors.sequence < excluded.sequence",
                             {options_.name, options_.feed, event.sequence()}));
    if (moved == 0) return false;  // applied before: the stream began again behind the cursor
    RETURN_IF_ERROR(router_.Run(tx, event));
    return true;
  });
}

bool Consumer::ApplyUntilDone(const v1::FeedEvent& event) {
  std::chrono::milliseconds pause = options_.pause_min;
  while (true) {
    const absl::StatusOr<bool> applied = Apply(event);
    lag_seconds_.Set(static_cast<double>(clock_.Now() - google::protobuf::util::TimeUtil::TimestampToMicroseconds(
                                                            event.occurred_at())) /
                     static_cast<double>(base::kMicrosPerSecond));
    if (applied.ok()) {
      if (*applied) applied_.Increment();
      cursor_.Set(static_cast<double>(event.sequence()));
      stuck_.Set(0);
      return true;
    }
    failures_.Increment();
    stuck_.Set(1);
    logger_.Error("event_not_applied", {{"consumer", options_.name},
                                        {"feed", options_.feed},
                                        {"sequence", event.sequence()},
                                        {"type", event.type()},
                                        {"id", event.id()},
                                        {"error", applied.status().ToString()}});
    if (!Pause(pause)) return false;
    pause = std::min(pause * 2, options_.pause_max);
  }
}

bool Consumer::Follow(Queue& queue) {
  bool progress = false;
  while (const std::optional<v1::FeedEvent> event = queue.Take()) {
    if (!ApplyUntilDone(*event)) return progress;
    progress = true;
  }
  return progress;
}

void Consumer::Loop() {
  std::chrono::milliseconds pause = options_.pause_min;
  while (!stopping()) {
    bool progress = false;
    absl::Status status;
    auto queue = std::make_shared<Queue>();
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return;
      queue_ = queue;
    }
    const absl::StatusOr<int64_t> cursor = ReadCursor();
    status = cursor.status();
    if (status.ok()) {
      v1::ReadEventsRequest request;
      request.set_after_sequence(*cursor);
      for (const std::string& type : router_.types()) request.add_types(type);
      status = source_->Subscribe(request, queue);
    }
    if (status.ok()) {
      connected_.Set(1);
      progress = Follow(*queue);
      connected_.Set(0);
      status = queue->status();
    }
    queue->Close();
    if (progress) pause = options_.pause_min;
    if (status.ok() && progress) continue;  // more came than was waited for: go on at the cursor
    if (!status.ok() && !stopping()) {
      logger_.Warn("event_feed_lost",
                   {{"consumer", options_.name}, {"feed", options_.feed}, {"error", status.ToString()}});
    }
    if (!Pause(pause)) return;
    pause = std::min({pause * 2, options_.pause_max, kReconnectPauseMax});
  }
}

}  // namespace dinh::events

// Reads another service's feed and applies each event exactly once: in a transaction that also stores the cursor.
//
//   Consumer consumer({.name = "procedures", .feed = "payments"},
//   std::make_unique<ChannelSource>(platform.To("payments")),
//                     *db, platform.clock(), platform.logger(), platform.metrics(), std::move(router));
//   consumer.Start();  …  consumer.Stop();
//
// An event that cannot be applied is tried again with growing pauses and stops the consumer's progress: it is never
// skipped. It is told by events_consumer_failures_total, events_consumer_stuck, events_consumer_lag_seconds and a log
// line each time.
//
// Thread safety: Start and Stop from one thread; the rest from any.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dinh/events/v1/service.pb.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/events/feed.h"
#include "libs/events/router.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/method_table.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::events {

inline constexpr std::string_view kReadEventsPath = "/dinh.events.v1.EventFeedService/ReadEvents";
// Events waiting to be applied. When more come the stream is ended and taken up again at the cursor.
inline constexpr size_t kConsumerQueueMax = 1024;

// Where a consumer's events come from.
class EventSource {
 public:
  virtual ~EventSource() = default;
  virtual absl::Status Subscribe(const v1::ReadEventsRequest& request, std::shared_ptr<rpc::StreamSink> sink) = 0;
};

// Another service, wherever it runs.
class ChannelSource final : public EventSource {
 public:
  explicit ChannelSource(rpc::Channel& channel) : channel_(channel) {}
  absl::Status Subscribe(const v1::ReadEventsRequest& request, std::shared_ptr<rpc::StreamSink> sink) override {
    return channel_.Subscribe(kReadEventsPath, request, std::move(sink));
  }

 private:
  rpc::Channel& channel_;
};

// A feed of the same module.
class FeedSource final : public EventSource {
 public:
  explicit FeedSource(Feed& feed) : feed_(feed) {}
  absl::Status Subscribe(const v1::ReadEventsRequest& request, std::shared_ptr<rpc::StreamSink> sink) override;

 private:
  Feed& feed_;
};

struct ConsumerOptions {
  std::string name;                          // stable: the cursor's key, e.g. "procedures"
  std::string feed;                          // whose events, e.g. "payments"
  std::chrono::milliseconds pause_min{100};  // after a failure, doubled up to
  std::chrono::milliseconds pause_max{30'000};
  db::CommitHook* hook = nullptr;  // joins each event's transaction (audit); must outlive the consumer
};

class Consumer {
 public:
  // `database` must have the tables of libs/events (EventHub::Init or EnsureSchema).
  Consumer(ConsumerOptions options, std::unique_ptr<EventSource> source, db::Database& database,
           const base::Clock& clock, telemetry::Logger& logger, telemetry::Metrics& metrics, EventRouter router);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  void Start();
  void Stop();

  // Applies one event unless the cursor says that it has been. true: it was applied now.
  absl::StatusOr<bool> Apply(const v1::FeedEvent& event);
  absl::StatusOr<int64_t> ReadCursor();

 private:
  class Queue;

  void Loop();
  // Applies what one subscription brings; returns when it has ended. true: something was applied.
  bool Follow(Queue& queue);
  bool ApplyUntilDone(const v1::FeedEvent& event);
  // false: stopping.
  bool Pause(std::chrono::milliseconds time);
  bool stopping();

  const ConsumerOptions options_;
  const std::unique_ptr<EventSource> source_;
  db::Database& database_;
  const base::Clock& clock_;
  telemetry::Logger& logger_;
  const EventRouter router_;
  telemetry::Counter& applied_;
  telemetry::Counter& failures_;
  telemetry::Gauge& cursor_;
  telemetry::Gauge& stuck_;
  telemetry::Gauge& lag_seconds_;
  telemetry::Gauge& connected_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;         // guarded by mutex_
  std::shared_ptr<Queue> queue_;  // the one being followed; guarded by mutex_
  std::thread thread_;
};

}  // namespace dinh::events

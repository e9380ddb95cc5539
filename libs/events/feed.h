// The numbered events of a service, for whoever reads them: pages, and subscriptions that wait without a thread.
//
// Subscriptions are served by Pump, which EventHub's thread calls: all that are up to date share one read. A slow
// reader is ended, not waited for; it comes back with its position.
//
// Thread safety: all methods; Pump by one thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "dinh/events/v1/service.pb.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"
#include "libs/events/outbox.h"
#include "libs/rpc/method_table.h"

namespace dinh::events {

inline constexpr int kFeedPageEvents = 256;
inline constexpr size_t kFeedSubscriptionsMax = 8192;
// Positions served in one round: many readers of different pasts must not keep those at the head waiting.
inline constexpr size_t kFeedPositionsPerRound = 16;

struct FeedFilter {
  int64_t after_sequence = 0;
  std::vector<std::string> types;  // empty: all
  std::string subject;             // empty: all
  bool no_wait = false;            // ends when it has reached the head as it is now
  // >= 0: at most so many events (of all kinds) are looked through for the past; older ones are left out. For readers
  // that come from outside with any position they like.
  int64_t history_max = -1;
};

class Feed {
 public:
  // Called on the pumping thread; must not block. false ends the subscription.
  using OnEvent = std::function<bool(const v1::FeedEvent& event)>;
  // Called once, at the end of the subscription, unless it was ended by Unsubscribe. May be empty.
  using OnEnd = std::function<void(const absl::Status& status)>;

  // `wake`: called when a subscription has something to read (EventHub's). `open` unseals payloads.
  Feed(db::Database& database,
       std::function<absl::StatusOr<std::string>(std::string_view sealed, std::string_view context)> open,
       std::function<void()> wake);

  // The last number given. Events up to here can be read.
  int64_t head() const { return head_.load(std::memory_order_acquire); }
  void SetHead(int64_t head) { head_.store(head, std::memory_order_release); }

  // Up to `limit` events after `sequence`, in order.
  absl::StatusOr<std::vector<v1::FeedEvent>> ReadAfter(base::OpContext& ctx, int64_t sequence, int limit);

  // 0 and RESOURCE_EXHAUSTED to `on_end` when there are too many, UNAVAILABLE after Close.
  uint64_t Subscribe(FeedFilter filter, OnEvent on_event, OnEnd on_end);
  // The same for a stream of EventFeedService; `keep` lives as long as the stream. The feed must outlive the sink's
  // transport.
  void Serve(const v1::ReadEventsRequest& request, std::shared_ptr<rpc::StreamSink> sink, std::shared_ptr<void> keep);
  // Does not wait for a callback that is running.
  void Unsubscribe(uint64_t id);
  size_t subscriptions() const;

  // One page to those who are nearest the head, and to some of those further behind, in turn; true when somebody still
  // is. An error leaves those it concerns where they are.
  absl::StatusOr<bool> Pump(base::OpContext& ctx);
  // Ends all subscriptions (UNAVAILABLE) and takes no more.
  void Close();

 private:
  struct Subscription {
    uint64_t id;
    FeedFilter filter;
    OnEvent on_event;
    OnEnd on_end;
    int64_t position;  // the pumping thread's
    int64_t end_at;    // no_wait: the head when it began
    std::atomic<bool> ended{false};
  };
  using Subscriptions = std::vector<std::shared_ptr<Subscription>>;

  using Positions = std::map<int64_t, Subscriptions>;

  Subscriptions Snapshot() const;
  // Those who have something to read, by position; ends those who have reached their end.
  Positions Behind(int64_t head);
  // The positions whose turn it is.
  std::vector<int64_t> Turn(const Positions& behind);
  void Deliver(Subscription& subscription, const std::vector<v1::FeedEvent>& page, int64_t position);
  void End(Subscription& subscription, const absl::Status& status);
  void Remove(uint64_t id);

  db::Database& database_;
  const std::function<absl::StatusOr<std::string>(std::string_view, std::string_view)> open_;
  const std::function<void()> wake_;
  std::atomic<int64_t> head_{0};
  int64_t last_turn_ = 0;  // the pumping thread's: the last position served out of turn
  mutable std::mutex mutex_;
  Subscriptions subscriptions_;  // guarded by mutex_
  uint64_t last_id_ = 0;
  bool closed_ = false;
};

}  // namespace dinh::events

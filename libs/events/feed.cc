#include "libs/events/feed.h"

#include <algorithm>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "libs/base/status.h"

namespace dinh::events {
namespace {

struct StoredEvent {
  v1::FeedEvent event;
  bool sealed;
};

StoredEvent FromRow(const db::Row& row) {
  StoredEvent stored;
  stored.event.set_sequence(row.Int(0));
  stored.event.set_id(row.Text(1));
  stored.event.set_type(row.Text(2));
  stored.event.set_version(static_cast<int32_t>(row.Int(3)));
  stored.event.set_subject(row.Text(4));
  *stored.event.mutable_occurred_at() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(row.Int(5));
  stored.event.set_payload(row.Text(6));
  stored.sealed = row.Bool(7);
  stored.event.set_traceparent(row.Text(8));
  return stored;
}

bool Matches(const FeedFilter& filter, const v1::FeedEvent& event) {
  if (!filter.subject.empty() && filter.subject != event.subject()) return false;
  return filter.types.empty() ||
         std::find(filter.types.begin(), filter.types.end(), event.type()) != filter.types.end();
}

}  // namespace

Feed::Feed(db::Database& database, std::function<absl::StatusOr<std::string>(std::string_view, std::string_view)> open,
           std::function<void()> wake)
    : database_(database), open_(std::move(open)), wake_(std::move(wake)) {}

absl::StatusOr<std::vector<v1::FeedEvent>> Feed::ReadAfter(base::OpContext& ctx, int64_t sequence, int limit) {
  ASSIGN_OR_RETURN(std::vector<StoredEvent> stored, database_.Read(ctx, [&](db::Tx& tx) {
    return tx.QueryAll(
        "SELECT sequence, id, type, version, subject, occurred_at, payload, sealed, traceparent FROM outbox "
        "WHERE sequence IS NOT NULL AND sequence > $1 ORDER BY sequence LIMIT $2",
        {sequence, limit}, FromRow);
  }));
  std::vector<v1::FeedEvent> events;
  events.reserve(stored.size());
  for (StoredEvent& one : stored) {
    if (one.sealed) {
      if (!open_) return base::Internal("no seal to open an event with");
      ASSIGN_OR_RETURN(*one.event.mutable_payload(), open_(one.event.payload(), one.event.id()));
    }
    events.push_back(std::move(one.event));
  }
  return events;
}

uint64_t Feed::Subscribe(FeedFilter filter, OnEvent on_event, OnEnd on_end) {
  auto subscription = std::make_shared<Subscription>();
  const int64_t head_now = head();
  subscription->position = std::max<int64_t>(filter.after_sequence, 0);
  if (filter.history_max >= 0) {
    subscription->position = std::max(subscription->position, head_now - filter.history_max);
  }
  subscription->end_at = filter.no_wait ? head_now : INT64_MAX;
  subscription->filter = std::move(filter);
  subscription->on_event = std::move(on_event);
  subscription->on_end = std::move(on_end);
  absl::Status refused;
  uint64_t id = 0;
  {
    std::lock_guard lock(mutex_);
    if (closed_) {
      refused = base::Unavailable("FEED_CLOSED", {"Dịch vụ đang dừng. Hãy kết nối lại sau giây lát.",
                                                  "The service is shutting down. Connect again in a moment."});
    } else if (subscriptions_.size() >= kFeedSubscriptionsMax) {
      refused = base::ResourceExhausted("TOO_MANY_SUBSCRIPTIONS",
                                        {"Đang có quá nhiều người theo dõi. Hãy thử lại sau giây lát.",
                                         "Too many are following events. Try again in a moment."},
                                        5000);
    } else {
      id = subscription->id = ++last_id_;
      subscriptions_.push_back(subscription);
    }
  }
  if (!refused.ok()) {
    if (subscription->on_end) subscription->on_end(refused);
    return 0;
  }
  if (wake_) wake_();
  return id;
}

void Feed::Serve(const v1::ReadEventsRequest& request, std::shared_ptr<rpc::StreamSink> sink,
                 std::shared_ptr<void> keep) {
  FeedFilter filter;
  filter.after_sequence = request.after_sequence();
  filter.types.assign(request.types().begin(), request.types().end());
  filter.no_wait = request.no_wait();
  const std::shared_ptr<rpc::StreamSink> out = std::move(sink);
  const uint64_t id = Subscribe(
      std::move(filter), [keep = std::move(keep), out](const v1::FeedEvent& event) { return out->Write(event); },
      [out](const absl::Status& status) { out->Finish(status); });
  out->OnClosed([this, id] { Unsubscribe(id); });
}

void Feed::Unsubscribe(uint64_t id) {
  std::lock_guard lock(mutex_);
  for (auto it = subscriptions_.begin(); it != subscriptions_.end(); ++it) {
    if ((*it)->id != id) continue;
    (*it)->ended.store(true, std::memory_order_release);
    subscriptions_.erase(it);
    return;
  }
}

size_t Feed::subscriptions() const {
  std::lock_guard lock(mutex_);
  return subscriptions_.size();
}

Feed::Subscriptions Feed::Snapshot() const {
  std::lock_guard lock(mutex_);
  return subscriptions_;
}

Feed::Positions Feed::Behind(int64_t head) {
  Positions behind;
  for (std::shared_ptr<Subscription>& subscription : Snapshot()) {
    const int64_t position = subscription->position;
    if (position < std::min(head, subscription->end_at)) {
      behind[position].push_back(std::move(subscription));
    } else if (position >= subscription->end_at) {
      End(*subscription, absl::OkStatus());
    }
  }
  return behind;
}

std::vector<int64_t> Feed::Turn(const Positions& behind) {
  std::vector<int64_t> turn;
  if (behind.empty()) return turn;
  turn.push_back(behind.rbegin()->first);
  auto next = behind.upper_bound(last_turn_);
  while (turn.size() < std::min(kFeedPositionsPerRound, behind.size())) {
    if (next == behind.end() || next->first == turn.front()) {
      next = behind.begin();
      continue;
    }
    turn.push_back(last_turn_ = next->first);
    ++next;
  }
  return turn;
}

absl::StatusOr<bool> Feed::Pump(base::OpContext& ctx) {
  const int64_t head_now = head();
  const Positions behind = Behind(head_now);
  const std::vector<int64_t> turn = Turn(behind);
  bool more = turn.size() < behind.size();
  absl::Status failed;  // of one position; the others go on
  for (const int64_t position : turn) {
    const absl::StatusOr<std::vector<v1::FeedEvent>> page = ReadAfter(ctx, position, kFeedPageEvents);
    if (!page.ok()) {
      failed.Update(page.status());
      continue;
    }
    // A short page reaches at least the head as it was before the read.
    const bool full = page->size() == static_cast<size_t>(kFeedPageEvents);
    const int64_t last = page->empty() ? position : page->back().sequence();
    const int64_t reached = full ? last : std::max(head_now, last);
    for (const std::shared_ptr<Subscription>& subscription : behind.at(position)) {
      Deliver(*subscription, *page, reached);
      more = more || (full && !subscription->ended);
    }
  }
  RETURN_IF_ERROR(failed);
  return more;
}

void Feed::Deliver(Subscription& subscription, const std::vector<v1::FeedEvent>& page, int64_t position) {
  for (const v1::FeedEvent& event : page) {
    if (subscription.ended.load(std::memory_order_acquire)) return;
    if (event.sequence() > subscription.end_at) break;
    if (!Matches(subscription.filter, event)) continue;
    if (!subscription.on_event(event)) {
      End(subscription, absl::OkStatus());
      return;
    }
  }
  subscription.position = position;
  if (position >= subscription.end_at) End(subscription, absl::OkStatus());
}

void Feed::End(Subscription& subscription, const absl::Status& status) {
  if (subscription.ended.exchange(true, std::memory_order_acq_rel)) return;
  Remove(subscription.id);
  if (subscription.on_end) subscription.on_end(status);
}

void Feed::Remove(uint64_t id) {
  std::lock_guard lock(mutex_);
  std::erase_if(subscriptions_, [id](const auto& subscription) { return subscription->id == id; });
}

void Feed::Close() {
  Subscriptions left;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    left = subscriptions_;
  }
  const absl::Status closed = base::Unavailable(
      "FEED_CLOSED",
      {"Dịch vụ đang dừng. Hãy kết nối lại sau giây lát.", "The service is shutting down. Connect again in a moment."});
  for (const std::shared_ptr<Subscription>& subscription : left) End(*subscription, closed);
}

}  // namespace dinh::events

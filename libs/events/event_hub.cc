#include "libs/events/event_hub.h"

#include <chrono>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/events/schema.h"

namespace dinh::events {
namespace {

// Under load the rounds keep this distance, so that numbering costs one small transaction per some dozens of events.
constexpr std::chrono::milliseconds kRoundGap{3};
// Finds what nobody woke us for: events of a crash before numbering, and the numbers other replicas gave.
constexpr std::chrono::milliseconds kTick{1'000};
constexpr std::chrono::milliseconds kFailurePause{500};
constexpr std::chrono::seconds kRoundLimit{10};

}  // namespace

EventHub::EventHub(db::Database& database, std::string service, const base::Clock& clock, base::Random& random,
                   base::IdGenerator& ids, telemetry::Logger& logger, telemetry::Metrics& metrics,
                   const PayloadSeal& seal, cache::Fanout* fanout)
    : database_(database),
      service_(std::move(service)),
      clock_(clock),
      logger_(logger),
      numbered_(
          metrics.AddCounter("events_numbered_total", "events numbered by the relay", {"service"}).With({service_})),
      failures_(metrics.AddCounter("events_relay_failures_total", "rounds of the relay that failed", {"service"})
                    .With({service_})),
      head_(metrics.AddGauge("events_feed_head", "number of the last event", {"service"}).With({service_})),
      subscriptions_(metrics.AddGauge("events_subscriptions", "open subscriptions", {"service"}).With({service_})),
      outbox_(ids, seal, [this] { Wake(); }),
      feed_(database, seal.open, [this] { Wake(); }),
      relay_(database, base::HexEncode(random.Bytes(16)), database.engine() == db::Engine::kSqlite),
      fanout_(fanout) {}

EventHub::~EventHub() { Stop(); }

absl::Status EventHub::Init() {
  RETURN_IF_ERROR(EnsureSchema(database_));
  base::OpContext ctx(clock_, clock_.Steady() + kRoundLimit);
  ASSIGN_OR_RETURN(const int64_t head, relay_.ReadHead(ctx));
  feed_.SetHead(head);
  return absl::OkStatus();
}

void EventHub::RegisterMethods(rpc::MethodTable& table) {
  table.ServerStream("dinh.events.v1.EventFeedService.ReadEvents", this, v1::FeedEvent::default_instance(),
                     &EventHub::ReadEvents);
}

absl::Status EventHub::Start() {
  if (fanout_ != nullptr) {
    ASSIGN_OR_RETURN(told_by_, fanout_->Subscribe("events:" + service_, [this] { Told(); }));
  }
  Wake();  // for what a crash left unnumbered
  thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

void EventHub::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  told_by_.reset();
  feed_.Close();
}

void EventHub::Wake() {
  {
    std::lock_guard lock(mutex_);
    if (woken_) return;
    woken_ = true;
  }
  wake_.notify_one();
}

void EventHub::Told() {
  {
    std::lock_guard lock(mutex_);
    told_ = true;
  }
  wake_.notify_one();
}

void EventHub::TellOthers() {
  // An error: the others find it at their next tick.
  if (fanout_ != nullptr) fanout_->Publish("events:" + service_, "").IgnoreError();
}

absl::StatusOr<bool> EventHub::Round(bool woken) {
  base::OpContext ctx(clock_, clock_.Steady() + kRoundLimit);
  bool work = woken;
  if (!work) {
    ASSIGN_OR_RETURN(work, relay_.HasWork(ctx));
  }
  bool more = false;
  if (work) {
    ASSIGN_OR_RETURN(const Relay::Result result, relay_.NumberOnce(ctx));
    numbered_.Increment(static_cast<double>(result.numbered));
    more = result.numbered == kNumberedPerTransactionMax;
    feed_.SetHead(result.head);
    // There is something new to hand out; or something to number, for whoever holds the lease.
    if (result.numbered > 0 || (woken && !result.leased)) TellOthers();
  } else {
    ASSIGN_OR_RETURN(const int64_t head, relay_.ReadHead(ctx));
    feed_.SetHead(head);
  }
  head_.Set(static_cast<double>(feed_.head()));
  ASSIGN_OR_RETURN(const bool behind, feed_.Pump(ctx));
  subscriptions_.Set(static_cast<double>(feed_.subscriptions()));
  return more || behind;
}

void EventHub::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kTick, [this] { return stopping_ || woken_ || told_; });
    if (stopping_) return;
    const bool woken = std::exchange(woken_, false);
    told_ = false;
    lock.unlock();
    while (told_by_ != nullptr && told_by_->Next()) {
    }
    const absl::StatusOr<bool> more = Round(woken);
    if (!more.ok()) {
      failures_.Increment();
      logger_.Warn("event_relay_failed", {{"of", service_}, {"error", more.status().ToString()}});
    }
    lock.lock();
    woken_ = woken_ || (more.ok() && *more) || !more.ok();
    wake_.wait_for(lock, more.ok() ? kRoundGap : kFailurePause, [this] { return stopping_; });
  }
}

absl::Status EventHub::ReadEvents(std::shared_ptr<rpc::Context> ctx, const v1::ReadEventsRequest& request,
                                  std::shared_ptr<rpc::StreamSink> sink) {
  feed_.Serve(request, std::move(sink), std::move(ctx));
  return absl::OkStatus();
}

}  // namespace dinh::events

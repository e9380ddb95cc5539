// Everything a service needs to publish events, in one object of its module:
//
//   hub_.emplace(*db, platform.service(), platform.clock(), platform.random(), platform.ids(), platform.logger(),
//                platform.metrics(), seal);
//   RETURN_IF_ERROR(hub_->Init());                       // in Init
//   hub_->RegisterMethods(table);                        // EventFeedService, in RegisterMethods
//   RETURN_IF_ERROR(hub_->Start());                      // in Start;   hub_->Stop() in Stop
//   RETURN_IF_ERROR(hub_->outbox().Append(tx, charge.id, event));   // in a transaction
//   hub_->feed().Subscribe({.after_sequence = n, .subject = code}, on_event, on_end);   // for a stream to a client
//
// One thread numbers and hands out; it sleeps until a commit wakes it (a slow tick catches what a crash left). Replicas
// tell each other by the fan-out, where there is one, that there is something to number or to hand out; without it the
// tick finds it.
//
// Thread safety: thread-safe except Init, RegisterMethods, Start, Stop.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/cache/fanout.h"
#include "libs/db/database.h"
#include "libs/events/feed.h"
#include "libs/events/outbox.h"
#include "libs/events/relay.h"
#include "libs/rpc/context.h"
#include "libs/rpc/method_table.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::events {

class EventHub {
 public:
  EventHub(db::Database& database, std::string service, const base::Clock& clock, base::Random& random,
           base::IdGenerator& ids, telemetry::Logger& logger, telemetry::Metrics& metrics, const PayloadSeal& seal,
           cache::Fanout* fanout = nullptr);
  ~EventHub();
  EventHub(const EventHub&) = delete;
  EventHub& operator=(const EventHub&) = delete;

  // Makes the tables; reads where the feed stands.
  absl::Status Init();
  void RegisterMethods(rpc::MethodTable& table);
  absl::Status Start();
  // Ends subscriptions and the thread. What is not numbered yet is numbered after the next start.
  void Stop();

  Outbox& outbox() { return outbox_; }
  Feed& feed() { return feed_; }

  // One round of the thread: number what is committed, hand out what is numbered. true when there is more to do at
  // once. For tests without the thread.
  absl::StatusOr<bool> Round(bool woken);

 private:
  // Handler of EventFeedService.ReadEvents.
  absl::Status ReadEvents(std::shared_ptr<rpc::Context> ctx, const v1::ReadEventsRequest& request,
                          std::shared_ptr<rpc::StreamSink> sink);
  void Wake();
  // Another replica (or this one) has said something.
  void Told();
  void TellOthers();
  void Loop();

  db::Database& database_;
  const std::string service_;
  const base::Clock& clock_;
  telemetry::Logger& logger_;
  telemetry::Counter& numbered_;
  telemetry::Counter& failures_;
  telemetry::Gauge& head_;
  telemetry::Gauge& subscriptions_;
  Outbox outbox_;
  Feed feed_;
  Relay relay_;
  std::mutex mutex_;
  std::condition_variable wake_;
  cache::Fanout* const fanout_;
  std::unique_ptr<cache::Fanout::Subscription> told_by_;
  bool woken_ = false;     // guarded by mutex_: by a commit of this process
  bool told_ = false;      // guarded by mutex_: by the fan-out
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace dinh::events

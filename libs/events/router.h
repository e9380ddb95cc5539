// Which event goes to which function: typed by the event's message, whose type name stands in the proto.
//
//   EventRouter router;
//   router.On<payments::v1::ChargePaid>([&](db::Tx& tx, const payments::v1::ChargePaid& paid, const v1::FeedEvent&) {
//     return dossiers_.MarkPaid(tx, paid.purpose_ref(), paid.charge());
//   });
//   Consumer consumer({.name = "procedures", .feed = "payments"}, …, std::move(router));
//
// Thread safety: built first, then only read.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "dinh/events/v1/service.pb.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/events/outbox.h"

namespace dinh::events {

class EventRouter {
 public:
  using Apply = std::function<absl::Status(db::Tx& tx, const v1::FeedEvent& event)>;

  // `apply(tx, message, event)` runs inside the consumer's transaction: database work only, and it may run again.
  template <typename M, typename F>
  EventRouter& On(F apply) {
    routes_[EventTypeOf(M::descriptor())] = [apply = std::move(apply)](db::Tx& tx, const v1::FeedEvent& event) {
      M message;
      if (!message.ParseFromString(event.payload())) return base::Internal("event " + event.id() + " does not parse");
      return absl::Status(apply(tx, message, event));
    };
    return *this;
  }
  EventRouter& OnType(const std::string& type, Apply apply) {
    routes_[type] = std::move(apply);
    return *this;
  }

  std::vector<std::string> types() const {
    std::vector<std::string> types;
    types.reserve(routes_.size());
    for (const auto& [type, apply] : routes_) types.push_back(type);
    return types;
  }
  // Types without a route have no effect.
  absl::Status Run(db::Tx& tx, const v1::FeedEvent& event) const {
    const auto found = routes_.find(event.type());
    return found == routes_.end() ? absl::OkStatus() : found->second(tx, event);
  }

 private:
  std::map<std::string, Apply> routes_;
};

}  // namespace dinh::events

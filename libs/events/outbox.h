// Where a service writes its events: in the transaction of the change itself, so that there is never one without the
// other. The relay numbers them after the commit (relay.h), the feed hands them out (feed.h).
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "libs/base/ids.h"
#include "libs/db/database.h"

namespace dinh::events {

// How payloads with personal data are sealed; `context` (the row's id) is authenticated with them. Called from any
// thread.
struct PayloadSeal {
  std::function<std::string(std::string_view plain, std::string_view context)> seal;
  std::function<absl::StatusOr<std::string>(std::string_view sealed, std::string_view context)> open;
};

struct OutboxEvent {
  std::string type;  // "payments.charge_paid"
  int version = 1;
  std::string subject;    // what it is about: an opaque id, never personal data
  std::string payload;    // the event's message, serialised
  bool personal = false;  // true: sealed at rest
};

// Thread-safe.
class Outbox {
 public:
  // `wake` is called after each commit that appended (EventHub's); may be empty.
  Outbox(base::IdGenerator& ids, PayloadSeal seal, std::function<void()> wake);

  // The event's id. INTERNAL for personal data without a seal.
  absl::StatusOr<std::string> Append(db::Tx& tx, const OutboxEvent& event);
  // A message with `option (dinh.options.v1.event)`; type and version come from there, and it is sealed when any of
  // its fields is `personal`. INTERNAL without the option.
  absl::Status Append(db::Tx& tx, std::string_view subject, const google::protobuf::Message& event);

 private:
  struct Kind {
    std::string type;
    int version = 0;
    bool personal = false;
  };
  const Kind& KindOf(const google::protobuf::Descriptor* descriptor);

  base::IdGenerator& ids_;
  const PayloadSeal seal_;
  const std::function<void()> wake_;
  std::mutex mutex_;
  std::map<const google::protobuf::Descriptor*, Kind> kinds_;  // guarded by mutex_; entries never change
};

// What the proto says about an event's message; an empty type without the option.
std::string EventTypeOf(const google::protobuf::Descriptor* descriptor);

}  // namespace dinh::events

#include "libs/events/outbox.h"

#include <set>
#include <utility>

#include "dinh/options/v1/options.pb.h"
#include "libs/base/status.h"
#include "libs/telemetry/traceparent.h"

namespace dinh::events {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool HoldsPersonalData(const Descriptor* descriptor, std::set<const Descriptor*>& seen) {
  if (!seen.insert(descriptor).second) return false;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->options().GetExtension(options::v1::personal)) return true;
    if (field->message_type() != nullptr && HoldsPersonalData(field->message_type(), seen)) return true;
  }
  return false;
}

}  // namespace

std::string EventTypeOf(const Descriptor* descriptor) {
  return descriptor->options().GetExtension(options::v1::event).type();
}

Outbox::Outbox(base::IdGenerator& ids, PayloadSeal seal, std::function<void()> wake)
    : ids_(ids), seal_(std::move(seal)), wake_(std::move(wake)) {}

absl::StatusOr<std::string> Outbox::Append(db::Tx& tx, const OutboxEvent& event) {
  if (event.personal && !seal_.seal) return base::Internal("no seal for the personal event " + event.type);
  std::string id = ids_.Next();
  const std::string sealed = event.personal ? seal_.seal(event.payload, id) : std::string();
  const base::Trace& trace = tx.context().trace;
  const std::string traceparent = trace.trace_id.empty() ? std::string() : telemetry::FormatTraceparent(trace);
  RETURN_IF_ERROR(
      tx.ExecLater("INSERT INTO outbox (id, type, version, subject, occurred_at, payload, sealed, traceparent) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                   {id, event.type, event.version, event.subject, tx.context().Now(),
                    db::BlobView{event.personal ? sealed : event.payload}, event.personal, traceparent}));
  if (wake_) tx.AfterCommit(wake_);
  return id;
}

absl::Status Outbox::Append(db::Tx& tx, std::string_view subject, const google::protobuf::Message& event) {
  const Kind& kind = KindOf(event.GetDescriptor());
  if (kind.type.empty()) return base::Internal(event.GetDescriptor()->full_name() + " is not declared as an event");
  return Append(tx, {kind.type, kind.version, std::string(subject), event.SerializeAsString(), kind.personal}).status();
}

const Outbox::Kind& Outbox::KindOf(const Descriptor* descriptor) {
  std::lock_guard lock(mutex_);
  const auto [found, added] = kinds_.try_emplace(descriptor);
  if (added) {
    std::set<const Descriptor*> seen;
    found->second = {EventTypeOf(descriptor), descriptor->options().GetExtension(options::v1::event).version(),
                     HoldsPersonalData(descriptor, seen)};
  }
  return found->second;
}

}  // namespace dinh::events

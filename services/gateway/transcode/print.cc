// protobuf -> JSON.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "libs/base/status.h"
#include "services/gateway/transcode/scalars.h"
#include "services/gateway/transcode/text_forms.h"
#include "services/gateway/transcode/transcoder.h"

namespace dinh::gateway::transcode {
namespace {

namespace pb = google::protobuf;

class Printer {
 public:
  Printer(const Transcoder& transcoder, std::string* out) : transcoder_(transcoder), out_{out} {}

  void PrintMessage(const MessagePlan& plan, const Message& message) {
    if (plan.well_known != WellKnown::kNone) return PrintWellKnown(plan, message);
    out_.text->push_back('{');
    PrintFields(plan, message);
    out_.text->push_back('}');
  }

  // Without a look at presence.
  void PrintValueOf(const FieldPlan& field, const Message& message) {
    if (field.map) return PrintMap(field, message);
    if (field.repeated) return PrintList(field, message);
    if (field.message == nullptr) return field.ops->print_value(out_, message, field);
    PrintMessage(*field.message, field.reflection->GetMessage(message, field.descriptor));
  }

  absl::Status Done() const {
    return out_.fault == nullptr ? absl::OkStatus() : base::Internal(std::string("no JSON form: ") + out_.fault);
  }

 private:
  void PrintFields(const MessagePlan& plan, const Message& message) {
    for (const FieldPlan& field : plan.fields) PrintField(field, message);
  }

  void PrintField(const FieldPlan& field, const Message& message) {
    if (field.repeated || field.map) {
      if (field.reflection->FieldSize(message, field.descriptor) == 0) return;
      out_.Key(field);
      return PrintValueOf(field, message);
    }
    if (field.message == nullptr) return field.ops->print_field(out_, message, field);
    if (!field.reflection->HasField(message, field.descriptor)) return;
    const Message& value = field.reflection->GetMessage(message, field.descriptor);
    if (IsEmptyValue(*field.message, value)) return;
    out_.Key(field);
    PrintMessage(*field.message, value);
  }

  // A google.protobuf.Value with nothing in it has no JSON form; it is left out, as json_util does.
  static bool IsEmptyValue(const MessagePlan& plan, const Message& value) {
    return plan.well_known == WellKnown::kValue &&
           static_cast<const pb::Value&>(value).kind_case() == pb::Value::KIND_NOT_SET;
  }

  void PrintList(const FieldPlan& field, const Message& message) {
    if (field.message == nullptr) return field.ops->print_list(out_, message, field);
    const int size = field.reflection->FieldSize(message, field.descriptor);
    out_.text->push_back('[');
    for (int i = 0; i < size; ++i) {
      const Message& value = field.reflection->GetRepeatedMessage(message, field.descriptor, i);
      if (IsEmptyValue(*field.message, value)) continue;
      Separate();
      PrintMessage(*field.message, value);
    }
    out_.text->push_back(']');
  }

  void Separate() {
    if (out_.text->back() != '[' && out_.text->back() != '{') out_.text->push_back(',');
  }

  void PrintMap(const FieldPlan& field, const Message& message) {
    const FieldPlan& key = field.message->fields[0];
    const FieldPlan& value = field.message->fields[1];
    const int size = field.reflection->FieldSize(message, field.descriptor);
    std::vector<const Message*> entries;
    entries.reserve(static_cast<size_t>(size));
    for (int i = 0; i < size; ++i) {
      entries.push_back(&field.reflection->GetRepeatedMessage(message, field.descriptor, i));
    }
    std::sort(entries.begin(), entries.end(), [&](const Message* a, const Message* b) { return KeyLess(key, *a, *b); });
    out_.text->push_back('{');
    for (const Message* entry : entries) {
      if (value.message != nullptr &&
          IsEmptyValue(*value.message, value.reflection->GetMessage(*entry, value.descriptor))) {
        continue;
      }
      Separate();
      PrintKey(key, *entry);
      out_.text->push_back(':');
      PrintValueOf(value, *entry);
    }
    out_.text->push_back('}');
  }

  static bool KeyLess(const FieldPlan& key, const Message& a, const Message& b) {
    const Reflection& r = *key.reflection;
    const FieldDescriptor* f = key.descriptor;
    switch (f->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return r.GetInt32(a, f) < r.GetInt32(b, f);
      case FieldDescriptor::CPPTYPE_INT64:
        return r.GetInt64(a, f) < r.GetInt64(b, f);
      case FieldDescriptor::CPPTYPE_UINT32:
        return r.GetUInt32(a, f) < r.GetUInt32(b, f);
      case FieldDescriptor::CPPTYPE_UINT64:
        return r.GetUInt64(a, f) < r.GetUInt64(b, f);
      case FieldDescriptor::CPPTYPE_BOOL:
        return r.GetBool(a, f) < r.GetBool(b, f);
      default: {
        std::string scratch_a, scratch_b;
        return r.GetStringReference(a, f, &scratch_a) < r.GetStringReference(b, f, &scratch_b);
      }
    }
  }

  // 64-bit integers and strings come in quotes already.
  void PrintKey(const FieldPlan& key, const Message& entry) {
    const size_t start = out_.text->size();
    key.ops->print_value(out_, entry, key);
    if ((*out_.text)[start] == '"') return;
    out_.text->insert(start, 1, '"');
    out_.text->push_back('"');
  }

  void PrintWellKnown(const MessagePlan& plan, const Message& message) {
    switch (plan.well_known) {
      case WellKnown::kTimestamp: {
        const auto& time = static_cast<const pb::Timestamp&>(message);
        return Quoted([&] { return AppendTimestamp(time.seconds(), time.nanos(), out_.text); },
                      "timestamp out of range");
      }
      case WellKnown::kDuration: {
        const auto& span = static_cast<const pb::Duration&>(message);
        return Quoted([&] { return AppendDuration(span.seconds(), span.nanos(), out_.text); }, "duration out of range");
      }
      case WellKnown::kFieldMask:
        return PrintFieldMask(static_cast<const pb::FieldMask&>(message));
      case WellKnown::kStruct:
        return PrintStruct(static_cast<const pb::Struct&>(message));
      case WellKnown::kValue:
        return PrintValue(static_cast<const pb::Value&>(message));
      case WellKnown::kListValue:
        return PrintListValue(static_cast<const pb::ListValue&>(message));
      case WellKnown::kWrapper:
        return plan.fields[0].ops->print_value(out_, message, plan.fields[0]);
      case WellKnown::kAny:
        return PrintAny(static_cast<const pb::Any&>(message));
      case WellKnown::kNone:
        return;
    }
  }

  template <typename Append>
  void Quoted(const Append& append, const char* fault) {
    out_.text->push_back('"');
    if (!append()) out_.fault = fault;
    out_.text->push_back('"');
  }

  void PrintFieldMask(const pb::FieldMask& mask) {
    std::string joined;
    for (const std::string& path : mask.paths()) {
      if (&path != &mask.paths(0)) joined.push_back(',');
      AppendCamelPath(path, &joined);
    }
    AppendQuoted(joined, out_.text);
  }

  void PrintStruct(const pb::Struct& value) {
    std::vector<const pb::Map<std::string, pb::Value>::value_type*> entries;
    entries.reserve(value.fields().size());
    for (const auto& entry : value.fields()) entries.push_back(&entry);
    std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    out_.text->push_back('{');
    for (const auto* entry : entries) {
      if (entry->second.kind_case() == pb::Value::KIND_NOT_SET) continue;
      Separate();
      AppendQuoted(entry->first, out_.text);
      out_.text->push_back(':');
      PrintValue(entry->second);
    }
    out_.text->push_back('}');
  }

  void PrintListValue(const pb::ListValue& list) {
    out_.text->push_back('[');
    for (const pb::Value& value : list.values()) {
      if (value.kind_case() == pb::Value::KIND_NOT_SET) continue;
      Separate();
      PrintValue(value);
    }
    out_.text->push_back(']');
  }

  void PrintValue(const pb::Value& value) {
    switch (value.kind_case()) {
      case pb::Value::KIND_NOT_SET:
      case pb::Value::kNullValue:
        out_.text->append("null");
        return;
      case pb::Value::kNumberValue:
        return AppendDouble(value.number_value(), out_.text);
      case pb::Value::kStringValue:
        return AppendQuoted(value.string_value(), out_.text);
      case pb::Value::kBoolValue:
        out_.text->append(value.bool_value() ? "true" : "false");
        return;
      case pb::Value::kStructValue:
        return PrintStruct(value.struct_value());
      case pb::Value::kListValue:
        return PrintListValue(value.list_value());
    }
  }

  void PrintAny(const pb::Any& any) {
    out_.text->push_back('{');
    if (!any.type_url().empty()) PrintAnyFields(any);
    out_.text->push_back('}');
  }

  void PrintAnyFields(const pb::Any& any) {
    const std::string& url = any.type_url();
    const MessagePlan* plan = transcoder_.Find(std::string_view(url).substr(url.rfind('/') + 1));
    if (plan == nullptr) {
      out_.fault = "Any of a type that is not registered";
      return;
    }
    const std::unique_ptr<Message> message(plan->prototype->New());
    if (!message->ParseFromString(any.value())) {
      out_.fault = "Any whose bytes are not of its type";
      return;
    }
    out_.text->append("\"@type\":");
    AppendQuoted(url, out_.text);
    if (plan->well_known == WellKnown::kNone) return PrintFields(*plan, *message);
    if (any.value().empty()) return;  // as json_util does
    out_.text->append(",\"value\":");
    PrintWellKnown(*plan, *message);
  }

  const Transcoder& transcoder_;
  JsonOut out_;
};

}  // namespace

absl::Status Transcoder::Print(const MessagePlan& plan, const Message& message, std::string* out) const {
  Printer printer(*this, out);
  printer.PrintMessage(plan, message);
  return printer.Done();
}

absl::Status Transcoder::PrintField(const FieldPlan& field, const Message& message, std::string* out) const {
  Printer printer(*this, out);
  printer.PrintValueOf(field, message);
  return printer.Done();
}

}  // namespace dinh::gateway::transcode

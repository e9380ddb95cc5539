// Plans: from descriptors, once.
#include "services/gateway/transcode/transcoder.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "services/gateway/transcode/scalars.h"
#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway::transcode {
namespace {

WellKnown WellKnownOf(const Descriptor& type) {
  switch (type.well_known_type()) {
    case Descriptor::WELLKNOWNTYPE_DOUBLEVALUE:
    case Descriptor::WELLKNOWNTYPE_FLOATVALUE:
    case Descriptor::WELLKNOWNTYPE_INT64VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT64VALUE:
    case Descriptor::WELLKNOWNTYPE_INT32VALUE:
    case Descriptor::WELLKNOWNTYPE_UINT32VALUE:
    case Descriptor::WELLKNOWNTYPE_STRINGVALUE:
    case Descriptor::WELLKNOWNTYPE_BYTESVALUE:
    case Descriptor::WELLKNOWNTYPE_BOOLVALUE:
      return WellKnown::kWrapper;
    case Descriptor::WELLKNOWNTYPE_ANY:
      return WellKnown::kAny;
    case Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return WellKnown::kFieldMask;
    case Descriptor::WELLKNOWNTYPE_DURATION:
      return WellKnown::kDuration;
    case Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return WellKnown::kTimestamp;
    case Descriptor::WELLKNOWNTYPE_VALUE:
      return WellKnown::kValue;
    case Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return WellKnown::kListValue;
    case Descriptor::WELLKNOWNTYPE_STRUCT:
      return WellKnown::kStruct;
    default:
      return WellKnown::kNone;
  }
}

std::shared_ptr<const EnumPlan> PlanEnum(const google::protobuf::EnumDescriptor& type) {
  auto plan = std::make_shared<EnumPlan>();
  plan->is_null_value = type.full_name() == "google.protobuf.NullValue";
  std::vector<std::pair<std::string, int>> names;
  for (int i = 0; i < type.value_count(); ++i) {
    const auto& value = *type.value(i);
    names.emplace_back(value.name(), i);
    plan->values.push_back(value.number());
    // An alias prints as the name declared first.
    plan->by_number.emplace_back(value.number(), "\"" + type.FindValueByNumber(value.number())->name() + "\"");
  }
  std::sort(plan->by_number.begin(), plan->by_number.end());
  plan->by_number.erase(std::unique(plan->by_number.begin(), plan->by_number.end()), plan->by_number.end());
  plan->by_name.Build(names);
  return plan;
}

absl::Status CannotPlan(std::string_view name, std::string_view why) {
  const std::string text = std::string(name) + ": " + std::string(why);
  return base::FailedPrecondition("NO_JSON_FORM", {"Không có dạng JSON: " + text, "No JSON form: " + text});
}

}  // namespace

struct Transcoder::Builder {
  Transcoder& transcoder;

  absl::StatusOr<const MessagePlan*> Message(const Descriptor& type) {
    auto& slot = transcoder.plans_[type.full_name()];
    if (slot != nullptr) return slot.get();  // done, or being done further up (a type that contains itself)
    slot = std::make_unique<MessagePlan>();
    MessagePlan& plan = *slot;
    plan.descriptor = &type;
    plan.well_known = WellKnownOf(type);
    plan.oneofs = type.real_oneof_decl_count();
    plan.prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type);
    if (plan.prototype == nullptr) return CannotPlan(type.full_name(), "the type is not linked in");
    std::vector<const FieldDescriptor*> fields;
    fields.reserve(static_cast<size_t>(type.field_count()));
    for (int i = 0; i < type.field_count(); ++i) fields.push_back(type.field(i));
    std::sort(fields.begin(), fields.end(), [](const auto* a, const auto* b) { return a->number() < b->number(); });
    std::vector<std::pair<std::string, int>> names;
    // Filled completely before any message type below is visited: that may need this plan again, but not its fields.
    for (const FieldDescriptor* field : fields) {
      const int index = static_cast<int>(plan.fields.size());
      plan.fields.push_back(Field(*field, index));
      names.emplace_back(field->name(), index);
      names.emplace_back(field->json_name(), index);
    }
    if (!plan.names.Build(names)) return CannotPlan(type.full_name(), "two fields share a JSON name");
    for (FieldPlan& field : plan.fields) {
      if (field.descriptor->type() == FieldDescriptor::TYPE_GROUP) return CannotPlan(field.name, "groups");
      if (field.descriptor->message_type() == nullptr) continue;
      ASSIGN_OR_RETURN(field.message, Message(*field.descriptor->message_type()));
    }
    return &plan;
  }

  FieldPlan Field(const FieldDescriptor& descriptor, int index) {
    FieldPlan field;
    field.descriptor = &descriptor;
    field.reflection = google::protobuf::MessageFactory::generated_factory()
                           ->GetPrototype(descriptor.containing_type())
                           ->GetReflection();
    field.name = descriptor.name();
    AppendQuoted(field.name, &field.key);
    field.key.push_back(':');
    field.index = index;
    field.map = descriptor.is_map();
    field.repeated = descriptor.is_repeated() && !field.map;
    field.presence = descriptor.has_presence();
    field.ops = OpsOf(descriptor);
    const auto* oneof = descriptor.real_containing_oneof();
    if (oneof != nullptr) field.oneof = oneof->index();  // real oneofs are numbered before synthetic ones
    if (descriptor.enum_type() != nullptr) {
      auto& plan = transcoder.enums_[descriptor.enum_type()->full_name()];
      if (plan == nullptr) plan = PlanEnum(*descriptor.enum_type());
      field.enums = plan;
    }
    return field;
  }
};

Transcoder::Transcoder() = default;
Transcoder::~Transcoder() = default;

absl::StatusOr<const MessagePlan*> Transcoder::Add(const Descriptor* type) { return Builder{*this}.Message(*type); }

const MessagePlan* Transcoder::Find(std::string_view full_name) const {
  const auto found = plans_.find(full_name);
  return found == plans_.end() ? nullptr : found->second.get();
}

}  // namespace dinh::gateway::transcode

// Scalars: a token into the field, element, entry or value it belongs to.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "services/gateway/transcode/json_handler.h"
#include "services/gateway/transcode/scalars.h"
#include "services/gateway/transcode/text_forms.h"
#include "services/gateway/transcode/well_known.h"

namespace dinh::gateway::transcode {
namespace {

constexpr std::string_view kTypeUrlPrefix = "type.googleapis.com/";

bool IsNullValue(const FieldPlan& field) {
  if (field.message != nullptr) return field.message->well_known == WellKnown::kValue;
  return field.enums != nullptr && field.enums->is_null_value;
}

}  // namespace

bool Handler::Put(const Token& token) {
  Frame& frame = Top();
  switch (frame.kind) {
    case Frame::kRoot:
      return StoreMessage(token, frame.message, *frame.plan);
    case Frame::kRootField:
    case Frame::kMessage:
      return PutInMessage(frame, token);
    case Frame::kList:
      ++frame.index;
      return Store(token, frame.message, *frame.field, true);
    case Frame::kMap: {
      Message* entry = NewEntry(frame);
      return entry != nullptr && Store(token, entry, frame.field->message->fields[1], false);
    }
    case Frame::kStruct:
      return StoreValue(token, NewStructValue(frame));
    case Frame::kListValue:
      ++frame.index;
      return StoreValue(token, static_cast<pb::ListValue*>(frame.message)->add_values());
    case Frame::kAny:
      return StoreAnyType(frame, token);
    case Frame::kAnyValue:
      return StoreMessage(token, frame.message, *frame.plan);
  }
  return false;
}

bool Handler::PutInMessage(Frame& frame, const Token& token) {
  const FieldPlan& field = *frame.field;
  if (token.kind == Token::kNull && !IsNullValue(field)) return true;  // null: as if it were not there
  if (field.repeated) return token.kind == Token::kNull || FailList();
  if (field.map) return FailObject();
  if (frame.kind == Frame::kMessage && !MarkOneof(frame)) return false;
  return Store(token, frame.message, field, false);
}

bool Handler::Store(const Token& token, Message* message, const FieldPlan& field, bool add) {
  if (field.message != nullptr) {
    Message* sub = add ? field.reflection->AddMessage(message, field.descriptor)
                       : field.reflection->MutableMessage(message, field.descriptor);
    return StoreMessage(token, sub, *field.message);
  }
  Fault fault = Fault::kWrongType;
  switch (token.kind) {
    case Token::kNull:
      if (IsNullValue(field)) fault = field.ops->set_number(message, field, add, "0");
      break;
    case Token::kBool:
      fault = field.ops->set_bool(message, field, add, token.flag);
      break;
    case Token::kNumber:
      fault = field.ops->set_number(message, field, add, token.text);
      break;
    case Token::kString:
      fault = field.ops->set_string(message, field, add, token.text);
      break;
  }
  if (fault == Fault::kNone) return true;
  return Fail(fault == Fault::kWrongType ? "WRONG_TYPE" : "BAD_VALUE", Expectation(field, fault));
}

bool Handler::StoreMessage(const Token& token, Message* message, const MessagePlan& plan) {
  switch (plan.well_known) {
    case WellKnown::kWrapper:
      return Store(token, message, plan.fields[0], false);
    case WellKnown::kValue:
      return StoreValue(token, static_cast<pb::Value*>(message));
    case WellKnown::kTimestamp:
    case WellKnown::kDuration:
    case WellKnown::kFieldMask:
      if (token.kind == Token::kString && SetWellKnownText(plan, token.text, message)) return true;
      return Fail(token.kind == Token::kString ? "BAD_VALUE" : "WRONG_TYPE", WellKnownExpectation(plan));
    case WellKnown::kListValue:
      return FailList();
    default:
      return FailObject();
  }
}

bool Handler::StoreValue(const Token& token, pb::Value* value) {
  switch (token.kind) {
    case Token::kNull:
      value->set_null_value(pb::NULL_VALUE);
      return true;
    case Token::kBool:
      value->set_bool_value(token.flag);
      return true;
    case Token::kString:
      value->set_string_value(std::string(token.text));
      return true;
    case Token::kNumber: {
      double number = 0;
      if (ParseDouble(token.text, &number) != NumberResult::kOk) {
        return Fail("BAD_VALUE", {"số quá lớn.", "the number is too large."});
      }
      value->set_number_value(number);
      return true;
    }
  }
  return false;
}

Message* Handler::NewEntry(Frame& frame) {
  const FieldPlan& field = *frame.field;
  const FieldPlan& key = field.message->fields[0];
  const std::string_view text(frame.key, frame.key_size);
  Message* entry = field.reflection->AddMessage(frame.message, field.descriptor);
  // A number has one spelling as a key, so that two keys are the same number only if they are the same text.
  const bool number = key.descriptor->cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
                      key.descriptor->cpp_type() != FieldDescriptor::CPPTYPE_BOOL;
  const bool canonical = !number || text.find_first_not_of("-0123456789") == std::string_view::npos;
  const Fault fault = canonical && text != "-0" ? key.ops->set_text(entry, key, false, text) : Fault::kBadFormat;
  if (fault == Fault::kNone) return entry;
  Fail("BAD_VALUE", Expectation(key, fault));
  return nullptr;
}

pb::Value* Handler::NewStructValue(Frame& frame) {
  auto& fields = *static_cast<pb::Struct*>(frame.message)->mutable_fields();
  return &fields[std::string(frame.key, frame.key_size)];
}

// "@type" has been read: the frame goes on as the message it names.
bool Handler::StoreAnyType(Frame& frame, const Token& token) {
  auto* any = static_cast<pb::Any*>(frame.message);
  const MessagePlan* plan = nullptr;
  if (token.kind == Token::kString && token.text.starts_with(kTypeUrlPrefix)) {
    plan = transcoder_.Find(token.text.substr(kTypeUrlPrefix.size()));
  }
  if (plan == nullptr) {
    return Fail("BAD_VALUE",
                {"“@type” không phải là loại được nhận ở đây.", "\"@type\" is not a type that is taken here."});
  }
  any->set_type_url(std::string(token.text));
  any_payloads_.emplace_back(plan->prototype->New());
  frame.message = any_payloads_.back().get();
  frame.plan = plan;
  frame.any = any;
  frame.field = nullptr;
  frame.key = nullptr;
  frame.kind = plan->well_known == WellKnown::kNone ? Frame::kMessage : Frame::kAnyValue;
  frame.first = seen_.size();
  if (frame.kind == Frame::kMessage)
    seen_.resize(seen_.size() + plan->fields.size() + static_cast<size_t>(plan->oneofs));
  return true;
}

bool Handler::CloseAny(pb::Any* any) {
  // Payloads are closed in the reverse order of their opening.
  const std::unique_ptr<Message> payload = std::move(any_payloads_.back());
  any_payloads_.pop_back();
  return payload->SerializeToString(any->mutable_value());
}

}  // namespace dinh::gateway::transcode

// Objects and lists: opening, keys, closing.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "services/gateway/transcode/json_handler.h"
#include "services/gateway/transcode/scalars.h"
#include "services/gateway/transcode/text_forms.h"
#include "services/gateway/transcode/well_known.h"

namespace dinh::gateway::transcode {

Frame* Handler::Push(Frame::Kind kind, Message* message) {
  if (depth_ > kMaxDepth) {
    Fail("TOO_DEEP", {"dữ liệu lồng nhau quá " + std::to_string(kMaxDepth) + " tầng.",
                      "nested more than " + std::to_string(kMaxDepth) + " levels deep."});
    return nullptr;
  }
  Frame& frame = frames_[static_cast<size_t>(depth_++)];
  frame = {kind, message, nullptr, nullptr, nullptr, 0, 0, -1, nullptr};
  return &frame;
}

bool Handler::PushMessage(const MessagePlan& plan, Message* message) {
  Frame* frame = Push(Frame::kMessage, message);
  if (frame == nullptr) return false;
  frame->plan = &plan;
  frame->first = seen_.size();
  seen_.resize(seen_.size() + plan.fields.size() + static_cast<size_t>(plan.oneofs));
  return true;
}

bool Handler::PushNamed(Frame::Kind kind, Message* message, const FieldPlan* field) {
  Frame* frame = Push(kind, message);
  if (frame == nullptr) return false;
  frame->field = field;
  frame->first = keys_.size();
  return true;
}

std::string Handler::Path() const {
  std::string path;
  const auto name = [&](std::string_view part) {
    if (!path.empty()) path.push_back('.');
    path.append(part.substr(0, kMaxNameInError));
  };
  for (int i = 0; i < depth_; ++i) {
    const Frame& frame = frames_[static_cast<size_t>(i)];
    switch (frame.kind) {
      case Frame::kMessage:
      case Frame::kRootField:
        if (frame.field != nullptr) name(frame.field->name);
        break;
      case Frame::kMap:
      case Frame::kStruct:
        if (frame.key != nullptr) name({frame.key, frame.key_size});
        break;
      case Frame::kList:
      case Frame::kListValue:
        if (frame.index >= 0) path += "[" + std::to_string(frame.index) + "]";
        break;
      case Frame::kRoot:
      case Frame::kAny:
      case Frame::kAnyValue:
        break;
    }
  }
  // A name may have been cut within a character.
  while (!path.empty() && !IsUtf8(path)) path.pop_back();
  return path;
}

// rapidjson turns a lone low surrogate escape into bytes that are not UTF-8.
bool Handler::GoodString(std::string_view value) {
  if (!has_escapes_ || IsUtf8(value)) return true;
  return Fail("MALFORMED_JSON",
              {"mã \\u thiếu một nửa của cặp thay thế (surrogate).", "a \\u escape is half of a surrogate pair."});
}

bool Handler::Key(const char* text, SizeType size, bool) {
  Frame& frame = Top();
  const std::string_view name(text, size);
  if (!GoodString(name)) return false;
  switch (frame.kind) {
    case Frame::kMessage:
      return KeyInMessage(frame, name);
    case Frame::kMap:
    case Frame::kStruct:
      frame.key = text;
      frame.key_size = size;
      keys_.push_back(name);
      return true;
    case Frame::kAny:
      if (name == "@type" && frame.key == nullptr) {
        frame.key = text;
        return true;
      }
      return Fail("WRONG_TYPE", {"“@type” phải đứng đầu.", "\"@type\" must come first."});
    case Frame::kAnyValue:
      if (name == "value" && frame.key == nullptr) {
        frame.key = text;
        return true;
      }
      return Fail("UNKNOWN_FIELD", {"chỉ nhận “value” sau “@type”.", "only \"value\" may follow \"@type\"."});
    default:
      return false;
  }
}

bool Handler::KeyInMessage(Frame& frame, std::string_view name) {
  const FieldPlan* field = frame.plan->FindField(name);
  if (field == nullptr) {
    frame.field = nullptr;
    std::string path = Path();
    if (!path.empty()) path.push_back('.');
    path.append(name.substr(0, kMaxNameInError));
    while (!IsUtf8(path)) path.pop_back();
    return FailAt(path, "UNKNOWN_FIELD",
                  {"không có trường này; hãy kiểm tra lại tên hoặc bỏ đi.",
                   "there is no such field; check its name or leave it out."});
  }
  frame.field = field;
  uint8_t& seen = seen_[frame.first + static_cast<size_t>(field->index)];
  if (seen != 0) {
    return Fail("DUPLICATE_FIELD", {"trường này có hai lần; hãy giữ một.", "it stands twice; keep one of them."});
  }
  seen = 1;
  return true;
}

// A oneof takes one field; null does not count.
bool Handler::MarkOneof(Frame& frame) {
  if (frame.field->oneof < 0) return true;
  uint8_t& seen = seen_[frame.first + frame.plan->fields.size() + static_cast<size_t>(frame.field->oneof)];
  if (seen != 0) {
    return Fail("ONEOF_CONFLICT",
                {"chỉ được đặt một trong các trường của nhóm này.", "only one field of this group may be set."});
  }
  seen = 1;
  return true;
}

bool Handler::OpenObject(Message* message, const MessagePlan& plan) {
  switch (plan.well_known) {
    case WellKnown::kNone:
      return PushMessage(plan, message);
    case WellKnown::kStruct:
      return PushNamed(Frame::kStruct, message, nullptr);
    case WellKnown::kValue:
      return PushNamed(Frame::kStruct, static_cast<pb::Value*>(message)->mutable_struct_value(), nullptr);
    case WellKnown::kAny:
      return Push(Frame::kAny, message) != nullptr;
    case WellKnown::kListValue:
      return FailList();
    case WellKnown::kWrapper:
      return FailExpected(Expectation(plan.fields[0], Fault::kWrongType));
    default:
      return FailExpected(WellKnownExpectation(plan));
  }
}

bool Handler::StartObject() {
  Frame& frame = Top();
  switch (frame.kind) {
    case Frame::kRoot:
    case Frame::kAnyValue:
      return OpenObject(frame.message, *frame.plan);
    case Frame::kRootField:
    case Frame::kMessage: {
      const FieldPlan& field = *frame.field;
      if (field.map) return PushNamed(Frame::kMap, frame.message, &field);
      if (field.repeated) return FailList();
      if (field.message == nullptr) return FailExpected(Expectation(field, Fault::kWrongType));
      if (frame.kind == Frame::kMessage && !MarkOneof(frame)) return false;
      return OpenObject(field.reflection->MutableMessage(frame.message, field.descriptor), *field.message);
    }
    case Frame::kList: {
      const FieldPlan& field = *frame.field;
      ++frame.index;
      if (field.message == nullptr) return FailExpected(Expectation(field, Fault::kWrongType));
      return OpenObject(field.reflection->AddMessage(frame.message, field.descriptor), *field.message);
    }
    case Frame::kMap: {
      const FieldPlan& value = frame.field->message->fields[1];
      if (value.message == nullptr) return FailExpected(Expectation(value, Fault::kWrongType));
      Message* entry = NewEntry(frame);
      if (entry == nullptr) return false;
      return OpenObject(value.reflection->MutableMessage(entry, value.descriptor), *value.message);
    }
    case Frame::kStruct:
      return PushNamed(Frame::kStruct, NewStructValue(frame)->mutable_struct_value(), nullptr);
    case Frame::kListValue: {
      ++frame.index;
      pb::Value* value = static_cast<pb::ListValue*>(frame.message)->add_values();
      return PushNamed(Frame::kStruct, value->mutable_struct_value(), nullptr);
    }
    case Frame::kAny:
      return Fail("WRONG_TYPE", {"“@type” phải là một chuỗi.", "\"@type\" must be a string."});
  }
  return false;
}

bool Handler::EndObject(SizeType) {
  Frame& frame = Top();
  pb::Any* const any = frame.any;
  if (frame.kind == Frame::kMessage) seen_.resize(frame.first);
  if ((frame.kind == Frame::kMap || frame.kind == Frame::kStruct) && !NoDuplicates(frame)) return false;
  --depth_;
  return any == nullptr || CloseAny(any);
}

// Sorting a map's keys once at its end keeps the time linear (n log n of short keys) whatever keys a client chooses.
bool Handler::NoDuplicates(Frame& frame) {
  const auto begin = keys_.begin() + static_cast<std::ptrdiff_t>(frame.first);
  if (keys_.end() - begin > 1) {
    std::sort(begin, keys_.end());
    const auto twice = std::adjacent_find(begin, keys_.end());
    if (twice != keys_.end()) {
      frame.key = twice->data();
      frame.key_size = twice->size();
      return Fail("DUPLICATE_FIELD", {"khóa này có hai lần; hãy giữ một.", "this key stands twice; keep one of them."});
    }
  }
  keys_.resize(frame.first);
  return true;
}

bool Handler::OpenList(Message* message, const MessagePlan& plan) {
  if (plan.well_known == WellKnown::kListValue) return Push(Frame::kListValue, message) != nullptr;
  if (plan.well_known == WellKnown::kValue) {
    return Push(Frame::kListValue, static_cast<pb::Value*>(message)->mutable_list_value()) != nullptr;
  }
  if (plan.well_known == WellKnown::kWrapper) return FailExpected(Expectation(plan.fields[0], Fault::kWrongType));
  if (plan.well_known == WellKnown::kNone || plan.well_known == WellKnown::kStruct ||
      plan.well_known == WellKnown::kAny) {
    return FailObject();
  }
  return FailExpected(WellKnownExpectation(plan));
}

bool Handler::StartArray() {
  Frame& frame = Top();
  switch (frame.kind) {
    case Frame::kRoot:
    case Frame::kAnyValue:
      return OpenList(frame.message, *frame.plan);
    case Frame::kRootField:
    case Frame::kMessage: {
      const FieldPlan& field = *frame.field;
      if (field.repeated) return PushNamed(Frame::kList, frame.message, &field);
      if (field.map) return FailObject();
      if (field.message == nullptr) return FailExpected(Expectation(field, Fault::kWrongType));
      if (frame.kind == Frame::kMessage && !MarkOneof(frame)) return false;
      return OpenList(field.reflection->MutableMessage(frame.message, field.descriptor), *field.message);
    }
    case Frame::kList: {
      const FieldPlan& field = *frame.field;
      ++frame.index;
      if (field.message == nullptr) return FailExpected(Expectation(field, Fault::kWrongType));
      return OpenList(field.reflection->AddMessage(frame.message, field.descriptor), *field.message);
    }
    case Frame::kMap: {
      const FieldPlan& value = frame.field->message->fields[1];
      if (value.message == nullptr) return FailExpected(Expectation(value, Fault::kWrongType));
      Message* entry = NewEntry(frame);
      if (entry == nullptr) return false;
      return OpenList(value.reflection->MutableMessage(entry, value.descriptor), *value.message);
    }
    case Frame::kStruct:
      return Push(Frame::kListValue, NewStructValue(frame)->mutable_list_value()) != nullptr;
    case Frame::kListValue: {
      ++frame.index;
      pb::Value* value = static_cast<pb::ListValue*>(frame.message)->add_values();
      return Push(Frame::kListValue, value->mutable_list_value()) != nullptr;
    }
    case Frame::kAny:
      return Fail("WRONG_TYPE", {"“@type” phải là một chuỗi.", "\"@type\" must be a string."});
  }
  return false;
}

}  // namespace dinh::gateway::transcode

// What rapidjson calls while it reads: writes each token where the innermost open object or list says. Internal to the
// transcoder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/struct.pb.h"
#include "libs/base/status.h"
#include "rapidjson/rapidjson.h"
#include "services/gateway/transcode/transcoder.h"

namespace dinh::gateway::transcode {

namespace pb = google::protobuf;
using rapidjson::SizeType;

constexpr size_t kMaxNameInError = 64;  // bytes of a client's key that an error repeats

struct Token {
  enum Kind : uint8_t { kNull, kBool, kNumber, kString } kind;
  bool flag = false;
  std::string_view text;
};

// One open object or list. Plain memory, because there are kMaxDepth of them on the stack.
struct Frame {
  enum Kind : uint8_t { kRoot, kRootField, kMessage, kList, kMap, kStruct, kListValue, kAny, kAnyValue } kind;
  Message* message;         // kList, kMap: the holder of the field; otherwise what is being filled
  const MessagePlan* plan;  // kRoot, kMessage, kAnyValue
  const FieldPlan* field;   // kMessage: of the current key; kList, kMap, kRootField
  const char* key;          // kMap, kStruct: the current key
  size_t key_size;
  size_t first;  // kMessage: start of its slots in seen_; kMap, kStruct: of its keys in keys_
  int index;     // kList, kListValue: of the current element
  pb::Any* any;  // kMessage, kAnyValue: packed into this at the end
};

class Handler {
 public:
  using Ch = char;

  Handler(const Transcoder& transcoder, bool has_escapes) : transcoder_(transcoder), has_escapes_(has_escapes) {
    seen_.reserve(64);
  }

  void StartRoot(const MessagePlan& plan, Message* message) { Push(Frame::kRoot, message)->plan = &plan; }
  void StartRootField(const FieldPlan& field, Message* message) { Push(Frame::kRootField, message)->field = &field; }
  const absl::Status& status() const { return status_; }

  bool Null() { return Put({Token::kNull}); }
  bool Bool(bool value) { return Put({Token::kBool, value}); }
  bool RawNumber(const char* text, SizeType size, bool) { return Put({Token::kNumber, false, {text, size}}); }
  bool String(const char* text, SizeType size, bool) {
    const std::string_view value(text, size);
    if (!GoodString(value)) return false;
    return Put({Token::kString, false, value});
  }
  bool Key(const char* text, SizeType size, bool);
  bool StartObject();
  bool EndObject(SizeType);
  bool StartArray();
  bool EndArray(SizeType) {
    --depth_;
    return true;
  }
  // Numbers come as text only.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

  // The field the parser is in: "filer.phones[2]".
  std::string Path() const;

 private:
  Frame& Top() { return frames_[static_cast<size_t>(depth_ - 1)]; }
  Frame* Push(Frame::Kind kind, Message* message);
  bool PushMessage(const MessagePlan& plan, Message* message);
  bool PushNamed(Frame::Kind kind, Message* message, const FieldPlan* field);

  bool Put(const Token& token);
  bool PutInMessage(Frame& frame, const Token& token);
  bool Store(const Token& token, Message* message, const FieldPlan& field, bool add);
  bool StoreMessage(const Token& token, Message* message, const MessagePlan& plan);
  bool StoreValue(const Token& token, pb::Value* value);
  bool StoreAnyType(Frame& frame, const Token& token);
  bool OpenObject(Message* message, const MessagePlan& plan);
  bool OpenList(Message* message, const MessagePlan& plan);
  bool KeyInMessage(Frame& frame, std::string_view name);
  bool MarkOneof(Frame& frame);
  Message* NewEntry(Frame& frame);
  pb::Value* NewStructValue(Frame& frame);
  bool CloseAny(pb::Any* any);
  bool NoDuplicates(Frame& frame);
  bool GoodString(std::string_view value);

  bool Fail(std::string_view reason, base::Text text) { return FailAt(Path(), reason, std::move(text)); }
  bool FailAt(std::string_view path, std::string_view reason, base::Text text) {
    if (path.empty()) path = "body";
    status_ = base::InvalidField(path, std::move(text), reason);
    return false;
  }
  bool FailExpected(base::Text text) { return Fail("WRONG_TYPE", std::move(text)); }
  bool FailObject() { return FailExpected({"cần một đối tượng JSON {…}.", "a JSON object {…} is needed."}); }
  bool FailList() { return FailExpected({"cần một danh sách JSON […].", "a JSON list […] is needed."}); }

  const Transcoder& transcoder_;
  const bool has_escapes_;
  absl::Status status_;
  int depth_ = 0;
  std::array<Frame, kMaxDepth + 1> frames_;  // and the root
  std::vector<uint8_t> seen_;                // per open message: its fields, then its oneofs
  std::vector<std::string_view> keys_;       // of the open maps and structs
  std::vector<std::unique_ptr<Message>> any_payloads_;
};

}  // namespace dinh::gateway::transcode

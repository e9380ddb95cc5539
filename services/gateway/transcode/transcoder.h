// JSON <-> protobuf by the proto3 JSON mapping, compiled per message type at start.
//
// Output: proto field names, fields in the order of their numbers, defaults left out, 64-bit integers as strings, bytes
// in base64, enums by name: byte for byte what protobuf's json_util prints with preserve_proto_field_names, but with
// map entries in the order of their keys, so that equal messages give equal bytes (an ETag hashes them).
//
// Input: strict RFC 8259 in UTF-8. Proto and JSON names are accepted. Refused: unknown and repeated keys, two fields of
// a oneof, numbers out of range or with a fraction where an integer is due, nesting above kMaxDepth, lone surrogates.
// Errors are INVALID_ARGUMENT with the path of the field and texts in both languages; a value is never quoted in them.
// The time is linear in the input. google.protobuf.Any: only types that were added, and "@type" must come first.
//
// Thread safety: Add everything before the first Parse or Print; after that all methods are const and thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/gateway/transcode/plan.h"

namespace dinh::gateway::transcode {

// Objects and lists within each other.
inline constexpr int kMaxDepth = 64;

class Transcoder {
 public:
  Transcoder();
  ~Transcoder();
  Transcoder(const Transcoder&) = delete;
  Transcoder& operator=(const Transcoder&) = delete;

  // The plan of `type` and of all it contains. FAILED_PRECONDITION for what has no JSON form (groups, types that are
  // not linked in, two fields of one JSON name).
  absl::StatusOr<const MessagePlan*> Add(const Descriptor* type);
  // Full name; nullptr when not added.
  const MessagePlan* Find(std::string_view full_name) const;

  // `out` is of the plan's type; what it holds already stays where `json` says nothing about it. After an error its
  // contents mean nothing.
  absl::Status Parse(const MessagePlan& plan, std::string_view json, Message* out) const;
  // `json` is the value of one field of `out` (google.api.http's body: "field").
  absl::Status ParseField(const FieldPlan& field, std::string_view json, Message* out) const;

  // Appends to `out`. INTERNAL for a value without a JSON form (a timestamp after the year 9999).
  absl::Status Print(const MessagePlan& plan, const Message& message, std::string* out) const;
  // The value of one field, default or not (google.api.http's response_body).
  absl::Status PrintField(const FieldPlan& field, const Message& message, std::string* out) const;

 private:
  struct Builder;

  std::map<std::string, std::unique_ptr<MessagePlan>, std::less<>> plans_;
  std::map<std::string, std::shared_ptr<const EnumPlan>, std::less<>> enums_;
};

// Sets (appends to, when repeated) a field from the text of a path or query variable: numbers and booleans as text,
// enums by name or number, bytes as base64, Timestamp, Duration, FieldMask and wrappers as in JSON without quotes.
// INVALID_ARGUMENT with `path` as the field.
absl::Status SetFromText(const FieldPlan& field, std::string_view text, std::string_view path, Message* message);

}  // namespace dinh::gateway::transcode

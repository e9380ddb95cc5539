// Which fields are personal data is said once, in the proto: (dinh.options.v1.personal) = true. Everything here reads
// it.
//
// Thread safety: functions of their arguments; the answers about descriptors are kept by the caller where they matter.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace dinh::auth {

inline constexpr size_t kRedactedBytesMax = 4096;

bool IsPersonal(const google::protobuf::FieldDescriptor& field);

// Whether a message of this type can hold personal data at any depth. An Any counts as personal: nobody can tell.
bool MayHoldPersonal(const google::protobuf::Descriptor& type);

// For logs: one line in the text format with "[personal]" for every personal field that is set (whole maps and lists
// too), "[any]" for an Any, unknown fields left out, cut after `bytes_max`.
std::string RedactedDebugString(const google::protobuf::Message& message, size_t bytes_max = kRedactedBytesMax);

// Each personal field that is set, at any depth; `path` like "form.applicants[1].phone" or
// "contacts[].value.phone" in a map.
// A personal field is not looked into. INVALID_ARGUMENT reason ANY_REFUSED when the message holds an Any that is set.
using PersonalVisitor = std::function<void(const std::string& path, const google::protobuf::Message& holder,
                                           const google::protobuf::FieldDescriptor& field)>;
absl::Status ForEachPersonalField(const google::protobuf::Message& message, const PersonalVisitor& visit);

// Clears every personal field in place. Same errors; then the message is cleared altogether.
absl::Status ClearPersonal(google::protobuf::Message* message);

}  // namespace dinh::auth

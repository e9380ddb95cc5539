// The field rules of options.proto, compiled once per message type into a flat plan; running it costs nothing for
// fields without rules.
//
// Finds every violation of a request at once, each with its field path ("form.copies", "attachments[2].id",
// "labels[\"a\"]") and a text in both languages. Changes one thing: texts of FORMAT_TEXT are brought to NFC.
//
// Thread safety: immutable after Compile.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "libs/base/status.h"

namespace dinh::rpc {

class Validator {
 public:
  // FAILED_PRECONDITION when a rule does not fit its field (a pattern on a number) or a pattern cannot be read.
  static absl::StatusOr<std::unique_ptr<Validator>> Compile(const google::protobuf::Descriptor& message);
  ~Validator();

  // INVALID_ARGUMENT with all violations (at most 50). `message` must be of the compiled type.
  absl::Status Check(google::protobuf::Message* message) const;
  // true: nothing is ever found or changed.
  bool empty() const;
  // true: Check may change the message.
  bool mutates() const;

 private:
  struct Plan;
  class Compiler;
  class Run;
  Validator();
  std::vector<std::unique_ptr<Plan>> plans_;  // one per message type; [0] is the root
};

}  // namespace dinh::rpc

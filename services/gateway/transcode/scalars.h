// Values of one field between text and protobuf: what a function pointer in a plan leads to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "libs/base/status.h"
#include "services/gateway/transcode/plan.h"

namespace dinh::gateway::transcode {

// What is wrong with a value; the text for the reader follows from this and the field.
enum class Fault : uint8_t { kNone, kWrongType, kOutOfRange, kNotInteger, kBadFormat, kUnknownEnum };

// Writes JSON; remembers the first thing that could not be written.
struct JsonOut {
  std::string* text;
  const char* fault = nullptr;

  void Key(const FieldPlan& field) {
    if (text->back() != '{') text->push_back(',');
    text->append(field.key);
  }
};

// `add`: append to the repeated field instead of setting the singular one.
struct ScalarOps {
  // Writes ",key:value" unless the field is not set.
  void (*print_field)(JsonOut& out, const Message& message, const FieldPlan& field);
  // Writes the value of a singular field, default or not.
  void (*print_value)(JsonOut& out, const Message& message, const FieldPlan& field);
  // Writes "[…]" of a repeated field.
  void (*print_list)(JsonOut& out, const Message& message, const FieldPlan& field);
  // From a JSON number, a JSON string, a JSON boolean.
  Fault (*set_number)(Message* message, const FieldPlan& field, bool add, std::string_view text);
  Fault (*set_string)(Message* message, const FieldPlan& field, bool add, std::string_view text);
  Fault (*set_bool)(Message* message, const FieldPlan& field, bool add, bool value);
  // From the text of a path or query variable.
  Fault (*set_text)(Message* message, const FieldPlan& field, bool add, std::string_view text);
};

// nullptr for messages and groups.
const ScalarOps* OpsOf(const FieldDescriptor& field);

// What the field needs, for the reader of an error.
base::Text Expectation(const FieldPlan& field, Fault fault);

}  // namespace dinh::gateway::transcode

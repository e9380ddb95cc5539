// What the transcoder knows about a message type, worked out once at start: names, keys ready to print, and per field
// a table of functions for its type. Nothing here is looked up in descriptors while a request runs.
//
// Thread safety: built by Transcoder::Add before the first request, immutable afterwards.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace dinh::gateway::transcode {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct MessagePlan;
struct ScalarOps;

// Names to small numbers without a probe: a seed is searched for under which no two names share a cell, so a lookup is
// one hash and one comparison. Two names may lead to the same number (proto name and JSON name).
class NameTable {
 public:
  static constexpr int kAbsent = -1;
  // The same name may be given twice only with the same number. false when it is not so.
  bool Build(const std::vector<std::pair<std::string, int>>& names);
  int Find(std::string_view name) const {
    if (cells_.empty()) return kAbsent;
    const Cell& cell = cells_[Hash(name, seed_) & mask_];
    return cell.name == name ? cell.number : kAbsent;
  }

 private:
  struct Cell {
    std::string name;
    int number = kAbsent;
  };
  static uint64_t Hash(std::string_view name, uint64_t seed);

  std::vector<Cell> cells_;
  uint64_t seed_ = 0;
  uint64_t mask_ = 0;
};

// An enum's names both ways.
struct EnumPlan {
  NameTable by_name;                                   // -> index in `values`
  std::vector<std::pair<int, std::string>> by_number;  // sorted; the first declared name in quotes, ready to print
  std::vector<int> values;
  bool is_null_value = false;  // google.protobuf.NullValue prints as null
};

struct FieldPlan {
  const FieldDescriptor* descriptor = nullptr;
  const Reflection* reflection = nullptr;
  std::string name;       // proto name, as errors and output tell it
  std::string key;        // "\"name\":"
  int index = 0;          // within MessagePlan::fields
  int oneof = -1;         // slot of a real oneof, -1 otherwise
  bool repeated = false;  // lists, not maps
  bool map = false;
  bool presence = false;
  const ScalarOps* ops = nullptr;        // scalars and enums
  const MessagePlan* message = nullptr;  // messages; for maps the entry's plan (fields: key, value)
  std::shared_ptr<const EnumPlan> enums;
};

enum class WellKnown : uint8_t {
  kNone,
  kTimestamp,
  kDuration,
  kFieldMask,
  kStruct,
  kValue,
  kListValue,
  kWrapper,
  kAny
};

struct MessagePlan {
  const Descriptor* descriptor = nullptr;
  const Message* prototype = nullptr;
  WellKnown well_known = WellKnown::kNone;
  std::vector<FieldPlan> fields;  // by field number, which is the order of output
  NameTable names;                // proto and JSON names -> index in `fields`
  int oneofs = 0;

  const FieldPlan* FindField(std::string_view field_name) const {
    const int index = names.Find(field_name);
    return index == NameTable::kAbsent ? nullptr : &fields[static_cast<size_t>(index)];
  }
};

}  // namespace dinh::gateway::transcode

// JSON Schemas (2020-12, as OpenAPI 3.1 uses them) of protobuf messages in the proto3 JSON mapping.
#pragma once

#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "nlohmann/json.hpp"
#include "services/gateway/openapi/comments.h"

namespace dinh::gateway {

// Keeps insertion order, so that the document is the same on every start.
using Json = nlohmann::ordered_json;

class Schemas {
 public:
  explicit Schemas(const Comments& comments) : comments_(comments) {}

  // A field's schema with its rules, comment and example; messages become references.
  Json Field(const google::protobuf::FieldDescriptor& field);
  // {"$ref": …}; the message and all it uses are then part of Components().
  Json Ref(const google::protobuf::Descriptor& message);
  // The message spelled out without the fields in `without`.
  Json Object(const google::protobuf::Descriptor& message, const std::set<std::string>& without = {});
  // Name -> schema of everything referred to.
  const std::map<std::string, Json>& Components() const { return components_; }

 private:
  Json Type(const google::protobuf::FieldDescriptor& field);
  Json WellKnown(const google::protobuf::Descriptor& message);
  Json Enum(const google::protobuf::EnumDescriptor& type);

  const Comments& comments_;
  std::map<std::string, Json> components_;
};

}  // namespace dinh::gateway

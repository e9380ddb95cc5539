#include "services/gateway/openapi/schemas.h"

#include "dinh/options/v1/options.pb.h"

namespace dinh::gateway {
namespace {

namespace options = ::dinh::options::v1;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// What a format means in JSON Schema, with an example that passes it.
void ApplyFormat(options::Format format, Json& schema) {
  auto text = [&](const char* pattern, const char* example) {
    schema["pattern"] = pattern;
    schema["examples"] = Json::array({example});
  };
  switch (format) {
    case options::FORMAT_DATE:
      schema["format"] = "date";
      schema["examples"] = Json::array({"2026-02-13"});
      break;
    case options::FORMAT_PARTIAL_DATE:
      text("^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", "1950-05");
      break;
    case options::FORMAT_UUID:
      schema["format"] = "uuid";
      schema["examples"] = Json::array({"0190a5b2-7e3c-7abc-8def-0123456789ab"});
      break;
    case options::FORMAT_PHONE:
      text("^(0|\\+?84)[0-9]{9}$", "0900000001");
      break;
    case options::FORMAT_PERSONAL_NUMBER:
      text("^[0-9]{12}$", "038190000001");
      break;
    case options::FORMAT_UNIT_CODE:
      text("^([0-9]{2,5}|v-[a-z0-9-]+)$", "15865");
      break;
    case options::FORMAT_EMAIL:
      schema["format"] = "email";
      break;
    default:
      break;
  }
}

void ApplyRule(const options::FieldRule& rule, bool repeated, Json& field) {
  Json& value = repeated && field.contains("items") ? field["items"] : field;
  if (rule.min_length() > 0) value["minLength"] = rule.min_length();
  if (rule.max_length() > 0) value["maxLength"] = rule.max_length();
  if (rule.has_min()) value["minimum"] = rule.min();
  if (rule.has_max()) value["maximum"] = rule.max();
  ApplyFormat(rule.format(), value);
  if (!rule.pattern().empty()) value["pattern"] = "^(" + rule.pattern() + ")$";
  if (repeated) {
    if (rule.min_items() > 0) field["minItems"] = rule.min_items();
    if (rule.max_items() > 0) field["maxItems"] = rule.max_items();
  }
  if (rule.output_only()) field["readOnly"] = true;
}

}  // namespace

Json Schemas::Enum(const google::protobuf::EnumDescriptor& type) {
  Json values = Json::array();
  std::string text = comments_.Of(type.full_name());
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;  // UNSPECIFIED is the absence of a value
    values.push_back(type.value(i)->name());
    const std::string scope = type.full_name() + "." + type.value(i)->name();
    if (const std::string& note = comments_.Of(scope); !note.empty())
      text += "\n* " + type.value(i)->name() + ": " + note;
  }
  Json schema = {{"type", "string"}, {"enum", values}};
  if (!text.empty()) schema["description"] = text;
  return schema;
}

// The JSON form of Google's types; null for any other message.
Json Schemas::WellKnown(const Descriptor& message) {
  const std::string& name = message.full_name();
  if (name.rfind("google.protobuf.", 0) != 0) return nullptr;
  const std::string kind = name.substr(16);
  if (kind == "Timestamp") return {{"type", "string"}, {"format", "date-time"}};
  if (kind == "Duration") return {{"type", "string"}, {"pattern", "^-?[0-9]+(\\.[0-9]+)?s$"}};
  if (kind == "FieldMask") return {{"type", "string"}};
  if (kind == "Struct") return {{"type", "object"}, {"additionalProperties", true}};
  if (kind == "ListValue") return {{"type", "array"}, {"items", Json::object()}};
  if (kind == "Value" || kind == "Any") return Json::object();
  if (kind == "Empty") return {{"type", "object"}};
  if (kind == "BoolValue") return {{"type", Json::array({"boolean", "null"})}};
  if (kind == "StringValue" || kind == "BytesValue" || kind == "Int64Value" || kind == "UInt64Value") {
    return {{"type", Json::array({"string", "null"})}};
  }
  return {{"type", Json::array({"number", "null"})}};
}

Json Schemas::Type(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return {{"type", "integer"}, {"format", "int32"}};
    case FieldDescriptor::CPPTYPE_UINT32:
      return {{"type", "integer"}, {"minimum", 0}};
    case FieldDescriptor::CPPTYPE_INT64:
      return {{"type", "string"}, {"format", "int64"}};
    case FieldDescriptor::CPPTYPE_UINT64:
      return {{"type", "string"}, {"format", "uint64"}};
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return {{"type", "number"}};
    case FieldDescriptor::CPPTYPE_BOOL:
      return {{"type", "boolean"}};
    case FieldDescriptor::CPPTYPE_ENUM:
      return Enum(*field.enum_type());
    case FieldDescriptor::CPPTYPE_STRING:
      return field.type() == FieldDescriptor::TYPE_BYTES ? Json{{"type", "string"}, {"contentEncoding", "base64"}}
                                                         : Json{{"type", "string"}};
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      Json known = WellKnown(*field.message_type());
      return known.is_null() ? Ref(*field.message_type()) : known;
    }
  }
  return Json::object();
}

Json Schemas::Field(const FieldDescriptor& field) {
  Json schema;
  if (field.is_map()) {
    schema = {{"type", "object"}, {"additionalProperties", Type(*field.message_type()->map_value())}};
  } else if (field.is_repeated()) {
    schema = {{"type", "array"}, {"items", Type(field)}};
  } else {
    schema = Type(field);
  }
  ApplyRule(field.options().GetExtension(options::rule), field.is_repeated(), schema);
  if (const std::string& text = comments_.Of(field.full_name()); !text.empty()) schema["description"] = text;
  if (field.options().GetExtension(options::personal)) schema["x-personal"] = true;
  return schema;
}

Json Schemas::Ref(const Descriptor& message) {
  const std::string& name = message.full_name();
  if (!components_.contains(name)) {
    components_[name] = nullptr;  // breaks cycles
    Json schema = Object(message);
    components_[name] = std::move(schema);
  }
  return {{"$ref", "#/components/schemas/" + name}};
}

Json Schemas::Object(const Descriptor& message, const std::set<std::string>& without) {
  Json schema = {{"type", "object"}};
  if (const std::string& text = comments_.Of(message.full_name()); !text.empty()) schema["description"] = text;
  Json properties = Json::object(), required = Json::array();
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (without.contains(field.name())) continue;
    properties[field.name()] = Field(field);
    if (field.options().GetExtension(options::rule).required()) required.push_back(field.name());
  }
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  schema["additionalProperties"] = false;
  return schema;
}

}  // namespace dinh::gateway

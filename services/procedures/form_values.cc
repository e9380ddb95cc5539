#include "services/procedures/form_values.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "libs/base/status.h"

namespace dinh::procedures {
namespace {

constexpr int kFormDepthMax = 4;
constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53

std::string NumberText(double number) {
  if (std::nearbyint(number) == number && std::fabs(number) <= kExactIntegerMax) {
    return std::to_string(static_cast<int64_t>(number));
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", number);
  return text;
}

absl::Status Flatten(const google::protobuf::Struct& form, const std::string& prefix, int depth, Values& out) {
  for (const auto& [key, value] : form.fields()) {
    const std::string id = prefix + key;
    using Kind = google::protobuf::Value;
    switch (value.kind_case()) {
      case Kind::kNumberValue:
        out[id] = NumberText(value.number_value());
        break;
      case Kind::kStringValue:
        out[id] = value.string_value();
        break;
      case Kind::kBoolValue:
        out[id] = value.bool_value() ? "true" : "false";
        break;
      case Kind::kStructValue:
        if (depth < kFormDepthMax) {
          RETURN_IF_ERROR(Flatten(value.struct_value(), id + ".", depth + 1, out));
          break;
        }
        [[fallthrough]];
      case Kind::kListValue:
        return base::InvalidField("form." + id.substr(0, 64),
                                  {"Mục này chỉ nhận một giá trị đơn. Hãy gửi chữ, số hoặc đúng/sai.",
                                   "This field takes a single value. Send a text, a number or a boolean."});
      case Kind::kNullValue:
      case Kind::KIND_NOT_SET:
        break;
    }
    if (out.size() > kFormFieldsMax) {
      return base::InvalidField("form", {"Biểu mẫu có quá nhiều mục.", "The form has too many fields."});
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Values> FlattenForm(const google::protobuf::Struct& form) {
  Values out;
  RETURN_IF_ERROR(Flatten(form, "", 1, out));
  return out;
}

google::protobuf::Struct ToStruct(const FormDefinition& definition, const Values& values) {
  google::protobuf::Struct out;
  for (const auto& [id, text] : values) {
    google::protobuf::Value& value = (*out.mutable_fields())[id];
    const Field* field = definition.Find(id);
    if (field != nullptr && field->type == FieldType::kInteger) {
      value.set_number_value(std::strtod(text.c_str(), nullptr));
    } else if (field != nullptr && field->type == FieldType::kBoolean) {
      value.set_bool_value(text == "true");
    } else {
      value.set_string_value(text);
    }
  }
  return out;
}

}  // namespace dinh::procedures

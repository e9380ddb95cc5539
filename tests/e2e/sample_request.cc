#include "tests/e2e/sample_request.h"

#include <map>

#include "dinh/options/v1/options.pb.h"

namespace dinh::testing {
namespace {

namespace opt = ::dinh::options::v1;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using nlohmann::json;

constexpr int kDepthMax = 4;

// Values whose rule is a pattern, by the field's name.
const std::map<std::string, std::string>& ByName() {
  static const std::map<std::string, std::string> values = {
      {"procedure", "2.000635"},  {"code", "000000"},           {"relation", "self"},
      {"tax_code", "0100109106"}, {"username", "thu.nghiem.2"}, {"role", "specialist"},
      {"agency", "ubnd-15865"},   {"id", "ubnd-15865"},         {"token", std::string(43, 'A')},
  };
  return values;
}

std::string TextFor(const FieldDescriptor& field, const opt::FieldRule& rule) {
  switch (rule.format()) {
    case opt::FORMAT_DATE:
      return "2026-02-13";
    case opt::FORMAT_PARTIAL_DATE:
      return "1990-05";
    case opt::FORMAT_UUID:
      return "0190a5b2-7e3c-7abc-8def-0000000000fe";
    case opt::FORMAT_PHONE:
      return "0900000099";
    case opt::FORMAT_PERSONAL_NUMBER:
      return "038190000099";
    case opt::FORMAT_UNIT_CODE:
      return "15865";
    case opt::FORMAT_EMAIL:
      return "thu@example.vn";
    default:
      break;
  }
  const auto named = ByName().find(field.name());
  if (named != ByName().end() && !rule.pattern().empty()) return named->second;
  std::string text = "Nội dung để thử";
  while (text.size() < rule.min_length()) text += " thêm";
  return text;
}

json ValueFor(const FieldDescriptor& field, const opt::FieldRule& rule, int depth);

json MessageOf(const Descriptor& message, const std::set<std::string>& skip, int depth) {
  json out = json::object();
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const opt::FieldRule& rule = field.options().GetExtension(opt::rule);
    if (skip.contains(field.name()) || rule.output_only()) continue;
    if (field.name() == "etag") {
      out["etag"] = "khong-con-moi";
    } else if (rule.required() || rule.min_items() > 0) {
      const json value = ValueFor(field, rule, depth);
      out[field.name()] = field.is_repeated() ? json::array({value}) : value;
    }
  }
  return out;
}

json ValueFor(const FieldDescriptor& field, const opt::FieldRule& rule, int depth) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return TextFor(field, rule);
    case FieldDescriptor::CPPTYPE_BOOL:
      return true;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return depth < kDepthMax ? MessageOf(*field.message_type(), {}, depth + 1) : json::object();
    case FieldDescriptor::CPPTYPE_ENUM:
      return 1;
    default:
      return rule.has_min() ? rule.min() : 1;
  }
}

}  // namespace

json SampleOf(const Descriptor& message, const std::set<std::string>& skip) { return MessageOf(message, skip, 0); }

}  // namespace dinh::testing

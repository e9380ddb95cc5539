// Answers of Open311, written as XML and as JSON: whatever stands in a text, both must be well-formed and say the same
// to readers that are not ours (expat, nlohmann). Lines of the input: texts; an empty one begins a new service.
#include "nlohmann/json.hpp"
#include "services/gateway/open311/document.h"
#include "services/gateway/open311/xml_test_util.h"
#include "services/gateway/transcode/text_forms.h"
#include "tests/fuzz/fuzz.h"

namespace dinh::fuzz {
namespace {

namespace open311 = gateway::open311;

// What XML 1.0 can hold of a text in UTF-8 (section 2.2).
std::string XmlText(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::string_view here = text.substr(i, 3);
    if (here == "\xEF\xBF\xBE" || here == "\xEF\xBF\xBF") {
      i += 2;
    } else if (byte >= 0x20 || byte == '\n' || byte == '\t' || byte == '\r') {
      out.push_back(text[i]);
    }
  }
  return out;
}

open311::Node Tree(std::string_view text) {
  open311::Node services = open311::List("services");
  open311::Node* service = &services.Add(open311::Object("service"));
  size_t names = 0;
  constexpr std::string_view kNames[] = {"service_code", "service_name", "description",
                                         "metadata",     "keywords",     "group"};
  for (Input input(text); !input.empty();) {
    const std::string_view line = input.Line();
    if (line.empty() || names == std::size(kNames)) {
      service = &services.Add(open311::Object("service"));
      names = 0;
    } else {
      service->Add(open311::Text(kNames[names++], line));
    }
  }
  return services;
}

void CheckXml(const open311::Node& node, const open311::XmlElement& read, bool utf8) {
  FUZZ_CHECK(read.name == node.name && read.children.size() == node.children.size());
  if (utf8) FUZZ_CHECK(read.text == XmlText(node.text), read.text + " | " + node.text);
  for (size_t i = 0; i < node.children.size(); ++i) CheckXml(node.children[i], read.children[i], utf8);
}

void CheckJson(const open311::Node& services, const nlohmann::json& read) {
  FUZZ_CHECK(read.is_array() && read.size() == services.children.size());
  for (size_t i = 0; i < read.size(); ++i) {
    FUZZ_CHECK(read[i].size() == services.children[i].children.size());
    for (const open311::Node& member : services.children[i].children) {
      const auto& value = read[i][std::string(member.name)];
      if (gateway::transcode::IsUtf8(member.text)) FUZZ_CHECK(value == member.text, member.text);
    }
  }
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  const std::string_view text = View(data, size);
  const open311::Node services = Tree(text);
  const std::string xml = open311::ToXml(services);
  const auto read = open311::ParseXml(xml);
  FUZZ_CHECK(read.has_value(), xml);
  CheckXml(services, *read, dinh::gateway::transcode::IsUtf8(text));
  const std::string json = open311::ToJson(services);
  FUZZ_CHECK(nlohmann::json::accept(json), json);
  CheckJson(services, nlohmann::json::parse(json, nullptr, false));
  return 0;
}

// Reads XML with expat, so that tests see what a client's parser sees.
#pragma once

#include <expat.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dinh::gateway::open311 {

struct XmlElement {
  std::string name;
  std::string text;
  std::vector<XmlElement> children;

  // The first child of that name; one without a name when there is none.
  const XmlElement& operator[](std::string_view child) const {
    static const XmlElement kNone;
    for (const XmlElement& one : children) {
      if (one.name == child) return one;
    }
    return kNone;
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const XmlElement& one : children) names.push_back(one.name);
    return names;
  }
};

// The root; nullopt when `text` is not well-formed.
inline std::optional<XmlElement> ParseXml(std::string_view text) {
  struct State {
    XmlElement document;
    std::vector<std::string> path;
    XmlElement& Open() {
      XmlElement* at = &document;
      for (size_t i = 0; i < path.size(); ++i) at = &at->children.back();
      return *at;
    }
  } state;
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(nullptr), &XML_ParserFree);
  XML_SetUserData(parser.get(), &state);
  XML_SetElementHandler(
      parser.get(),
      [](void* user, const XML_Char* name, const XML_Char**) {
        auto& s = *static_cast<State*>(user);
        s.Open().children.push_back({name, "", {}});
        s.path.emplace_back(name);
      },
      [](void* user, const XML_Char*) { static_cast<State*>(user)->path.pop_back(); });
  XML_SetCharacterDataHandler(parser.get(), [](void* user, const XML_Char* bytes, int size) {
    static_cast<State*>(user)->Open().text.append(bytes, static_cast<size_t>(size));
  });
  if (XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE) != XML_STATUS_OK) {
    return std::nullopt;
  }
  return state.document.children.front();
}

}  // namespace dinh::gateway::open311

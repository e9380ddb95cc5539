#include "services/gateway/open311/document.h"

#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway::open311 {
namespace {

void WriteJson(const Node& node, std::string* out) {
  switch (node.kind) {
    case Node::Kind::kText:
      if (node.text.empty()) {
        *out += "null";
      } else {
        transcode::AppendQuoted(node.text, out);
      }
      return;
    case Node::Kind::kLiteral:
      *out += node.text;
      return;
    case Node::Kind::kObject:
    case Node::Kind::kList:
      break;
  }
  const bool object = node.kind == Node::Kind::kObject;
  out->push_back(object ? '{' : '[');
  for (const Node& child : node.children) {
    if (&child != &node.children.front()) out->push_back(',');
    if (object) {
      transcode::AppendQuoted(child.name, out);
      out->push_back(':');
    }
    WriteJson(child, out);
  }
  out->push_back(object ? '}' : ']');
}

// U+FFFE and U+FFFF, the two code points of UTF-8 texts beyond the controls that XML 1.0 leaves out (section 2.2).
bool IsNoncharacter(std::string_view text) {
  return text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF");
}

void WriteXmlText(std::string_view text, std::string* out) {
  const bool utf8 = transcode::IsUtf8(text);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '&') {
      *out += "&amp;";
    } else if (c == '<') {
      *out += "&lt;";
    } else if (c == '>') {
      *out += "&gt;";
    } else if (c == '\r') {
      *out += "&#13;";  // a bare one would be read as a line feed
    } else if (byte < 0x20 && c != '\n' && c != '\t') {
      continue;
    } else if (byte >= 0x80 && !utf8) {
      out->push_back('?');
    } else if (byte == 0xEF && IsNoncharacter(text.substr(i))) {
      i += 2;
    } else {
      out->push_back(c);
    }
  }
}

void WriteXml(const Node& node, std::string* out) {
  out->push_back('<');
  *out += node.name;
  if (node.text.empty() && node.children.empty()) {
    *out += "/>";
    return;
  }
  out->push_back('>');
  WriteXmlText(node.text, out);
  for (const Node& child : node.children) WriteXml(child, out);
  *out += "</";
  *out += node.name;
  out->push_back('>');
}

}  // namespace

Node Text(std::string_view name, std::string_view text) { return {name, Node::Kind::kText, std::string(text), {}}; }

Node Number(std::string_view name, double value) {
  Node node = {name, Node::Kind::kLiteral, "", {}};
  transcode::AppendDouble(value, &node.text);
  return node;
}

Node Integer(std::string_view name, int64_t value) { return {name, Node::Kind::kLiteral, std::to_string(value), {}}; }

Node Bool(std::string_view name, bool value) { return {name, Node::Kind::kLiteral, value ? "true" : "false", {}}; }

Node Object(std::string_view name, std::vector<Node> members) {
  return {name, Node::Kind::kObject, "", std::move(members)};
}

Node List(std::string_view name) { return {name, Node::Kind::kList, "", {}}; }

std::string ToJson(const Node& root) {
  std::string out;
  WriteJson(root, &out);
  return out;
}

std::string ToXml(const Node& root) {
  std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
  WriteXml(root, &out);
  return out;
}

}  // namespace dinh::gateway::open311

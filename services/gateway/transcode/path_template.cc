#include "services/gateway/transcode/path_template.h"

#include "libs/base/status.h"

namespace dinh::gateway::transcode {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
// RFC 3986 unreserved, and what stands unencoded in paths without a meaning of its own here.
bool IsLiteral(char c) { return IsLetter(c) || IsDigit(c) || c == '-' || c == '.' || c == '~' || c == '@' || c == '+'; }

class TemplateParser {
 public:
  explicit TemplateParser(std::string_view text) : text_(text) {}

  absl::StatusOr<PathTemplate> Run() {
    if (!Take('/')) return Wrong("a template begins with '/'");
    RETURN_IF_ERROR(Segments(/*in_variable=*/false));
    if (Take(':')) {
      out_.verb = Literal();
      if (out_.verb.empty()) return Wrong("a verb is missing after ':'");
    }
    if (at_ != text_.size()) return Wrong("unexpected character");
    return out_;
  }

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  std::string Literal() {
    const size_t start = at_;
    while (IsLiteral(Peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  absl::Status Segments(bool in_variable) {
    do {
      if (!out_.segments.empty() && out_.segments.back().kind == PathTemplate::Kind::kDoubleStar) {
        return Wrong("'**' must stand last");
      }
      RETURN_IF_ERROR(Segment(in_variable));
    } while (Take('/'));
    return absl::OkStatus();
  }

  absl::Status Segment(bool in_variable) {
    if (Take('*')) {
      out_.segments.push_back({Take('*') ? PathTemplate::Kind::kDoubleStar : PathTemplate::Kind::kStar, ""});
      return absl::OkStatus();
    }
    if (Peek() == '{') {
      if (in_variable) return Wrong("a variable within a variable");
      return Variable();
    }
    std::string literal = Literal();
    if (literal.empty()) return Wrong("an empty segment");
    out_.segments.push_back({PathTemplate::Kind::kLiteral, std::move(literal)});
    return absl::OkStatus();
  }

  absl::Status Variable() {
    Take('{');
    PathTemplate::Variable variable;
    variable.first = out_.segments.size();
    do {
      if (!variable.field_path.empty()) variable.field_path.push_back('.');
      const size_t start = at_;
      if (!IsLetter(Peek())) return Wrong("a field name is missing");
      while (IsLetter(Peek()) || IsDigit(Peek())) ++at_;
      variable.field_path.append(text_.substr(start, at_ - start));
    } while (Take('.'));
    if (Take('=')) {
      RETURN_IF_ERROR(Segments(/*in_variable=*/true));
    } else {
      out_.segments.push_back({PathTemplate::Kind::kStar, ""});
    }
    if (!Take('}')) return Wrong("'}' is missing");
    variable.count = out_.segments.size() - variable.first;
    variable.rest = out_.segments.back().kind == PathTemplate::Kind::kDoubleStar;
    for (const auto& other : out_.variables) {
      if (other.field_path == variable.field_path) return Wrong("a variable stands twice");
    }
    out_.variables.push_back(std::move(variable));
    return absl::OkStatus();
  }

  absl::Status Wrong(std::string_view what) const {
    const std::string where = "\"" + std::string(text_) + "\", " + std::to_string(at_) + ": " + std::string(what);
    return base::Error(absl::StatusCode::kInvalidArgument, "BAD_PATH_TEMPLATE",
                       {"Mẫu đường dẫn sai: " + where, "Bad path template: " + where});
  }

  const std::string_view text_;
  size_t at_ = 0;
  PathTemplate out_;
};

}  // namespace

absl::StatusOr<PathTemplate> PathTemplate::Parse(std::string_view text) { return TemplateParser(text).Run(); }

std::string PathTemplate::Shape() const {
  std::string shape;
  for (const Segment& segment : segments) {
    shape.push_back('/');
    switch (segment.kind) {
      case Kind::kLiteral:
        shape += segment.literal;
        break;
      case Kind::kStar:
        shape += "*";
        break;
      case Kind::kDoubleStar:
        shape += "**";
        break;
    }
  }
  if (!verb.empty()) shape += ":" + verb;
  return shape;
}

std::string PathTemplate::OpenApiPath() const {
  std::string path;
  size_t next = 0;
  for (size_t i = 0; i < segments.size();) {
    path.push_back('/');
    if (next < variables.size() && variables[next].first == i) {
      path += "{" + variables[next].field_path + "}";
      i += variables[next].count;
      ++next;
      continue;
    }
    path += segments[i].kind == Kind::kLiteral ? segments[i].literal : "*";
    ++i;
  }
  if (!verb.empty()) path += ":" + verb;
  return path;
}

}  // namespace dinh::gateway::transcode

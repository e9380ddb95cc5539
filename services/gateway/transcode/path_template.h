// Path templates of google.api.http:
//
//   Template = "/" Segments [ ":" Verb ]      Segment  = "*" | "**" | Literal | Variable
//   Segments = Segment { "/" Segment }        Variable = "{" FieldPath [ "=" Segments ] "}"
//
// `**` stands last. Thread safety: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::gateway::transcode {

struct PathTemplate {
  enum class Kind { kLiteral, kStar, kDoubleStar };
  struct Segment {
    Kind kind = Kind::kLiteral;
    std::string literal;
  };
  // Takes the segments [first, first + count); with `rest` everything from `first` on.
  struct Variable {
    std::string field_path;  // "unit.code"
    size_t first = 0;
    size_t count = 1;
    bool rest = false;
    // Several segments, or a `**`: reserved characters stay encoded in the value, so that its slashes can be told
    // apart.
    bool multi() const { return rest || count != 1; }
  };

  std::vector<Segment> segments;
  std::vector<Variable> variables;
  std::string verb;  // without the colon

  // INVALID_ARGUMENT with what is wrong and where.
  static absl::StatusOr<PathTemplate> Parse(std::string_view text);
  // "/v1/units/*:resolve": templates of one shape match the same paths.
  std::string Shape() const;
  // "/v1/units/{code}:resolve": what OpenAPI calls the path.
  std::string OpenApiPath() const;
};

}  // namespace dinh::gateway::transcode

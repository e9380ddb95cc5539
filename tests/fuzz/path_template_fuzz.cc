// Path templates and the router: lines of templates, an empty line, lines of paths. Every path must be found exactly
// when a plain comparison with each template says that one fits, and then by a template that fits.
#include <optional>
#include <set>
#include <vector>

#include "libs/http/url.h"
#include "services/gateway/transcode/path_router.h"
#include "services/gateway/transcode/path_template.h"
#include "tests/fuzz/fuzz.h"

namespace dinh::fuzz {
namespace {

using gateway::transcode::kMaxPathSegments;
using gateway::transcode::PathRouter;
using gateway::transcode::PathTemplate;

std::optional<std::vector<std::string>> Cut(std::string_view path) {
  if (path.size() < 2 || path[0] != '/') return std::nullopt;
  std::vector<std::string> segments;
  Input input(path.substr(1));
  while (!input.empty()) segments.emplace_back(input.Until('/'));
  if (path.ends_with('/')) return std::nullopt;
  for (const std::string& segment : segments) {
    if (segment.empty()) return std::nullopt;
  }
  return segments;
}

bool FitsSegments(const PathTemplate& path, const std::vector<std::string>& segments) {
  size_t at = 0;
  for (const PathTemplate::Segment& segment : path.segments) {
    if (segment.kind == PathTemplate::Kind::kDoubleStar) return true;
    if (at == segments.size()) return false;
    if (segment.kind == PathTemplate::Kind::kLiteral && segments[at] != segment.literal) {
      const auto decoded = http::PercentDecode(segments[at]);
      if (!decoded.ok() || *decoded != segment.literal) return false;
    }
    ++at;
  }
  return at == segments.size();
}

bool Fits(const PathTemplate& path, std::vector<std::string> segments) {
  if (path.verb.empty()) return FitsSegments(path, segments);
  std::string& last = segments.back();
  const size_t colon = last.rfind(':');
  if (colon == std::string::npos || colon == 0 || last.substr(colon + 1) != path.verb) return false;
  last.resize(colon);
  return FitsSegments(path, segments);
}

void CheckTemplate(const PathTemplate& path) {
  const auto again = PathTemplate::Parse(path.Shape());
  FUZZ_CHECK(again.ok() && again->Shape() == path.Shape(), path.Shape());
  FUZZ_CHECK(path.OpenApiPath().starts_with('/'));
  for (const PathTemplate::Variable& variable : path.variables) {
    FUZZ_CHECK(!variable.field_path.empty() && variable.count > 0);
    FUZZ_CHECK(variable.first + variable.count <= path.segments.size());
  }
}

// The templates that the router took, by target.
std::vector<PathTemplate> AddTemplates(Input* input, PathRouter* router) {
  constexpr size_t kTemplatesMax = 16;
  std::vector<PathTemplate> templates;
  std::set<std::string> shapes;
  while (!input->empty() && templates.size() < kTemplatesMax) {
    const std::string_view line = input->Line();
    if (line.empty()) break;
    const auto path = PathTemplate::Parse(line);
    if (!path.ok()) continue;
    CheckTemplate(*path);
    const bool fresh = shapes.insert(path->Shape()).second;
    FUZZ_CHECK(router->Add("GET", *path, static_cast<int>(templates.size())).ok() == fresh, path->Shape());
    if (fresh) templates.push_back(*path);
  }
  return templates;
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh::fuzz;
  Input input(View(data, size));
  PathRouter router;
  const std::vector<PathTemplate> templates = AddTemplates(&input, &router);
  constexpr int kPathsMax = 32;
  for (int i = 0; i < kPathsMax && !input.empty(); ++i) {
    const ExactCopy path(input.Line());
    const auto segments = Cut(path.view());
    const bool can_fit = segments && segments->size() <= kMaxPathSegments;
    bool fits = false;
    for (const PathTemplate& one : templates) fits |= can_fit && Fits(one, *segments);
    const PathRouter::Match match = router.Find("GET", path.view());
    FUZZ_CHECK((match.target >= 0) == fits, std::string(path.view()));
    if (match.target >= 0) FUZZ_CHECK(Fits(templates[static_cast<size_t>(match.target)], *segments));
    FUZZ_CHECK(router.Find("POST", path.view()).target < 0);
    FUZZ_CHECK(router.Find("POST", path.view()).allowed.empty() == !fits);
  }
  return 0;
}

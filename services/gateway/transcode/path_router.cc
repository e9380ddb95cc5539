#include "services/gateway/transcode/path_router.h"

#include <algorithm>
#include <set>

#include "libs/base/status.h"
#include "libs/http/url.h"

namespace dinh::gateway::transcode {
namespace {

// false: no absolute path, an empty segment, or too many.
bool Cut(std::string_view path, PathSegments* out) {
  if (path.size() < 2 || path[0] != '/') return false;
  path.remove_prefix(1);
  for (;;) {
    const size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || out->count == kMaxPathSegments) return false;
    out->at[out->count++] = segment;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

absl::Status PathRouter::Add(std::string_view method, const PathTemplate& path, int target) {
  Node* node = &root_;
  bool rest = false;
  for (const PathTemplate::Segment& segment : path.segments) {
    rest = segment.kind == PathTemplate::Kind::kDoubleStar;
    if (rest) break;
    std::unique_ptr<Node>& next =
        segment.kind == PathTemplate::Kind::kStar ? node->star : node->literals[segment.literal];
    if (next == nullptr) next = std::make_unique<Node>();
    node = next.get();
  }
  std::vector<End>& ends = rest ? node->rest_ends : node->ends;
  auto end = std::find_if(ends.begin(), ends.end(), [&](const End& e) { return e.verb == path.verb; });
  if (end == ends.end()) end = ends.insert(ends.end(), {path.verb, {}, path.OpenApiPath()});
  const bool any = method == "*" ? !end->targets.empty() : end->targets.contains("*");
  if (any || !end->targets.emplace(method, target).second) {
    const std::string text = std::string(method) + " " + path.OpenApiPath() + " – " + end->text;
    return base::FailedPrecondition(
        "ROUTE_CONFLICT", {"Hai đường dẫn trùng nhau: " + text + ".", "Two routes are the same: " + text + "."});
  }
  return absl::OkStatus();
}

const PathRouter::End* PathRouter::FindEnd(const std::vector<End>& ends, std::string_view verb) {
  for (const End& end : ends) {
    if (end.verb == verb) return &end;
  }
  return nullptr;
}

template <typename Use>
bool PathRouter::Walk(const Node& node, const PathSegments& segments, size_t at, std::string_view verb,
                      const Use& use) {
  if (at == segments.count) {
    const End* end = FindEnd(node.ends, verb);
    if (end != nullptr && use(*end)) return true;
  } else {
    auto literal = node.literals.find(segments.at[at]);
    if (literal == node.literals.end() && segments.at[at].find('%') != std::string_view::npos) {
      const absl::StatusOr<std::string> decoded = http::PercentDecode(segments.at[at]);
      if (decoded.ok()) literal = node.literals.find(*decoded);
    }
    if (literal != node.literals.end() && Walk(*literal->second, segments, at + 1, verb, use)) return true;
    if (node.star != nullptr && Walk(*node.star, segments, at + 1, verb, use)) return true;
  }
  const End* end = FindEnd(node.rest_ends, verb);
  return end != nullptr && use(*end);
}

PathRouter::Match PathRouter::Find(std::string_view method, std::string_view path) const {
  Match match;
  if (!Cut(path, &match.segments)) return match;
  std::set<std::string> allowed;
  const auto use = [&](const End& end) {
    auto found = end.targets.find(method);
    if (found == end.targets.end()) found = end.targets.find("*");
    if (found == end.targets.end()) {
      for (const auto& [name, target] : end.targets) allowed.insert(name);
      return false;
    }
    match.target = found->second;
    return true;
  };
  std::string_view& last = match.segments.at[match.segments.count - 1];
  const size_t colon = last.rfind(':');
  if (colon != std::string_view::npos && colon > 0 && colon + 1 < last.size()) {
    const std::string_view whole = last;
    last = whole.substr(0, colon);
    if (Walk(root_, match.segments, 0, whole.substr(colon + 1), use)) return match;
    last = whole;
  }
  if (Walk(root_, match.segments, 0, "", use)) return match;
  match.allowed.assign(allowed.begin(), allowed.end());
  return match;
}

}  // namespace dinh::gateway::transcode

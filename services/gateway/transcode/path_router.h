// From HTTP method and path to a route: a trie over the segments of all templates. A literal is preferred to `*`, `*`
// to
// `**`; a path that ends in ":verb" is tried with the verb first and then as plain text (a code may hold a colon).
//
// Thread safety: Add everything first; Find is const and thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/gateway/transcode/path_template.h"

namespace dinh::gateway::transcode {

inline constexpr size_t kMaxPathSegments = 32;

// A path cut at its slashes. Views into the path as it was sent.
struct PathSegments {
  size_t count = 0;
  std::string_view at[kMaxPathSegments];
};

class PathRouter {
 public:
  // `target` is handed back by Find: an index of the caller's own. `method` "*" takes every method.
  // FAILED_PRECONDITION when another template of the same shape and method is there.
  absl::Status Add(std::string_view method, const PathTemplate& path, int target);

  struct Match {
    int target = -1;                   // -1: none
    PathSegments segments;             // the verb cut off
    std::vector<std::string> allowed;  // when none: methods under which the path is known, sorted
  };
  // `path` without its query, not decoded.
  Match Find(std::string_view method, std::string_view path) const;

 private:
  struct End {
    std::string verb;
    std::map<std::string, int, std::less<>> targets;  // by method
    std::string text;                                 // for the message about a conflict
  };
  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> star;
    std::vector<End> ends;       // paths that end here
    std::vector<End> rest_ends;  // `**`: paths that go on anyhow
  };

  static const End* FindEnd(const std::vector<End>& ends, std::string_view verb);
  // Calls `use` with each end that fits, best first, until it returns true.
  template <typename Use>
  static bool Walk(const Node& node, const PathSegments& segments, size_t at, std::string_view verb, const Use& use);

  Node root_;
};

}  // namespace dinh::gateway::transcode

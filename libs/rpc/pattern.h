// A matcher for the patterns of field rules: linear time whatever the pattern, because a request must not be able to
// choose how long we compute (std::regex backtracks and recurses).
//
// The subset of ECMAScript: literals, ., [a-z] and [^a-z], \d \w \s and escaped punctuation, groups ( ) and (?: ),
// | ? * + {n} {n,} {n,m}. The whole string must match; a leading ^ and a final $ are allowed and change nothing.
// Works on Unicode code points. Thread safety: immutable.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::rpc {

class Pattern {
 public:
  // INVALID_ARGUMENT: not in the subset, or more than 2,000 states once counted repeats are written out.
  static absl::StatusOr<Pattern> Compile(std::string_view pattern);
  // `text` is valid UTF-8; an invalid one never matches.
  bool Matches(std::string_view text) const;

 private:
  friend class PatternCompiler;
  struct State {
    enum class Kind : uint8_t { kSet, kSplit, kAccept } kind = Kind::kAccept;
    bool negated = false;
    int next = -1;
    int other = -1;                                     // kSplit only
    std::vector<std::pair<char32_t, char32_t>> ranges;  // kSet only
  };
  void Follow(int state, std::vector<int>* list, std::vector<uint8_t>* seen) const;
  bool Accepts(const State& state, char32_t c) const;

  std::vector<State> states_;
  int start_ = 0;
};

}  // namespace dinh::rpc

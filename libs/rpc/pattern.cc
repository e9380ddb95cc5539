#include "libs/rpc/pattern.h"

#include <optional>
#include <string>

#include "libs/base/status.h"

namespace dinh::rpc {
namespace {

constexpr size_t kMaxStates = 2000;
constexpr int kMaxDepth = 50;
constexpr int kUnbounded = -1;
constexpr char32_t kMaxCodePoint = 0x10FFFF;

// The next code point of `text` from `*at`; nullopt on bytes that are not UTF-8.
std::optional<char32_t> NextCodePoint(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(*at);
  if (lead < 0x80) {
    ++*at;
    return lead;
  }
  const int extra = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : -1;
  if (extra < 0 || *at + extra >= text.size()) return std::nullopt;
  char32_t c = lead & (0x3F >> extra);
  for (int i = 1; i <= extra; ++i) {
    if ((byte(*at + i) & 0xC0) != 0x80) return std::nullopt;
    c = (c << 6) | (byte(*at + i) & 0x3F);
  }
  *at += extra + 1;
  return c;
}

absl::Status Unreadable(std::string_view pattern, std::string_view why) {
  const std::string shown(pattern);
  return base::Error(
      absl::StatusCode::kInvalidArgument, "PATTERN",
      {"Không đọc được mẫu “" + shown + "”: " + std::string(why) + ". Hãy sửa quy tắc trong proto.",
       "Cannot read the pattern '" + shown + "': " + std::string(why) + ". Correct the rule in the proto."},
      {{"pattern", shown}});
}

}  // namespace

// Recursive descent to a tree-less NFA: each parse function returns a fragment by its entry state, and `Repeat` parses
// the same text again for every copy a counted repeat needs.
class PatternCompiler {
 public:
  explicit PatternCompiler(std::string_view text) : text_(text) {}

  absl::StatusOr<Pattern> Run() {
    if (!text_.empty() && text_.front() == '^') ++at_;
    const Fragment all = Alternatives(0);
    if (error_.empty() && at_ < text_.size() && !(text_[at_] == '$' && at_ + 1 == text_.size())) {
      error_ = "unexpected character";
    }
    if (!error_.empty()) return Unreadable(text_, error_);
    const int accept = Add({.kind = Pattern::State::Kind::kAccept});
    Patch(all, accept);
    out_.start_ = all.start;
    return std::move(out_);
  }

 private:
  using State = Pattern::State;
  using Ranges = std::vector<std::pair<char32_t, char32_t>>;
  // `ends`: states whose open exit (next, or other when negative-encoded) waits for what follows.
  struct Fragment {
    int start = -1;
    std::vector<std::pair<int, bool>> ends;  // (state, its `other` exit)
  };

  bool AtEnd() const { return at_ >= text_.size(); }
  bool Fail(std::string_view why) {
    if (error_.empty()) error_ = why;
    at_ = text_.size();
    return false;
  }
  int Add(State state) {
    if (out_.states_.size() >= kMaxStates) Fail("too large");
    if (out_.states_.size() < kMaxStates) out_.states_.push_back(std::move(state));
    return static_cast<int>(out_.states_.size()) - 1;
  }
  void Patch(const Fragment& fragment, int target) {
    for (const auto& [state, other] : fragment.ends) {
      (other ? out_.states_[state].other : out_.states_[state].next) = target;
    }
  }
  Fragment Empty() {
    const int state = Add({.kind = State::Kind::kSplit});
    return {state, {{state, false}}};
  }
  Fragment Sequence(const Fragment& first, Fragment second) {
    Patch(first, second.start);
    return {first.start, std::move(second.ends)};
  }
  Fragment Either(const Fragment& a, const Fragment& b) {
    const int split = Add({.kind = State::Kind::kSplit, .next = a.start, .other = b.start});
    Fragment both{split, a.ends};
    both.ends.insert(both.ends.end(), b.ends.begin(), b.ends.end());
    return both;
  }
  Fragment Optional(const Fragment& a) {
    const int split = Add({.kind = State::Kind::kSplit, .next = a.start});
    Fragment maybe{split, a.ends};
    maybe.ends.emplace_back(split, true);
    return maybe;
  }
  Fragment Star(const Fragment& a) {
    const int split = Add({.kind = State::Kind::kSplit, .next = a.start});
    Patch(a, split);
    return {split, {{split, true}}};
  }

  Fragment Alternatives(int depth) {
    if (depth > kMaxDepth) Fail("nested too deep");
    Fragment all = Terms(depth);
    while (!AtEnd() && text_[at_] == '|') {
      ++at_;
      all = Either(all, Terms(depth));
    }
    return all;
  }
  bool AtTermEnd() const {
    return AtEnd() || text_[at_] == '|' || text_[at_] == ')' || (text_[at_] == '$' && at_ + 1 == text_.size());
  }
  Fragment Terms(int depth) {
    Fragment all = Empty();
    while (!AtTermEnd()) all = Sequence(all, Repeat(depth));
    return all;
  }
  Fragment Repeat(int depth) {
    const size_t begin = at_;
    Fragment first = Atom(depth);
    const size_t atom_end = at_;
    int low = 1, high = 1;
    if (!Quantifier(&low, &high)) return first;
    const size_t end = at_;
    const auto copy = [&] {
      at_ = begin;
      Fragment again = Atom(depth);
      at_ = error_.empty() ? atom_end : text_.size();
      return again;
    };
    Fragment all = Empty();
    bool used = false;
    const auto next = [&] { return std::exchange(used, true) ? copy() : std::move(first); };
    for (int i = 0; i < low && error_.empty(); ++i) all = Sequence(all, next());
    if (high == kUnbounded) {
      all = Sequence(all, Star(next()));
    } else {
      for (int i = low; i < high && error_.empty(); ++i) all = Sequence(all, Optional(next()));
    }
    at_ = error_.empty() ? end : text_.size();
    return all;
  }
  bool Number(int* n) {
    const size_t begin = at_;
    *n = 0;
    while (!AtEnd() && text_[at_] >= '0' && text_[at_] <= '9' && *n < 10000) *n = *n * 10 + (text_[at_++] - '0');
    return at_ > begin;
  }
  bool Quantifier(int* low, int* high) {
    if (AtEnd()) return false;
    switch (text_[at_]) {
      case '?':
        ++at_;
        *low = 0;
        *high = 1;
        return true;
      case '*':
        ++at_;
        *low = 0;
        *high = kUnbounded;
        return true;
      case '+':
        ++at_;
        *low = 1;
        *high = kUnbounded;
        return true;
      case '{':
        break;
      default:
        return false;
    }
    ++at_;
    if (!Number(low)) return Fail("a number is missing after {");
    *high = *low;
    if (!AtEnd() && text_[at_] == ',') {
      ++at_;
      if (!Number(high)) *high = kUnbounded;
    }
    if (AtEnd() || text_[at_] != '}') return Fail("} is missing");
    ++at_;
    if (*high != kUnbounded && *high < *low) return Fail("{n,m} with n above m");
    return true;
  }
  Fragment Atom(int depth) {
    if (AtEnd()) {
      Fail("it ends too early");
      return Empty();
    }
    const char c = text_[at_];
    if (c == '(') {
      ++at_;
      if (text_.substr(at_, 2) == "?:") at_ += 2;
      Fragment inside = Alternatives(depth + 1);
      if (AtEnd() || text_[at_] != ')') {
        Fail(") is missing");
      } else {
        ++at_;
      }
      return inside;
    }
    if (c == '*' || c == '+' || c == '?' || c == '{' || c == '^' || c == '$') {
      Fail("nothing to repeat, or an anchor inside");
      return Empty();
    }
    State set{.kind = State::Kind::kSet};
    if (c == '[') {
      Class(&set);
    } else if (c == '.') {
      ++at_;
      set.ranges = {{0, kMaxCodePoint}};
    } else {
      char32_t single = 0;
      if (!Character(&set.ranges, &single)) set.ranges = {{single, single}};
    }
    const int state = Add(std::move(set));
    return {state, {{state, false}}};
  }
  // true: a class like \d was added to `ranges`; false: `single` is the character.
  bool Character(Ranges* ranges, char32_t* single) {
    if (text_[at_] != '\\') {
      const std::optional<char32_t> c = NextCodePoint(text_, &at_);
      if (!c) return Fail("it is not UTF-8");
      *single = *c;
      return false;
    }
    if (++at_ >= text_.size()) return Fail("it ends with \\");
    const char c = text_[at_++];
    switch (c) {
      case 'd':
        ranges->push_back({'0', '9'});
        return true;
      case 'w':
        ranges->insert(ranges->end(), {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}});
        return true;
      case 's':
        ranges->insert(ranges->end(), {{' ', ' '}, {'\t', '\r'}, {0xA0, 0xA0}});
        return true;
      case 'n':
        *single = '\n';
        return false;
      case 't':
        *single = '\t';
        return false;
      default:
        break;
    }
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return Fail("unknown escape");
    *single = static_cast<unsigned char>(c);
    return false;
  }
  void Class(State* set) {
    ++at_;
    if (!AtEnd() && text_[at_] == '^') {
      set->negated = true;
      ++at_;
    }
    while (!AtEnd() && text_[at_] != ']') {
      char32_t low = 0;
      if (Character(&set->ranges, &low) || !error_.empty()) continue;
      char32_t high = low;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        if (Character(&set->ranges, &high)) Fail("a class as the end of a range");
      }
      if (high < low) Fail("a range that runs backwards");
      set->ranges.emplace_back(low, high);
    }
    if (AtEnd()) {
      Fail("] is missing");
    } else {
      ++at_;
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string error_;
  Pattern out_;
};

absl::StatusOr<Pattern> Pattern::Compile(std::string_view pattern) { return PatternCompiler(pattern).Run(); }

bool Pattern::Accepts(const State& state, char32_t c) const {
  for (const auto& [low, high] : state.ranges) {
    if (c >= low && c <= high) return !state.negated;
  }
  return state.negated;
}

// Adds the sets and accepts reachable without reading. An explicit stack: splits may form long chains.
void Pattern::Follow(int state, std::vector<int>* list, std::vector<uint8_t>* seen) const {
  std::vector<int> stack = {state};
  while (!stack.empty()) {
    const int at = stack.back();
    stack.pop_back();
    if (at < 0 || (*seen)[at] != 0) continue;
    (*seen)[at] = 1;
    if (states_[at].kind == State::Kind::kSplit) {
      stack.push_back(states_[at].other);
      stack.push_back(states_[at].next);
    } else {
      list->push_back(at);
    }
  }
}

bool Pattern::Matches(std::string_view text) const {
  std::vector<int> now, next;
  std::vector<uint8_t> seen(states_.size(), 0);
  Follow(start_, &now, &seen);
  for (size_t at = 0; at < text.size();) {
    const std::optional<char32_t> c = NextCodePoint(text, &at);
    if (!c || now.empty()) return false;
    next.clear();
    std::fill(seen.begin(), seen.end(), 0);
    for (const int state : now) {
      if (states_[state].kind == State::Kind::kSet && Accepts(states_[state], *c)) {
        Follow(states_[state].next, &next, &seen);
      }
    }
    now.swap(next);
  }
  for (const int state : now) {
    if (states_[state].kind == State::Kind::kAccept) return true;
  }
  return false;
}

}  // namespace dinh::rpc

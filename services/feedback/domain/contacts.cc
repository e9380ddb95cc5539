#include "services/feedback/domain/contacts.h"

#include <algorithm>
#include <optional>
#include <string>

#include "libs/base/text.h"

namespace dinh::feedback {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

// A digit, plain or full-width (U+FF10..U+FF19), at `at`: its value and size in bytes.
struct Digit {
  char value = 0;
  size_t bytes = 0;  // 0: none
};

Digit DigitAt(std::string_view text, size_t at) {
  if (at >= text.size()) return {};
  if (IsDigit(text[at])) return {text[at], 1};
  const std::string_view wide = text.substr(at, 3);
  if (wide.size() == 3 && wide.starts_with("\xEF\xBC") && wide[2] >= '\x90' && wide[2] <= '\x99') {
    return {static_cast<char>('0' + (wide[2] - '\x90')), 3};
  }
  return {};
}

// Digits without anything between them.
struct Group {
  size_t begin = 0, end = 0;  // bytes; a + before the digits belongs to it
  std::string digits;
  bool plus = false;
};

// Groups with separators between them: what a reader takes for one number, or for several.
struct Run {
  std::vector<Group> groups;
  bool dots_only = true;  // nothing but dots between the groups
  bool code = false;      // a letter stands directly before: a code rather than a number of a person
};

// A blank, dot, hyphen or bracket, or a few of them as in "(091) 234" and "0912 - 345".
size_t SeparatorBytes(std::string_view text, size_t at) {
  constexpr size_t kSeparatorMax = 3;
  size_t bytes = 0;
  while (bytes < kSeparatorMax && at + bytes < text.size() &&
         std::string_view(" .-()").find(text[at + bytes]) != std::string_view::npos) {
    ++bytes;
  }
  return bytes;
}

Group GroupAt(std::string_view text, size_t at) {
  Group group;
  group.plus = at > 0 && text[at - 1] == '+';
  group.begin = group.plus ? at - 1 : at;
  for (Digit digit = DigitAt(text, at); digit.bytes > 0; digit = DigitAt(text, at)) {
    group.digits.push_back(digit.value);
    at += digit.bytes;
  }
  group.end = at;
  return group;
}

// 13-02-2026: no part of a phone number that may follow.
bool IsDate(const std::vector<Group>& groups) {
  if (groups.size() != 3) return false;
  const auto within = [](const Group& group, size_t size_max, int low, int high) {
    const int value = group.digits.size() > size_max ? -1 : std::stoi(group.digits);
    return value >= low && value <= high;
  };
  return within(groups[0], 2, 1, 31) && within(groups[1], 2, 1, 12) && within(groups[2], 4, 1900, 2100);
}

Run RunAt(std::string_view text, size_t at) {
  Run run;
  run.code = at > 0 && IsLetter(text[at - 1]);
  run.groups.push_back(GroupAt(text, at));
  while (!IsDate(run.groups)) {
    const size_t end = run.groups.back().end;
    const size_t gap = SeparatorBytes(text, end);
    if (gap == 0 || DigitAt(text, end + gap).bytes == 0) break;
    run.dots_only = run.dots_only && text.substr(end, gap) == ".";
    run.groups.push_back(GroupAt(text, end + gap));
  }
  return run;
}

// A number with a unit of money or measure behind it.
bool IsAmount(std::string_view text, size_t end) {
  constexpr size_t kLookAhead = 12;  // bytes
  const std::string after = base::LowerNfc(text.substr(end, kLookAhead));
  std::string_view rest = after;
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  for (const std::string_view unit : {"đồng", "đ", "vnd", "vnđ", "dong", "nghìn", "ngàn", "triệu", "tỷ", "m2", "m²"}) {
    if (!rest.starts_with(unit)) continue;
    const std::string_view behind = rest.substr(unit.size());
    if (behind.empty() || behind.find_first_of(" .,;:!?)\n") == 0) return true;
  }
  return false;
}

// 500.000.000: groups of three by dots, the first of one to three digits and without a leading zero.
bool IsSum(const Run& run) {
  const std::string& first = run.groups.front().digits;
  if (!run.dots_only || run.groups.size() < 2 || first.front() == '0' || first.size() > 3) return false;
  return std::all_of(run.groups.begin() + 1, run.groups.end(),
                     [](const Group& group) { return group.digits.size() == 3; });
}

bool IsPhone(std::string_view digits, bool plus) {
  if (digits.starts_with("84") && (plus || digits.size() == 11)) {
    digits.remove_prefix(2);
    if (digits.starts_with('0')) digits.remove_prefix(1);
    return digits.size() == 9 || digits.size() == 10;  // mobile, landline
  }
  return digits.starts_with('0') && !digits.starts_with("00") && (digits.size() == 10 || digits.size() == 11);
}

// Does "STK" or "tài khoản" stand shortly before?
bool AfterAccountWord(std::string_view text, size_t begin) {
  constexpr size_t kLookBack = 60;  // bytes
  size_t from = begin > kLookBack ? begin - kLookBack : 0;
  while (from < begin && (static_cast<unsigned char>(text[from]) & 0xC0U) == 0x80U) ++from;  // start of a character
  const std::string before = base::Fold(text.substr(from, begin - from));
  for (const std::string_view word : {"stk", "tai khoan", "so tk"}) {
    if (before.find(word) != std::string::npos) return true;
  }
  return false;
}

constexpr size_t kAccountDigitsMin = 6;
constexpr size_t kAccountDigitsMax = 19;

// What the groups [from, to) make together.
std::optional<ContactKind> KindOf(std::string_view text, const Run& run, size_t from, size_t to) {
  std::string digits;
  for (size_t i = from; i < to; ++i) digits += run.groups[i].digits;
  const Group& first = run.groups[from];
  if (IsPhone(digits, first.plus)) return ContactKind::kPhone;
  const size_t size = digits.size();
  if (size >= kAccountDigitsMin && size <= kAccountDigitsMax && AfterAccountWord(text, first.begin)) {
    return ContactKind::kBankAccount;
  }
  const bool whole = from == 0 && to == run.groups.size();
  if ((from == 0 && run.code) || (!whole && to - from > 1)) return std::nullopt;
  if (first.digits.front() != '0' && IsAmount(text, run.groups[to - 1].end)) return std::nullopt;
  if (size == 9 || size == 12) return ContactKind::kPersonalNumber;
  if (size > 12 && size <= kAccountDigitsMax) return ContactKind::kBankAccount;
  return std::nullopt;
}

// The run as one number; or else the numbers in it, each as long as can be.
void ContactsIn(std::string_view text, const Run& run, std::vector<Contact>& out) {
  if (IsDate(run.groups) || IsSum(run)) return;
  constexpr size_t kGroupsMax = 8;  // of one number
  for (size_t from = 0; from < run.groups.size();) {
    size_t taken = 0;
    for (size_t to = std::min(run.groups.size(), from + kGroupsMax); to > from && taken == 0; --to) {
      const std::optional<ContactKind> kind = KindOf(text, run, from, to);
      if (!kind) continue;
      out.push_back({*kind, run.groups[from].begin, run.groups[to - 1].end});
      taken = to - from;
    }
    from += std::max<size_t>(taken, 1);
  }
}

bool IsEmailCharacter(char c) {
  return IsLetter(c) || IsDigit(c) || std::string_view("._%+-").find(c) != std::string_view::npos;
}

std::optional<Contact> EmailAt(std::string_view text, size_t at_sign) {
  size_t begin = at_sign;
  while (begin > 0 && IsEmailCharacter(text[begin - 1])) --begin;
  size_t end = at_sign + 1;
  while (end < text.size() && (IsLetter(text[end]) || IsDigit(text[end]) || text[end] == '.' || text[end] == '-'))
    ++end;
  while (end > at_sign + 1 && (text[end - 1] == '.' || text[end - 1] == '-')) --end;
  const std::string_view host = text.substr(at_sign + 1, end - at_sign - 1);
  if (begin == at_sign || host.find('.') == std::string_view::npos) return std::nullopt;
  return Contact{ContactKind::kEmail, begin, end};
}

// Does a plate begin at `at`? Two digits of the province, one or two letters (motorcycles: a letter and a digit), four
// or five digits.
bool PlateAt(std::string_view text, size_t at) {
  size_t i = at;
  const auto take = [&](auto&& is, size_t most) {
    size_t n = 0;
    while (n < most && i < text.size() && is(text[i])) ++i, ++n;
    return n;
  };
  const auto separator = [](char c) { return c == '-' || c == '.' || c == ' '; };
  if (text[at] == '0' || take(IsDigit, 2) != 2) return false;
  take(separator, 3);
  const size_t letters = take(IsUpper, 2);
  if (letters == 0) return false;
  size_t digits = take(IsDigit, 6);  // the series' digit may stand before the number without anything between
  if (digits <= 1) {
    take(separator, 3);
    digits = take(IsDigit, 5);
  }
  if (digits == 3 && i + 1 < text.size() && text[i] == '.' && IsDigit(text[i + 1])) {
    ++i;
    digits += take(IsDigit, 2);
  }
  const bool ends = i >= text.size() || (!IsDigit(text[i]) && !IsLetter(text[i]));
  return ends && digits >= 4;
}

}  // namespace

std::vector<Contact> ContactsOf(std::string_view text) {
  std::vector<Contact> found;
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (const std::optional<Contact> email = EmailAt(text, at); email) found.push_back(*email);
  }
  for (size_t at = 0; at < text.size();) {
    if (DigitAt(text, at).bytes == 0) {
      ++at;
      continue;
    }
    const Run run = RunAt(text, at);
    ContactsIn(text, run, found);
    at = run.groups.back().end;
  }
  std::sort(found.begin(), found.end(), [](const Contact& a, const Contact& b) { return a.begin < b.begin; });
  std::vector<Contact> out;
  for (const Contact& contact : found) {
    if (!out.empty() && contact.begin < out.back().end) {
      out.back().end = std::max(out.back().end, contact.end);  // digits within an address
    } else {
      out.push_back(contact);
    }
  }
  return out;
}

bool HasPlate(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    const bool begins = at == 0 || (!IsDigit(text[at - 1]) && !IsLetter(text[at - 1]));
    if (begins && IsDigit(text[at]) && PlateAt(text, at)) return true;
  }
  return false;
}

}  // namespace dinh::feedback

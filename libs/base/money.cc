#include "libs/base/money.h"

#include <array>
#include <string_view>

namespace dinh::base {
namespace {

constexpr std::array<std::string_view, 10> kDigits = {"không", "một", "hai", "ba",  "bốn",
                                                      "năm",   "sáu", "bảy", "tám", "chín"};
constexpr uint64_t kBillion = 1'000'000'000;

uint64_t Magnitude(int64_t amount) {
  return amount < 0 ? 0 - static_cast<uint64_t>(amount) : static_cast<uint64_t>(amount);
}

void AppendWord(std::string& out, std::string_view word) {
  if (!out.empty()) out.push_back(' ');
  out.append(word);
}

// `group` is 1..999. `inner`: something was read before it, so the absent hundreds are said ("không trăm linh năm").
void SpellGroup(std::string& out, uint64_t group, bool inner) {
  const uint64_t hundreds = group / 100;
  const uint64_t tens = group / 10 % 10;
  const uint64_t ones = group % 10;
  if (hundreds > 0 || inner) {
    AppendWord(out, kDigits[hundreds]);
    AppendWord(out, "trăm");
  }
  if (tens == 0) {
    if (ones == 0) return;
    if (hundreds > 0 || inner) AppendWord(out, "linh");
    AppendWord(out, kDigits[ones]);
    return;
  }
  if (tens == 1) {
    AppendWord(out, "mười");
  } else {
    AppendWord(out, kDigits[tens]);
    AppendWord(out, "mươi");
  }
  if (ones == 0) return;
  if (ones == 5) return AppendWord(out, "lăm");
  if (ones == 1 && tens > 1) return AppendWord(out, "mốt");
  if (ones == 4 && tens > 1) return AppendWord(out, "tư");
  AppendWord(out, kDigits[ones]);
}

// Reads `n` > 0 in thousands, millions and, again from the start, billions ("một nghìn tỷ").
void SpellNumber(std::string& out, uint64_t n) {
  if (n >= kBillion) {
    SpellNumber(out, n / kBillion);
    AppendWord(out, "tỷ");
    n %= kBillion;
  }
  struct Scale {
    uint64_t unit;
    std::string_view name;
  };
  for (const auto& [unit, name] : {Scale{1'000'000, "triệu"}, Scale{1'000, "nghìn"}, Scale{1, ""}}) {
    const uint64_t group = n / unit % 1'000;
    if (group == 0) continue;
    SpellGroup(out, group, !out.empty());
    if (!name.empty()) AppendWord(out, name);
  }
}

}  // namespace

std::optional<Vnd> AddVnd(Vnd a, Vnd b) {
  Vnd sum = 0;
  if (__builtin_add_overflow(a, b, &sum) || sum > kVndMax || sum < -kVndMax) return std::nullopt;
  return sum;
}

std::optional<Vnd> MultiplyVnd(Vnd unit, int64_t count) {
  Vnd product = 0;
  if (__builtin_mul_overflow(unit, count, &product) || product > kVndMax || product < -kVndMax) return std::nullopt;
  return product;
}

std::string FormatVnd(Vnd amount) {
  std::string digits = std::to_string(Magnitude(amount));
  for (size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, '.');
  }
  return (amount < 0 ? "-" : "") + digits + " đ";
}

std::string SpellVnd(Vnd amount) {
  if (amount == 0) return "Không đồng";
  std::string words;
  SpellNumber(words, Magnitude(amount));
  AppendWord(words, "đồng");
  if (amount < 0) return "Âm " + words;
  words[0] = static_cast<char>(words[0] - 'a' + 'A');  // every first word begins with an ASCII letter
  return words;
}

}  // namespace dinh::base

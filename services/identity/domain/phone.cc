#include "services/identity/domain/phone.h"

#include <algorithm>
#include <utility>

namespace dinh::identity {
namespace {

constexpr size_t kHintDigits = 3;

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<std::string> DefaultPhonePrefixes() {
  static constexpr std::pair<char, std::string_view> kSeries[] = {
      {'3', "23456789"}, {'5', "25689"}, {'7', "06789"}, {'8', "123456789"}, {'9', "012346789"}};
  std::vector<std::string> prefixes;
  for (const auto& [first, seconds] : kSeries) {
    for (const char second : seconds) prefixes.push_back(std::string("0") + first + second);
  }
  return prefixes;
}

bool IsPhonePrefix(std::string_view text) {
  constexpr size_t kShortest = 2, kLongest = 5;
  return text.size() >= kShortest && text.size() <= kLongest && text[0] == '0' &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<std::string> NormalizePhone(std::string_view text, const std::vector<std::string>& prefixes) {
  std::string national;
  if (text.substr(0, 3) == "+84") {
    national = "0" + std::string(text.substr(3));
  } else if (text.substr(0, 2) == "84" && text.size() == kPhoneDigits + 1) {
    national = "0" + std::string(text.substr(2));
  } else {
    national = std::string(text);
  }
  if (national.size() != kPhoneDigits || !AllDigits(national)) return std::nullopt;
  const bool in_use = std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) {
    return !prefix.empty() && national.compare(0, prefix.size(), prefix) == 0;
  });
  if (!in_use) return std::nullopt;
  return national;
}

std::string PhoneHint(std::string_view phone) {
  if (phone.size() < kHintDigits) return "";
  return "…" + std::string(phone.substr(phone.size() - kHintDigits));
}

}  // namespace dinh::identity

#include "services/identity/domain/numbers.h"

#include <algorithm>
#include <array>
#include <string>

namespace dinh::identity {
namespace {

constexpr size_t kPersonalNumberDigits = 12;
constexpr int kProvinceMin = 1;
constexpr int kProvinceMax = 96;
constexpr size_t kTaxCodeDigits = 10;
constexpr size_t kBranchTaxCodeChars = 14;
constexpr std::array<int, kTaxCodeDigits - 1> kTaxCodeWeights = {31, 29, 23, 19, 17, 13, 7, 5, 3};
constexpr int kBirthYearMin = 1900;

bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

int Number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

}  // namespace

bool IsPersonalNumber(std::string_view text) {
  if (text.size() != kPersonalNumberDigits || !AllDigits(text)) return false;
  const int province = Number(text.substr(0, 3));
  return province >= kProvinceMin && province <= kProvinceMax;
}

bool IsTaxCode(std::string_view text) {
  if (text.size() == kBranchTaxCodeChars) {
    const std::string_view branch = text.substr(kTaxCodeDigits + 1);
    if (text[kTaxCodeDigits] != '-' || !AllDigits(branch) || Number(branch) == 0) return false;
    text = text.substr(0, kTaxCodeDigits);
  }
  if (text.size() != kTaxCodeDigits || !AllDigits(text)) return false;
  int sum = 0;
  for (size_t i = 0; i < kTaxCodeWeights.size(); ++i) sum += (text[i] - '0') * kTaxCodeWeights[i];
  // A remainder of 0 would need the digit 10: such codes are not given out.
  return text.back() - '0' == 10 - sum % 11;
}

std::optional<PartialDate> ParseBirthDate(std::string_view text, base::CivilDate today) {
  std::string full(text);
  if (text.size() == 4) full += "-01-01";
  if (text.size() == 7) full += "-01";
  // The first day of what is known decides about the future: "2026" is good all through 2026.
  const std::optional<base::CivilDate> first = base::ParseDate(full);
  if (!first || first->year < kBirthYearMin || *first > today) return std::nullopt;
  return PartialDate{first->year, text.size() >= 7 ? first->month : 0, text.size() >= 10 ? first->day : 0};
}

}  // namespace dinh::identity

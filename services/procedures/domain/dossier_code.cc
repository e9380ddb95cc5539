#include "services/procedures/domain/dossier_code.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::procedures {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool Digits(std::string_view text, size_t count) {
  return text.size() == count && std::all_of(text.begin(), text.end(), IsDigit);
}
// A province or ministry: one letter and two digits.
bool IsTop(std::string_view text) { return text.size() == 3 && IsUpper(text[0]) && Digits(text.substr(1), 2); }

bool IsOldAgency(std::string_view text) {
  if (text.size() != 13) return false;
  const auto parts = base::Split(text, '.');
  return parts.size() == 4 && Digits(parts[0], 3) && Digits(parts[1], 2) && Digits(parts[2], 2) && IsTop(parts[3]);
}

bool IsNewAgency(std::string_view text) {
  if (text.size() > kAgencyCodeMax) return false;
  const auto parts = base::Split(text, '.');
  if (!IsTop(parts[0])) return false;
  return std::all_of(parts.begin() + 1, parts.end(), [](std::string_view part) {
    return !part.empty() && part.size() <= 10 &&
           std::all_of(part.begin(), part.end(), [](char c) { return IsDigit(c) || IsUpper(c); });
  });
}

int Number(std::string_view digits) {
  int value = 0;
  for (char c : digits) value = value * 10 + (c - '0');
  return value;
}

std::string Padded(int value, size_t width) {
  std::string text = std::to_string(value);
  return text.size() >= width ? text : std::string(width - text.size(), '0') + text;
}

}  // namespace

bool IsAgencyCode(std::string_view text) { return !text.empty() && (IsOldAgency(text) || IsNewAgency(text)); }

absl::StatusOr<std::string> FormatDossierCode(const DossierCode& code) {
  if (!IsAgencyCode(code.agency)) return base::Internal("agency code is malformed: " + code.agency);
  if (!base::IsValid(code.date) || code.date.year < 2000 || code.date.year > 2099) {
    return base::Internal("date of a dossier code is outside 2000..2099");
  }
  if (code.sequence < 1 || code.sequence > kSequenceMax)
    return base::Internal("dossier numbers of the day are used up");
  return code.agency + "-" + Padded(code.date.year % 100, 2) + Padded(code.date.month, 2) + Padded(code.date.day, 2) +
         "-" + Padded(code.sequence, 4);
}

std::optional<DossierCode> ParseDossierCode(std::string_view text) {
  if (text.size() > kDossierCodeMax) return std::nullopt;
  const auto parts = base::Split(text, '-');
  if (parts.size() != 3 || !IsAgencyCode(parts[0]) || !Digits(parts[1], 6)) return std::nullopt;
  if (parts[2].size() < 4 || parts[2].size() > 6 || !Digits(parts[2], parts[2].size())) return std::nullopt;
  DossierCode code;
  code.agency = std::string(parts[0]);
  code.date = {2000 + Number(parts[1].substr(0, 2)), Number(parts[1].substr(2, 2)), Number(parts[1].substr(4, 2))};
  code.sequence = Number(parts[2]);
  if (!base::IsValid(code.date) || code.sequence == 0) return std::nullopt;
  return code;
}

}  // namespace dinh::procedures

// The code a citizen reads on the receipt: <agency code>-<yyMMdd received>-<number in the day>, e.g.
// "000.17.22.H56-210531-0001". Agency codes are the old form of QCVN 102:2016/BTTTT ("000.17.22.H56") or the new one of
// Quyết định 20/2020/QĐ-TTg ("H56.17"); which agency has which is configuration. Source: deploy/data/dossier.json.
//
// Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/civil.h"

namespace dinh::procedures {

inline constexpr int kSequenceMax = 999'999;
inline constexpr size_t kAgencyCodeMax = 35;
inline constexpr size_t kDossierCodeMax = kAgencyCodeMax + 1 + 6 + 1 + 6;

struct DossierCode {
  std::string agency;    // "000.17.22.H56" or "H56.17"
  base::CivilDate date;  // day of filing in Vietnam; the year is 2000..2099
  int sequence = 0;      // 1..999,999, at least four digits when written
  bool operator==(const DossierCode&) const = default;
};

// Either form.
bool IsAgencyCode(std::string_view text);

// Precondition checked: INTERNAL when a part is out of range (the caller's configuration is wrong or the day is full).
absl::StatusOr<std::string> FormatDossierCode(const DossierCode& code);
// Exactly what FormatDossierCode writes, and the 5-digit random tails of other systems; lower case is not accepted.
std::optional<DossierCode> ParseDossierCode(std::string_view text);

}  // namespace dinh::procedures

// Numbers on papers: their structure can be checked, not whether they were ever given out.
#pragma once

#include <optional>
#include <string_view>

#include "libs/base/civil.h"

namespace dinh::identity {

// Personal number (số định danh cá nhân): 12 digits; the first three name the province of birth registration, 001 to
// 096 (Decree 137/2015/NĐ-CP, article 13; Circular 59/2021/TT-BCA).
bool IsPersonalNumber(std::string_view text);

// Tax code (mã số thuế): 10 digits, the last a check digit, or 10 digits, "-" and a branch 001 to 999
// (Circular 105/2020/TT-BTC, article 5).
bool IsTaxCode(std::string_view text);

// A birth date that may lack day or month: "1990-05-17", "1950-05", "1950".
struct PartialDate {
  int year = 0;
  int month = 0;  // 0: unknown
  int day = 0;    // 0: unknown
};
// nullopt: not a date, before 1900, or after `today`.
std::optional<PartialDate> ParseBirthDate(std::string_view text, base::CivilDate today);

}  // namespace dinh::identity

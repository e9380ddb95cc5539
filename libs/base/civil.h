// Civil dates (proleptic Gregorian) and Vietnam's time zone: UTC+7 all year since 1975, so no tz database is needed.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/clock.h"

namespace dinh::base {

struct CivilDate {
  int year = 1970;
  int month = 1;  // 1..12
  int day = 1;    // 1..31
  auto operator<=>(const CivilDate&) const = default;
};

int64_t DaysFromCivil(CivilDate date);  // days since 1970-01-01
CivilDate CivilFromDays(int64_t days);
bool IsValid(CivilDate date);
CivilDate AddDays(CivilDate date, int64_t days);
int Weekday(CivilDate date);  // 1 Monday … 7 Sunday (ISO 8601)
// "2026-02-13"; anything else is nullopt.
std::optional<CivilDate> ParseDate(std::string_view text);
std::string FormatDate(CivilDate date);    // "2026-02-13"
std::string FormatDateVi(CivilDate date);  // "13/02/2026"

inline constexpr int kVietnamOffsetHours = 7;
struct CivilTime {
  CivilDate date;
  int hour = 0, minute = 0, second = 0;
  auto operator<=>(const CivilTime&) const = default;
};
CivilTime ToVietnam(Micros instant);
Micros FromVietnam(CivilTime time);
std::string FormatTimeVi(CivilTime time);  // "15:04 ngày 13/02/2026"

}  // namespace dinh::base

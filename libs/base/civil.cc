#include "libs/base/civil.h"

#include <cstdio>

namespace dinh::base {
namespace {

constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
constexpr int kYearMax = 9999;

bool IsLeap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int DaysInMonth(int year, int month) {
  if (month == 2) return IsLeap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// -1 when a character is no digit.
int Digits(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

template <typename... Args>
std::string Print(const char* format, Args... args) {
  char buffer[64];
  const int size = std::snprintf(buffer, sizeof(buffer), format, args...);
  return std::string(buffer, static_cast<size_t>(size));
}

}  // namespace

// Years begin in March here, so that the leap day is the last of its year; 400 years are one era of 146,097 days.
int64_t DaysFromCivil(CivilDate date) {
  const int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const int64_t era = FloorDiv(year, 400);
  const int64_t year_of_era = year - era * 400;
  const int64_t month = (date.month + 9) % 12;
  const int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

CivilDate CivilFromDays(int64_t days) {
  days += 719'468;
  const int64_t era = FloorDiv(days, 146'097);
  const int64_t day_of_era = days - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  date.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  date.year = static_cast<int>(year_of_era + era * 400 + (date.month <= 2 ? 1 : 0));
  return date;
}

bool IsValid(CivilDate date) {
  return date.year >= 1 && date.year <= kYearMax && date.month >= 1 && date.month <= 12 && date.day >= 1 &&
         date.day <= DaysInMonth(date.year, date.month);
}

CivilDate AddDays(CivilDate date, int64_t days) { return CivilFromDays(DaysFromCivil(date) + days); }

int Weekday(CivilDate date) {
  const int64_t days = DaysFromCivil(date) + 3;  // 1970-01-01 was a Thursday
  return static_cast<int>(days - FloorDiv(days, 7) * 7) + 1;
}

std::optional<CivilDate> ParseDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const CivilDate date{Digits(text.substr(0, 4)), Digits(text.substr(5, 2)), Digits(text.substr(8, 2))};
  if (!IsValid(date)) return std::nullopt;
  return date;
}

std::string FormatDate(CivilDate date) { return Print("%04d-%02d-%02d", date.year, date.month, date.day); }

std::string FormatDateVi(CivilDate date) { return Print("%02d/%02d/%04d", date.day, date.month, date.year); }

CivilTime ToVietnam(Micros instant) {
  const int64_t local = instant + kVietnamOffsetHours * 3'600 * kMicrosPerSecond;
  const int64_t days = FloorDiv(local, kMicrosPerDay);
  const auto seconds = static_cast<int>((local - days * kMicrosPerDay) / kMicrosPerSecond);
  return {CivilFromDays(days), seconds / 3'600, seconds / 60 % 60, seconds % 60};
}

Micros FromVietnam(CivilTime time) {
  const int64_t seconds =
      DaysFromCivil(time.date) * 86'400 + (time.hour - kVietnamOffsetHours) * 3'600 + time.minute * 60 + time.second;
  return seconds * kMicrosPerSecond;
}

std::string FormatTimeVi(CivilTime time) {
  return Print("%02d:%02d ngày ", time.hour, time.minute) + FormatDateVi(time.date);
}

}  // namespace dinh::base

#include "libs/base/working_calendar.h"

#include <algorithm>
#include <string>
#include <utility>

#include "libs/base/status.h"

namespace dinh::base {
namespace {

constexpr int kSameDayLastHour = 15;
constexpr int kMinutesPerDay = 24 * 60;
constexpr int kSaturday = 6;
constexpr Micros kMicrosPerMinute = 60 * kMicrosPerSecond;
// Beyond this no calendar reaches, and the multiplications stay far from overflow.
constexpr int64_t kWorkingMinutesMax = 60LL * 24 * 366 * 100;

absl::Status Invalid(std::string vi, std::string en, Metadata metadata = {}) {
  return Error(absl::StatusCode::kInvalidArgument, "INVALID_WORKING_CALENDAR", {std::move(vi), std::move(en)},
               std::move(metadata));
}

absl::Status Negative(int64_t n) {
  return Invalid("Số ngày hoặc giờ làm việc không được âm: " + std::to_string(n) + ".",
                 "A number of working days or hours must not be negative: " + std::to_string(n) + ".",
                 {{"value", std::to_string(n)}});
}

bool AreValid(const OfficeHours& hours) {
  int end = 0;
  for (const OfficeHours::Span& span : hours.spans) {
    if (span.begin_minute < end || span.end_minute <= span.begin_minute) return false;
    end = span.end_minute;
  }
  return !hours.spans.empty() && end <= kMinutesPerDay;
}

Micros At(CivilDate date, int minute) { return FromVietnam({date}) + minute * kMicrosPerMinute; }

}  // namespace

absl::StatusOr<WorkingCalendar> WorkingCalendar::Create(const std::vector<CalendarDay>& days, OfficeHours hours) {
  if (days.empty()) {
    return Invalid("Lịch làm việc chưa có ngày nào. Hãy nạp danh sách ngày nghỉ, ngày làm bù.",
                   "The working calendar is empty. Load the list of days off and make-up days.");
  }
  if (!AreValid(hours)) {
    return Invalid("Giờ làm việc phải có ít nhất một khoảng, theo thứ tự và không chồng nhau, trong 00:00–24:00.",
                   "Office hours need at least one span, in order, not overlapping, within 00:00–24:00.");
  }
  WorkingCalendar calendar;
  calendar.hours_ = std::move(hours);
  for (const CalendarDay& day : days) {
    const std::string date = FormatDate(day.date);
    if (!IsValid(day.date)) {
      return Invalid("Lịch làm việc có ngày không tồn tại: " + date + ".",
                     "The working calendar has an impossible date: " + date + ".", {{"date", date}});
    }
    const bool works = day.kind == DayKind::kWorkingMakeup;
    const auto [entry, added] = calendar.exceptions_.emplace(day.date, works);
    if (!added && entry->second != works) {
      return Invalid("Lịch làm việc ghi ngày " + date + " vừa nghỉ vừa làm bù. Hãy bỏ một trong hai.",
                     "The working calendar has " + date + " both off and working. Remove one of the two.",
                     {{"date", date}});
    }
  }
  const int first = calendar.exceptions_.begin()->first.year;
  const int last = calendar.exceptions_.rbegin()->first.year;
  for (int year = first; year <= last; ++year) {
    const auto entry = calendar.exceptions_.lower_bound({year, 1, 1});
    if (entry->first.year == year) continue;
    return Invalid("Lịch làm việc thiếu cả năm " + std::to_string(year) + ". Hãy nạp thêm.",
                   "The working calendar lacks the whole year " + std::to_string(year) + ". Load it too.",
                   {{"year", std::to_string(year)}});
  }
  calendar.known_from_ = {first, 1, 1};
  calendar.known_until_ = {last, 12, 31};
  return calendar;
}

absl::Status WorkingCalendar::Unknown(CivilDate date) const {
  return FailedPrecondition(
      "WORKING_CALENDAR_UNKNOWN",
      {"Lịch làm việc chỉ có từ " + FormatDateVi(known_from_) + " đến " + FormatDateVi(known_until_) +
           ", chưa biết ngày " + FormatDateVi(date) + ". Hãy nạp lịch nghỉ của năm đó rồi thử lại.",
       "The working calendar covers " + FormatDate(known_from_) + " to " + FormatDate(known_until_) + ", not " +
           FormatDate(date) + ". Load that year's holidays and try again."},
      {{"date", FormatDate(date)}, {"known_from", FormatDate(known_from_)}, {"known_until", FormatDate(known_until_)}});
}

absl::StatusOr<bool> WorkingCalendar::IsWorkingDay(CivilDate date) const {
  if (date < known_from_ || date > known_until_) return Unknown(date);
  const auto exception = exceptions_.find(date);
  if (exception != exceptions_.end()) return exception->second;
  return Weekday(date) < kSaturday;
}

absl::StatusOr<CivilDate> WorkingCalendar::WorkingDayFrom(CivilDate date) const {
  while (true) {
    ASSIGN_OR_RETURN(const bool works, IsWorkingDay(date));
    if (works) return date;
    date = AddDays(date, 1);
  }
}

absl::StatusOr<CivilDate> WorkingCalendar::AddWorkingDays(CivilDate date, int n) const {
  if (n < 0) return Negative(n);
  if (n == 0) return WorkingDayFrom(date);
  // The start belongs to the question too: a calendar that does not know it must not answer.
  RETURN_IF_ERROR(IsWorkingDay(date).status());
  for (int counted = 0; counted < n; ++counted) {
    ASSIGN_OR_RETURN(date, WorkingDayFrom(AddDays(date, 1)));
  }
  return date;
}

absl::StatusOr<CivilDate> WorkingCalendar::DueDate(Micros accepted, int working_days, bool same_day_15h_rule) const {
  const CivilTime time = ToVietnam(accepted);
  if (!same_day_15h_rule || working_days > 1) return AddWorkingDays(time.date, working_days);
  if (working_days < 0) return Negative(working_days);
  ASSIGN_OR_RETURN(const bool works, IsWorkingDay(time.date));
  const bool in_time = time <= CivilTime{time.date, kSameDayLastHour};
  return works && in_time ? time.date : WorkingDayFrom(AddDays(time.date, 1));
}

absl::StatusOr<Micros> WorkingCalendar::AddWorkingHours(Micros from, int64_t hours) const {
  if (hours < 0) return Negative(hours);
  return AddWorkingMinutes(from, std::min(hours, kWorkingMinutesMax) * 60);
}

absl::StatusOr<Micros> WorkingCalendar::AddWorkingMinutes(Micros from, int64_t minutes) const {
  if (minutes < 0) return Negative(minutes);
  if (minutes == 0) return from;
  Micros left = std::min(minutes, kWorkingMinutesMax) * kMicrosPerMinute;
  for (CivilDate date = ToVietnam(from).date;; date = AddDays(date, 1)) {
    ASSIGN_OR_RETURN(const bool works, IsWorkingDay(date));
    if (!works) continue;
    for (const OfficeHours::Span& span : hours_.spans) {
      const Micros begin = std::max(from, At(date, span.begin_minute));
      const Micros open = At(date, span.end_minute) - begin;
      if (open <= 0) continue;
      if (left <= open) return begin + left;
      left -= open;
    }
  }
}

absl::StatusOr<int64_t> WorkingCalendar::WorkingMinutesBetween(Micros from, Micros to) const {
  if (to < from) {
    ASSIGN_OR_RETURN(const int64_t minutes, WorkingMinutesBetween(to, from));
    return -minutes;
  }
  Micros total = 0;
  const CivilDate last = ToVietnam(to).date;
  for (CivilDate date = ToVietnam(from).date; date <= last; date = AddDays(date, 1)) {
    ASSIGN_OR_RETURN(const bool works, IsWorkingDay(date));
    if (!works) continue;
    for (const OfficeHours::Span& span : hours_.spans) {
      const Micros begin = std::max(from, At(date, span.begin_minute));
      const Micros end = std::min(to, At(date, span.end_minute));
      total += std::max<Micros>(0, end - begin);
    }
  }
  return total / kMicrosPerMinute;
}

int WorkingCalendar::OfficeMinutesPerDay() const {
  int minutes = 0;
  for (const OfficeHours::Span& span : hours_.spans) minutes += span.end_minute - span.begin_minute;
  return minutes;
}

}  // namespace dinh::base

// Working days and office hours of the administration, in Vietnam time.
//
// Rules, with their sources:
// * Saturday and Sunday are days of rest; listed holidays, compensatory days and days exchanged are off; a make-up
//   Saturday is a working day (the yearly notices of the Ministry of Home Affairs).
// * A period in working days is counted from the day after the acceptance (Civil Code 2015, article 147), so one of n
//   days ends on the n-th working day after it (article 148.5: never on a day of rest). What is accepted on a day of
//   rest is counted from the next working day on, which is then the first.
// * A same-day procedure accepted after 15:00 is due on the next working day; at 15:00:00 exactly it is not yet after.
//
// The calendar knows whole years, from the first to the last in its list, and answers nothing outside of them: a
// holiday that nobody entered would silently make a due date wrong.
//
// Thread safety: immutable after Create.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/civil.h"

namespace dinh::base {

enum class DayKind {
  kStatutory,      // ngày nghỉ lễ, Tết
  kCompensatory,   // nghỉ bù: the holiday fell on a day of rest
  kSwapOff,        // nghỉ hoán đổi: a working day exchanged
  kWorkingMakeup,  // làm bù: a Saturday that is a working day
};

struct CalendarDay {
  CivilDate date;
  DayKind kind = DayKind::kStatutory;
};

// Minutes after midnight; spans in order, not overlapping.
struct OfficeHours {
  struct Span {
    int begin_minute = 0;
    int end_minute = 0;
  };
  std::vector<Span> spans = {{7 * 60 + 30, 11 * 60 + 30}, {13 * 60 + 30, 17 * 60 + 30}};
};

class WorkingCalendar {
 public:
  // INVALID_ARGUMENT (reason INVALID_WORKING_CALENDAR): an empty list, an impossible date, a date that is both off and
  // working, a year without any entry between others, or office hours that are empty, overlapping or out of order.
  static absl::StatusOr<WorkingCalendar> Create(const std::vector<CalendarDay>& days, OfficeHours hours = {});

  CivilDate KnownFrom() const { return known_from_; }    // 1 January of the first year known
  CivilDate KnownUntil() const { return known_until_; }  // 31 December of the last

  // All that follow: FAILED_PRECONDITION (reason WORKING_CALENDAR_UNKNOWN, metadata date, known_from and known_until)
  // as soon as the answer would need a day outside of KnownFrom … KnownUntil.

  absl::StatusOr<bool> IsWorkingDay(CivilDate date) const;
  // `date` itself if it is a working day.
  absl::StatusOr<CivilDate> WorkingDayFrom(CivilDate date) const;
  // The n-th working day after `date`; n = 0 is WorkingDayFrom(date). INVALID_ARGUMENT for n < 0.
  absl::StatusOr<CivilDate> AddWorkingDays(CivilDate date, int n) const;

  // The day by the end of which what was accepted at `accepted` is due. `same_day_15h_rule` concerns procedures of at
  // most one working day: due on the day of acceptance, or on the next working day when accepted after 15:00.
  absl::StatusOr<CivilDate> DueDate(Micros accepted, int working_days, bool same_day_15h_rule) const;

  // The instant by which `hours` of office time have passed since `from`. A period that ends with the office day ends
  // at its closing, not at the next opening. hours = 0 is `from`. INVALID_ARGUMENT for hours < 0.
  absl::StatusOr<Micros> AddWorkingHours(Micros from, int64_t hours) const;
  // The same in minutes of office time.
  absl::StatusOr<Micros> AddWorkingMinutes(Micros from, int64_t minutes) const;
  // Whole minutes of office time from `from` to `to`; negative when `to` is the earlier.
  absl::StatusOr<int64_t> WorkingMinutesBetween(Micros from, Micros to) const;
  int OfficeMinutesPerDay() const;

 private:
  WorkingCalendar() = default;
  absl::Status Unknown(CivilDate date) const;

  std::map<CivilDate, bool> exceptions_;  // date -> is it a working day
  OfficeHours hours_;
  CivilDate known_from_;
  CivilDate known_until_;
};

}  // namespace dinh::base

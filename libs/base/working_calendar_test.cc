#include "libs/base/working_calendar.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"

namespace dinh::base {
namespace {

// 2025 and 2026 as officially announced.
std::vector<CalendarDay> Days() {
  using enum DayKind;
  return {
      {{2025, 1, 1}, kStatutory},      {{2025, 1, 27}, kStatutory},     {{2025, 1, 28}, kStatutory},
      {{2025, 1, 29}, kStatutory},     {{2025, 1, 30}, kStatutory},     {{2025, 1, 31}, kStatutory},
      {{2025, 4, 7}, kStatutory},      {{2025, 4, 26}, kWorkingMakeup}, {{2025, 4, 30}, kStatutory},
      {{2025, 5, 1}, kStatutory},      {{2025, 5, 2}, kSwapOff},        {{2025, 9, 1}, kStatutory},
      {{2025, 9, 2}, kStatutory},      {{2026, 1, 1}, kStatutory},      {{2026, 1, 2}, kSwapOff},
      {{2026, 1, 10}, kWorkingMakeup}, {{2026, 2, 16}, kStatutory},     {{2026, 2, 17}, kStatutory},
      {{2026, 2, 18}, kStatutory},     {{2026, 2, 19}, kStatutory},     {{2026, 2, 20}, kStatutory},
      {{2026, 4, 26}, kStatutory},     {{2026, 4, 27}, kCompensatory},  {{2026, 4, 30}, kStatutory},
      {{2026, 5, 1}, kStatutory},      {{2026, 8, 22}, kWorkingMakeup}, {{2026, 8, 31}, kSwapOff},
      {{2026, 9, 1}, kStatutory},      {{2026, 9, 2}, kStatutory},      {{2026, 11, 24}, kStatutory},
  };
}

WorkingCalendar Calendar() { return WorkingCalendar::Create(Days()).value(); }

Micros At(CivilDate date, int hour, int minute = 0, int second = 0) {
  return FromVietnam({date, hour, minute, second});
}

std::string ReasonOf(const absl::Status& status) {
  const auto detail = DetailOf(status);
  return detail.has_value() ? detail->reason : "";
}

TEST(WorkingCalendarTest, KindsOfDays) {
  const WorkingCalendar calendar = Calendar();
  EXPECT_TRUE(calendar.IsWorkingDay({2026, 1, 8}).value());
  EXPECT_FALSE(calendar.IsWorkingDay({2026, 1, 1}).value());   // statutory
  EXPECT_FALSE(calendar.IsWorkingDay({2026, 1, 2}).value());   // exchanged
  EXPECT_FALSE(calendar.IsWorkingDay({2026, 4, 27}).value());  // compensatory
  EXPECT_TRUE(calendar.IsWorkingDay({2026, 1, 10}).value());   // make-up Saturday
  EXPECT_FALSE(calendar.IsWorkingDay({2026, 1, 17}).value());  // ordinary Saturday
  EXPECT_FALSE(calendar.IsWorkingDay({2026, 1, 11}).value());  // Sunday
}

TEST(WorkingCalendarTest, AddsWorkingDaysFromTheDayAfter) {
  const WorkingCalendar calendar = Calendar();
  EXPECT_EQ(calendar.AddWorkingDays({2026, 1, 8}, 3).value(), (CivilDate{2026, 1, 12}));
  EXPECT_EQ(calendar.AddWorkingDays({2026, 2, 13}, 10).value(), (CivilDate{2026, 3, 6}));
  EXPECT_EQ(calendar.AddWorkingDays({2025, 4, 25}, 1).value(), (CivilDate{2025, 4, 26}));
  EXPECT_EQ(calendar.AddWorkingDays({2025, 4, 29}, 1).value(), (CivilDate{2025, 5, 5}));
  EXPECT_EQ(calendar.AddWorkingDays({2025, 12, 31}, 1).value(), (CivilDate{2026, 1, 5}));
  EXPECT_EQ(calendar.AddWorkingDays({2026, 1, 8}, 0).value(), (CivilDate{2026, 1, 8}));
  EXPECT_EQ(calendar.AddWorkingDays({2026, 1, 17}, 0).value(), (CivilDate{2026, 1, 19}));
  EXPECT_EQ(calendar.AddWorkingDays({2026, 1, 8}, -1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(WorkingCalendarTest, ADayOfRestCountsFromTheNextWorkingDay) {
  const WorkingCalendar calendar = Calendar();
  // Saturday and Sunday: Monday 19 is the first day, Wednesday 21 the third.
  EXPECT_EQ(calendar.DueDate(At({2026, 1, 17}, 9), 3, false).value(), (CivilDate{2026, 1, 21}));
  EXPECT_EQ(calendar.DueDate(At({2026, 1, 18}, 9), 3, false).value(), (CivilDate{2026, 1, 21}));
  // In Tết: Monday 23 February is the first day.
  EXPECT_EQ(calendar.DueDate(At({2026, 2, 17}, 9), 1, false).value(), (CivilDate{2026, 2, 23}));
}

TEST(WorkingCalendarTest, DueDatesOfTheStory) {
  const WorkingCalendar calendar = Calendar();
  EXPECT_EQ(calendar.DueDate(At({2026, 1, 8}, 10), 3, false).value(), (CivilDate{2026, 1, 12}));
  EXPECT_EQ(calendar.DueDate(At({2026, 1, 8}, 23, 59, 59), 3, false).value(), (CivilDate{2026, 1, 12}));
  EXPECT_EQ(calendar.DueDate(At({2026, 2, 13}, 8), 10, false).value(), (CivilDate{2026, 3, 6}));
}

TEST(WorkingCalendarTest, SameDayProceduresAndFifteenHours) {
  const WorkingCalendar calendar = Calendar();
  const CivilDate friday{2026, 2, 13}, after_tet{2026, 2, 23};
  for (const int days : {0, 1}) {
    EXPECT_EQ(calendar.DueDate(At(friday, 14, 59), days, true).value(), friday);
    EXPECT_EQ(calendar.DueDate(At(friday, 15), days, true).value(), friday);
    EXPECT_EQ(calendar.DueDate(At(friday, 15, 0, 1), days, true).value(), after_tet);
    EXPECT_EQ(calendar.DueDate(At(friday, 15, 1), days, true).value(), after_tet);
    EXPECT_EQ(calendar.DueDate(At({2026, 2, 14}, 9), days, true).value(), after_tet);
    EXPECT_EQ(calendar.DueDate(At({2026, 1, 9}, 16), days, true).value(), (CivilDate{2026, 1, 10}));
  }
  // The rule is about same-day procedures only.
  EXPECT_EQ(calendar.DueDate(At({2026, 1, 8}, 16), 3, true).value(), (CivilDate{2026, 1, 12}));
  EXPECT_EQ(calendar.DueDate(At(friday, 9), -1, true).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(WorkingCalendarTest, TheDayIsVietnams) {
  const WorkingCalendar calendar = Calendar();
  // 18:00 UTC on Thursday 8 January is already Friday in Vietnam.
  const Micros instant = (DaysFromCivil({2026, 1, 8}) * 86'400 + 18 * 3'600) * kMicrosPerSecond;
  EXPECT_EQ(calendar.DueDate(instant, 1, false).value(), (CivilDate{2026, 1, 10}));
}

TEST(WorkingCalendarTest, SaysWhenItDoesNotKnow) {
  const WorkingCalendar calendar = Calendar();
  EXPECT_EQ(calendar.KnownFrom(), (CivilDate{2025, 1, 1}));
  EXPECT_EQ(calendar.KnownUntil(), (CivilDate{2026, 12, 31}));
  EXPECT_TRUE(calendar.IsWorkingDay({2026, 12, 31}).ok());
  EXPECT_EQ(ReasonOf(calendar.IsWorkingDay({2027, 1, 1}).status()), "WORKING_CALENDAR_UNKNOWN");
  EXPECT_EQ(ReasonOf(calendar.IsWorkingDay({2024, 12, 31}).status()), "WORKING_CALENDAR_UNKNOWN");
  EXPECT_EQ(calendar.AddWorkingDays({2026, 12, 30}, 1).value(), (CivilDate{2026, 12, 31}));
  const absl::Status beyond = calendar.AddWorkingDays({2026, 12, 30}, 2).status();
  EXPECT_EQ(beyond.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailOf(beyond)->metadata,
            (Metadata{{"date", "2027-01-01"}, {"known_from", "2025-01-01"}, {"known_until", "2026-12-31"}}));
  EXPECT_EQ(ReasonOf(calendar.AddWorkingDays({2024, 12, 31}, 1).status()), "WORKING_CALENDAR_UNKNOWN");
  EXPECT_EQ(ReasonOf(calendar.DueDate(At({2026, 12, 31}, 16), 1, true).status()), "WORKING_CALENDAR_UNKNOWN");
  EXPECT_EQ(ReasonOf(calendar.AddWorkingHours(At({2026, 12, 31}, 17), 1).status()), "WORKING_CALENDAR_UNKNOWN");
  EXPECT_EQ(ReasonOf(calendar.AddWorkingHours(At({2026, 1, 1}, 8), INT64_MAX).status()), "WORKING_CALENDAR_UNKNOWN");
  EXPECT_EQ(ReasonOf(calendar.WorkingMinutesBetween(At({2026, 12, 31}, 8), At({2027, 1, 1}, 8)).status()),
            "WORKING_CALENDAR_UNKNOWN");
}

TEST(WorkingCalendarTest, AddsOfficeHours) {
  const WorkingCalendar calendar = Calendar();
  const CivilDate thursday{2026, 1, 8}, friday{2026, 1, 9}, makeup{2026, 1, 10}, monday{2026, 1, 12};
  EXPECT_EQ(calendar.OfficeMinutesPerDay(), 480);
  EXPECT_EQ(calendar.AddWorkingHours(At(thursday, 8), 2).value(), At(thursday, 10));
  EXPECT_EQ(calendar.AddWorkingHours(At(thursday, 7, 30), 4).value(), At(thursday, 11, 30));
  EXPECT_EQ(calendar.AddWorkingHours(At(thursday, 10, 30), 2).value(), At(thursday, 14, 30));  // over noon
  EXPECT_EQ(calendar.AddWorkingHours(At(thursday, 12), 1).value(), At(thursday, 14, 30));      // begun at noon
  EXPECT_EQ(calendar.AddWorkingHours(At(thursday, 3), 8).value(), At(thursday, 17, 30));       // before opening
  EXPECT_EQ(calendar.AddWorkingHours(At(thursday, 16, 30), 2).value(), At(friday, 8, 30));     // over night
  EXPECT_EQ(calendar.AddWorkingHours(At(friday, 17, 30), 9).value(), At(monday, 8, 30));  // over a make-up Saturday
  EXPECT_EQ(calendar.AddWorkingHours(At(makeup, 7, 30), 8).value(), At(makeup, 17, 30));
  EXPECT_EQ(calendar.AddWorkingHours(At({2026, 2, 13}, 16, 30), 2).value(), At({2026, 2, 23}, 8, 30));  // over Tết
  EXPECT_EQ(calendar.AddWorkingHours(At(thursday, 20), 0).value(), At(thursday, 20));
  EXPECT_EQ(calendar.AddWorkingMinutes(At(thursday, 11), 45).value(), At(thursday, 13, 45));  // over noon
  EXPECT_EQ(calendar.AddWorkingMinutes(At(thursday, 8), -1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(calendar.AddWorkingHours(At(thursday, 8), -1).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(WorkingCalendarTest, CountsOfficeMinutes) {
  const WorkingCalendar calendar = Calendar();
  const CivilDate thursday{2026, 1, 8}, monday{2026, 1, 12};
  EXPECT_EQ(calendar.WorkingMinutesBetween(At(thursday, 8), At(thursday, 8, 45, 59)).value(), 45);
  EXPECT_EQ(calendar.WorkingMinutesBetween(At(thursday, 11), At(thursday, 14)).value(), 60);
  EXPECT_EQ(calendar.WorkingMinutesBetween(At(thursday, 0), At(thursday, 23)).value(), 480);
  EXPECT_EQ(calendar.WorkingMinutesBetween(At(thursday, 17), At(monday, 8)).value(), 30 + 480 + 480 + 30);
  EXPECT_EQ(calendar.WorkingMinutesBetween(At({2026, 2, 14}, 0), At({2026, 2, 23}, 7)).value(), 0);
  EXPECT_EQ(calendar.WorkingMinutesBetween(At(monday, 8), At(thursday, 17)).value(), -(30 + 480 + 480 + 30));
  EXPECT_EQ(calendar.WorkingMinutesBetween(At(thursday, 8), At(thursday, 8)).value(), 0);
}

TEST(WorkingCalendarTest, HoursAddedAreHoursCounted) {
  const WorkingCalendar calendar = Calendar();
  for (int hours = 1; hours < 200; hours += 7) {
    for (int start = 0; start < 24 * 20; start += 5) {
      const Micros from = At({2026, 2, 5}, 0) + start * 3'600 * kMicrosPerSecond;
      const Micros until = calendar.AddWorkingHours(from, hours).value();
      ASSERT_EQ(calendar.WorkingMinutesBetween(from, until).value(), hours * 60) << start << " + " << hours;
      ASSERT_EQ(calendar.WorkingMinutesBetween(from, until - 1).value(), hours * 60 - 1);
    }
  }
}

TEST(WorkingCalendarTest, OfficeHoursAreConfigurable) {
  const auto calendar = WorkingCalendar::Create(Days(), {{{8 * 60, 12 * 60}, {13 * 60, 17 * 60}}});
  EXPECT_EQ(calendar->AddWorkingHours(At({2026, 1, 8}, 7), 5).value(), At({2026, 1, 8}, 14));
}

TEST(WorkingCalendarTest, RefusesWhatCannotBeACalendar) {
  using enum DayKind;
  const auto reason = [](const std::vector<CalendarDay>& days, OfficeHours hours = {}) {
    return ReasonOf(WorkingCalendar::Create(days, std::move(hours)).status());
  };
  const std::string refused = "INVALID_WORKING_CALENDAR";
  EXPECT_EQ(reason({}), refused);
  EXPECT_EQ(reason({{{2026, 2, 30}, kStatutory}}), refused);
  EXPECT_EQ(reason({{{2026, 1, 1}, kStatutory}, {{2026, 1, 1}, kWorkingMakeup}}), refused);
  EXPECT_EQ(reason({{{2024, 1, 1}, kStatutory}, {{2026, 1, 1}, kStatutory}}), refused);
  EXPECT_EQ(reason({{{2026, 1, 1}, kStatutory}}, {{}}), refused);
  EXPECT_EQ(reason({{{2026, 1, 1}, kStatutory}}, {{{600, 500}}}), refused);
  EXPECT_EQ(reason({{{2026, 1, 1}, kStatutory}}, {{{480, 720}, {700, 900}}}), refused);
  EXPECT_EQ(reason({{{2026, 1, 1}, kStatutory}}, {{{480, 1500}}}), refused);
  // Two names for one day off are no contradiction.
  EXPECT_EQ(reason({{{2026, 1, 1}, kStatutory}, {{2026, 1, 1}, kCompensatory}}), "");
}

}  // namespace
}  // namespace dinh::base

#include "libs/base/civil.h"

#include <gtest/gtest.h>

#include "libs/base/limits.h"
#include "libs/base/op_context.h"
#include "libs/base/status.h"

namespace dinh::base {
namespace {

TEST(CivilTest, KnownDays) {
  EXPECT_EQ(DaysFromCivil({1970, 1, 1}), 0);
  EXPECT_EQ(DaysFromCivil({1969, 12, 31}), -1);
  EXPECT_EQ(DaysFromCivil({2000, 2, 29}), 11'016);
  EXPECT_EQ(DaysFromCivil({2026, 2, 13}), 20'497);
  EXPECT_EQ(DaysFromCivil({1, 1, 1}), -719'162);
}

TEST(CivilTest, DaysFollowEachOtherForFourHundredYears) {
  CivilDate date{1799, 12, 31};
  int64_t days = DaysFromCivil(date);
  for (; date.year <= 2200; ++days) {
    ASSERT_EQ(CivilFromDays(days), date);
    ASSERT_EQ(DaysFromCivil(date), days);
    const bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (++date.day > lengths[date.month - 1]) {
      date.day = 1;
      if (++date.month > 12) date = {date.year + 1, 1, 1};
    }
  }
}

TEST(CivilTest, LeapYears) {
  EXPECT_TRUE(IsValid({2024, 2, 29}));
  EXPECT_TRUE(IsValid({2000, 2, 29}));
  EXPECT_FALSE(IsValid({2026, 2, 29}));
  EXPECT_FALSE(IsValid({1900, 2, 29}));
  EXPECT_EQ(AddDays({2024, 2, 28}, 1), (CivilDate{2024, 2, 29}));
  EXPECT_EQ(AddDays({2023, 2, 28}, 1), (CivilDate{2023, 3, 1}));
  EXPECT_EQ(AddDays({2024, 3, 1}, -1), (CivilDate{2024, 2, 29}));
  EXPECT_EQ(AddDays({2024, 12, 31}, 1), (CivilDate{2025, 1, 1}));
}

TEST(CivilTest, Weekdays) {
  EXPECT_EQ(Weekday({1970, 1, 1}), 4);
  EXPECT_EQ(Weekday({2026, 2, 13}), 5);
  EXPECT_EQ(Weekday({2026, 1, 10}), 6);
  EXPECT_EQ(Weekday({2026, 4, 26}), 7);
  EXPECT_EQ(Weekday({1969, 12, 29}), 1);
}

TEST(CivilTest, ParsesOneFormOnly) {
  EXPECT_EQ(ParseDate("2026-02-13"), (CivilDate{2026, 2, 13}));
  EXPECT_EQ(ParseDate("0001-01-01"), (CivilDate{1, 1, 1}));
  for (const char* bad :
       {"", "2026-2-13", "13/02/2026", "2026-02-30", "2026-13-01", "2026-00-10", "2026-01-00", "0000-01-01",
        "2026-02-13 ", "2026-02-1x", "-026-02-13", "20260213  ", "2026/02/13", "+026-02-13", "2026-02-29"}) {
    EXPECT_EQ(ParseDate(bad), std::nullopt) << bad;
  }
}

TEST(CivilTest, Formats) {
  EXPECT_EQ(FormatDate({2026, 2, 3}), "2026-02-03");
  EXPECT_EQ(FormatDateVi({2026, 2, 3}), "03/02/2026");
  EXPECT_EQ(FormatTimeVi({{2026, 2, 13}, 15, 4, 59}), "15:04 ngày 13/02/2026");
}

TEST(CivilTest, VietnamIsSevenHoursAhead) {
  EXPECT_EQ(ToVietnam(0), (CivilTime{{1970, 1, 1}, 7, 0, 0}));
  // 2026-02-12T17:00:00Z is midnight in Vietnam; a microsecond before it is still the 12th.
  const Micros midnight = (DaysFromCivil({2026, 2, 12}) * 86'400 + 17 * 3'600) * kMicrosPerSecond;
  EXPECT_EQ(ToVietnam(midnight), (CivilTime{{2026, 2, 13}, 0, 0, 0}));
  EXPECT_EQ(ToVietnam(midnight - 1), (CivilTime{{2026, 2, 12}, 23, 59, 59}));
  EXPECT_EQ(ToVietnam(-1), (CivilTime{{1970, 1, 1}, 6, 59, 59}));
  EXPECT_EQ(ToVietnam(-8 * 3'600 * kMicrosPerSecond), (CivilTime{{1969, 12, 31}, 23, 0, 0}));
  for (const CivilTime time : {CivilTime{{2026, 2, 13}, 15, 0, 1}, CivilTime{{1968, 2, 29}, 0, 0, 0}}) {
    EXPECT_EQ(ToVietnam(FromVietnam(time)), time);
  }
}

TEST(OpContextTest, ChecksDeadlineAndCancellation) {
  FakeClock clock(1'000'000);
  OpContext context(clock, clock.Steady() + std::chrono::milliseconds(50));
  EXPECT_TRUE(context.Check().ok());
  EXPECT_EQ(context.Remaining(), std::chrono::milliseconds(50));
  clock.Advance(49 * kMicrosPerMilli);
  EXPECT_TRUE(context.Check().ok());
  clock.Advance(kMicrosPerMilli);
  EXPECT_EQ(context.Check().code(), absl::StatusCode::kDeadlineExceeded);
  context.set_deadline(clock.Steady() + kGrpcDeadlineDefault);
  EXPECT_TRUE(context.Check().ok());
  context.cancelled()->store(true);
  EXPECT_EQ(context.Check().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(DetailOf(context.Check())->reason, "CANCELLED");
}

}  // namespace
}  // namespace dinh::base

#include "services/procedures/domain/time_limit.h"

#include <gtest/gtest.h>

#include "libs/base/strings.h"
#include "libs/config/data_files.h"

namespace dinh::procedures {
namespace {

class TimeLimitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto json = config::ReadDataFile(std::string(DINH_SOURCE_DIR) + "/deploy/data/holidays.json");
    ASSERT_TRUE(json.ok());
    const auto days = config::ReadHolidays(*json);
    ASSERT_TRUE(days.ok()) << days.status();
    auto calendar = base::WorkingCalendar::Create(*days);
    ASSERT_TRUE(calendar.ok()) << calendar.status();
    calendar_.emplace(*std::move(calendar));
  }
  static base::Micros At(base::CivilDate date, int hour, int minute = 0) {
    return base::FromVietnam({date, hour, minute, 0});
  }
  static TimeLimit Working(int days, bool same_day = false) {
    return {TimeLimit::Unit::kWorkingDays, {days, days, days}, same_day, {}};
  }
  std::string Due(const TimeLimit& limit, base::Micros accepted, const std::vector<Pause>& pauses = {}) {
    Waited waited;
    for (const Pause& pause : pauses) EXPECT_TRUE(AddPause(*calendar_, pause, waited).ok());
    const auto due = DueDate(*calendar_, limit, Channel::kOnline, accepted, waited);
    if (!due.ok()) return std::string(base::FromAbsl(due.status().message()));
    return *due ? base::FormatDate(**due) : "none";
  }
  std::optional<base::WorkingCalendar> calendar_;
};

TEST_F(TimeLimitTest, TheNamedExamples) {
  EXPECT_EQ(Due(Working(3), At({2026, 1, 8}, 9)), "2026-01-12");
  EXPECT_EQ(Due(Working(10), At({2026, 2, 13}, 9)), "2026-03-06");
  EXPECT_EQ(Due(Working(1, true), At({2026, 2, 13}, 14, 59)), "2026-02-13");
  EXPECT_EQ(Due(Working(1, true), At({2026, 2, 13}, 15, 1)), "2026-02-23");
}

TEST_F(TimeLimitTest, CalendarDaysNeverEndOnADayOfRest) {
  const TimeLimit days15{TimeLimit::Unit::kCalendarDays, {15, 15, 15}, false, {}};
  EXPECT_EQ(Due(days15, At({2026, 3, 2}, 9)), "2026-03-17");
  EXPECT_EQ(Due(days15, At({2026, 2, 1}, 9)), "2026-02-23");  // the 16th to the 20th is Tết, then a weekend
  EXPECT_EQ(Due({}, At({2026, 3, 2}, 9)), "none");
}

TEST_F(TimeLimitTest, WaitingIsTakenOut) {
  const base::Micros accepted = At({2026, 3, 2}, 9);  // Monday
  EXPECT_EQ(Due(Working(3), accepted), "2026-03-05");
  // One office day (480 minutes): Tuesday 8:00 to Wednesday 8:00.
  EXPECT_EQ(Due(Working(3), accepted, {{At({2026, 3, 3}, 8), At({2026, 3, 4}, 8)}}), "2026-03-06");
  // Under half a day changes nothing, half a day rounds up; pauses add up.
  EXPECT_EQ(Due(Working(3), accepted, {{At({2026, 3, 3}, 8), At({2026, 3, 3}, 11)}}), "2026-03-05");
  EXPECT_EQ(Due(Working(3), accepted,
                {{At({2026, 3, 3}, 8), At({2026, 3, 3}, 11)}, {At({2026, 3, 4}, 8), At({2026, 3, 4}, 9)}}),
            "2026-03-06");
  // Nights, weekends and Tết do not count as waiting.
  EXPECT_EQ(Due(Working(10), At({2026, 2, 13}, 9), {{At({2026, 2, 13}, 17, 30), At({2026, 2, 23}, 7, 30)}}),
            "2026-03-06");
}

TEST_F(TimeLimitTest, SameDayProceduresGetTheRuleAnewWhenThePaymentComes) {
  const base::Micros accepted = At({2026, 3, 2}, 9);
  EXPECT_EQ(Due(Working(1, true), accepted, {{accepted, At({2026, 3, 2}, 9, 5)}}), "2026-03-02");
  EXPECT_EQ(Due(Working(1, true), accepted, {{accepted, At({2026, 3, 2}, 15, 30)}}), "2026-03-03");
  EXPECT_EQ(Due(Working(1, true), accepted, {{accepted, At({2026, 3, 6}, 16)}}), "2026-03-09");
}

TEST_F(TimeLimitTest, OutsideTheKnownCalendarIsAnErrorNotAGuess) {
  Waited waited;
  EXPECT_FALSE(DueDate(*calendar_, Working(3), Channel::kOnline, At({2030, 1, 2}, 9), waited).ok());
}

TEST_F(TimeLimitTest, OverdueIsDerived) {
  Progress p;
  p.state = State::kProcessing;
  const base::CivilDate due{2026, 3, 5};
  EXPECT_FALSE(IsOverdue(p, due, At({2026, 3, 5}, 23, 59)));
  EXPECT_TRUE(IsOverdue(p, due, At({2026, 3, 6}, 0)));
  EXPECT_FALSE(IsOverdue(p, std::nullopt, At({2030, 1, 1}, 0)));
  p.waiting_since = At({2026, 3, 4}, 9);
  EXPECT_FALSE(IsOverdue(p, due, At({2026, 4, 1}, 0))) << "the citizen's time";
  p.finished_at = At({2026, 3, 5}, 16);
  EXPECT_FALSE(IsOverdue(p, due, At({2026, 4, 1}, 0)));
  p.finished_at = At({2026, 3, 6}, 8);
  EXPECT_TRUE(IsOverdue(p, due, At({2026, 4, 1}, 0)));
}

TEST_F(TimeLimitTest, TextsAndChecks) {
  EXPECT_EQ(TimeLimitText(Working(3), Channel::kDesk).vi, "3 ngày làm việc");
  EXPECT_EQ(TimeLimitText({}, Channel::kDesk).vi, "không quy định");
  EXPECT_EQ(TimeLimitText(Working(0), Channel::kDesk).vi, "trong ngày làm việc");
  EXPECT_TRUE(CheckTimeLimit(Working(1, true)).ok());
  EXPECT_FALSE(CheckTimeLimit(Working(2, true)).ok());
  EXPECT_FALSE(CheckTimeLimit(Working(-1)).ok());
  EXPECT_FALSE(CheckTimeLimit({TimeLimit::Unit::kCalendarDays, {0, 1, 1}, false, {}}).ok());
  EXPECT_FALSE(CheckTimeLimit({TimeLimit::Unit::kNone, {1, 0, 0}, false, {}}).ok());
}

}  // namespace
}  // namespace dinh::procedures

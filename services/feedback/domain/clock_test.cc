#include "services/feedback/domain/clock.h"

#include <gtest/gtest.h>

#include "libs/base/civil.h"
#include "libs/base/status.h"
#include "libs/config/data_files.h"

namespace dinh::feedback {
namespace {

constexpr base::Micros kMinute = 60 * base::kMicrosPerSecond;

base::Micros At(int month, int day, int hour, int minute = 0) {
  return base::FromVietnam({{2026, month, day}, hour, minute, 0});
}

class ClockTest : public ::testing::Test {
 protected:
  ClockTest() {
    const auto json = config::ReadDataFile(std::string(DINH_SOURCE_DIR) + "/deploy/data/holidays.json");
    const auto days = config::ReadHolidays(json.value());
    calendar_ = base::WorkingCalendar::Create(days.value()).value();
    progress_.state = State::kReceived;
  }
  // Started at that time.
  void Start(base::Micros at) { progress_.started_at = at; }
  std::optional<base::Micros> Due(int hours) { return DueAt(*calendar_, hours, progress_).value(); }

  std::optional<base::WorkingCalendar> calendar_;
  Progress progress_;
};

TEST_F(ClockTest, DueInOfficeHours) {
  Start(At(3, 2, 9));  // a Monday
  EXPECT_EQ(Due(2), At(3, 2, 11));
  EXPECT_EQ(Due(8), At(3, 3, 9));
  EXPECT_EQ(Due(40), At(3, 9, 9));
  Start(At(3, 1, 20));  // a Sunday evening
  EXPECT_EQ(Due(8), At(3, 2, 17, 30));
}

// From the Friday before Tết 2026 (days off 14 to 22 February) the clock stands until Monday the 23rd.
TEST_F(ClockTest, DueAcrossTet) {
  Start(At(2, 13, 16, 30));
  EXPECT_EQ(Due(1), At(2, 13, 17, 30));
  EXPECT_EQ(Due(2), At(2, 23, 8, 30));
  EXPECT_EQ(UsedMinutes(*calendar_, progress_, At(2, 20, 10)).value(), 60);
}

TEST_F(ClockTest, WaitingMovesTheDueTime) {
  Start(At(3, 2, 9));
  // Two working hours and a night.
  ASSERT_TRUE(AddPause(*calendar_, {At(3, 2, 16, 30), At(3, 3, 8, 30)}, progress_).ok());
  EXPECT_EQ(progress_.waited_minutes, 120);
  EXPECT_EQ(Due(8), At(3, 3, 11));
  ASSERT_TRUE(AddPause(*calendar_, {At(3, 3, 12), At(3, 3, 13)}, progress_).ok());  // noon costs nothing
  EXPECT_EQ(progress_.waited_minutes, 120);
  progress_.state = State::kWaiting;
  progress_.waiting_since = At(3, 3, 9);
  EXPECT_EQ(Due(8), std::nullopt);
  EXPECT_FALSE(IsOverdue(progress_, At(3, 2, 10), At(6, 1, 9)));
  EXPECT_EQ(UsedMinutes(*calendar_, progress_, At(3, 6, 9)).value(), 8 * 60 - 120);
}

TEST_F(ClockTest, OnTimeAndOverdue) {
  Start(At(3, 2, 9));
  const auto due = Due(8);
  EXPECT_FALSE(IsOverdue(progress_, due, *due));
  EXPECT_TRUE(IsOverdue(progress_, due, *due + 1));
  progress_.state = State::kAnswered;
  progress_.answered_at = *due;
  EXPECT_FALSE(IsOverdue(progress_, due, At(6, 1, 9)));
  EXPECT_EQ(UsedMinutes(*calendar_, progress_, At(6, 1, 9)).value(), 8 * 60);
  progress_.answered_at = *due + kMinute;
  EXPECT_TRUE(IsOverdue(progress_, due, At(3, 2, 9)));
  EXPECT_EQ(DueAt(*calendar_, 8, Progress{}).value(), std::nullopt);  // not sent
  EXPECT_FALSE(IsOverdue(progress_, std::nullopt, At(6, 1, 9)));
}

EscalationPlan Plan() {
  EscalationPlan plan;
  plan.id = "standard";
  plan.steps = {{"remind", 75, EscalationStep::Action::kRemind, EscalationStep::Target::kAssignee, ""},
                {"due", 100, EscalationStep::Action::kEscalate, EscalationStep::Target::kPosition, "chair"},
                {"above", 200, EscalationStep::Action::kEscalate, EscalationStep::Target::kUnitAbove, "chair"}};
  return plan;
}

TEST_F(ClockTest, StepsInTurn) {
  Start(At(3, 2, 7, 30));
  const auto next = [&](const std::set<std::string, std::less<>>& done) {
    return NextStepOf(*calendar_, Plan(), 8, progress_, done).value();
  };
  ASSERT_TRUE(next({}));
  EXPECT_EQ(next({})->index, 0U);
  EXPECT_EQ(next({})->at, At(3, 2, 15, 30));
  EXPECT_EQ(next({"remind"})->index, 1U);
  EXPECT_EQ(next({"remind"})->at, At(3, 2, 17, 30));
  EXPECT_EQ(next({"remind", "due"})->at, At(3, 3, 17, 30));
  EXPECT_FALSE(next({"remind", "due", "above"}));
  // Waiting moves them.
  ASSERT_TRUE(AddPause(*calendar_, {At(3, 2, 8), At(3, 2, 9)}, progress_).ok());
  EXPECT_EQ(next({})->at, At(3, 2, 16, 30));
}

TEST_F(ClockTest, StepsAcrossTet) {
  Start(At(2, 13, 7, 30));
  const auto above = NextStepOf(*calendar_, Plan(), 8, progress_, {"remind", "due"}).value();
  EXPECT_EQ(above->at, At(2, 23, 17, 30));
}

TEST_F(ClockTest, NoStepsWhileTheClockStands) {
  Start(At(3, 2, 9));
  for (const State state :
       {State::kNone, State::kWaiting, State::kAnswered, State::kResolved, State::kRejected, State::kClosed}) {
    progress_.state = state;
    EXPECT_FALSE(NextStepOf(*calendar_, Plan(), 8, progress_, {}).value());
  }
}

TEST_F(ClockTest, AnUnknownYearIsAnError) {
  Start(base::FromVietnam({{2040, 1, 2}, 9, 0, 0}));
  EXPECT_EQ(base::DetailOf(DueAt(*calendar_, 8, progress_).status())->reason, "WORKING_CALENDAR_UNKNOWN");
  EXPECT_FALSE(NextStepOf(*calendar_, Plan(), 8, progress_, {}).ok());
}

}  // namespace
}  // namespace dinh::feedback

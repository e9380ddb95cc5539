// Time limits, reminders, escalations and closing, across Tết 2026 (14 to 22 February are days off; Monday the 23rd is
// the next working day).
#include "services/feedback/test_support.h"

namespace dinh::feedback {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

// The clock's rounds run by themselves: moving the time is enough, and then waiting for what must come of it.
class DeadlineTest : public FeedbackServiceTest {
 protected:
  void SetUp() override { Start({"DINH_FEEDBACK_CLOCK_INTERVAL=1s"}); }

  std::vector<pb::Notice::Kind> Notices(const Principal& who) {
    std::vector<pb::Notice::Kind> kinds;
    const auto list = Call<pb::ListNoticesResponse>("ListNotices", pb::ListNoticesRequest(), who);
    EXPECT_TRUE(list.ok()) << list.status();
    if (!list.ok()) return kinds;
    for (const pb::Notice& notice : list->notices()) kinds.push_back(notice.kind());
    return kinds;
  }
  // Moves on second by second until the clock has gone round so often; false: it does not go round.
  bool Rounds(int count = 4) {
    const auto done = [&] {
      return harness_->metrics()
          .AddCounter("events_jobs_done_total", "jobs carried out", {"service", "kind"})
          .With({"feedback", "reports.clock"})
          .Value();
    };
    const double wanted = done() + count;
    for (int i = 0; i < 2000; ++i) {
      if (done() >= wanted) return true;
      harness_->clock().Advance(base::kMicrosPerSecond);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }
  int64_t Count(const Principal& who, pb::Notice::Kind kind) {
    const std::vector<pb::Notice::Kind> kinds = Notices(who);
    return std::count(kinds.begin(), kinds.end(), kind);
  }
  static std::string DueOf(const pb::Report& report) {
    const auto at = base::ToVietnam(report.due_time().seconds() * base::kMicrosPerSecond);
    return base::FormatDate(at.date) + " " + std::to_string(at.hour) + ":" + std::to_string(at.minute);
  }
};

TEST_F(DeadlineTest, WorkingHoursLeaveTetOut) {
  // 8 working hours a day; sent on Friday 2026-02-13 at 08:00.
  At({2026, 2, 13}, 8);
  pb::CreateReportRequest lamp = Pothole("Đèn đường tắt cả đoạn");
  lamp.clear_answers();
  lamp.set_category("lighting.out");
  const auto sent = Create(lamp);
  ASSERT_TRUE(sent.ok()) << sent.status();
  // 24 working hours: the rest of Friday (7.5), then Monday 23 and Tuesday 24 (16), then half an hour of Wednesday.
  EXPECT_EQ(DueOf(*sent), "2026-02-25 8:0");
}

TEST_F(DeadlineTest, RemindsEscalatesAndGoesUpOnceEach) {
  At({2026, 2, 13}, 8);
  const auto sent = Create(Pothole());
  ASSERT_TRUE(sent.ok()) << sent.status();
  const std::string id = sent->id();
  EXPECT_EQ(Count(Worker(), pb::Notice::KIND_ASSIGNED), 1);
  EXPECT_TRUE(absl::IsPermissionDenied(Get(id, Province()).status()) ||
              Get(id, Province())->view() == pb::Report::VIEW_PUBLIC);

  // Nothing happens over the holidays.
  At({2026, 2, 22}, 23);
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Count(Worker(), pb::Notice::KIND_REMINDER), 0);
  const base::Micros due = sent->due_time().seconds() * base::kMicrosPerSecond;
  harness_->clock().Set(due - 600 * base::kMicrosPerSecond);
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Count(Worker(), pb::Notice::KIND_REMINDER), 1);
  EXPECT_EQ(Count(Chair(), pb::Notice::KIND_ESCALATION), 0);
  harness_->clock().Set(due + base::kMicrosPerSecond);
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Count(Chair(), pb::Notice::KIND_ESCALATION), 1);
  EXPECT_TRUE(Get(id, Desk())->overdue());
  EXPECT_EQ(Get(id, Desk())->escalation(), 1);
  // Twice the time: the unit above is asked of territory, and sees it from now on.
  harness_->clock().Set(due + 30 * 86400 * int64_t{base::kMicrosPerSecond});
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Get(id, Province())->view(), pb::Report::VIEW_OFFICE);
  EXPECT_EQ(Get(id, Province())->escalation(), 2);
  // Each step once, however many rounds there were.
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Count(Worker(), pb::Notice::KIND_REMINDER), 1);
  EXPECT_EQ(Count(Chair(), pb::Notice::KIND_ESCALATION), 1);
}

TEST_F(DeadlineTest, StandsWhileTheCitizenIsWaitedFor) {
  At({2026, 3, 2}, 8);
  const auto sent = Create(Pothole());
  ASSERT_TRUE(sent.ok()) << sent.status();
  ASSERT_TRUE(Do<pb::AskReporterRequest>("AskReporter", sent->id(), Worker()).ok());
  At({2026, 3, 30}, 8);  // four weeks later: nobody was reminded
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Count(Worker(), pb::Notice::KIND_REMINDER), 0);
  pb::AddUpdateRequest supply;
  supply.set_id(sent->id());
  supply.set_text("Vị trí ngay trước cổng chợ");
  const auto supplied = Call<pb::Report>("AddUpdate", supply, CitizenA());
  ASSERT_TRUE(supplied.ok()) << supplied.status();
  EXPECT_FALSE(supplied->overdue());
  EXPECT_GT(supplied->due_time().seconds() * base::kMicrosPerSecond, base::FromVietnam({{2026, 3, 30}, 8, 0, 0}));
}

TEST_F(DeadlineTest, ClosesByItselfAndCannotBeReopenedForEver) {
  At({2026, 3, 2}, 8);
  const std::string id = MustCreate();
  ASSERT_TRUE(Do<pb::ResolveReportRequest>("ResolveReport", id, Worker()).ok());
  At({2026, 3, 18}, 8);
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Get(id, CitizenA())->state(), pb::Report::STATE_CLOSED);
  At({2026, 4, 20}, 8);
  const absl::Status late = Do<pb::ReopenReportRequest>("ReopenReport", id, CitizenA()).status();
  EXPECT_THAT((std::vector<std::string>{"REOPEN_TOO_LATE", "STATE_DOES_NOT_ALLOW"}), Contains(ReasonOf(late))) << late;
}

TEST_F(DeadlineTest, ARestartGoesOnWhereItWas) {
  ::dinh::testing::TempDir dir;
  Start({"DINH_FEEDBACK_CLOCK_INTERVAL=1s"}, dir.File("data"), 1);
  At({2026, 3, 2}, 8);
  const auto sent = Create(Pothole());
  ASSERT_TRUE(sent.ok()) << sent.status();
  const base::Micros due = sent->due_time().seconds() * base::kMicrosPerSecond;
  harness_->clock().Set(due + base::kMicrosPerSecond);
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Count(Chair(), pb::Notice::KIND_ESCALATION), 1);
  // The same seed: the same keys.
  Start({"DINH_FEEDBACK_CLOCK_INTERVAL=1s"}, dir.File("data"), 1);
  harness_->clock().Set(due + 3600 * int64_t{base::kMicrosPerSecond});
  ASSERT_TRUE(Rounds());
  EXPECT_EQ(Count(Chair(), pb::Notice::KIND_ESCALATION), 1);
  const auto after = Get(sent->id(), Desk());
  ASSERT_TRUE(after.ok()) << after.status() << harness_->Log();
  EXPECT_EQ(after->escalation(), 1);
}

}  // namespace
}  // namespace dinh::feedback

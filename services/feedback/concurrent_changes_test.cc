// Many change reports at once: nobody waits crosswise or fails, and everything that was counted adds up.
#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "libs/base/strings.h"
#include "services/feedback/test_support.h"

namespace dinh::feedback {
namespace {

constexpr int kThreads = 8;
constexpr int kEach = 10;
constexpr int kAll = kThreads * kEach;

class ConcurrentChangesTest : public FeedbackServiceTest {
 protected:
  // One of their own for each thread: what a login may send a day is limited.
  static Principal CitizenOf(int thread) {
    return ::dinh::testing::Citizen("account-" + std::to_string(thread),
                                    "0190a5b2-7e3c-7abc-8def-00000000010" + std::to_string(thread));
  }
  static Principal WorkerCalled(const std::string& id) { return OfficerOf(id, "specialist", "ubnd-15865", "15865"); }
  template <typename F>
  static void AtOnce(F&& work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
    for (std::thread& thread : threads) thread.join();
  }
  int64_t Number(const std::string& sql) {
    auto ctx = harness_->NewContext();
    const auto found = harness_->database("feedback")->Read(*ctx, [&](db::Tx& tx) {
      return tx.QueryOne(sql, {}, [](const db::Row& row) { return row.Int(0); });
    });
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? found->value_or(-1) : -1;
  }
  pb::IndicatorRow Road() {
    pb::GetIndicatorsRequest request;
    request.set_unit("15865");
    request.set_category("road");
    const auto indicators = Call<pb::Indicators>("GetIndicators", request, Stranger());
    EXPECT_TRUE(indicators.ok()) << indicators.status();
    return indicators.ok() && indicators->rows_size() == 1 ? indicators->rows(0) : pb::IndicatorRow();
  }
};

TEST_F(ConcurrentChangesTest, WholeLivesBesideEachOther) {
  std::atomic<int> failed{0};
  const auto expect_ok = [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) ++failed;
  };
  AtOnce([&](int thread) {
    const Principal citizen = CitizenOf(thread);
    for (int i = 0; i < kEach; ++i) {
      const auto sent = Create(Pothole(), citizen);
      expect_ok(sent.status());
      if (!sent.ok()) continue;
      const std::string& id = sent->id();
      const std::string worker = i % 2 == 0 ? "worker1" : "worker2";
      expect_ok(Assign(id, worker).status());
      pb::AddUpdateRequest update;
      update.set_id(id);
      update.set_text("Vẫn chưa có ai đến xem");
      expect_ok(Call<pb::Report>("AddUpdate", update, citizen).status());
      pb::HideReportRequest hide;
      hide.set_id(id);
      hide.set_reason("Lý do để thử nghiệm");
      expect_ok(Call<pb::Report>("HideReport", hide, Desk()).status());
      expect_ok(Do<pb::ResolveReportRequest>("ResolveReport", id, WorkerCalled(worker)).status());
      expect_ok(Do<pb::RateReportRequest>("RateReport", id, citizen).status());
    }
  });
  ASSERT_EQ(failed, 0);
  const pb::IndicatorRow road = Road();
  EXPECT_EQ(road.received(), kAll);
  EXPECT_EQ(road.answered(), kAll);
  EXPECT_EQ(road.resolved(), kAll);
  EXPECT_EQ(road.ratings(), kAll);
  const std::string open = "(SELECT COALESCE(SUM(open), 0) FROM officer_load)",
                    changes = "(SELECT COALESCE(SUM(change), 0) FROM load_changes)";
  EXPECT_EQ(Number("SELECT CAST(" + open + " + " + changes + " AS BIGINT)"), 0);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM updates"), kAll * 7);  // submit, assign twice, a word, hide, resolve, rate
}

// The same report by many: each change sees the one before.
TEST_F(ConcurrentChangesTest, OfOneReport) {
  const std::string id = MustCreate();
  std::atomic<int> started{0};
  AtOnce([&](int thread) {
    pb::AddUpdateRequest update;
    update.set_id(id);
    update.set_text("Lời thứ " + std::to_string(thread));
    const auto said = Call<pb::Report>("AddUpdate", update, CitizenA());
    EXPECT_TRUE(said.ok()) << said.status();
    const auto start = Do<pb::StartReportRequest>("StartReport", id, Worker());
    if (start.ok()) ++started;
  });
  EXPECT_EQ(started, 1) << "only one finds it not yet started";
  EXPECT_EQ(Number("SELECT COUNT(DISTINCT position) FROM updates"), 2 + kThreads + 1);  // submit, assign, start
}

// Turns: exactly round when one comes after the other, nearly so when many come at once.
TEST_F(ConcurrentChangesTest, OfficersGetTheirShare) {
  const auto count = [&](const std::string& officer) {
    return Number("SELECT COUNT(*) FROM reports WHERE assignee = '" + officer + "'");
  };
  for (int i = 0; i < 6; ++i) MustCreate();
  EXPECT_EQ(count("worker1"), 3);
  EXPECT_EQ(count("worker2"), 3);
  AtOnce([&](int thread) {
    for (int i = 0; i < kEach; ++i) MustCreate(Pothole(), CitizenOf(thread));
  });
  EXPECT_EQ(count("worker1") + count("worker2"), 6 + kAll);
  // As many as are made at once may go to the same one before the next are made.
  EXPECT_LE(std::abs(count("worker1") - count("worker2")), 2 * kThreads);
}

}  // namespace
}  // namespace dinh::feedback

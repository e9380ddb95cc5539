// Figures and loads: changes count at once, and merging them changes no sum.
#include <atomic>
#include <thread>

#include "services/feedback/board_test_support.h"
#include "services/feedback/figure_merger.h"

namespace dinh::feedback {
namespace {

constexpr int64_t kToday = 20'000;

class StoreFiguresTest : public BoardTest {
 protected:
  using Sums = std::map<std::pair<std::string, std::string>, Counts>;

  void Add(const IndicatorKey& key, const FigureChange& change, int times = 1) {
    Write([&](db::Tx& tx) -> absl::Status {
      for (int i = 0; i < times; ++i) RETURN_IF_ERROR(board_.AddFigures(tx, ids_.Next(), key, change));
      return absl::OkStatus();
    });
  }
  Sums SumsOf(const std::string& unit, const std::string& category, int64_t from, int64_t to = kToday) {
    return Read([&](db::Tx& tx) { return board_.Sums(tx, unit, category, from, to); });
  }
  int64_t LoadOf(const std::string& officer) {
    return Read([&](db::Tx& tx) { return store_.Loads(tx, {officer}); })[officer];
  }
  void MergeAll() {
    for (int i = 0; i < 1000; ++i) {
      const absl::StatusOr<bool> more = merger_.Round();
      ASSERT_TRUE(more.ok()) << more.status();
      if (!*more) return;
    }
    FAIL() << "the merger does not come to an end";
  }
  int64_t Unmerged() {
    return Number("SELECT (SELECT COUNT(*) FROM figure_changes) + (SELECT COUNT(*) FROM load_changes)");
  }

  FigureMerger merger_{{*database_.db, store_, board_, clock_, logger_, metrics_}};
};

TEST_F(StoreFiguresTest, IndicatorsSumUpOverDaysMergedOrNot) {
  for (int64_t day = kToday - 2; day <= kToday; ++day) {
    const IndicatorKey key{kUnitA, "road", day};
    Add(key, {.received = true}, 10);
    Add(key, {.overdue = true});
    Add(key, {.stars = 5});
    Add(key, {.answered = true, .on_time = true, .resolved = true, .minutes = 480});
  }
  Add({kUnitA, "lamp", kToday}, {.received = true}, 3);
  Add({kUnitB, "road", kToday}, {.received = true}, 7);
  const auto expect_sums = [&] {
    const Sums all = SumsOf("", "", kToday - 1);
    ASSERT_EQ(all.size(), 3u);
    const Counts& road = all.at({kUnitA, "road"});
    EXPECT_EQ(road.received, 20);
    EXPECT_EQ(road.overdue_open, 2);
    EXPECT_EQ(road.answered, 2);
    EXPECT_EQ(road.answered_on_time, 2);
    EXPECT_EQ(road.resolved, 2);
    EXPECT_EQ(road.rejected + road.reopened, 0);
    EXPECT_EQ(road.stars[4], 2);
    EXPECT_EQ(road.minutes[BucketOf(480)], 2);
    EXPECT_EQ(all.at({kUnitB, "road"}).received, 7);
    EXPECT_EQ(SumsOf(kUnitA, "", kToday).size(), 2u);
    EXPECT_EQ(SumsOf(kUnitA, "lamp", kToday).begin()->second.received, 3);
    EXPECT_EQ(SumsOf("", "road", kToday).size(), 2u);
    EXPECT_TRUE(SumsOf("nowhere", "", kToday).empty());
  };
  expect_sums();
  MergeAll();
  EXPECT_EQ(Unmerged(), 0);
  expect_sums();
  MergeAll();  // again: there is nothing to count twice
  expect_sums();
  Add({kUnitB, "road", kToday}, {.received = true});  // on top of the totals
  EXPECT_EQ(SumsOf(kUnitB, "road", kToday).begin()->second.received, 8);
}

// Counted ahead, and not told before its day, merged or not.
TEST_F(StoreFiguresTest, WhatCountsFromALaterDayIsNotToldSooner) {
  const int64_t now = base::DaysFromCivil(base::ToVietnam(kBoardNow).date);
  const auto ahead = [&] {
    const Sums sums = SumsOf(kUnitB, "lamp", now, now + 9);
    return sums.empty() ? 0 : sums.begin()->second.received;
  };
  Add({kUnitB, "lamp", now + 2}, {.received = true});
  EXPECT_EQ(ahead(), 0);
  MergeAll();
  Add({kUnitB, "lamp", now + 2}, {.received = true});
  EXPECT_EQ(ahead(), 0);
  clock_.Advance(48 * kHour);
  EXPECT_EQ(ahead(), 2);
}

TEST_F(StoreFiguresTest, AMergeThatFailsInTheMiddleChangesNothing) {
  Add({kUnitA, "road", kToday}, {.received = true}, 5);
  Write([&](db::Tx& tx) { return store_.AddLoad(tx, ids_.Next(), "officer", 1); });
  auto ctx = Context();
  const absl::Status died = database_.db->Transact(*ctx, [&](db::Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(board_.MergeFigures(tx, 3).status());
    RETURN_IF_ERROR(store_.MergeLoads(tx, 3).status());
    return base::Internal("the process dies here");
  });
  EXPECT_FALSE(died.ok());
  EXPECT_EQ(Unmerged(), 6);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM indicators"), 0);
  EXPECT_EQ(SumsOf(kUnitA, "road", kToday).begin()->second.received, 5);
  EXPECT_EQ(LoadOf("officer"), 1);
  // In parts: what is left still counts.
  Write([&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t merged, board_.MergeFigures(tx, 3));
    EXPECT_EQ(merged, 3);
    return absl::OkStatus();
  });
  EXPECT_EQ(Number("SELECT received FROM indicators"), 3);
  EXPECT_EQ(SumsOf(kUnitA, "road", kToday).begin()->second.received, 5);
}

TEST_F(StoreFiguresTest, LoadsCountAtOnce) {
  const auto add = [&](const std::string& officer, int64_t change) {
    Write([&](db::Tx& tx) { return store_.AddLoad(tx, ids_.Next(), officer, change); });
  };
  add("a", 1);
  add("a", 1);
  add("b", 1);
  EXPECT_EQ(LoadOf("a"), 2);
  MergeAll();
  EXPECT_EQ(LoadOf("a"), 2);
  clock_.Advance(kHour);
  add("a", -1);
  EXPECT_EQ(LoadOf("a"), 1);
  EXPECT_EQ(LoadOf("b"), 1);
  EXPECT_EQ(LoadOf("nobody"), 0);
  MergeAll();
  EXPECT_EQ(Number("SELECT open FROM officer_load WHERE officer = 'a'"), 1);
  EXPECT_EQ(Unmerged(), 0);
}

// Writers of the same keys, two mergers, and a reader who never sees a sum go back or run ahead.
TEST_F(StoreFiguresTest, MergingBesideWritersLosesNothing) {
  static constexpr int kWriters = 4, kEach = 60;
  const IndicatorKey key{kUnitA, "road", kToday};
  std::atomic<int> begun{0}, done{0}, writing{kWriters};
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) {
        auto ctx = Context();
        ++begun;
        const absl::Status added = database_.db->Transact(
            *ctx,
            [&](db::Tx& tx) -> absl::Status {
              RETURN_IF_ERROR(board_.AddFigures(tx, ids_.Next(), key, {.received = true, .minutes = 60 * i}));
              return store_.AddLoad(tx, ids_.Next(), "officer", 1);
            },
            db::Isolation::kReadCommitted);
        EXPECT_TRUE(added.ok()) << added;
        ++done;
      }
      --writing;
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (writing > 0) {
        const absl::StatusOr<bool> merged = merger_.Round();
        EXPECT_TRUE(merged.ok()) << merged.status();
      }
    });
  }
  while (writing > 0) {
    const int64_t at_least = done;
    const Sums sums = SumsOf(kUnitA, "road", kToday);
    const int64_t seen = sums.empty() ? 0 : sums.begin()->second.received, at_most = begun;
    EXPECT_GE(seen, at_least);
    EXPECT_LE(seen, at_most);
  }
  for (std::thread& thread : threads) thread.join();
  MergeAll();
  EXPECT_EQ(Unmerged(), 0);
  EXPECT_EQ(Number("SELECT received FROM indicators"), kWriters * kEach);
  EXPECT_EQ(Number("SELECT CAST(SUM(count) AS BIGINT) FROM answer_times"), kWriters * kEach);
  EXPECT_EQ(LoadOf("officer"), kWriters * kEach);
}

}  // namespace
}  // namespace dinh::feedback

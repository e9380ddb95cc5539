#include "libs/events/relay.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "libs/events/feed.h"
#include "libs/events/test_support.h"

namespace dinh::events {
namespace {

class RelayTest : public db::EngineTest {
 protected:
  absl::Status Append(const std::string& subject) { return t_.Append(outbox_, subject); }
  // A row as a concurrent transaction would leave it that took its place in the order early and commits late.
  void AppendAt(int64_t number) {
    ASSERT_TRUE(
        t_.Exec("INSERT INTO outbox (number, id, type, version, subject, occurred_at, payload, sealed, traceparent) "
                "VALUES (" +
                std::to_string(number) + ", '" + t_.ids.Next() + "', 'test.happened', 1, '" + std::to_string(number) +
                "', 0, '', 0, '')")
            .ok());
  }
  Relay::Result Number(Relay& relay) {
    auto ctx = t_.Context();
    const auto result = relay.NumberOnce(*ctx);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(Relay::Result{});
  }
  std::string Order() {
    auto ctx = t_.Context();
    Feed feed(*t_.db, {}, {});
    std::string order;
    int64_t expected = 0;
    const auto events = feed.ReadAfter(*ctx, 0, 10'000);
    for (const v1::FeedEvent& event : *events) {
      EXPECT_EQ(event.sequence(), ++expected);
      order += event.subject() + " ";
    }
    return order;
  }
  TestStore t_{GetParam()};
  Outbox outbox_{t_.ids, {}, {}};
  Relay relay_{*t_.db, "one", true};
};

DINH_BOTH_ENGINES(RelayTest);

TEST_P(RelayTest, NumbersInTheOrderOfInsertion) {
  for (const char* subject : {"a", "b", "c"}) ASSERT_TRUE(Append(subject).ok());
  EXPECT_EQ(Order(), "");  // committed, but not yet numbered: not to be seen
  EXPECT_EQ(Number(relay_).numbered, 3);
  EXPECT_EQ(Order(), "a b c ");
  ASSERT_TRUE(Append("d").ok());
  const Relay::Result result = Number(relay_);
  EXPECT_EQ(result.numbered, 1);
  EXPECT_EQ(result.head, 4);
  EXPECT_EQ(Number(relay_).numbered, 0);
  EXPECT_EQ(Order(), "a b c d ");
}

TEST_P(RelayTest, ALateCommitComesAfterWhatReadersHaveSeen) {
  AppendAt(1);
  AppendAt(3);  // 2 has its place but is not committed
  EXPECT_EQ(Number(relay_).head, 2);
  EXPECT_EQ(Order(), "1 3 ");
  AppendAt(2);
  EXPECT_EQ(Number(relay_).head, 3);
  EXPECT_EQ(Order(), "1 3 2 ");  // not between: a reader at 2 would have stepped over it
}

TEST_P(RelayTest, ACrashBetweenCommitAndNumberingLosesNothing) {
  ASSERT_TRUE(Append("a").ok());
  Number(relay_);
  ASSERT_TRUE(Append("b").ok());
  t_.Restart();
  Relay after(*t_.db, "two", true);
  auto ctx = t_.Context();
  EXPECT_TRUE(*after.HasWork(*ctx));
  EXPECT_EQ(*after.ReadHead(*ctx), 1);
  EXPECT_EQ(Number(after).head, 2);
  EXPECT_FALSE(*after.HasWork(*ctx));
  EXPECT_EQ(Order(), "a b ");
}

TEST_P(RelayTest, ManyInBoundedSteps) {
  auto ctx = t_.Context();
  const int count = kNumberedPerTransactionMax + 5;
  ASSERT_TRUE(
      t_.db
          ->Transact(*ctx,
                     [&](db::Tx& tx) -> absl::Status {
                       for (int i = 0; i < count; ++i) {
                         RETURN_IF_ERROR(outbox_.Append(tx, {"test.happened", 1, std::to_string(i), ""}).status());
                       }
                       return absl::OkStatus();
                     })
          .ok());
  EXPECT_EQ(Number(relay_).numbered, kNumberedPerTransactionMax);
  EXPECT_EQ(Number(relay_).numbered, 5);
  std::string expected;
  for (int i = 0; i < count; ++i) expected += std::to_string(i) + " ";
  EXPECT_EQ(Order(), expected);
}

TEST_P(RelayTest, OneRelayWorksUntilItsLeaseRunsOut) {
  base::FakeClock clock(1'700'000'000 * base::kMicrosPerSecond);
  t_.db.reset();
  auto database = t_.TryOpen(clock);
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE(EnsureSchema(**database).ok());
  base::SeededRandom random(3);
  base::IdGenerator ids(clock, random);
  Outbox outbox(ids, {}, {});
  const auto append = [&] {
    auto ctx = db::TestContext(clock);
    ASSERT_TRUE((*database)
                    ->Transact(*ctx,
                               [&](db::Tx& tx) {
                                 return outbox.Append(tx, {"test.happened", 1, "s", ""}).status();
                               })
                    .ok());
  };
  const auto number = [&](Relay& relay) {
    auto ctx = db::TestContext(clock);
    return relay.NumberOnce(*ctx).value();
  };
  Relay one(**database, "one", false), two(**database, "two", false);
  append();
  EXPECT_EQ(number(one).numbered, 1);
  append();
  EXPECT_FALSE(number(two).leased);
  EXPECT_EQ(number(two).numbered, 0);
  clock.Advance(kRelayLease - 1);
  EXPECT_EQ(number(one).numbered, 1);  // and so goes on
  append();
  clock.Advance(kRelayLease - 1);
  EXPECT_FALSE(number(two).leased);
  clock.Advance(2);
  EXPECT_EQ(number(two).numbered, 1);
  EXPECT_FALSE(number(one).leased);
  // A process whose clock runs ahead holds the lease no longer than one whose clock is right.
  clock.Advance(45 * base::kMicrosPerSecond);
  EXPECT_TRUE(number(one).leased);
  clock.Advance(-45 * base::kMicrosPerSecond);
  EXPECT_TRUE(number(two).leased);
}

// Two connections to one database: one appends and commits late, the other numbers, a third reads all the time.
TEST_P(RelayTest, InterleavedCommitsAreNeverSteppedOver) {
  TestStore& writer = t_;
  TestStore relaying(&writer);
  Outbox outbox(writer.ids, {}, {});
  Relay relay(*relaying.db, "relay", true);
  std::atomic<bool> stop{false};
  std::atomic<int64_t> appended{0};
  std::thread appender([&] {
    for (int i = 0; i < 300; ++i) {
      auto ctx = writer.Context();
      const int rows = 1 + i % 3;
      EXPECT_TRUE(
          writer.db
              ->Transact(*ctx,
                         [&](db::Tx& tx) -> absl::Status {
                           for (int row = 0; row < rows; ++row) {
                             RETURN_IF_ERROR(
                                 outbox.Append(tx, {"test.happened", 1, std::to_string(appended + row), ""}).status());
                             std::this_thread::yield();  // the other connection gets its chance inside our transaction
                           }
                           return absl::OkStatus();
                         })
              .ok());
      appended += rows;
    }
    stop = true;
  });
  std::thread numberer([&] {
    while (true) {
      const bool last = stop;
      auto ctx = relaying.Context();
      const auto result = relay.NumberOnce(*ctx);
      EXPECT_TRUE(result.ok()) << result.status();
      if (last && result.ok() && result->numbered == 0) return;
    }
  });
  Feed feed(*relaying.db, {}, {});
  int64_t position = 0;
  EXPECT_TRUE(Eventually([&] {
    auto ctx = relaying.Context();
    const auto events = feed.ReadAfter(*ctx, position, 7);
    for (const v1::FeedEvent& event : *events) {
      EXPECT_EQ(event.sequence(), position + 1);
      EXPECT_EQ(event.subject(), std::to_string(position));
      position = event.sequence();
    }
    return stop && position == appended;
  }));
  appender.join();
  numberer.join();
  EXPECT_EQ(position, 600);
}

// A transaction that inserted first and commits last: numbered last. Only PostgreSQL lets two write at once.
TEST(RelayLateCommit, NumberedAfterWhatReadersHaveSeen) {
  TestStore early(db::Engine::kPostgres), late(&early);
  Outbox outbox(early.ids, {}, {});
  Relay relay(*early.db, "relay", false);
  Feed feed(*early.db, {}, {});
  const auto number = [&] {
    auto ctx = early.Context();
    return relay.NumberOnce(*ctx).value();
  };
  const auto order = [&] {
    auto ctx = early.Context();
    std::string subjects;
    const std::vector<v1::FeedEvent> events = feed.ReadAfter(*ctx, 0, 100).value();
    for (const v1::FeedEvent& event : events) subjects += event.subject() + " ";
    return subjects;
  };
  auto ctx = late.Context();
  int runs = 0;
  ASSERT_TRUE(late.db
                  ->Transact(*ctx,
                             [&](db::Tx& tx) -> absl::Status {
                               RETURN_IF_ERROR(outbox.Append(tx, {"test.happened", 1, "late", ""}).status());
                               RETURN_IF_ERROR(tx.Query("SELECT 1", {}, [](const db::Row&) {}));  // sends it
                               // Beside it, and after it in the order of insertion.
                               std::thread([&] {
                                 if (++runs > 1) return;
                                 EXPECT_TRUE(early.Append(outbox, "early").ok());
                                 EXPECT_EQ(number().head, 1);
                                 EXPECT_EQ(order(), "early ");
                               }).join();
                               return absl::OkStatus();
                             })
                  .ok());
  EXPECT_EQ(runs, 1);  // the relay is in nobody's way
  EXPECT_EQ(number().head, 2);
  EXPECT_EQ(order(), "early late ");
  EXPECT_EQ(early.Number("SELECT COUNT(*) FROM outbox o JOIN outbox e ON o.number < e.number AND o.sequence > "
                         "e.sequence"),
            1);
}

}  // namespace
}  // namespace dinh::events

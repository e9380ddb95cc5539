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

class RelayTest : public testing::Test {
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
  TestStore t_;
  Outbox outbox_{t_.ids, {}, {}};
  Relay relay_{*t_.db, "one", true};
};

TEST_F(RelayTest, NumbersInTheOrderOfInsertion) {
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

TEST_F(RelayTest, ALateCommitComesAfterWhatReadersHaveSeen) {
  AppendAt(1);
  AppendAt(3);  // 2 has its place but is not committed
  EXPECT_EQ(Number(relay_).head, 2);
  EXPECT_EQ(Order(), "1 3 ");
  AppendAt(2);
  EXPECT_EQ(Number(relay_).head, 3);
  EXPECT_EQ(Order(), "1 3 2 ");  // not between: a reader at 2 would have stepped over it
}

TEST_F(RelayTest, ACrashBetweenCommitAndNumberingLosesNothing) {
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

TEST_F(RelayTest, ManyInBoundedSteps) {
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

TEST(RelayLease, OneRelayWorksUntilItsLeaseRunsOut) {
  base::FakeClock clock(1'700'000'000 * base::kMicrosPerSecond);
  db::TestFolder folder;
  db::SqliteOptions options;
  options.path = folder.File("x.db");
  auto database = db::OpenSqlite(options, clock);
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
}

// Two connections to one file: one appends and commits late, the other numbers, a third reads all the time.
TEST(RelayConnections, InterleavedCommitsAreNeverSteppedOver) {
  TestStore writer;
  db::SqliteOptions options = writer.options;
  options.busy_timeout_ms = 10'000;
  TestStore relaying(options);
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

}  // namespace
}  // namespace dinh::events

#include "libs/events/feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/events/event_hub.h"
#include "libs/events/test_support.h"

namespace dinh::events {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What one subscription saw. Copies share it, since the hub may outlive the test's body.
class Seen {
 public:
  explicit Seen(size_t take = SIZE_MAX) : state_(std::make_shared<State>()) { state_->take = take; }
  Feed::OnEvent OnEvent() const {
    return [state = state_](const v1::FeedEvent& event) {
      if (state->sequences.size() >= state->take) return false;
      state->sequences.push_back(event.sequence());
      return true;
    };
  }
  Feed::OnEnd OnEnd() const {
    return [state = state_](const absl::Status& status) { state->ends.push_back(status); };
  }
  const std::vector<int64_t>& sequences() const { return state_->sequences; }
  const std::vector<absl::Status>& ends() const { return state_->ends; }

 private:
  struct State {
    std::vector<int64_t> sequences;
    std::vector<absl::Status> ends;
    size_t take;  // refuses after so many
  };
  std::shared_ptr<State> state_;
};

class FeedTest : public db::EngineTest {
 protected:
  void SetUp() override { ASSERT_TRUE(hub_.Init().ok()); }
  void Append(const std::string& subject, const std::string& type = "test.happened") {
    auto ctx = t_.Context();
    ASSERT_TRUE(
        t_.db
            ->Transact(*ctx,
                       [&](db::Tx& tx) {
                         return hub_.outbox().Append(tx, {type, 1, subject, "payload of " + subject, true}).status();
                       })
            .ok());
  }
  // Rounds until nothing is left to do.
  void Settle() {
    absl::StatusOr<bool> more = true;
    while (more.ok() && *more) more = hub_.Round(true);
    EXPECT_TRUE(more.ok()) << more.status();
  }
  uint64_t Subscribe(FeedFilter filter, const Seen& seen) {
    return hub_.feed().Subscribe(std::move(filter), seen.OnEvent(), seen.OnEnd());
  }
  TestStore t_{GetParam()};
  EventHub hub_{*t_.db, "test", t_.clock, t_.random, t_.ids, t_.logger, t_.metrics, TestSeal()};
};

DINH_BOTH_ENGINES(FeedTest);

TEST_P(FeedTest, ReadsPagesOfWholeEvents) {
  for (int i = 0; i < 5; ++i) Append(std::to_string(i));
  Settle();
  auto ctx = t_.Context();
  const auto page = hub_.feed().ReadAfter(*ctx, 2, 2);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->size(), 2u);
  const v1::FeedEvent& event = (*page)[0];
  EXPECT_EQ(event.sequence(), 3);
  EXPECT_EQ(event.type(), "test.happened");
  EXPECT_EQ(event.version(), 1);
  EXPECT_EQ(event.subject(), "2");
  EXPECT_EQ(event.payload(), "payload of 2");
  EXPECT_TRUE(base::IsUuid(event.id()));
  EXPECT_GT(event.occurred_at().seconds(), 0);
  EXPECT_THAT(*hub_.feed().ReadAfter(*ctx, 5, 2), IsEmpty());
}

TEST_P(FeedTest, SubscriptionsGoOnFromTheirPosition) {
  Append("a");
  Append("b");
  Settle();
  Seen all, rest, tail;
  Subscribe({}, all);
  Subscribe({.after_sequence = 1}, rest);
  Subscribe({.after_sequence = 2}, tail);
  Settle();
  EXPECT_THAT(all.sequences(), ElementsAre(1, 2));
  EXPECT_THAT(rest.sequences(), ElementsAre(2));
  EXPECT_THAT(tail.sequences(), IsEmpty());
  Append("c");
  Settle();
  EXPECT_THAT(all.sequences(), ElementsAre(1, 2, 3));
  EXPECT_THAT(rest.sequences(), ElementsAre(2, 3));
  EXPECT_THAT(tail.sequences(), ElementsAre(3));
}

TEST_P(FeedTest, FiltersByTypeAndSubject) {
  Append("a", "test.one");
  Append("b", "test.two");
  Append("a", "test.two");
  Seen one, a, both;
  Subscribe({.types = {"test.one", "test.three"}}, one);
  Subscribe({.subject = "a"}, a);
  Subscribe({.types = {"test.two"}, .subject = "a"}, both);
  Settle();
  EXPECT_THAT(one.sequences(), ElementsAre(1));
  EXPECT_THAT(a.sequences(), ElementsAre(1, 3));
  EXPECT_THAT(both.sequences(), ElementsAre(3));
}

TEST_P(FeedTest, NoWaitEndsAtTheHeadAsItWas) {
  Append("a");
  Append("b");
  Settle();
  Seen seen, empty;
  Subscribe({.no_wait = true}, seen);
  Subscribe({.after_sequence = 2, .no_wait = true}, empty);
  Append("c");
  Settle();
  EXPECT_THAT(seen.sequences(), ElementsAre(1, 2));
  ASSERT_EQ(seen.ends().size(), 1u);
  EXPECT_TRUE(seen.ends()[0].ok());
  EXPECT_EQ(empty.ends().size(), 1u);
  EXPECT_EQ(hub_.feed().subscriptions(), 0u);
}

TEST_P(FeedTest, HistoryIsLimitedForOutsiders) {
  for (int i = 0; i < 10; ++i) Append("a");
  Settle();
  Seen seen, future;
  Subscribe({.history_max = 3}, seen);
  Subscribe({.after_sequence = 9, .history_max = 0}, future);
  Settle();
  EXPECT_THAT(seen.sequences(), ElementsAre(8, 9, 10));
  EXPECT_THAT(future.sequences(), IsEmpty());
}

TEST_P(FeedTest, ALongHistoryComesInPagesAndInOrder) {
  auto ctx = t_.Context();
  const int count = 2 * kFeedPageEvents + 10;
  ASSERT_TRUE(t_.db
                  ->Transact(*ctx,
                             [&](db::Tx& tx) -> absl::Status {
                               for (int i = 0; i < count; ++i) {
                                 RETURN_IF_ERROR(hub_.outbox().Append(tx, {"test.happened", 1, "s", ""}).status());
                               }
                               return absl::OkStatus();
                             })
                  .ok());
  Settle();
  Seen seen;
  Subscribe({}, seen);
  Settle();
  ASSERT_EQ(seen.sequences().size(), static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) EXPECT_EQ(seen.sequences()[static_cast<size_t>(i)], i + 1);
}

TEST_P(FeedTest, ReadersOfManyPastsDoNotKeepTheHeadWaiting) {
  const int count = 5 * static_cast<int>(kFeedPositionsPerRound);
  for (int i = 0; i < count; ++i) Append("a");
  Settle();
  Seen tail;
  Subscribe({.after_sequence = count}, tail);
  std::vector<Seen> pasts(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) Subscribe({.after_sequence = i}, pasts[static_cast<size_t>(i)]);
  for (int i = 1; i <= 3; ++i) {
    Append("new");
    EXPECT_TRUE(*hub_.Round(true));  // there is more to do, and still
    EXPECT_EQ(tail.sequences().size(), static_cast<size_t>(i));
  }
  Settle();
  for (int i = 0; i < count; ++i) {
    const std::vector<int64_t>& sequences = pasts[static_cast<size_t>(i)].sequences();
    ASSERT_EQ(sequences.size(), static_cast<size_t>(count + 3 - i));
    EXPECT_EQ(sequences.front(), i + 1);
    EXPECT_EQ(sequences.back(), count + 3);
  }
}

TEST_P(FeedTest, WhoRefusesIsEndedTheOthersGoOn) {
  Seen full(1), fine;
  Subscribe({}, full);
  Subscribe({}, fine);
  for (int i = 0; i < 3; ++i) Append("a");
  Settle();
  EXPECT_THAT(full.sequences(), ElementsAre(1));
  EXPECT_EQ(full.ends().size(), 1u);
  EXPECT_THAT(fine.sequences(), ElementsAre(1, 2, 3));
  EXPECT_EQ(hub_.feed().subscriptions(), 1u);
}

TEST_P(FeedTest, UnsubscribedAndClosed) {
  Seen gone, stays;
  const uint64_t id = Subscribe({}, gone);
  Subscribe({}, stays);
  hub_.feed().Unsubscribe(id);
  Append("a");
  Settle();
  EXPECT_THAT(gone.sequences(), IsEmpty());
  EXPECT_THAT(gone.ends(), IsEmpty());
  hub_.Stop();
  ASSERT_EQ(stays.ends().size(), 1u);
  EXPECT_EQ(stays.ends()[0].code(), absl::StatusCode::kUnavailable);
  Seen late;
  EXPECT_EQ(Subscribe({}, late), 0u);
  EXPECT_EQ(late.ends().size(), 1u);
}

TEST_P(FeedTest, AnEventThatCannotBeOpenedIsNotSteppedOver) {
  Append("a");
  Append("b");
  Append("c");
  Settle();
  ASSERT_TRUE(t_.Exec("UPDATE outbox SET payload = 'broken' WHERE sequence = 2").ok());
  Seen before, after;
  Subscribe({.after_sequence = 1}, before);
  Subscribe({.after_sequence = 2}, after);
  EXPECT_FALSE(hub_.Round(true).ok());
  EXPECT_THAT(before.sequences(), IsEmpty());
  EXPECT_THAT(after.sequences(), ElementsAre(3));
  EXPECT_THAT(before.ends(), IsEmpty());
}

TEST_P(FeedTest, TheHeadIsKnownAfterARestart) {
  Append("a");
  Settle();
  EventHub again(*t_.db, "test", t_.clock, t_.random, t_.ids, t_.logger, t_.metrics, TestSeal());
  ASSERT_TRUE(again.Init().ok());
  EXPECT_EQ(again.feed().head(), 1);
}

}  // namespace
}  // namespace dinh::events

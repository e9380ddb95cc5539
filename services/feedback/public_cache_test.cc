// Answers for everybody are kept for a moment, and gone when the board changes.
#include "services/feedback/public_cache.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "dinh/feedback/v1/board_service.pb.h"
#include "dinh/feedback/v1/report_service.pb.h"
#include "libs/testing/principals.h"
#include "services/feedback/board_test_support.h"
#include "services/feedback/handlers/public_reports.h"

namespace dinh::feedback {
namespace {

class PublicCacheTest : public BoardTest {
 protected:
  std::unique_ptr<rpc::Context> Call(const auth::Principal& who = ::dinh::testing::Anonymous()) {
    return std::make_unique<rpc::Context>(clock_, clock_.Steady() + std::chrono::seconds(60), method_, who);
  }
  double Answers(const std::string& from) const {
    const std::string text = metrics_.Exposition(),
                      line = "dinh_feedback_board_answers_total{from=\"" + from + "\",what=\"board\"} ";
    const size_t at = text.find(line);
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + line.size());
  }
  // How many reports the list shows.
  int Listed(PublicReports& reports, const pb::ListReportsRequest& request = {}) {
    const auto listed = reports.List(*Call(), request);
    EXPECT_TRUE(listed.ok()) << listed.status();
    return listed.ok() ? listed->reports_size() : -1;
  }

  rpc::MethodEntry method_;
  auth::PageTokens page_tokens_{*keys_};
  cache::LocalCache local_{{}, clock_};
  PublicCache kept_{&local_, clock_, metrics_};
  PublicReports reports_{{*database_.db, board_, data_, names_, page_tokens_, kept_}};
};

TEST_F(PublicCacheTest, AnAnswerIsKeptFromTheSecondTimeOnUntilTheBoardChanges) {
  Put({Row(1)});
  EXPECT_EQ(Listed(reports_), 1);
  Put({Row(2)});  // past the publisher: nobody is told
  EXPECT_EQ(Listed(reports_), 2) << "what is asked once is not kept";
  Put({Row(3)});
  EXPECT_EQ(Listed(reports_), 2);
  EXPECT_EQ(Answers("made"), 2);
  EXPECT_EQ(Answers("kept"), 1);
  kept_.BoardChanged();
  EXPECT_EQ(Listed(reports_), 3);
}

// However often it is asked for, it is made once in that time.
TEST_F(PublicCacheTest, WhatIsAskedForAllTheTimeIsMadeOnceAMoment) {
  Put({Row(1)});
  Listed(reports_);
  Listed(reports_);
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(std::chrono::microseconds(kAnswerLasts).count() / 10);
    Listed(reports_);
  }
  EXPECT_EQ(Answers("made"), 2 + 10);
}

TEST_F(PublicCacheTest, NothingIsOlderThanAMomentWhoeverForgetsToTell) {
  Put({Row(1)});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Listed(reports_), 1);
  Put({Row(2)});
  EXPECT_EQ(Listed(reports_), 1);
  clock_.Advance(std::chrono::microseconds(kAnswerLasts).count());
  EXPECT_EQ(Listed(reports_), 2);
}

// The age of an answer counts from before it was read, not from when it was stored.
TEST_F(PublicCacheTest, AnAnswerThatTookLongToMakeIsKeptForLess) {
  int made = 0;
  const auto ask = [&](std::chrono::microseconds takes) {
    const auto answer = kept_.Board<pb::Board>(*Call(), pb::GetBoardRequest(), [&]() -> absl::StatusOr<pb::Board> {
      ++made;
      clock_.Advance(takes.count());
      return pb::Board();
    });
    EXPECT_TRUE(answer.ok());
  };
  ask({});
  ask(std::chrono::seconds(1));
  EXPECT_EQ(made, 2);
  clock_.Advance(std::chrono::microseconds(std::chrono::milliseconds(400)).count());
  ask({});
  EXPECT_EQ(made, 2);
  clock_.Advance(std::chrono::microseconds(std::chrono::milliseconds(200)).count());
  ask({});
  EXPECT_EQ(made, 3);
}

TEST_F(PublicCacheTest, WhatWasReadBeforeAChangeAndStoredAfterItIsNotKept) {
  const auto ask = [&](bool changes) {
    const auto answer = kept_.Board<pb::Board>(*Call(), pb::GetBoardRequest(), [&]() -> absl::StatusOr<pb::Board> {
      pb::Board board;
      board.set_too_many(changes);
      if (changes) kept_.BoardChanged();  // while the answer is on its way
      return board;
    });
    return answer.ok() && answer->too_many();
  };
  ask(false);
  EXPECT_TRUE(ask(true));
  EXPECT_FALSE(ask(false));
}

// Each step of each report changes the indicators, and nobody tells.
TEST_F(PublicCacheTest, IndicatorsAreKeptForAMomentWhateverChanges) {
  int64_t received = 0;
  const auto ask = [&] {
    const auto answer =
        kept_.Indicators<pb::Indicators>(*Call(), pb::GetIndicatorsRequest(), [&]() -> absl::StatusOr<pb::Indicators> {
          pb::Indicators made;
          made.add_rows()->set_received(++received);
          return made;
        });
    return answer.ok() ? answer->rows(0).received() : -1;
  };
  EXPECT_EQ(ask(), 1);
  EXPECT_EQ(ask(), 2);
  kept_.BoardChanged();
  EXPECT_EQ(ask(), 2);
  clock_.Advance(std::chrono::microseconds(kAnswerLasts).count() - 1);
  EXPECT_EQ(ask(), 2);
  clock_.Advance(1);
  EXPECT_EQ(ask(), 3);
}

TEST_F(PublicCacheTest, ErrorsAreNotKept) {
  int made = 0;
  for (int i = 0; i < 3; ++i) {
    const auto answer = kept_.Board<pb::Board>(*Call(), pb::GetBoardRequest(), [&]() -> absl::StatusOr<pb::Board> {
      ++made;
      return absl::UnavailableError("the database is away");
    });
    EXPECT_TRUE(absl::IsUnavailable(answer.status()));
  }
  EXPECT_EQ(made, 3);
}

TEST_F(PublicCacheTest, OtherQuestionsLanguagesAndCallersHaveAnswersOfTheirOwn) {
  BoardRow lamp = Row(2);
  lamp.category = "lamp";
  Put({Row(1), lamp});
  pb::ListReportsRequest lamps;
  lamps.set_category("lamp");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Listed(reports_), 2);
    EXPECT_EQ(Listed(reports_, lamps), 1);
  }
  pb::ListReportsRequest open, finished;
  open.add_states(pb::Report::STATE_RECEIVED);
  finished.add_states(pb::Report::STATE_CLOSED);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Listed(reports_, open), 2);
    EXPECT_EQ(Listed(reports_, finished), 0);
  }
  const auto vietnamese = Call(), english = Call();
  english->language = "en";
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(reports_.List(*vietnamese, {})->SerializeAsString(), reports_.List(*english, {})->SerializeAsString());
  }
  // Page tokens belong to who asked.
  pb::ListReportsRequest first;
  first.set_page_size(1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(reports_.List(*Call(), first).ok());
    const auto citizen = Call(::dinh::testing::Citizen("account-a", "person-a"));
    pb::ListReportsRequest next = first;
    next.set_page_token(reports_.List(*citizen, first)->next_page_token());
    EXPECT_TRUE(reports_.List(*citizen, next).ok());
  }
}

TEST_F(PublicCacheTest, ThePublisherTellsAlsoWhatIsTakenOff) {
  Publisher publisher({*database_.db, store_, board_, data_, names_, outbox_, random_, ids_, clock_, logger_, metrics_,
                       HiddenPlaceKey(sealer_), kept_});
  const auto publish = [&](const ReportRow& report) {
    PublishNow(report);
    clock_.Advance(1000);
    while (publisher.Round().value_or(false)) {
    }
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Listed(reports_), 0);
  ReportRow report = Report();
  Send(report);
  publish(report);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Listed(reports_), 1);
  // A moderator hides it.
  report.hidden = true;
  Write([&](db::Tx& tx) { return store_.Update(tx, report); });
  publish(report);
  EXPECT_EQ(Listed(reports_), 0);
}

}  // namespace
}  // namespace dinh::feedback

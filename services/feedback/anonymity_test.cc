// No harm by reporting. A curious neighbour reads every public output at every hour, puts it all together, and guesses
// when and where anonymous reports were made. What the guesses are worth is asserted: no better than what the day of
// publication and the hidden cell leave open, and never within 50 m of the shown place.
#include <cmath>

#include "libs/base/random.h"
#include "services/feedback/domain/geo.h"
#include "services/feedback/test_support.h"

namespace dinh::feedback {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr base::Micros kHourMicros = 3600 * int64_t{base::kMicrosPerSecond};
constexpr int kReports = 60;
constexpr double kSafeMetres = 50;
constexpr base::Micros kSafeTime = 12 * kHourMicros;

struct Truth {
  std::string id;
  base::Micros at = 0;
  Point place;
};

// What the neighbour has of one report.
struct Seen {
  base::Micros first_hour = 0;  // when it was first there
  std::string outputs;          // every byte that was said about it
  Point shown;
};

class AnonymityTest : public FeedbackServiceTest {
 protected:
  void SetUp() override { Start({"DINH_FEEDBACK_REPORTS_PER_LOGIN=1000"}); }

  // Every public output as one text.
  std::string Everything() {
    std::string all;
    pb::ListReportsRequest list;
    list.set_page_size(100);
    const auto listed = Call<pb::ListReportsResponse>("ListReports", list, Stranger());
    EXPECT_TRUE(listed.ok()) << listed.status();
    all += listed->DebugString();
    list.set_query("ổ gà");
    all += Call<pb::ListReportsResponse>("ListReports", list, Stranger())->DebugString();
    pb::ListNearbyReportsRequest near;
    near.set_lat(19.8512);
    near.set_lng(105.8617);
    near.set_radius_m(1000);
    all += Call<pb::ListNearbyReportsResponse>("ListNearbyReports", near, Stranger())->DebugString();
    for (const int zoom : {10, 14, 18}) {
      pb::GetBoardRequest board;
      board.set_bbox("105.80,19.80,105.92,19.90");
      board.set_zoom(zoom);
      all += Call<pb::Board>("GetBoard", board, Stranger())->DebugString();
    }
    all += Call<options::v1::RawBody>("GetAtom", pb::GetAtomRequest(), Stranger())->data();
    for (const char* format : {"csv", "json"}) {
      pb::ExportReportsRequest exported;
      exported.set_format(format);
      all += Call<options::v1::RawBody>("ExportReports", exported, Stranger())->data();
    }
    return all;
  }
  std::set<std::string> Listed() {
    pb::ListReportsRequest list;
    list.set_page_size(100);
    std::set<std::string> ids;
    const auto listed = Call<pb::ListReportsResponse>("ListReports", list, Stranger());
    EXPECT_TRUE(listed.ok()) << listed.status();
    for (const pb::Report& report : listed->reports()) ids.insert(report.id());
    return ids;
  }
  // Lets the publisher come by: it has when nothing due is left.
  bool Settle() {
    db::Database* const database = harness_->database("feedback");
    for (int i = 0; i < 500; ++i) {
      auto ctx = harness_->NewContext();
      const auto due = database->Read(*ctx, [&](db::Tx& tx) {
        return tx.QueryOne("SELECT COUNT(*) FROM publications WHERE due_at <= $1", {ctx->Now()},
                           [](const db::Row& row) { return row.Int(0); });
      });
      if (due.ok() && due->value_or(1) == 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  std::vector<Truth> Report() {
    std::vector<Truth> truths;
    base::SeededRandom dice(11);
    for (int i = 0; i < kReports; ++i) {
      Truth truth;
      truth.at = harness_->clock().Now();
      truth.place = {19.84 + static_cast<double>(dice.Below(20000)) / 1e6,
                     105.85 + static_cast<double>(dice.Below(20000)) / 1e6};
      pb::CreateReportRequest request = Pothole("Ổ gà số " + std::to_string(i) + " giữa đường");
      request.set_anonymous(true);
      request.mutable_place()->mutable_point()->set_lat(truth.place.lat);
      request.mutable_place()->mutable_point()->set_lng(truth.place.lon);
      request.mutable_place()->set_note("ngay cổng nhà tôi");
      truth.id = MustCreate(request);
      truths.push_back(truth);
      harness_->clock().Advance(static_cast<base::Micros>(dice.Below(3 * static_cast<uint64_t>(kHourMicros))));
    }
    return truths;
  }
};

TEST_F(AnonymityTest, NeitherTimeNorPlaceCanBeRecovered) {
  const std::vector<Truth> truths = Report();
  std::map<std::string, Seen> seen;
  // Every three hours for six days: when each appears is itself something that is public.
  for (int hour = 0; hour < 24 * 6; hour += 3) {
    harness_->clock().Advance(3 * kHourMicros);
    ASSERT_TRUE(Settle());
    for (const std::string& id : Listed()) {
      if (!seen.contains(id)) seen[id].first_hour = harness_->clock().Now();
    }
  }
  ASSERT_EQ(seen.size(), truths.size());
  const std::string everything = Everything();
  int time_hits = 0, place_hits = 0;
  for (const Truth& truth : truths) {
    const auto shown = Get(truth.id, Stranger());
    ASSERT_TRUE(shown.ok()) << shown.status();
    // No exact time anywhere: neither in the report nor in any list, feed or file.
    EXPECT_FALSE(shown->has_create_time() || shown->has_due_time() || shown->has_answer_time() ||
                 shown->has_publish_time());
    for (const pb::Update& update : shown->updates()) EXPECT_FALSE(update.has_time());
    EXPECT_THAT(everything, Not(HasSubstr(std::to_string(truth.at / base::kMicrosPerSecond))));
    EXPECT_EQ(shown->place().note(), "");
    EXPECT_EQ(shown->place().house_code(), "");
    EXPECT_EQ(shown->reporter().ByteSizeLong(), 0u);
    // The best guess of the time that knows how reports are delayed: the middle of what is possible.
    const base::Micros guess = seen[truth.id].first_hour - 72 * kHourMicros;
    time_hits += std::abs(guess - truth.at) <= kSafeTime ? 1 : 0;
    // Of the place: what is shown, and what the shown days of publication say, are all there is.
    const Point point{shown->place().point().lat(), shown->place().point().lng()};
    const double metres = MetresBetween(point, truth.place);
    EXPECT_GE(metres, kSafeMetres) << truth.id;
    EXPECT_LE(metres, 500) << "still where it is, for who must find it";
    place_hits += metres < kSafeMetres ? 1 : 0;
  }
  EXPECT_EQ(place_hits, 0);
  // 24 of 96 hours are within 12 hours of any guess: a quarter, and what chance adds to it.
  EXPECT_LE(time_hits, kReports * 45 / 100);
  // And whoever made it is told by nobody.
  for (const char* secret : {"account-a", kPersonA, "ngay cổng"}) EXPECT_THAT(everything, Not(HasSubstr(secret)));
}

TEST_F(AnonymityTest, RepeatingAReportTeachesNothing) {
  std::set<std::pair<double, double>> shown;
  for (int i = 0; i < 5; ++i) {
    pb::CreateReportRequest request = Pothole("Ổ gà lần thứ " + std::to_string(i));
    request.set_anonymous(true);
    const std::string id = MustCreate(request);
    harness_->clock().Advance(121 * kHourMicros);
    ASSERT_TRUE(Settle());
    const auto report = Get(id, Stranger());
    ASSERT_TRUE(report.ok()) << report.status();
    shown.emplace(report->place().point().lat(), report->place().point().lng());
  }
  EXPECT_EQ(shown.size(), 1u) << "the mean of many shown places would be the true one";
}

TEST_F(AnonymityTest, WhatIsPrivateIsNowhere) {
  const std::string word = "baobatmat";
  pb::CreateReportRequest request = Pothole("Nội dung riêng " + word);
  request.set_publicity(pb::PUBLICITY_PRIVATE);
  const std::string id = MustCreate(request);
  const std::string other = MustCreate(Pothole("Một ổ gà công khai"), CitizenB());
  ASSERT_TRUE(Settle());
  ASSERT_TRUE(OnBoard(other).has_value());
  harness_->clock().Advance(25 * kHourMicros);
  ASSERT_TRUE(Settle());
  const std::string everything = Everything();
  EXPECT_THAT(everything, HasSubstr(other));
  EXPECT_THAT(everything, Not(HasSubstr(word)));
  EXPECT_THAT(everything, Not(HasSubstr(id)));
  pb::ListReportsRequest search;
  search.set_query(word);
  EXPECT_EQ(Call<pb::ListReportsResponse>("ListReports", search, Stranger())->reports_size(), 0);
  // Counted nowhere either: one report, not two.
  pb::GetBoardRequest board;
  board.set_bbox("105.80,19.80,105.92,19.90");
  board.set_zoom(10);
  int64_t counted = 0;
  const auto cells = Call<pb::Board>("GetBoard", board, Stranger());
  ASSERT_TRUE(cells.ok()) << cells.status();
  for (const pb::Cell& cell : cells->cells()) counted += cell.open() + cell.finished();
  EXPECT_EQ(counted, 1);
}

TEST_F(AnonymityTest, OpenDataComesADayLate) {
  const std::string id = MustCreate();
  ASSERT_TRUE(OnBoard(id).has_value());
  const auto exported = [&] {
    return Call<options::v1::RawBody>("ExportReports", pb::ExportReportsRequest(), Stranger())->data();
  };
  EXPECT_THAT(exported(), Not(HasSubstr(id)));
  harness_->clock().Advance(25 * kHourMicros);
  EXPECT_THAT(exported(), HasSubstr(id));
}

}  // namespace
}  // namespace dinh::feedback

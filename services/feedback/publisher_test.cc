#include "services/feedback/publisher.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>

#include "libs/base/strings.h"
#include "services/feedback/board_test_support.h"

namespace dinh::feedback {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr base::Micros kDay = 24 * kHour;

class PublisherTest : public BoardTest {
 protected:
  // What the outbox announced of the board, in order.
  std::vector<pb::BoardChanged> Announced() {
    return Read([&](db::Tx& tx) {
      return tx.QueryAll("SELECT payload FROM outbox WHERE type = 'feedback.board_changed' ORDER BY number", {},
                         [](const db::Row& row) {
                           pb::BoardChanged event;
                           event.ParseFromString(row.Text(0));
                           return event;
                         });
    });
  }
  std::vector<std::string> NoticesOf(const std::string& account) {
    std::vector<std::string> notices;
    for (const NoticeRow& row : Read([&](db::Tx& tx) { return store_.Notices(tx, account, "", 100); })) {
      notices.push_back(pb::Notice::Kind_Name(row.kind) + " " + row.report);
    }
    return notices;
  }
  int64_t Cell(const std::string& dim, const std::string& column) {
    return Number("SELECT " + column + " FROM board_cells WHERE dim = '" + dim + "' AND level = 13");
  }
  void Follow(const std::string& account, const std::string& unit, const Point& center = {}, int radius = 0) {
    FollowRow row;
    row.id = ids_.Next();
    row.account = account;
    row.unit = unit;
    row.center = center;
    row.radius_m = radius;
    Write([&](db::Tx& tx) { return board_.InsertFollow(tx, row); });
  }
  static base::Micros MidnightOf(base::Micros at) { return DayOf(at); }
  ReportRow Published(bool anonymous) {
    ReportRow report = Report(anonymous);
    Send(report);
    clock_.Set(report.first_public_at);
    Publish();
    EXPECT_TRUE(OnBoard(report.code).has_value());
    return report;
  }
};

TEST_F(PublisherTest, ANamedReportShowsAtOnceAsItIs) {
  ReportRow report = Report();
  report.content.mutable_place()->set_note("đầu ngõ, cạnh nhà văn hóa");
  report.content.mutable_place()->set_unit("v-quang-trung-15952");
  report.content.mutable_place()->set_house_code("v-quang-trung-15952.12");
  report.contact.set_name("Công dân Một");
  Send(report);
  Publish();
  const auto row = OnBoard(report.code);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->number, 1);
  EXPECT_EQ(row->point, kSquare);
  EXPECT_EQ(row->shown_at, report.created_at);
  EXPECT_EQ(row->changed_at, report.created_at);
  EXPECT_EQ(row->expected_at, report.due_at);
  EXPECT_EQ(row->text, report.content.description());
  EXPECT_EQ(row->place, "đơn vị v-quang-trung-15952, đầu ngõ, cạnh nhà văn hóa");
  EXPECT_EQ(row->published_at, kBoardNow);
  EXPECT_THAT(row->search, HasSubstr("o ga sau giua duong"));
  EXPECT_THAT(row->search, HasSubstr("nha van hoa o ga")) << "place, then the category's name";
  ASSERT_EQ(row->lines.size(), 1u);
  EXPECT_EQ(row->lines[0].event, "submit");
  EXPECT_EQ(row->lines[0].actor_name, "") << "nobody is named but an office";
  EXPECT_EQ(Cell("", "open"), 1);
  EXPECT_EQ(Cell("c:road", "open"), 1);
  ASSERT_EQ(Announced().size(), 1u);
  EXPECT_EQ(Announced()[0].report(), report.code);
  EXPECT_EQ(Announced()[0].day(), "2026-02-13");
  EXPECT_EQ(Number("SELECT COUNT(*) FROM publications"), 0);
}

TEST_F(PublisherTest, WhatMayNotShowDoesNot) {
  ReportRow private_by_wish = Report();
  private_by_wish.asked_public = false;
  ReportRow security = Report();
  security.category = "security";
  ReportRow held = Report();
  held.moderation = Moderation::kPending;
  ReportRow refused = Report();
  refused.moderation = Moderation::kRefused;
  for (const ReportRow& row : {private_by_wish, security, held, refused}) Send(row);
  Publish();
  EXPECT_EQ(Number("SELECT COUNT(*) FROM board_reports"), 0);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM board_cells"), 0);
  EXPECT_EQ(Number("SELECT last FROM board_head"), 0);
  EXPECT_EQ(Number("SELECT COUNT(*) FROM publications"), 0);
  EXPECT_THAT(Announced(), IsEmpty());
}

TEST_F(PublisherTest, WhatWasApprovedShowsAsTheModeratorWroteIt) {
  ReportRow report = Report();
  report.moderation = Moderation::kPending;
  report.content.set_description("Quán của ông Nguyễn Văn A gây ồn, gọi 0912345678");
  Send(report);
  Publish();
  report.moderation = Moderation::kApproved;
  report.public_text = "Một quán gây ồn, gọi 0912345678";
  Write([&](db::Tx& tx) { return store_.Update(tx, report); });
  PublishNow(report);
  Publish();
  const auto row = OnBoard(report.code);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->text, "Một quán gây ồn, gọi " + std::string(kMask));
  EXPECT_THAT(row->search, Not(HasSubstr("nguyen")));
}

TEST_F(PublisherTest, AChangeIsWrittenCountedAndAnnouncedOnce) {
  ReportRow report = Published(false);
  clock_.Advance(kHour);
  Move(report, EventKind::kAssign, State::kAssigned, "giao đồng chí Bình xem giúp");
  clock_.Advance(kHour);
  Move(report, EventKind::kResolve, State::kResolved, "Đã vá xong, liên hệ 0912345678");
  Publish();
  const auto row = OnBoard(report.code);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->number, 1);
  EXPECT_EQ(row->state, State::kResolved);
  EXPECT_EQ(row->expected_at, std::nullopt);
  EXPECT_EQ(row->changed_at, clock_.Now());
  ASSERT_EQ(row->lines.size(), 3u);
  EXPECT_EQ(row->lines[1].text, "") << "what an officer tells a colleague is not public";
  EXPECT_EQ(row->lines[2].text, "Đã vá xong, liên hệ " + std::string(kMask));
  EXPECT_EQ(row->lines[2].shown_at, clock_.Now());
  EXPECT_EQ(Cell("", "open"), 0);
  EXPECT_EQ(Cell("", "finished"), 1);
  EXPECT_EQ(Announced().size(), 2u);
  PublishNow(report);
  Publish();
  EXPECT_EQ(Announced().size(), 2u) << "nothing changed";
}

TEST_F(PublisherTest, PrivateNotesAndRemindersNeverShow) {
  ReportRow report = Published(false);
  Write([&](db::Tx& tx) -> absl::Status {
    UpdateRow line = Line(EventKind::kAnswer, State::kReceived, State::kReceived, clock_.Now(), "bí mật");
    line.event = "";
    for (const auto kind : {pb::Update::KIND_PRIVATE, pb::Update::KIND_CLOCK}) {
      line.kind = kind;
      RETURN_IF_ERROR(store_.AddUpdate(tx, report, line).status());
    }
    line.kind = pb::Update::KIND_PUBLIC;
    line.moderation = Moderation::kPending;
    RETURN_IF_ERROR(store_.AddUpdate(tx, report, line).status());
    line.kind = pb::Update::KIND_REPLY;
    line.moderation = Moderation::kNotNeeded;
    RETURN_IF_ERROR(store_.AddUpdate(tx, report, line).status());
    line.kind = pb::Update::KIND_REPLY;
    line.moderation = Moderation::kApproved;
    line.text = "Chúng tôi đã sửa";
    return store_.AddUpdate(tx, report, line).status();
  });
  PublishNow(report);
  Publish();
  const auto row = OnBoard(report.code);
  ASSERT_EQ(row->lines.size(), 2u);
  EXPECT_EQ(row->lines[1].text, "Chúng tôi đã sửa");
  EXPECT_EQ(Number("SELECT COUNT(*) FROM board_reports WHERE REPLACE(updates, 'bí mật', '') <> updates"), 0);
}

TEST_F(PublisherTest, PhotosShowWhenApprovedAndGoWhenContested) {
  ReportRow report = Published(false);
  PhotoRow photo;
  photo.id = "1e1dcd4c-0000-4000-8000-000000000001";
  photo.owner = "account-reporter";
  photo.created_at = clock_.Now();
  photo.width = 800;
  photo.height = 600;
  Write([&](db::Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(store_.InsertPhoto(tx, photo));
    return store_.TakePhoto(tx, photo.id, photo.owner, report, pb::Photo::KIND_BEFORE, 1).status();
  });
  const auto shown = [&] {
    PublishNow(report);
    Publish();
    return OnBoard(report.code)->photos;
  };
  EXPECT_THAT(shown(), IsEmpty());
  photo.moderation = Moderation::kApproved;
  Write([&](db::Tx& tx) { return store_.UpdatePhoto(tx, photo); });
  EXPECT_THAT(shown(), ElementsAre(BoardPhoto{photo.id, pb::Photo::KIND_BEFORE, 800, 600}));
  photo.contested = true;
  Write([&](db::Tx& tx) { return store_.UpdatePhoto(tx, photo); });
  EXPECT_THAT(shown(), IsEmpty());
}

TEST_F(PublisherTest, AHiddenReportLeavesNothingBehind) {
  ReportRow report = Published(false);
  report.hidden = true;
  Write([&](db::Tx& tx) { return store_.Update(tx, report); });
  PublishNow(report);
  Publish();
  EXPECT_FALSE(OnBoard(report.code).has_value());
  EXPECT_EQ(Number("SELECT COUNT(*) FROM board_cells"), 0);
  EXPECT_TRUE(Read([&](db::Tx& tx) { return board_.Search(tx, {"duong"}, {}, std::nullopt, 10); }).rows.empty());
  ASSERT_EQ(Announced().size(), 2u);
  EXPECT_TRUE(Announced()[1].removed());
  report.hidden = false;
  Write([&](db::Tx& tx) { return store_.Update(tx, report); });
  PublishNow(report);
  Publish();
  EXPECT_EQ(OnBoard(report.code)->number, 2);
}

TEST_F(PublisherTest, FollowersAndJoinersAreTold) {
  Follow("by-unit", kUnitA);
  Follow("by-circle", "", kSquare, 500);
  Follow("elsewhere", kUnitB);
  Follow("account-reporter", kUnitA);
  ReportRow report = Report();
  Send(report);
  Write([&](db::Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(store_.Join(tx, report, "neighbour").status());
    return store_.Join(tx, report, base::HexEncode(store_.ContactIndex("0912345678"))).status();
  });
  Publish();
  const std::string published = "KIND_PUBLISHED " + report.code;
  EXPECT_THAT(NoticesOf("by-unit"), ElementsAre(published));
  EXPECT_THAT(NoticesOf("by-circle"), ElementsAre(published));
  EXPECT_THAT(NoticesOf("elsewhere"), IsEmpty());
  EXPECT_THAT(NoticesOf("account-reporter"), IsEmpty());
  EXPECT_THAT(NoticesOf("neighbour"), IsEmpty());
  clock_.Advance(kHour);
  Move(report, EventKind::kAnswer, State::kAnswered, "Sẽ sửa");
  Publish();
  EXPECT_THAT(NoticesOf("neighbour"), ElementsAre("KIND_CHANGED " + report.code));
  EXPECT_THAT(NoticesOf("by-unit"), ElementsAre(published)) << "only what is new";
  EXPECT_EQ(Number("SELECT COUNT(*) FROM notices"), 3);
  Write([&](db::Tx& tx) { return store_.AddJoined(tx, report); });
  PublishNow(report);
  Publish();
  EXPECT_EQ(OnBoard(report.code)->joined, 1);
  EXPECT_EQ(OnBoard(report.code)->changed_at, clock_.Now()) << "of the answer; joining is no change";
  EXPECT_EQ(Number("SELECT COUNT(*) FROM notices"), 3);
  EXPECT_EQ(Announced().size(), 2u);
}

TEST_F(PublisherTest, AnAnonymousReportWaitsForItsTimeWhateverAsksForItBefore) {
  ReportRow report = Report(true);
  report.moderation = Moderation::kPending;
  Send(report);
  clock_.Advance(kHour);
  report.moderation = Moderation::kApproved;
  Write([&](db::Tx& tx) { return store_.Update(tx, report); });
  PublishNow(report);
  Publish();
  EXPECT_FALSE(OnBoard(report.code).has_value());
  clock_.Set(report.first_public_at - 1);
  Publish();
  EXPECT_FALSE(OnBoard(report.code).has_value());
  clock_.Set(report.first_public_at);
  Publish();
  EXPECT_TRUE(OnBoard(report.code).has_value());
}

TEST_F(PublisherTest, AnAnonymousReportShowsDayAndCellOnly) {
  ReportRow report = Report(true);
  report.content.mutable_place()->set_unit("v-quang-trung-15952");
  report.content.mutable_place()->set_note("đầu ngõ");
  Send(report);
  Follow("village", "v-quang-trung-15952");
  Follow("true-place", "", kSquare, 40);
  clock_.Set(report.first_public_at);
  Publish();
  const auto row = OnBoard(report.code);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->shown_at, MidnightOf(clock_.Now()));
  EXPECT_EQ(row->changed_at, MidnightOf(clock_.Now()));
  EXPECT_EQ(row->expected_at, std::nullopt);
  EXPECT_EQ(row->place, "");
  EXPECT_THAT(row->search, Not(HasSubstr("ngo,"))) << row->search;
  ASSERT_EQ(row->lines.size(), 1u);
  EXPECT_EQ(row->lines[0].shown_at, MidnightOf(clock_.Now()));
  ASSERT_TRUE(row->point.has_value());
  EXPECT_GE(MetresBetween(*row->point, kSquare), 50);
  EXPECT_LE(MetresBetween(*row->point, kSquare), 400);
  EXPECT_EQ(Announced()[0].point().lat(), row->point->lat);
  EXPECT_EQ(Announced()[0].day(), base::FormatDate(base::ToVietnam(clock_.Now()).date));
  EXPECT_EQ(Announced()[0].SerializeAsString().find("village"), std::string::npos);
  EXPECT_THAT(NoticesOf("village"), IsEmpty());
  EXPECT_THAT(NoticesOf("true-place"), IsEmpty()) << "who follows the true place learns nothing";
}

// The same place again, and again after a rotation of keys: one cell.
TEST_F(PublisherTest, RepeatedAnonymousReportsOfAPlaceShowOneCell) {
  std::set<std::pair<double, double>> cells;
  for (int i = 0; i < 5; ++i) {
    const ReportRow report = Report(true);
    Send(report);
    clock_.Set(report.first_public_at);
    Publish();
    const auto row = OnBoard(report.code);
    cells.emplace(row->point->lat, row->point->lon);
  }
  EXPECT_EQ(cells.size(), 1u);
  const std::string key = HiddenPlaceKey(sealer_);
  EXPECT_EQ(key.size(), 32u);
  ASSERT_TRUE(keys_->Rotate(auth::KeyPurpose::kBlindIndex).ok());
  EXPECT_EQ(HiddenPlaceKey(sealer_), key);
}

TEST_F(PublisherTest, AnAnonymousReportsYoungChangesAreKeptBack) {
  ReportRow report = Published(true);
  clock_.Advance(3 * kDay);
  Move(report, EventKind::kAssign, State::kAssigned);
  Move(report, EventKind::kAnswer, State::kAnswered, "Sẽ sửa");
  const base::Micros answered = clock_.Now();
  // Something else has to be published at once, while the answer is an hour old.
  clock_.Advance(kHour);
  report.public_text = "Ổ gà";
  Write([&](db::Tx& tx) { return store_.Update(tx, report); });
  PublishNow(report);
  Publish();
  auto row = OnBoard(report.code);
  EXPECT_EQ(row->text, "Ổ gà");
  EXPECT_EQ(row->state, State::kReceived);
  EXPECT_EQ(row->lines.size(), 1u);
  EXPECT_EQ(Cell("", "open"), 1);
  // And comes of itself, two hours to two days after it happened, with its day.
  ASSERT_EQ(Number("SELECT COUNT(*) FROM publications"), 1);
  const base::Micros due = Number("SELECT due_at FROM publications");
  EXPECT_GE(due, answered + 3 * kHour);
  EXPECT_LE(due, answered + 2 * kDay);
  clock_.Set(due);
  Publish();
  row = OnBoard(report.code);
  EXPECT_EQ(row->state, State::kAnswered);
  ASSERT_EQ(row->lines.size(), 3u);
  EXPECT_EQ(row->lines[2].shown_at, MidnightOf(due));
  EXPECT_EQ(row->changed_at, MidnightOf(due));
  // What was shown keeps its day.
  clock_.Advance(5 * kDay);
  Move(report, EventKind::kResolve, State::kResolved, "Xong");
  clock_.Advance(kDay);
  Publish();
  EXPECT_EQ(OnBoard(report.code)->lines[2].shown_at, MidnightOf(due));
  EXPECT_EQ(OnBoard(report.code)->lines[3].shown_at, MidnightOf(clock_.Now()));
}

TEST_F(PublisherTest, ANameInTheNoteKeepsTheNoteAway) {
  ReportRow report = Report();
  report.content.mutable_place()->set_note("trước nhà ông Nguyễn Văn A");
  Send(report);
  Publish();
  EXPECT_EQ(OnBoard(report.code)->place, "");
}

TEST_F(PublisherTest, AReportThatDoesNotOpenDoesNotHoldUpTheOthers) {
  const ReportRow damaged = Report();
  const ReportRow sound = Report();
  Send(damaged);
  Send(sound);
  ASSERT_TRUE(database_
                  .Exec("UPDATE reports SET content_sealed = CAST('?' AS " +
                        std::string(db::BytesType(database_.engine)) + ") WHERE id = '" + damaged.id + "'")
                  .ok());
  Publish();
  EXPECT_TRUE(OnBoard(sound.code).has_value());
  EXPECT_FALSE(OnBoard(damaged.code).has_value());
  EXPECT_EQ(Number("SELECT COUNT(*) FROM publications"), 1) << "tried again later";
  ASSERT_FALSE(log_.empty());
  EXPECT_THAT(log_.back(), HasSubstr("report_unreadable"));
}

TEST_F(PublisherTest, ManyAreTakenInSmallBatches) {
  for (int i = 0; i < 3 * kPublishBatch; ++i) Send(Report());
  int rounds = 0;
  for (bool more = true; more && rounds < 10; ++rounds) {
    const auto round = publisher_.Round();
    ASSERT_TRUE(round.ok()) << round.status();
    more = *round;
    EXPECT_LE(Number("SELECT COUNT(*) FROM board_reports"), (rounds + 1) * kPublishBatch);
  }
  EXPECT_EQ(Number("SELECT COUNT(*) FROM board_reports"), 3 * kPublishBatch);
  EXPECT_EQ(Number("SELECT MAX(number) - MIN(number) FROM board_reports"), 3 * kPublishBatch - 1);
  EXPECT_EQ(Cell("", "open"), 3 * kPublishBatch);
}

TEST_F(PublisherTest, ItsThreadPublishesWhenItIsWoken) {
  publisher_.Start();
  const ReportRow report = Report();
  Send(report);
  publisher_.Wake();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!OnBoard(report.code) && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_TRUE(OnBoard(report.code).has_value());
  publisher_.Stop();
}

// Cells against a count of the board, after a random life of many reports.
TEST_F(PublisherTest, CountsStayTrueWhateverHappens) {
  std::vector<ReportRow> reports;
  static const std::vector<std::string> kCategories = {"road.pothole", "road.sign", "lamp"};
  for (int i = 0; i < 60; ++i) {
    ReportRow report = Report(random_.Below(3) == 0);
    report.category = kCategories[random_.Below(3)];
    report.unit = random_.Below(2) == 0 ? kUnitA : kUnitB;
    report.content.mutable_place()->mutable_point()->set_lat(kSquare.lat +
                                                             static_cast<double>(random_.Below(100)) / 5e3);
    reports.push_back(report);
    Send(report);
  }
  for (int step = 0; step < 300; ++step) {
    clock_.Advance(static_cast<base::Micros>(random_.Below(3600)) * base::kMicrosPerSecond * 2);
    ReportRow& report = reports[random_.Below(reports.size())];
    switch (random_.Below(5)) {
      case 0:
        report.hidden = !report.hidden;
        break;
      case 1:
        report.category = kCategories[random_.Below(3)];
        break;
      case 2:
        report.unit = random_.Below(2) == 0 ? kUnitA : kUnitB;
        break;
      default:
        break;
    }
    Move(report, EventKind::kResolve, static_cast<State>(1 + random_.Below(8)), "Xong");
    if (step % 3 == 0) PublishNow(report);
    Publish();
  }
  clock_.Advance(30 * kDay);
  Publish();
  clock_.Advance(30 * kDay);
  Publish();
  EXPECT_GT(Number("SELECT COUNT(*) FROM board_reports"), 20);
  std::map<CellKey, CellCount> expected;
  for (const ReportRow& report : reports) {
    const auto row = OnBoard(report.code);
    EXPECT_EQ(row.has_value(), !report.hidden);
    if (!row) continue;
    EXPECT_EQ(row->state, report.progress.state);
    for (const CellKey& key : CellsOf(data_.categories, *row)) {
      ++(IsOpen(row->state) ? expected[key].open : expected[key].finished);
    }
  }
  std::map<CellKey, CellCount> kept;
  Read([&](db::Tx& tx) -> absl::StatusOr<bool> {
    RETURN_IF_ERROR(tx.Query("SELECT dim, level, cell, open, finished FROM board_cells", {}, [&](const db::Row& row) {
      kept[{row.Text(0), static_cast<int>(row.Int(1)), row.Int(2)}] = {row.Int(3), row.Int(4)};
    }));
    return true;
  });
  EXPECT_EQ(kept, expected);
}

}  // namespace
}  // namespace dinh::feedback

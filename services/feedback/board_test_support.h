// A board in a database of the test's own, with a clock that stands still, and reports for it. Header-only.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dinh/feedback/v1/events.pb.h"
#include "libs/auth/key_ring.h"
#include "libs/auth/sealer.h"
#include "libs/base/civil.h"
#include "libs/db/dialect.h"
#include "libs/db/test_support.h"
#include "libs/events/outbox.h"
#include "libs/events/schema.h"
#include "libs/testing/service_harness.h"
#include "services/feedback/domain/privacy.h"
#include "services/feedback/json_data.h"
#include "services/feedback/names.h"
#include "services/feedback/publisher.h"
#include "services/feedback/store.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

// 2026-02-13 08:00 in Vietnam, a Friday.
inline constexpr base::Micros kBoardNow = 1'770'944'400LL * base::kMicrosPerSecond;
inline constexpr Point kSquare = {19.8567, 105.8723};  // in the middle of Hoằng Hóa
inline constexpr char kUnitA[] = "15865";
inline constexpr char kUnitB[] = "15889";

// road (pothole, sign), lamp, staff (conduct; held for a moderator), security (never public).
inline FeedbackData BoardData() {
  const auto category = [](const std::string& id, const std::string& parent, const std::string& vi,
                           const std::string& en, Kind kind) {
    Category c;
    c.id = id;
    c.parent = parent;
    c.name = {vi, en};
    c.kind = kind;
    c.responsible.position = "specialist";
    c.answer_hours = kind == Kind::kGroup ? 0 : 40;
    c.public_by_default = c.may_be_public = true;
    c.moderate_text = false;
    c.reopen_days = 7;
    c.close_after_days = 14;
    c.duplicate_radius_m = 100;
    return c;
  };
  std::vector<Category> all = {category("road", "", "Đường sá", "Roads", Kind::kGroup),
                               category("road.pothole", "road", "Ổ gà", "Pothole", Kind::kReport),
                               category("road.sign", "road", "Biển báo", "Sign", Kind::kReport),
                               category("lamp", "", "Đèn đường", "Street lamp", Kind::kReport),
                               category("security", "", "An ninh", "Security", Kind::kReport)};
  all.back().public_by_default = all.back().may_be_public = false;
  all.back().duplicate_radius_m = 0;
  Question depth;
  depth.id = "depth";
  depth.label = {"Sâu bao nhiêu cm", "Depth in cm"};
  depth.type = QuestionType::kNumber;
  all[1].questions.push_back(depth);
  absl::StatusOr<CategoryTree> tree = CategoryTree::Build(std::move(all), {});
  EXPECT_TRUE(tree.ok()) << tree.status();
  if (!tree.ok()) std::abort();
  return FeedbackData{.categories = *std::move(tree)};
}

class FixedNames final : public Names {
 public:
  std::string UnitName(base::OpContext&, const std::string& code) override { return "đơn vị " + code; }
  std::string AgencyName(base::OpContext&, const std::string& agency) override { return "UBND " + agency; }
};

class BoardTest : public ::testing::Test {
 protected:
  BoardTest()
      : keys_(auth::KeyRing::Ephemeral(clock_, random_)),
        sealer_(*keys_, random_),
        store_(sealer_),
        board_(sealer_),
        data_(BoardData()),
        database_(testing::TestEngine(), Migrations()),
        outbox_(ids_, {}, {}),
        publisher_({*database_.db, store_, board_, data_, names_, outbox_, random_, ids_, clock_, logger_, metrics_,
                    HiddenPlaceKey(sealer_), cache_}) {}
  void SetUp() override {
    ASSERT_TRUE(events::EnsureSchema(*database_.db).ok());
    ASSERT_TRUE(board_.EnsureSchema(*database_.db).ok());
  }

  std::unique_ptr<base::OpContext> Context() const { return db::TestContext(clock_); }
  template <typename F>
  void Write(F&& work) {
    auto ctx = Context();
    const absl::Status written = database_.db->Transact(*ctx, [&](db::Tx& tx) -> absl::Status { return work(tx); });
    ASSERT_TRUE(written.ok()) << written;
  }
  // The value of a StatusOr read from the database.
  template <typename F>
  auto Read(F&& work) {
    auto ctx = Context();
    auto read = database_.db->Read(*ctx, std::forward<F>(work));
    EXPECT_TRUE(read.ok()) << read.status();
    return read.ok() ? *std::move(read) : typename decltype(read)::value_type{};
  }

  // --- rows straight onto the board

  BoardRow Row(int64_t number, const Point& point = kSquare) const {
    BoardRow row;
    row.number = number;
    row.code = PublicCode(static_cast<uint64_t>(number) * 2654435761u);
    row.category = "road.pothole";
    row.unit = kUnitA;
    row.agency = "ubnd-15865";
    row.state = State::kReceived;
    row.point = point;
    row.shown_at = kBoardNow + number * base::kMicrosPerSecond;
    row.day = base::DaysFromCivil(base::ToVietnam(row.shown_at).date);
    row.changed_at = row.shown_at;
    row.text = "Ổ gà trên đường làng";
    row.search = "o ga tren duong lang";
    row.published_at = row.shown_at;
    return row;
  }
  void Put(const std::vector<BoardRow>& rows) {
    Write([&](db::Tx& tx) -> absl::Status {
      for (const BoardRow& row : rows) RETURN_IF_ERROR(board_.Insert(tx, row));
      return absl::OkStatus();
    });
  }

  // --- reports, to be published

  ReportRow Report(bool anonymous = false) {
    ReportRow row;
    row.id = ids_.Next();
    uint64_t bits = 0;
    random_.Fill(&bits, sizeof bits);
    row.code = PublicCode(bits);
    row.category = "road.pothole";
    row.agency = "ubnd-15865";
    row.unit = kUnitA;
    row.position = "specialist";
    row.reporter_account = "account-reporter";
    row.content.set_description("Ổ gà sâu giữa đường, xe máy hay ngã");
    row.content.mutable_place()->mutable_point()->set_lat(kSquare.lat);
    row.content.mutable_place()->mutable_point()->set_lng(kSquare.lon);
    row.anonymous = anonymous;
    row.asked_public = true;
    row.created_at = clock_.Now();
    row.first_public_at = FirstPublicAt(row.created_at, anonymous, bits);
    row.progress.started_at = row.created_at;
    row.due_at = row.created_at + 72 * kHour;
    row.progress.state = State::kReceived;
    return row;
  }
  static UpdateRow Line(EventKind event, State from, State to, base::Micros at, const std::string& text = "") {
    UpdateRow line;
    line.at = at;
    line.event = EventName(event);
    line.from = from;
    line.to = to;
    line.actor_kind = pb::Update::ACTOR_OFFICER;
    line.actor = "account-officer";
    line.actor_name = "Công chức chuyên môn, UBND xã Hoằng Hóa";
    line.text = text;
    return line;
  }
  // Sent, with its first line and a publication when it may show.
  void Send(const ReportRow& row) {
    Write([&](db::Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(store_.Insert(tx, row));
      UpdateRow sent = Line(EventKind::kSubmit, State::kNone, State::kReceived, row.created_at);
      sent.actor_kind = pb::Update::ACTOR_REPORTER;
      RETURN_IF_ERROR(store_.AddUpdate(tx, row, sent).status());
      return store_.Publish(tx, row.id, row.first_public_at);
    });
  }
  // A step of an officer now, and its publication as the service plans it.
  void Move(ReportRow& row, EventKind event, State to, const std::string& text = "") {
    Write([&](db::Tx& tx) -> absl::Status {
      const State from = row.progress.state;
      row.progress.state = to;
      RETURN_IF_ERROR(store_.Update(tx, row));
      RETURN_IF_ERROR(store_.AddUpdate(tx, row, Line(event, from, to, clock_.Now(), text)).status());
      return store_.Publish(tx, row.id,
                            LaterPublicAt(clock_.Now(), row.first_public_at, row.anonymous, random_.Below(~0ULL)));
    });
  }
  void PublishNow(const ReportRow& row) {
    Write([&](db::Tx& tx) { return store_.Publish(tx, row.id, clock_.Now()); });
  }
  // Rounds until nothing is due.
  void Publish() {
    for (int i = 0; i < 1000; ++i) {
      const absl::StatusOr<bool> more = publisher_.Round();
      ASSERT_TRUE(more.ok()) << more.status();
      if (!*more) return;
    }
    FAIL() << "the publisher does not come to an end";
  }
  std::optional<BoardRow> OnBoard(const std::string& code) {
    return Read([&](db::Tx& tx) { return board_.ByCode(tx, code); });
  }
  int64_t Number(const std::string& sql) { return database_.Number(sql); }

  base::FakeClock clock_{kBoardNow};
  base::SeededRandom random_{5};
  base::IdGenerator ids_{clock_, random_};
  std::vector<std::string> log_;
  telemetry::Logger logger_{clock_, "feedback", telemetry::Level::kInfo,
                            [this](std::string_view line) { log_.emplace_back(line); }};
  telemetry::Metrics metrics_;
  std::unique_ptr<auth::KeyRing> keys_;
  auth::Sealer sealer_;
  Store store_;
  BoardStore board_;
  FeedbackData data_;
  FixedNames names_;
  PublicCache cache_{nullptr, clock_, metrics_};
  db::TestDatabase database_;
  events::Outbox outbox_;
  Publisher publisher_;
};

}  // namespace dinh::feedback

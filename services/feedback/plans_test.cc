// How PostgreSQL finds what a reader or an office asks for among many reports: by an index, never by a walk.
// (board_plans_test.cc: that there is an index for each question.)
#include "libs/testing/plan_check.h"
#include "services/feedback/board_test_support.h"

namespace dinh::feedback {
namespace {

using ::testing::IsEmpty;

class FeedbackPlansTest : public BoardTest {
 protected:
  void SetUp() override {
    if (::dinh::testing::TestEngine() != db::Engine::kPostgres) GTEST_SKIP() << "PostgreSQL's plans";
    BoardTest::SetUp();
  }
  void Fill(const std::string& table, const std::map<std::string, std::string>& given) {
    auto ctx = db::TestContext(clock_, std::chrono::minutes(20));
    const absl::Status filled =
        ::dinh::testing::FillSeries(*database_.db, *ctx, table, ::dinh::testing::PlanRows(), given);
    ASSERT_TRUE(filled.ok()) << table << ": " << filled;
  }
  template <typename F>
  void ExpectNoWalks(const std::set<std::string>& large, size_t statements, F&& ask) {
    Write([&](db::Tx& tx) {
      ::dinh::testing::PlanTx plans(tx, large);
      ask(plans);
      EXPECT_THAT(plans.walks, IsEmpty());
      EXPECT_GE(plans.seen.size(), statements);
      return absl::OkStatus();
    });
  }
};

TEST_F(FeedbackPlansTest, NoReaderWalksThroughTheBoard) {
  Fill("board_reports", {{"number", "n"},
                         {"code", "'PA-' || n"},
                         {"category", "CASE n % 3 WHEN 0 THEN 'road.pothole' WHEN 1 THEN 'road.sign' ELSE 'lamp' END"},
                         {"unit", "CAST(15800 + n % 40 AS TEXT)"},
                         {"state", "CASE WHEN n % 10 = 0 THEN 3 ELSE 7 END"},
                         {"open", "CASE WHEN n % 10 = 0 THEN 1 ELSE 0 END"},
                         {"lat", "19.8 + (n * 7919 % 1000003) / 1e7"},
                         {"lng", "105.8 + (n * 104729 % 1000003) / 1e7"},
                         {"morton", "n * 15485863 % 17592186044416"},
                         {"shown_at", "n * 1000000"},
                         {"changed_at", "n * 1000000"},
                         {"published_at", "n * 1000000"},
                         {"photos", "'[]'"},
                         {"updates", "'[]'"}});
  Fill("board_text",
       {{"key", "n"}, {"words", "array_to_tsvector(ARRAY['duong', 'w' || n % 30, 'v' || n % 1000, 'u' || n])"}});
  Fill("board_cells", {{"dim", "'d' || n % 100"}, {"level", "15"}, {"cell", "n"}});
  const auto middle = ::dinh::testing::PlanRows() / 2;
  ExpectNoWalks({"board_reports", "board_text", "board_cells"}, 12, [&](db::Tx& tx) {
    for (const std::vector<std::string>& categories :
         {std::vector<std::string>{}, {"lamp"}, {"road.pothole", "road.sign"}}) {
      for (const std::string unit : {"", "15803"}) {
        BoardFilter filter{categories, unit, {}, std::nullopt, std::nullopt, std::nullopt};
        (void)board_.List(tx, filter, BoardCursor{0, middle}, 20);
        (void)board_.Export(tx, filter, middle, kBoardNow, 100);
        for (const std::vector<std::string>& words :
             {std::vector<std::string>{"duong"}, {"duong", "w7"}, {"v77"}, {"u777"}, {"absent"}}) {
          (void)board_.Search(tx, words, filter, std::nullopt, 20);
        }
        filter.box = BoxAround(kSquare, 500);
        (void)board_.List(tx, filter, std::nullopt, 20);
        (void)board_.InBox(tx, filter);
        filter.from = 5'000'000;
        (void)board_.List(tx, filter, std::nullopt, 20);
      }
    }
    (void)board_.Changed(tx, 5'000'000, 9'000'000, 10);
    (void)board_.Nearby(tx, kSquare, 200, {"road.pothole", "lamp"});
    (void)board_.Cells(tx, {"", "d7"}, 15, BoxAround(kSquare, 900));
    (void)board_.ByCode(tx, "PA-77");
  });
}

TEST_F(FeedbackPlansTest, NoOfficeWalksThroughTheReports) {
  Fill("reports", {{"id", "'r' || lpad(CAST(n AS TEXT), 9, '0')"},
                   {"code", "'PA-' || n"},
                   {"agency", "'a' || n % 200"},
                   {"unit", "'u' || n % 200"},
                   {"above_agency", "CASE WHEN n % 50 = 0 THEN 'a' || n % 200 ELSE '' END"},
                   {"assignee", "'o' || n % 1000"},
                   {"reporter_account", "'p' || n % 50000"},
                   {"state", "CASE WHEN n % 10 = 0 THEN 3 ELSE 7 END"},
                   {"created_at", "n"},
                   {"due_at", "n"},
                   {"next_step_at", "CASE WHEN n % 10 = 0 THEN n ELSE NULL END"},
                   {"close_at", "CASE WHEN n % 10 = 1 THEN n ELSE NULL END"}});
  Fill("updates", {{"report", "'r' || lpad(CAST(n AS TEXT), 9, '0')"}, {"position", "1"}});
  Fill("notices", {{"id", "'n' || lpad(CAST(n AS TEXT), 9, '0')"}, {"account", "'p' || n % 50000"}});
  ExpectNoWalks({"reports", "updates", "notices"}, 10, [&](db::Tx& tx) {
    (void)store_.ByCode(tx, "PA-77");
    (void)store_.ById(tx, "r000000077");
    OfficeFilter office;
    office.offices = {Office{"a7", "u7"}};
    (void)store_.List(tx, office, 1);
    office.states = {State::kInProgress};
    (void)store_.List(tx, office, 1);
    office.overdue_only = true;
    office.before = "r000050000";
    (void)store_.List(tx, office, 1);
    OfficeFilter own;
    own.assignee = "o7";
    (void)store_.List(tx, own, 1);
    OfficeFilter mine;
    mine.reporter_account = "p7";
    (void)store_.List(tx, mine, 1);
    (void)store_.StepsDue(tx, 500, 50);
    (void)store_.ClosingDue(tx, 500, 50);
    ReportRow row;
    row.id = "r000000077";
    (void)store_.Updates(tx, row);
    (void)store_.Notices(tx, "p7", "", 20);
  });
}

}  // namespace
}  // namespace dinh::feedback

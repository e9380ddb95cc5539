#include "services/feedback/store_board.h"

#include <algorithm>
#include <limits>
#include <set>

#include "libs/base/text.h"
#include "services/feedback/board_test_support.h"

namespace dinh::feedback {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreBoardTest : public BoardTest {
 protected:
  static std::vector<int64_t> NumbersOf(const std::vector<BoardRow>& rows) {
    std::vector<int64_t> numbers;
    for (const BoardRow& row : rows) numbers.push_back(row.number);
    return numbers;
  }
  // All pages of a list, in order.
  std::vector<int64_t> ListAll(const BoardFilter& filter, int limit) {
    std::vector<int64_t> numbers;
    std::optional<BoardCursor> at;
    for (int pages = 0; pages < 10'000; ++pages) {
      const BoardPage page = Read([&](db::Tx& tx) { return board_.List(tx, filter, at, limit); });
      EXPECT_LE(page.rows.size(), static_cast<size_t>(limit));
      for (const int64_t number : NumbersOf(page.rows)) numbers.push_back(number);
      if (!page.next) return numbers;
      at = page.next;
    }
    ADD_FAILURE() << "the list does not end";
    return numbers;
  }
  std::vector<int64_t> SearchAll(const std::string& query, const BoardFilter& filter, int limit) {
    std::vector<int64_t> numbers;
    std::optional<BoardCursor> at;
    do {
      const BoardPage page =
          Read([&](db::Tx& tx) { return board_.Search(tx, db::TextWords(base::Fold(query)), filter, at, limit); });
      for (const int64_t number : NumbersOf(page.rows)) numbers.push_back(number);
      at = page.next;
    } while (at);
    return numbers;
  }
  static Point Shifted(double north_m, double east_m) {
    return {kSquare.lat + north_m / 111'195, kSquare.lon + east_m / 104'600};
  }
  static Bbox Around(double metres) { return BoxAround(kSquare, metres); }
};

TEST_F(StoreBoardTest, ARowComesBackAsItWentIn) {
  BoardRow row = Row(1);
  row.expected_at = kBoardNow + kHour;
  row.joined = 23;
  row.stars = 4;
  row.place = "thôn Quang Trung";
  row.photos = {{"photo-1", pb::Photo::KIND_AFTER, 1280, 960}};
  BoardLine line;
  line.position = 3;
  line.kind = pb::Update::KIND_PUBLIC;
  line.state = State::kAnswered;
  line.actor = pb::Update::ACTOR_OFFICER;
  line.actor_name = "Công chức chuyên môn";
  line.text = "Sẽ vá \"trong tuần\"";
  line.shown_at = kBoardNow;
  row.lines = {line};
  BoardRow bare = Row(2);
  bare.point = std::nullopt;
  bare.anonymous = true;
  Put({row, bare});
  EXPECT_EQ(OnBoard(row.code), row);
  EXPECT_EQ(OnBoard(bare.code), bare);
  EXPECT_EQ(OnBoard("PA-0000000000"), std::nullopt);
  EXPECT_TRUE(Read([&](db::Tx& tx) { return board_.ShowsPhoto(tx, row.code, "photo-1"); }));
  EXPECT_FALSE(Read([&](db::Tx& tx) { return board_.ShowsPhoto(tx, row.code, "photo-2"); }));
  EXPECT_FALSE(Read([&](db::Tx& tx) { return board_.ShowsPhoto(tx, bare.code, "photo-1"); }));
}

TEST_F(StoreBoardTest, AnUpdateChangesWhatChangedAndTheTextIndexWithIt) {
  const BoardRow before = Row(1);
  Put({before});
  BoardRow row = before;
  row.state = State::kResolved;
  row.category = "lamp";
  row.unit = kUnitB;
  row.point = Shifted(500, 0);
  row.text = "Đèn tắt";
  row.search = "den tat";
  Write([&](db::Tx& tx) { return board_.Update(tx, before, row); });
  EXPECT_EQ(OnBoard(row.code), row);
  EXPECT_THAT(SearchAll("đèn", {}, 10), ElementsAre(1));
  EXPECT_THAT(SearchAll("ổ gà", {}, 10), IsEmpty());
  Write([&](db::Tx& tx) { return board_.Remove(tx, row); });
  EXPECT_EQ(OnBoard(row.code), std::nullopt);
  EXPECT_THAT(SearchAll("đèn", {}, 10), IsEmpty());
}

TEST_F(StoreBoardTest, NumbersFollowEachOtherWithoutHoles) {
  std::vector<int64_t> numbers;
  Write([&](db::Tx& tx) -> absl::Status {
    for (int i = 0; i < 2; ++i) {
      ASSIGN_OR_RETURN(const int64_t number, board_.NextNumber(tx));
      numbers.push_back(number);
    }
    return absl::OkStatus();
  });
  auto ctx = Context();
  EXPECT_FALSE(database_.db
                   ->Transact(*ctx,
                              [&](db::Tx& tx) -> absl::Status {
                                RETURN_IF_ERROR(board_.NextNumber(tx).status());
                                return absl::CancelledError("on purpose");
                              })
                   .ok());
  Write([&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t number, board_.NextNumber(tx));
    numbers.push_back(number);
    return absl::OkStatus();
  });
  EXPECT_THAT(numbers, ElementsAre(1, 2, 3));
}

// Rows that differ in everything a list can ask for; every filter against a look at each row.
class ListsTest : public StoreBoardTest {
 protected:
  static constexpr int kRows = 600;
  void SetUp() override {
    StoreBoardTest::SetUp();
    static const std::vector<std::string> kCategories = {"road.pothole", "road.sign", "lamp"};
    for (int64_t number = 1; number <= kRows; ++number) {
      BoardRow row = Row(number, Shifted(static_cast<double>(random_.Below(2000)), 0));
      row.category = kCategories[random_.Below(3)];
      row.unit = random_.Below(3) == 0 ? kUnitB : kUnitA;
      row.state = static_cast<State>(1 + random_.Below(8));
      row.shown_at = kBoardNow + static_cast<int64_t>(random_.Below(20)) * kHour;
      if (random_.Below(10) == 0) row.point = std::nullopt;
      row.search = row.category == "lamp" ? "den tat" : random_.Below(2) == 0 ? "duong hong" : "duong ngap";
      row.published_at = kBoardNow + number;
      rows_.push_back(row);
    }
    Put(rows_);
  }
  static bool Wanted(const BoardFilter& f, const BoardRow& row) {
    const auto in = [](const auto& list, const auto& value) {
      return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
    };
    return in(f.categories, row.category) && in(f.states, row.state) && (f.unit.empty() || f.unit == row.unit) &&
           (!f.box || (row.point && Contains(*f.box, *row.point))) && (!f.from || row.shown_at >= *f.from) &&
           (!f.to || row.shown_at < *f.to);
  }
  std::vector<int64_t> Expected(const BoardFilter& filter) const {
    std::vector<BoardRow> rows;
    for (const BoardRow& row : rows_) {
      if (Wanted(filter, row)) rows.push_back(row);
    }
    const bool by_time = filter.from || filter.to;
    std::sort(rows.begin(), rows.end(), [&](const BoardRow& a, const BoardRow& b) {
      return by_time ? std::pair(a.shown_at, a.number) > std::pair(b.shown_at, b.number) : a.number > b.number;
    });
    return NumbersOf(rows);
  }
  static std::vector<BoardFilter> Filters() {
    std::vector<BoardFilter> filters;
    for (const std::vector<std::string>& categories :
         {std::vector<std::string>{}, {"lamp"}, {"road.pothole", "road.sign"}}) {
      for (const std::string unit : {"", kUnitA}) {
        for (const std::vector<State>& states :
             {std::vector<State>{}, {State::kReceived}, {State::kAssigned, State::kClosed}}) {
          filters.push_back({categories, unit, states, std::nullopt, std::nullopt, std::nullopt});
          filters.push_back({categories, unit, states, BoxAround(kSquare, 400), std::nullopt, std::nullopt});
          filters.push_back({categories, unit, states, std::nullopt, kBoardNow + 2 * kHour, kBoardNow + 9 * kHour});
        }
      }
    }
    filters.push_back({{}, "", {}, std::nullopt, std::nullopt, kBoardNow + 4 * kHour});
    filters.push_back({{}, "nowhere", {}, std::nullopt, std::nullopt, std::nullopt});
    return filters;
  }
  std::vector<BoardRow> rows_;
};

TEST_F(ListsTest, EveryFilterGivesExactlyItsRowsWhateverThePageSize) {
  for (const BoardFilter& filter : Filters()) {
    const std::vector<int64_t> expected = Expected(filter);
    for (const int limit : {1, 7, 100}) {
      if (limit == 1 && expected.size() > 50) continue;
      EXPECT_EQ(ListAll(filter, limit), expected) << "limit " << limit;
    }
  }
}

TEST_F(ListsTest, ASectionIsAPartOfTheListByTime) {
  BoardFilter filter;
  filter.categories = {"road.pothole", "road.sign"};
  filter.from = kBoardNow + 2 * kHour;
  filter.to = kBoardNow + 9 * kHour;
  const std::vector<int64_t> all = Expected(filter);
  ASSERT_GT(all.size(), 60u);
  const auto section = [&](int skipped, int limit) {
    return NumbersOf(Read([&](db::Tx& tx) { return board_.Section(tx, filter, skipped, limit); }));
  };
  EXPECT_EQ(section(0, 1000), all);
  EXPECT_EQ(section(20, 10), std::vector<int64_t>(all.begin() + 20, all.begin() + 30));
  EXPECT_THAT(section(1000, 10), IsEmpty());
}

TEST_F(ListsTest, SearchWithFiltersGivesExactlyItsRows) {
  for (const BoardFilter& filter : Filters()) {
    std::vector<int64_t> expected;
    for (auto row = rows_.rbegin(); row != rows_.rend(); ++row) {
      if (row->search == "duong ngap" && Wanted(filter, *row)) expected.push_back(row->number);
    }
    EXPECT_EQ(SearchAll("đường ngập", filter, 7), expected);
  }
}

TEST_F(ListsTest, TheExportGoesUpAndEndsBeforeWhatIsTooYoung) {
  for (const BoardFilter& filter : Filters()) {
    if (filter.box || filter.from || filter.to || !filter.states.empty()) continue;
    std::vector<int64_t> expected = Expected(filter);
    std::reverse(expected.begin(), expected.end());
    std::erase_if(expected, [](int64_t number) { return number >= 500; });
    std::vector<int64_t> numbers;
    int64_t after = 0;
    while (true) {
      const auto rows = Read([&](db::Tx& tx) { return board_.Export(tx, filter, after, kBoardNow + 500, 40); });
      if (rows.empty()) break;
      for (const BoardRow& row : rows) numbers.push_back(row.number);
      after = numbers.back();
    }
    EXPECT_EQ(numbers, expected);
  }
}

TEST_F(ListsTest, ChangesComeLatestFirst) {
  const auto rows = Read([&](db::Tx& tx) { return board_.Changed(tx, rows_[9].changed_at, rows_[19].changed_at, 5); });
  EXPECT_THAT(NumbersOf(rows), ElementsAre(19, 18, 17, 16, 15));
}

TEST_F(ListsTest, InABoxAreExactlyItsRows) {
  BoardFilter filter;
  filter.box = Around(300);
  filter.states = {State::kReceived, State::kWaiting};
  const auto rows = Read([&](db::Tx& tx) { return board_.InBox(tx, filter); });
  ASSERT_TRUE(rows.has_value());
  EXPECT_EQ(NumbersOf(*rows), Expected(filter));
  filter.states.clear();
  filter.box = Around(3000);
  EXPECT_FALSE(Read([&](db::Tx& tx) { return board_.InBox(tx, filter); }).has_value()) << "more than 500";
}

TEST_F(StoreBoardTest, NearbyAreOpenOnesOfTheLeavesNearestFirst) {
  std::vector<BoardRow> rows;
  for (int64_t number = 1; number <= 40; ++number) {
    rows.push_back(Row(number, Shifted(static_cast<double>(number) * 20, 0)));
  }
  rows[0].state = State::kResolved;
  rows[1].category = "lamp";
  rows[2].point = std::nullopt;
  Put(rows);
  const auto near = [&](double radius, const std::vector<std::string>& categories) {
    std::vector<int64_t> numbers;
    for (const NearRow& one : Read([&](db::Tx& tx) { return board_.Nearby(tx, kSquare, radius, categories); })) {
      numbers.push_back(one.row.number);
      EXPECT_NEAR(one.metres, static_cast<double>(one.row.number) * 20, 1);
    }
    return numbers;
  };
  EXPECT_THAT(near(125, {"road.pothole"}), ElementsAre(4, 5, 6));
  EXPECT_THAT(near(125, {"road.pothole", "lamp"}), ElementsAre(2, 4, 5, 6));
  EXPECT_THAT(near(125, {"road.pothole", "lamp", "a", "b", "c", "d", "e", "f", "g"}), ElementsAre(2, 4, 5, 6));
  EXPECT_THAT(near(10, {"road.pothole"}), IsEmpty());
  EXPECT_THAT(near(1000, {"road.sign"}), IsEmpty());
  const std::vector<int64_t> many = near(1000, {"road.pothole"});
  EXPECT_EQ(many.size(), static_cast<size_t>(kNearbyMax));
  EXPECT_EQ(many.front(), 4);
  EXPECT_EQ(many.back(), 23);
}

TEST_F(StoreBoardTest, ManyAtOnePointDoNotKeepNearbyFromAnAnswer) {
  std::vector<BoardRow> rows;
  for (int64_t number = 1; number <= kBoardScanMax + 500; ++number) rows.push_back(Row(number, Shifted(70, 0)));
  rows.push_back(Row(10'000, Shifted(10, 0)));
  Put(rows);
  const auto near = Read([&](db::Tx& tx) { return board_.Nearby(tx, kSquare, 500, {"road.pothole"}); });
  ASSERT_FALSE(near.empty());
  EXPECT_EQ(near.front().row.number, 10'000);
}

TEST_F(StoreBoardTest, CellsAreWhatWasAddedAndEmptyOnesGo) {
  const BoardRow row = Row(1);
  std::map<CellKey, CellCount> changes;
  for (const CellKey& key : CellsOf(data_.categories, row)) changes[key].open = 1;
  Write([&](db::Tx& tx) { return board_.AddCells(tx, changes); });
  Write([&](db::Tx& tx) { return board_.AddCells(tx, changes); });
  const auto at = [&](const std::vector<std::string>& dims, int level) {
    return Read([&](db::Tx& tx) { return board_.Cells(tx, dims, level, Around(200)); });
  };
  for (const int level : kCellLevels) {
    for (const std::string dim : {"", "c:road", "c:road.pothole", "u:15865", "u:15865|c:road", "m:202602",
                                  "m:202602|c:road", "m:202602|u:15865"}) {
      const auto cells = at({dim}, level);
      ASSERT_EQ(cells.size(), 1u) << dim << " " << level;
      EXPECT_EQ(cells[0].count, (CellCount{2, 0}));
      EXPECT_TRUE(Contains(BoxOf(cells[0].tile), kSquare));
      EXPECT_EQ(cells[0].tile.z, level);
    }
  }
  EXPECT_EQ(at({"", "c:road"}, 13).front().count, (CellCount{4, 0})) << "dims are summed";
  EXPECT_THAT(at({"c:lamp"}, 13), IsEmpty());
  std::map<CellKey, CellCount> moved;
  for (const CellKey& key : CellsOf(data_.categories, row)) moved[key] = {-1, 1};
  Write([&](db::Tx& tx) { return board_.AddCells(tx, moved); });
  EXPECT_EQ(at({""}, 13).front().count, (CellCount{1, 1}));
  std::map<CellKey, CellCount> gone;
  for (const CellKey& key : CellsOf(data_.categories, row)) gone[key] = {-1, -1};
  Write([&](db::Tx& tx) { return board_.AddCells(tx, gone); });
  EXPECT_EQ(Number("SELECT COUNT(*) FROM board_cells"), 0);
}

TEST_F(StoreBoardTest, DimsAreThoseThatAreKept) {
  const CategoryTree& tree = data_.categories;
  EXPECT_THAT(DimsFor(tree, "", "", {}), ElementsAre(""));
  EXPECT_THAT(DimsFor(tree, "road.sign", "", {}), ElementsAre("c:road.sign"));
  EXPECT_THAT(DimsFor(tree, "road", "15865", {}), ElementsAre("u:15865|c:road"));
  EXPECT_THAT(DimsFor(tree, "", "", {"202601", "202602"}), ElementsAre("m:202601", "m:202602"));
  EXPECT_THAT(DimsFor(tree, "lamp", "", {"202601"}), ElementsAre("m:202601|c:lamp"));
  EXPECT_THAT(DimsFor(tree, "", "15865", {"202601"}), ElementsAre("m:202601|u:15865"));
  EXPECT_THAT(DimsFor(tree, "road.sign", "15865", {}), IsEmpty());
  EXPECT_THAT(DimsFor(tree, "road.sign", "", {"202601"}), IsEmpty());
  EXPECT_THAT(DimsFor(tree, "road", "15865", {"202601"}), IsEmpty());
}

TEST_F(StoreBoardTest, FollowersAreFoundByUnitAndByCircle) {
  const auto follow = [&](const std::string& account, const std::string& unit, const Point& center, int radius) {
    FollowRow row;
    row.id = ids_.Next();
    row.account = account;
    row.unit = unit;
    row.center = center;
    row.radius_m = radius;
    row.name = "Quanh nhà";
    Write([&](db::Tx& tx) { return board_.InsertFollow(tx, row); });
    return row.id;
  };
  follow("by-unit", kUnitA, {}, 0);
  follow("by-circle", "", Shifted(900, 0), 1000);
  follow("too-far", "", Shifted(1200, 0), 1000);
  const std::string wide = follow("wide", "", Shifted(4000, 2000), 5000);
  const auto found = [&](const std::vector<std::string>& units, std::optional<Point> point, int limit = 100) {
    return Read([&](db::Tx& tx) { return board_.Followers(tx, units, point, limit); });
  };
  EXPECT_THAT(found({kUnitA}, kSquare), ElementsAre("by-circle", "by-unit", "wide"));
  EXPECT_THAT(found({kUnitB}, std::nullopt), IsEmpty());
  EXPECT_EQ(found({kUnitA}, kSquare, 2).size(), 2u);
  const auto mine = Read([&](db::Tx& tx) { return board_.Follows(tx, "wide"); });
  ASSERT_EQ(mine.size(), 1u);
  EXPECT_EQ(mine[0].name, "Quanh nhà");
  EXPECT_EQ(mine[0].radius_m, 5000);
  EXPECT_EQ(database_.RowsHolding("follows", "name_sealed", "nhà"), 0);
  bool removed = true;
  Write([&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(removed, board_.RemoveFollow(tx, "by-unit", wide));
    return absl::OkStatus();
  });
  EXPECT_FALSE(removed) << "another's";
  Write([&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(removed, board_.RemoveFollow(tx, "wide", wide));
    return absl::OkStatus();
  });
  EXPECT_TRUE(removed);
  EXPECT_THAT(found({}, kSquare), ElementsAre("by-circle"));
  EXPECT_EQ(Number("SELECT COUNT(*) FROM follow_tiles WHERE follow NOT IN (SELECT id FROM follows)"), 0);
}

TEST_F(StoreBoardTest, APublicationWantedAgainIsNotForgotten) {
  const ReportRow report = Report();
  Send(report);
  const auto take = [&] { return Read([&](db::Tx& tx) { return board_.Due(tx, clock_.Now(), 10); }); };
  const std::vector<Publication> taken = take();
  ASSERT_EQ(taken.size(), 1u);
  Write([&](db::Tx& tx) { return store_.Publish(tx, report.id, clock_.Now() - 1); });
  Write([&](db::Tx& tx) { return board_.Done(tx, taken[0]); });
  EXPECT_EQ(Number("SELECT COUNT(*) FROM publications"), 1);
  const std::vector<Publication> again = take();
  ASSERT_EQ(again.size(), 1u);
  Write([&](db::Tx& tx) { return board_.Done(tx, again[0]); });
  EXPECT_EQ(Number("SELECT COUNT(*) FROM publications"), 0);
}

}  // namespace
}  // namespace dinh::feedback

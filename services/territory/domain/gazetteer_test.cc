#include "services/territory/domain/gazetteer.h"

#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/civil.h"
#include "services/territory/map_file.h"

namespace dinh::territory {
namespace {

using ::testing::ElementsAre;

Day On(int year, int month, int day) { return base::DaysFromCivil({year, month, day}); }

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class ShippedMap : public ::testing::Test {
 protected:
  void SetUp() override {
    absl::StatusOr<MapRows> rows = ParseMapFile(ReadFile(DINH_SOURCE_DIR "/deploy/data/territory.json"));
    ASSERT_TRUE(rows.ok()) << rows.status();
    absl::StatusOr<Gazetteer> map = Gazetteer::Build(rows->units, rows->agencies);
    ASSERT_TRUE(map.ok()) << map.status();
    map_ = *std::move(map);
  }
  std::vector<std::string> Names(const SearchOptions& options, Day day) const {
    std::vector<std::string> names;
    for (const Unit* unit : map_.Search(options, day)) names.push_back(unit->name);
    return names;
  }
  Gazetteer map_;
};

TEST_F(ShippedMap, OneCodeIsTwoUnitsAtTwoDates) {
  ASSERT_NE(map_.At("15865", On(2025, 6, 30)), nullptr);
  EXPECT_EQ(map_.At("15865", On(2025, 6, 30))->name, "Bút Sơn");
  EXPECT_EQ(map_.At("15865", On(2025, 7, 1))->name, "Hoằng Hóa");
  EXPECT_EQ(map_.FullName(*map_.At("15865", On(2025, 6, 30))), "thị trấn Bút Sơn, huyện Hoằng Hóa, tỉnh Thanh Hóa");
  EXPECT_EQ(map_.FullName(*map_.At("15865", On(2025, 7, 1))), "xã Hoằng Hóa, tỉnh Thanh Hóa");
}

TEST_F(ShippedMap, OldUnitsResolveToTodays) {
  const Day today = On(2026, 11, 24);
  const Unit* old = map_.At("15952", On(2024, 5, 1));
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(old->name, "Hoằng Đồng");
  EXPECT_EQ(map_.At("15952", today), nullptr);
  EXPECT_EQ(map_.Resolve(*old, today), map_.At("15865", today));
  // Merged twice: into Hoằng Giang on 2024-12-01, with it on 2025-07-01.
  const Unit* twice = map_.At("15880", On(2024, 11, 30));
  ASSERT_NE(twice, nullptr);
  EXPECT_EQ(twice->name, "Hoằng Phượng");
  EXPECT_EQ(map_.Resolve(*twice, On(2025, 1, 1))->code, "15871");
  EXPECT_EQ(map_.Resolve(*twice, today)->code, "15880");
  EXPECT_EQ(map_.Resolve(*twice, today)->name, "Hoằng Giang");
  // A way back is not a function: six communes became one.
  EXPECT_EQ(map_.Resolve(*map_.At("15865", today), On(2024, 1, 1)), nullptr);
}

TEST_F(ShippedMap, EveryOldCommuneHasASuccessorTodayAndTheDistrictHasNone) {
  const Day before = On(2024, 11, 30), today = On(2026, 1, 1);
  const std::vector<const Unit*> communes = map_.Search({.parent = "399"}, before);
  EXPECT_EQ(communes.size(), 37u);
  for (const Unit* commune : communes) {
    const Unit* now = map_.Resolve(*commune, today);
    ASSERT_NE(now, nullptr) << commune->code;
    EXPECT_EQ(now->parent, "38");
  }
  EXPECT_EQ(map_.Search({.parent = "399"}, On(2024, 12, 1)).size(), 36u);
  EXPECT_EQ(map_.At("399", On(2025, 7, 1)), nullptr);
  EXPECT_EQ(map_.Resolve(*map_.At("399", before), today), nullptr);
}

TEST_F(ShippedMap, CollidingNamesAreToldApartByAccents) {
  const Day before = On(2024, 5, 1);
  EXPECT_THAT(Names({.query = "hoang dong"}, before), ElementsAre("Hoằng Đồng", "Hoằng Đông"));
  EXPECT_EQ(Names({.query = "hoằng đông"}, before).front(), "Hoằng Đông");
  EXPECT_EQ(Names({.query = "xã Hoằng Đồng"}, before).front(), "Hoằng Đồng");
  EXPECT_EQ(Names({.query = "hoằng phụ"}, before).front(), "Hoằng Phụ");
  EXPECT_EQ(Names({.query = "Hoằng Phú"}, before).front(), "Hoằng Phú");
  EXPECT_EQ(Names({.query = "hoằng quỳ"}, before).front(), "Hoằng Quỳ");
  EXPECT_EQ(Names({.query = "hoằng quý"}, before).front(), "Hoằng Quý");
  EXPECT_EQ(Names({.query = "hoằng thành"}, before).front(), "Hoằng Thành");
  EXPECT_EQ(Names({.query = "hoằng thanh"}, before).front(), "Hoằng Thanh");
}

TEST_F(ShippedMap, FormerNamesAreFoundOnlyWhenAskedFor) {
  const Day today = On(2026, 11, 24);
  EXPECT_TRUE(Names({.query = "hoang dong"}, today).empty());
  EXPECT_THAT(Names({.query = "hoang dong", .include_former = true}, today), ElementsAre("Hoằng Đồng", "Hoằng Đông"));
}

TEST_F(ShippedMap, AgenciesBelongToAUnitAndVillagesMeanTheirCommune) {
  const Day today = On(2026, 11, 24);
  std::vector<std::string> ids;
  for (const Agency* agency : map_.AgenciesOf(*map_.At("v-quang-trung-15952", today), today)) ids.push_back(agency->id);
  EXPECT_THAT(ids, ElementsAre("bd-15865", "ca-15865", "ubnd-15865"));
  EXPECT_TRUE(map_.AgenciesOf(*map_.At("15865", On(2024, 5, 1)), On(2024, 5, 1)).empty());
}

TEST(GazetteerBuild, RefusesInconsistentMaps) {
  const Unit province{.code = "38", .name = "Thanh Hóa", .type = "tỉnh", .level = Level::kProvince};
  Unit child{.code = "1", .name = "A", .type = "xã", .parent = "38", .from = 0, .to = 10};
  EXPECT_TRUE(Gazetteer::Build({province, child}, {}).ok());
  Unit overlap = child;
  overlap.from = 9;
  overlap.to = 20;
  EXPECT_FALSE(Gazetteer::Build({province, child, overlap}, {}).ok());
  Unit orphan = child;
  orphan.parent = "99";
  EXPECT_FALSE(Gazetteer::Build({province, orphan}, {}).ok());
  Unit nowhere = child;
  nowhere.successors = {{"77", 10}};
  EXPECT_FALSE(Gazetteer::Build({province, nowhere}, {}).ok());
  Unit backwards = child;  // would never end
  backwards.successors = {{"1", 0}};
  EXPECT_FALSE(Gazetteer::Build({province, backwards}, {}).ok());
  const Agency agency{.id = "a", .name = "A", .unit = "1"};
  EXPECT_TRUE(Gazetteer::Build({province, child}, {agency}).ok());
  EXPECT_FALSE(Gazetteer::Build({province, child}, {agency, agency}).ok());
}

TEST(MapFile, BadFilesAreNamed) {
  EXPECT_FALSE(ParseMapFile("").ok());
  EXPECT_FALSE(ParseMapFile("[]").ok());
  EXPECT_FALSE(ParseMapFile(R"({"units": [3], "agencies": []})").ok());
  EXPECT_FALSE(ParseMapFile(R"({"units": [{"code": "1", "name": "A", "level": "planet"}], "agencies": []})").ok());
  EXPECT_FALSE(ParseMapFile(R"({"units": [{"code": "1", "name": "A", "level": "commune", "valid_from": "x"}],
                               "agencies": []})")
                   .ok());
}

}  // namespace
}  // namespace dinh::territory

#include "services/feedback/domain/routing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dinh::feedback {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Routing, StaffGoesAbove) {
  Category category;
  category.responsible = {AgencyKind::kPolice, UnitLevel::kCommune, "police_specialist", Assign::kLeastLoaded};
  EXPECT_EQ(TargetOf(category).level, UnitLevel::kCommune);
  EXPECT_EQ(TargetOf(category).agency, AgencyKind::kPolice);
  EXPECT_EQ(TargetOf(category).position, "police_specialist");
  category.about_staff = true;
  EXPECT_EQ(TargetOf(category).level, UnitLevel::kAbove);
}

TEST(Routing, TheNamedOfficerAndTheUnitAreBypassed) {
  const Bypass bypass{"named", "15865"};
  EXPECT_FALSE(MayHandle({"named", "38"}, bypass));  // also from another unit
  EXPECT_FALSE(MayHandle({"colleague", "15865"}, bypass));
  EXPECT_TRUE(MayHandle({"other", "38"}, bypass));
  EXPECT_TRUE(MayHandle({"anybody", "15865"}, {}));
  // Empty ids of a bypass match nobody.
  EXPECT_TRUE(MayHandle({"", ""}, {}));
  // Who serves in both units is bypassed everywhere.
  EXPECT_THAT(Eligible({{"c", "38"}, {"a", "38"}, {"b", "38"}, {"b", "15865"}, {"named", "38"}, {"a", "38"}}, bypass),
              ElementsAre("a", "c"));
  EXPECT_THAT(Eligible({{"x", "15865"}}, bypass), IsEmpty());
}

TEST(Routing, RoundRobin) {
  const std::vector<std::string> ids = {"a", "c", "e"};
  EXPECT_EQ(ChooseRoundRobin(ids, ""), "a");
  EXPECT_EQ(ChooseRoundRobin(ids, "a"), "c");
  EXPECT_EQ(ChooseRoundRobin(ids, "b"), "c");  // who has left
  EXPECT_EQ(ChooseRoundRobin(ids, "e"), "a");
  EXPECT_EQ(ChooseRoundRobin({}, "a"), std::nullopt);
}

TEST(Routing, LeastLoaded) {
  const std::vector<std::string> ids = {"a", "b", "c", "d"};
  EXPECT_EQ(ChooseLeastLoaded(ids, {{"a", 3}, {"b", 1}, {"c", 2}, {"d", 4}}, ""), "b");
  EXPECT_EQ(ChooseLeastLoaded(ids, {{"a", 3}, {"b", 1}, {"c", 2}}, ""), "d");  // not counted: none open
  // Of equals the next in turn.
  EXPECT_EQ(ChooseLeastLoaded(ids, {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 2}}, "a"), "b");
  EXPECT_EQ(ChooseLeastLoaded(ids, {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 2}}, "c"), "a");
  EXPECT_EQ(ChooseLeastLoaded({}, {{"a", 1}}, ""), std::nullopt);
}

}  // namespace
}  // namespace dinh::feedback

#include "services/feedback/json_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "libs/config/data_files.h"
#include "services/feedback/domain/routing.h"
#include "services/feedback/domain/screening.h"

namespace dinh::feedback {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kData = std::string(DINH_SOURCE_DIR) + "/deploy/data/";

std::string Shipped(const std::string& name) { return config::ReadDataFile(kData + name).value(); }

const FeedbackData& Data() {
  static const FeedbackData kShipped = ReadFeedback(Shipped("feedback.json")).value();
  return kShipped;
}

TEST(FeedbackData, ShippedFileIsRead) {
  const auto data = ReadFeedback(Shipped("feedback.json"));
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_GE(data->categories.leaves().size(), 45U);
  EXPECT_GE(data->templates.size(), 12U);
  EXPECT_GE(data->profanity.size(), 10U);
}

TEST(FeedbackData, PositionsAreRolesAndPlacesAreUnits) {
  std::set<std::string> roles, units;
  const json role_file = json::parse(Shipped("roles.json"));
  const json unit_file = json::parse(Shipped("territory.json"));
  for (const json& role : role_file["roles"]) roles.insert(role["role"]);
  for (const json& unit : unit_file["units"]) units.insert(unit["code"]);
  for (const Category* leaf : Data().categories.leaves()) {
    EXPECT_TRUE(!TakesReports(leaf->kind) || roles.contains(leaf->responsible.position)) << leaf->id;
  }
  for (const EscalationPlan& plan : Data().categories.plans()) {
    for (const EscalationStep& step : plan.steps) {
      EXPECT_TRUE(step.position.empty() || roles.contains(step.position)) << plan.id << " " << step.id;
    }
  }
  for (const ReferencePoint& place : Data().places) EXPECT_TRUE(units.contains(place.unit)) << place.name;
}

// What must never show, whoever edits the file.
TEST(FeedbackData, PrivateIsPrivate) {
  const CategoryTree& tree = Data().categories;
  for (const char* root : {"security", "staff", "emergency", "land", "social"}) {
    ASSERT_NE(tree.Find(root), nullptr) << root;
    for (const Category* leaf : tree.LeavesUnder(root)) {
      EXPECT_FALSE(leaf->may_be_public) << leaf->id;
      EXPECT_FALSE(leaf->public_by_default) << leaf->id;
    }
  }
  for (const Category* leaf : tree.LeavesUnder("staff")) {
    EXPECT_TRUE(leaf->about_staff) << leaf->id;
    EXPECT_EQ(TargetOf(*leaf).level, UnitLevel::kAbove) << leaf->id;
  }
  for (const Category* leaf : tree.LeavesUnder("security")) {
    EXPECT_EQ(leaf->responsible.agency, AgencyKind::kPolice) << leaf->id;
  }
  // What points at a neighbour is read by an officer before it shows.
  for (const char* root : {"noise", "food"}) {
    for (const Category* leaf : tree.LeavesUnder(root)) EXPECT_TRUE(leaf->moderate_text) << leaf->id;
  }
}

TEST(FeedbackData, EmergenciesShowTheirNumber) {
  const std::pair<const char*, const char*> kNumbers[] = {{"emergency.fire", "114"},    {"emergency.medical", "115"},
                                                          {"emergency.crime", "113"},   {"emergency.water", "112"},
                                                          {"security.domestic", "113"}, {"social.children", "111"}};
  for (const auto& [id, number] : kNumbers) {
    const Category* category = Data().categories.Find(id);
    ASSERT_NE(category, nullptr) << id;
    EXPECT_EQ(category->kind, Kind::kEmergency) << id;
    EXPECT_EQ(category->guidance->phones[0].number, number) << id;
  }
  for (const char* id : {"legal.complaint", "legal.denunciation"}) {
    const Category* category = Data().categories.Find(id);
    ASSERT_NE(category, nullptr) << id;
    EXPECT_EQ(category->kind, Kind::kGuide) << id;
    EXPECT_FALSE(category->guidance->legal_basis.empty()) << id;
  }
}

TEST(FeedbackData, ChildrenInherit) {
  const Category* wires = Data().categories.Find("electricity.quality");
  ASSERT_NE(wires, nullptr);
  EXPECT_EQ(wires->parent, "electricity");
  EXPECT_EQ(wires->responsible.position, "specialist");  // of the defaults
  EXPECT_EQ(wires->group, "Điện");
  EXPECT_EQ(Data().categories.Find("electricity.outage")->answer_hours, 24);  // of the parent
  EXPECT_TRUE(Data().categories.Find("road")->questions.empty());
}

TEST(FeedbackData, SuggestsTheUnitAround) {
  const auto near = NearestFirst(Data().places, {19.8658, 105.8584}, Data().suggest_within_m);
  ASSERT_FALSE(near.empty());
  EXPECT_EQ(near[0]->unit, "15865");
}

// A template the service's own screening would hold could never be used.
TEST(FeedbackData, TemplatesPassTheScreening) {
  const Screener screener(Data().profanity);
  for (const AnswerTemplate& answer : Data().templates) {
    EXPECT_THAT(screener.Screen(answer.text), IsEmpty()) << answer.id;
    Variables values;
    for (const std::string& name : KnownVariables()) values[name] = "x";
    EXPECT_TRUE(FillTemplate(answer.text, values).ok()) << answer.id;
  }
}

// The shipped file with one thing changed, and what is said about it.
std::string Fault(const std::function<void(json&)>& change) {
  json data = json::parse(Shipped("feedback.json"));
  change(data);
  const auto read = ReadFeedback(data.dump());
  EXPECT_FALSE(read.ok());
  return std::string(read.status().message());
}

TEST(FeedbackData, FaultsAreRefusedWithTheirPlace) {
  EXPECT_THAT(std::string(ReadFeedback("{").status().message()), HasSubstr("not JSON"));
  EXPECT_THAT(std::string(ReadFeedback("[]").status().message()), HasSubstr("an object is expected"));
  EXPECT_THAT(Fault([](json& d) { d["categories"][0]["children"][1]["answer_hour"] = 8; }),
              HasSubstr("feedback.json.categories[0].children[1].answer_hour: unknown key"));
  EXPECT_THAT(Fault([](json& d) { d["categories"][0].erase("name"); }), HasSubstr("categories[0].name: missing"));
  EXPECT_THAT(Fault([](json& d) { d["categories"][0]["children"][0]["kind"] = "thing"; }),
              HasSubstr("children[0].kind: unknown value"));
  EXPECT_THAT(Fault([](json& d) { d["defaults"]["answer_hours"] = 1e9; }), HasSubstr("an integer is expected"));
  EXPECT_THAT(Fault([](json& d) { d["defaults"]["answer_hours"] = 5'000'000'000; }), HasSubstr("out of range"));
  EXPECT_THAT(Fault([](json& d) { d["defaults"]["escalation"] = "none_such"; }), HasSubstr("unknown escalation"));
  EXPECT_THAT(Fault([](json& d) { d["categories"][1]["id"] = "road"; }), HasSubstr("category \"road\": twice"));
  EXPECT_THAT(Fault([](json& d) { d["area"]["bbox"]["west"] = 120; }), HasSubstr("area.bbox"));
  EXPECT_THAT(Fault([](json& d) { d["area"]["places"][0]["lat"] = 3; }), HasSubstr("places[0]: outside of bbox"));
  EXPECT_THAT(Fault([](json& d) { d["templates"][0]["text"] = "Chào {ten_la}"; }),
              HasSubstr("unknown variable ten_la"));
  EXPECT_THAT(Fault([](json& d) { d["templates"][0]["text"] = "Chào {code"; }), HasSubstr("templates[0].text"));
  EXPECT_THAT(Fault([](json& d) { d["templates"][0]["events"] = {"shout"}; }), HasSubstr("unknown event shout"));
  EXPECT_THAT(Fault([](json& d) { d["templates"][0]["categories"] = {"nothing"}; }), HasSubstr("unknown category"));
  EXPECT_THAT(Fault([](json& d) { d["templates"][1]["id"] = d["templates"][0]["id"]; }), HasSubstr("twice"));
  EXPECT_THAT(Fault([](json& d) { d["extra"] = 1; }), HasSubstr("feedback.json.extra: unknown key"));
}

}  // namespace
}  // namespace dinh::feedback

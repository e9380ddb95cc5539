#include "services/feedback/domain/categories.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace dinh::feedback {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Category Leaf(const std::string& id, const std::string& parent) {
  Category category;
  category.id = id;
  category.parent = parent;
  category.name = {"Tên " + id, "Name " + id};
  category.responsible.position = "specialist";
  category.answer_hours = 8;
  category.close_after_days = 15;
  category.may_be_public = true;
  return category;
}

Category Group(const std::string& id, const std::string& parent) {
  Category category = Leaf(id, parent);
  category.kind = Kind::kGroup;
  return category;
}

std::vector<EscalationPlan> Plans() {
  return {{"standard",
           {{"remind", 75, EscalationStep::Action::kRemind, EscalationStep::Target::kAssignee, ""},
            {"due", 100, EscalationStep::Action::kEscalate, EscalationStep::Target::kPosition, "chair"}}}};
}

// Children before their parents, and four levels.
std::vector<Category> Forest() {
  return {Leaf("a.b.c.d", "a.b.c"), Group("a", ""),     Group("a.b", "a"),   Group("a.b.c", "a.b"),
          Leaf("a.x", "a"),         Leaf("lonely", ""), Leaf("a.b.e", "a.b")};
}

std::vector<std::string> Ids(const std::vector<const Category*>& categories) {
  std::vector<std::string> out;
  for (const Category* category : categories) out.push_back(category->id);
  return out;
}

TEST(Categories, ATreeOfAnyDepth) {
  auto built = CategoryTree::Build(Forest(), Plans());
  ASSERT_TRUE(built.ok()) << built.status();
  const CategoryTree tree = *std::move(built);  // pointers survive the move
  EXPECT_THAT(Ids(tree.leaves()), ElementsAre("a.b.c.d", "a.x", "lonely", "a.b.e"));
  EXPECT_THAT(Ids(tree.Chain("a.b.c.d")), ElementsAre("a.b.c.d", "a.b.c", "a.b", "a"));
  EXPECT_THAT(Ids(tree.Chain("none")), IsEmpty());
  EXPECT_THAT(Ids(tree.Children("")), ElementsAre("a", "lonely"));
  EXPECT_THAT(Ids(tree.Children("a.b")), ElementsAre("a.b.c", "a.b.e"));
  EXPECT_THAT(Ids(tree.Children("lonely")), IsEmpty());
  EXPECT_THAT(Ids(tree.LeavesUnder("a.b")), ElementsAre("a.b.c.d", "a.b.e"));
  EXPECT_THAT(Ids(tree.LeavesUnder("lonely")), ElementsAre("lonely"));
  EXPECT_THAT(Ids(tree.LeavesUnder("none")), IsEmpty());
  EXPECT_EQ(tree.Find("a.b.c.d")->group, "Tên a");
  EXPECT_EQ(tree.Find("a.x")->name.en, "Name a.x");
  EXPECT_EQ(tree.Find("b"), nullptr);
  EXPECT_NE(tree.Plan("standard"), nullptr);
  EXPECT_EQ(tree.Plan("other"), nullptr);
  EXPECT_TRUE(CategoryTree().leaves().empty());
}

using Change = std::function<void(std::vector<Category>&, std::vector<EscalationPlan>&)>;

std::string Fault(const Change& change) {
  std::vector<Category> categories = Forest();
  std::vector<EscalationPlan> plans = Plans();
  change(categories, plans);
  const auto tree = CategoryTree::Build(std::move(categories), std::move(plans));
  return tree.ok() ? "accepted" : std::string(tree.status().message());
}

// The fault of a leaf changed so.
std::string LeafFault(const std::function<void(Category&)>& change) {
  return Fault([&](auto& categories, auto&) { change(categories[5]); });
}

TEST(Categories, ShapesThatAreNoTree) {
  EXPECT_THAT(Fault([](auto& c, auto&) { c.clear(); }), HasSubstr("no categories"));
  EXPECT_THAT(Fault([](auto& c, auto&) { c[4].id = "a"; }), HasSubstr("\"a\": twice"));
  EXPECT_THAT(Fault([](auto& c, auto&) { c[5].parent = "gone"; }), HasSubstr("unknown parent"));
  EXPECT_THAT(Fault([](auto& c, auto&) { c[1].parent = "a.b"; }), HasSubstr("cycle"));
  EXPECT_THAT(Fault([](auto& c, auto&) { c[1].parent = "a"; }), HasSubstr("cycle"));
  EXPECT_THAT(Fault([](auto& c, auto&) { c[4].kind = Kind::kGroup; }), HasSubstr("without children"));
  EXPECT_THAT(Fault([](auto& c, auto&) { c[2].kind = Kind::kReport; }), HasSubstr("only a group has children"));
  for (const char* id : {"", "A", "a..b", ".a", "1a", "a b", "đường"}) {
    EXPECT_THAT(Fault([&](auto& c, auto&) { c[5].id = id; }), HasSubstr("malformed id")) << id;
  }
  EXPECT_THAT(Fault([](auto& c, auto&) { c[5].id = std::string(65, 'a'); }), HasSubstr("malformed id"));
  const auto chain_of = [](int depth) {
    return Fault([&](auto& c, auto&) {
      c.clear();
      for (int i = 0; i < depth; ++i) {
        const std::string parent = i == 0 ? "" : "g" + std::to_string(i - 1);
        c.push_back(i + 1 == depth ? Leaf("g" + std::to_string(i), parent) : Group("g" + std::to_string(i), parent));
      }
    });
  };
  EXPECT_EQ(chain_of(kCategoryDepthMax), "accepted");
  EXPECT_THAT(chain_of(kCategoryDepthMax + 1), HasSubstr("too deep"));
}

TEST(Categories, LeavesThatCannotWork) {
  EXPECT_EQ(LeafFault([](Category&) {}), "accepted");
  EXPECT_THAT(LeafFault([](Category& c) { c.name.en = ""; }), HasSubstr("name"));
  EXPECT_THAT(LeafFault([](Category& c) { c.answer_hours = 0; }), HasSubstr("answer_hours"));
  EXPECT_THAT(LeafFault([](Category& c) { c.answer_hours = kAnswerHoursMax + 1; }), HasSubstr("answer_hours"));
  EXPECT_THAT(LeafFault([](Category& c) { c.reopen_days = -1; }), HasSubstr("reopen_days"));
  EXPECT_THAT(LeafFault([](Category& c) { c.close_after_days = 0; }), HasSubstr("close_after_days"));
  EXPECT_THAT(LeafFault([](Category& c) { c.duplicate_radius_m = kDuplicateRadiusMax + 1; }), HasSubstr("duplicate"));
  EXPECT_THAT(LeafFault([](Category& c) { c.responsible.position = ""; }), HasSubstr("position"));
  EXPECT_THAT(LeafFault([](Category& c) { c.escalation = "none_such"; }), HasSubstr("unknown escalation"));
  EXPECT_THAT(LeafFault([](Category& c) { c.about_staff = true; }), HasSubstr("unit above"));
  EXPECT_THAT(LeafFault([](Category& c) {
                c.may_be_public = false;
                c.public_by_default = true;
              }),
              HasSubstr("may not be public"));
  EXPECT_THAT(LeafFault([](Category& c) {
                c.may_be_public = false;
                c.duplicate_radius_m = 10;
              }),
              HasSubstr("private category"));
}

TEST(Categories, GuidanceIsThereWhereItIsNeeded) {
  const Guidance fire{{"Gọi 114", "Call 114"}, {"Gọi ngay", "Call now"}, {{"114", {"Cứu hỏa", "Fire"}}}, {}, {}};
  EXPECT_THAT(LeafFault([](Category& c) { c.kind = Kind::kGuide; }), HasSubstr("guidance missing"));
  EXPECT_THAT(LeafFault([](Category& c) { c.kind = Kind::kEmergency; }), HasSubstr("guidance missing"));
  EXPECT_EQ(LeafFault([&](Category& c) {
              c.kind = Kind::kEmergency;
              c.guidance = fire;
            }),
            "accepted");
  EXPECT_THAT(LeafFault([&](Category& c) {
                c.kind = Kind::kEmergency;
                c.guidance = fire;
                c.guidance->phones.clear();
              }),
              HasSubstr("number to call"));
  EXPECT_THAT(LeafFault([&](Category& c) {
                c.guidance = fire;
                c.guidance->phones[0].number = "11four";
              }),
              HasSubstr("phone"));
  EXPECT_THAT(LeafFault([&](Category& c) {
                c.guidance = fire;
                c.guidance->links.push_back({"http://example.com", {"a", "b"}});
              }),
              HasSubstr("link"));
  // A guide takes no reports and needs nothing of theirs.
  EXPECT_EQ(LeafFault([&](Category& c) {
              c.kind = Kind::kGuide;
              c.guidance = fire;
              c.answer_hours = 0;
              c.responsible = {};
            }),
            "accepted");
  EXPECT_TRUE(TakesReports(Kind::kReport) && TakesReports(Kind::kEmergency));
  EXPECT_FALSE(TakesReports(Kind::kGuide) || TakesReports(Kind::kGroup));
}

TEST(Categories, QuestionsThatCannotBeAnswered) {
  const auto fault = [](const std::function<void(Question&)>& change) {
    return LeafFault([&](Category& c) {
      Question question;
      question.id = "size";
      question.label = {"Kích thước", "Size"};
      change(question);
      c.questions.push_back(question);
    });
  };
  const Option small{"small", {"Nhỏ", "Small"}}, large{"large", {"Lớn", "Large"}};
  EXPECT_EQ(fault([](Question&) {}), "accepted");
  EXPECT_THAT(fault([](Question& q) { q.id = "Size"; }), HasSubstr("malformed question id"));
  EXPECT_THAT(fault([](Question& q) { q.label.vi = ""; }), HasSubstr("label"));
  EXPECT_THAT(fault([](Question& q) { q.max_length = kAnswerLengthMax + 1; }), HasSubstr("max_length"));
  EXPECT_THAT(fault([&](Question& q) { q.options = {small, large}; }), HasSubstr("choice"));
  EXPECT_THAT(fault([&](Question& q) {
                q.type = QuestionType::kChoice;
                q.options = {small};
              }),
              HasSubstr("two options"));
  EXPECT_THAT(fault([&](Question& q) {
                q.type = QuestionType::kChoice;
                q.options = {small, small};
              }),
              HasSubstr("option twice"));
  EXPECT_THAT(fault([](Question& q) { q.min = 3; }), HasSubstr("no number"));
  EXPECT_THAT(fault([](Question& q) {
                q.type = QuestionType::kNumber;
                q.min = 3;
                q.max = 2;
              }),
              HasSubstr("min above max"));
  EXPECT_THAT(LeafFault([](Category& c) { c.questions.resize(kQuestionsMax + 1); }), HasSubstr("too many"));
  EXPECT_THAT(LeafFault([](Category& c) {
                Question question;
                question.id = "a";
                question.label = {"a", "a"};
                c.questions = {question, question};
              }),
              HasSubstr("twice"));
}

TEST(Categories, PlansThatCannotBeFollowed) {
  const auto fault = [](const std::function<void(EscalationPlan&)>& change) {
    return Fault([&](auto&, auto& plans) { change(plans[0]); });
  };
  EXPECT_THAT(Fault([](auto&, auto& plans) { plans.push_back(plans[0]); }), HasSubstr("twice"));
  EXPECT_THAT(fault([](EscalationPlan& p) { p.steps.clear(); }), HasSubstr("no steps"));
  EXPECT_THAT(fault([](EscalationPlan& p) { p.steps[1].at_percent = 75; }), HasSubstr("increase"));
  EXPECT_THAT(fault([](EscalationPlan& p) { p.steps[0].at_percent = 0; }), HasSubstr("increase"));
  EXPECT_THAT(fault([](EscalationPlan& p) { p.steps[1].at_percent = kEscalationPercentMax + 1; }),
              HasSubstr("increase"));
  EXPECT_THAT(fault([](EscalationPlan& p) { p.steps[1].id = "remind"; }), HasSubstr("repeated"));
  EXPECT_THAT(fault([](EscalationPlan& p) { p.steps[1].position = ""; }), HasSubstr("position"));
  EXPECT_THAT(fault([](EscalationPlan& p) { p.steps[0].position = "chair"; }), HasSubstr("position"));
  EXPECT_THAT(fault([](EscalationPlan& p) { p.steps[0].action = EscalationStep::Action::kEscalate; }),
              HasSubstr("escalates to the assignee"));
}

TEST(Categories, NamesGoThereAndBack) {
  EXPECT_EQ(ParseKind(KindName(Kind::kEmergency)), Kind::kEmergency);
  EXPECT_EQ(ParseAgencyKind("police"), AgencyKind::kPolice);
  EXPECT_EQ(AgencyKindName(AgencyKind::kPeoplesCommittee), "peoples_committee");
  EXPECT_EQ(ParseUnitLevel(UnitLevelName(UnitLevel::kAbove)), UnitLevel::kAbove);
  EXPECT_EQ(ParseAssign(AssignName(Assign::kLeastLoaded)), Assign::kLeastLoaded);
  EXPECT_EQ(ParseQuestionType(QuestionTypeName(QuestionType::kYesNo)), QuestionType::kYesNo);
  EXPECT_EQ(ParseAction(ActionName(EscalationStep::Action::kRemind)), EscalationStep::Action::kRemind);
  EXPECT_EQ(ParseTarget(TargetName(EscalationStep::Target::kUnitAbove)), EscalationStep::Target::kUnitAbove);
  EXPECT_EQ(ParseKind("thing"), std::nullopt);
}

}  // namespace
}  // namespace dinh::feedback

#include "services/procedures/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "services/procedures/domain/transitions.h"
#include "services/procedures/json_data.h"

namespace dinh::procedures {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr base::CivilDate kToday{2026, 2, 13};

class CatalogueTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto catalogue = Catalogue::Load(std::string(DINH_SOURCE_DIR) + "/deploy/data");
    ASSERT_TRUE(catalogue.ok()) << catalogue.status();
    catalogue_ = std::move(*catalogue).release();
  }
  static void TearDownTestSuite() { delete catalogue_; }
  static const Catalogue* catalogue_;
};
const Catalogue* CatalogueTest::catalogue_ = nullptr;

TEST_F(CatalogueTest, ShippedDataIsWhole) {
  EXPECT_EQ(catalogue_->procedures().size(), 54u);
  for (const Procedure& p : catalogue_->procedures()) {
    EXPECT_FALSE(p.name.empty());
    EXPECT_FALSE(p.papers.empty()) << p.code;
    EXPECT_EQ(p.executor == Executor::kPolice, p.workflow == "police") << p.code;
    EXPECT_TRUE(!p.source_url.empty() || !p.source_note.empty()) << p.code << " has no source";
  }
}

TEST_F(CatalogueTest, TheStoryFindsItsProcedureFirst) {
  const auto found = catalogue_->Search("ban sao trich luc", "", kToday);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found[0]->code, "2.000635");
  EXPECT_EQ(catalogue_->Search("trich luc", "", kToday)[0]->code, "2.000635");
  EXPECT_EQ(catalogue_->Search("Đăng ký khai sinh", "", kToday)[0]->code, "1.001193");
  EXPECT_EQ(catalogue_->Search("dang ky tam tru", "", kToday)[0]->code, "1.004194");
  EXPECT_EQ(catalogue_->Search("2.0006", "", kToday)[0]->code, "2.000635");
  for (const Procedure* p : catalogue_->Search("", "Chứng thực", kToday)) EXPECT_EQ(p->field, "Chứng thực");
  EXPECT_THAT(catalogue_->Search("ban sao", "", {2024, 1, 1}), IsEmpty()) << "before the version is valid";
}

TEST_F(CatalogueTest, VersionsAndLocalCodes) {
  EXPECT_NE(catalogue_->Find("2.000635", kToday), nullptr);
  EXPECT_EQ(catalogue_->Find("2.000635.000.00.00.H56", kToday), catalogue_->Find("2.000635", kToday));
  EXPECT_EQ(catalogue_->Find("2.000635.01", kToday), catalogue_->Find("2.000635", kToday));
  EXPECT_EQ(catalogue_->Find("2.0006351", kToday), nullptr);
  EXPECT_EQ(catalogue_->Find("9.999999", kToday), nullptr);
  EXPECT_EQ(catalogue_->Find("2.000635", {2025, 6, 30}), nullptr);
  EXPECT_NE(catalogue_->FindVersion("2.000635", 1), nullptr);
  EXPECT_EQ(catalogue_->FindVersion("2.000635", 2), nullptr);
}

TEST_F(CatalogueTest, FeesOfTheStory) {
  const auto fee = [&](const char* code, Channel channel, std::vector<std::pair<std::string, int64_t>> counts) {
    const auto result = EvaluateFees(catalogue_->Find(code, kToday)->fees, {channel, std::move(counts), ""});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->amount_vnd : -1;
  };
  EXPECT_EQ(fee("2.000635", Channel::kOnline, {{"copies", 2}}), 16000);
  EXPECT_EQ(fee("2.000815", Channel::kDesk, {{"copies", 1}, {"pages", 500}}), 200000);
  EXPECT_EQ(fee("1.004194", Channel::kDesk, {}), 15000);
  EXPECT_EQ(fee("1.004194", Channel::kOnline, {}), 7000);
  EXPECT_EQ(fee("1.001193", Channel::kOnline, {}), 0);
}

TEST_F(CatalogueTest, FormOfTheStory) {
  const FormDefinition* form = catalogue_->Form(catalogue_->Find("2.000635", kToday)->form);
  ASSERT_NE(form, nullptr);
  Values self = {{"relation", "self"},
                 {"record_kind", "birth"},
                 {"register_place", "15952"},
                 {"copies", "2"},
                 {"delivery", "electronic"}};
  EXPECT_THAT(form->Check(self, kToday), IsEmpty());
  Values child = self;
  child["relation"] = "child";
  const auto missing = form->Check(child, kToday);
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(missing[0].field, "form.subject_name");
  child["subject_name"] = "Công dân Nhỏ";
  child["subject_birth_date"] = "2019";
  EXPECT_THAT(form->Check(child, kToday), IsEmpty());
  for (const char* copies : {"0", "21", "hai"}) {
    Values wrong = self;
    wrong["copies"] = copies;
    EXPECT_EQ(form->Check(wrong, kToday).size(), 1u) << copies;
  }
  Values nothing;
  EXPECT_EQ(form->Check(nothing, kToday).size(), 5u) << "every required field at once";
}

// The same walk for every workflow that ships: whoever holds exactly the role a step names gets a dossier to its end,
// nobody else moves it, and whoever drafted may not sign even with the signer's role.
TEST_F(CatalogueTest, EveryWorkflowRunsToItsEnd) {
  ASSERT_GE(catalogue_->workflows().size(), 2u);
  for (const auto& [id, workflow] : catalogue_->workflows()) {
    SCOPED_TRACE(id);
    ASSERT_TRUE(CheckWorkflow(workflow).ok());
    Progress p;
    p.has_result = true;
    const Actor citizen{ActorKind::kCitizen, "citizen", {}};
    const Actor desk{ActorKind::kOfficer, "desk", {workflow.desk_roles.front()}};
    const auto act = [&](EventKind kind, const Actor& actor) {
      return Apply(workflow, {kind, actor, 1, "lý do", 0, kind == EventKind::kRate ? 5 : 0}, p);
    };
    ASSERT_TRUE(act(EventKind::kSubmit, citizen).ok());
    ASSERT_TRUE(act(EventKind::kAccept, desk).ok());
    while (p.state == State::kProcessing) {
      const Step& step = workflow.steps[static_cast<size_t>(p.step)];
      const EventKind kind = step.kind == StepKind::kSign ? EventKind::kSign : EventKind::kForward;
      for (const Step& other : workflow.steps) {
        if (HasAnyRole(other.roles, step.roles)) continue;
        const Progress before = p;
        EXPECT_FALSE(act(kind, {ActorKind::kOfficer, "intruder", other.roles}).ok()) << other.id << " did " << step.id;
        EXPECT_EQ(p, before);
      }
      if (step.kind == StepKind::kSign) {
        std::vector<std::string> both = step.roles;
        EXPECT_TRUE(absl::IsPermissionDenied(
            act(kind, {ActorKind::kOfficer, "worker-" + workflow.steps[0].id, both}).status()));
      }
      ASSERT_TRUE(act(kind, {ActorKind::kOfficer, "worker-" + step.id, {step.roles.back()}}).ok()) << step.id;
    }
    EXPECT_EQ(p.state, State::kDone);
    ASSERT_TRUE(act(EventKind::kReturn, {ActorKind::kOfficer, "desk2", workflow.steps.back().roles}).ok());
    EXPECT_EQ(p.state, State::kReturned);
    ASSERT_TRUE(act(EventKind::kRate, citizen).ok());
  }
}

TEST_F(CatalogueTest, WorkflowsOfOtherAgenciesDoNotMix) {
  const Workflow& police = catalogue_->workflows().at("police");
  Progress p;
  p.state = State::kProcessing;
  p.step = 1;
  p.has_result = true;
  for (const char* role : {"chair", "vice_chair", "specialist", "one_stop"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(
        Apply(police, {EventKind::kSign, {ActorKind::kOfficer, "o", {role}}, 1, "", 0, 0}, p).status()));
  }
}

TEST(JsonData, FaultsAreNamedWithTheirPlace) {
  EXPECT_THAT(std::string(ReadWorkflows("{").status().message()), HasSubstr("not JSON"));
  EXPECT_THAT(std::string(ReadWorkflows(R"({"workflows": [{"id": "a", "extra": 1}]})").status().message()),
              HasSubstr("workflows[0].extra: unknown key"));
  EXPECT_THAT(std::string(ReadProcedures(R"({"procedures": [{"code": "x"}]})").status().message()),
              HasSubstr("procedures[0].code"));
  EXPECT_THAT(std::string(ReadForms(R"({"forms": [7]})").status().message()), HasSubstr("forms[0]"));
  EXPECT_FALSE(Catalogue::Load("/nonexistent").ok());
}

TEST(Workflow, WhatCannotRunIsRefused) {
  const auto step = [](const char* id, StepKind kind) { return Step{id, {"Bước", "Step"}, kind, {"role"}, 1}; };
  Workflow good{"w",
                {"Quy trình", "Workflow"},
                {"desk"},
                {step("a", StepKind::kDraft), step("b", StepKind::kSign), step("c", StepKind::kReturn)}};
  ASSERT_TRUE(CheckWorkflow(good).ok());
  const auto broken = [&](auto change) {
    Workflow w = good;
    change(w);
    return !CheckWorkflow(w).ok();
  };
  EXPECT_TRUE(broken([](Workflow& w) { w.steps.pop_back(); }));
  EXPECT_TRUE(broken([](Workflow& w) { w.steps[0].kind = StepKind::kSign; }));
  EXPECT_TRUE(broken([](Workflow& w) { w.steps[1].kind = StepKind::kDraft; }));
  EXPECT_TRUE(broken([](Workflow& w) { w.steps[1].kind = StepKind::kReturn; }));
  EXPECT_TRUE(broken([](Workflow& w) { w.steps[1].id = "a"; }));
  EXPECT_TRUE(broken([](Workflow& w) { w.steps[1].roles.clear(); }));
  EXPECT_TRUE(broken([](Workflow& w) { w.steps[0].hours = 0; }));
  EXPECT_TRUE(broken([](Workflow& w) { w.steps[0].hours = kStepHoursMax + 1; }));
  EXPECT_TRUE(broken([](Workflow& w) { w.desk_roles.clear(); }));
}

}  // namespace
}  // namespace dinh::procedures

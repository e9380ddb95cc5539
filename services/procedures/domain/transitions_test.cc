#include "services/procedures/domain/transitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>

namespace dinh::procedures {
namespace {

using enum State;
using K = EventKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Workflow TestWorkflow() {
  return {"test",
          {"Thử", "Test"},
          {"desk"},
          {{"draft", {"Dự thảo", "Draft"}, StepKind::kDraft, {"specialist"}, 4},
           {"check", {"Kiểm tra", "Check"}, StepKind::kSign, {"head"}, 2},
           {"sign", {"Ký", "Sign"}, StepKind::kSign, {"chair", "vice"}, 2},
           {"return", {"Trả", "Return"}, StepKind::kReturn, {"desk"}, 1}}};
}

Actor Officer(const std::string& id, std::vector<std::string> roles) {
  return {ActorKind::kOfficer, id, std::move(roles)};
}
const Actor kCitizen{ActorKind::kCitizen, "citizen", {}};
const Actor kSystemActor{ActorKind::kSystem, "", {}};

Event Make(K kind, Actor actor, base::Micros at = 0) {
  Event event{kind, std::move(actor), at, "lý do rõ ràng", 0, 0};
  if (kind == K::kRate) event.stars = 4;
  return event;
}

std::string Reason(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : "none";
}

// The whole table written a second time by hand, from the description of the national states: (event, from, to).
TEST(Transitions, TableIsTheNationalOne) {
  std::set<std::tuple<std::string, int, int>> expected = {{"submit", 0, 1},
                                                          {"accept", 1, 2},
                                                          {"refuse", 1, 3},
                                                          {"ask_supplement", 1, 5},
                                                          {"ask_supplement", 2, 5},
                                                          {"ask_supplement", 4, 5},
                                                          {"supply", 5, 1},
                                                          {"supply", 5, 2},
                                                          {"supply", 5, 4},
                                                          {"pay", 2, 2},
                                                          {"pay", 5, 5},
                                                          {"start", 2, 4},
                                                          {"forward", 4, 4},
                                                          {"send_back", 4, 4},
                                                          {"ask_duty", 4, 6},
                                                          {"meet_duty", 6, 4},
                                                          {"sign", 4, 4},
                                                          {"sign", 4, 9},
                                                          {"stop", 2, 8},
                                                          {"stop", 4, 8},
                                                          {"stop", 5, 8},
                                                          {"stop", 6, 8},
                                                          {"withdraw", 1, 7},
                                                          {"withdraw", 2, 7},
                                                          {"withdraw", 4, 7},
                                                          {"withdraw", 5, 7},
                                                          {"withdraw", 6, 7},
                                                          {"return", 9, 10},
                                                          {"rate", 10, 10}};
  std::set<std::tuple<std::string, int, int>> actual;
  for (const Edge& e : Edges()) {
    actual.emplace(std::string(EventName(e.event)), static_cast<int>(e.from), static_cast<int>(e.to));
  }
  EXPECT_EQ(actual, expected);
  EXPECT_EQ(actual.size(), Edges().size()) << "an edge stands twice";
}

// Allowed at step 0 (a draft), unpaid, resume 4, with a result.
const std::set<std::tuple<std::string, int, std::string>> kAllowed = {{"citizen", 0, "submit"},
                                                                      {"desk", 0, "submit"},
                                                                      {"desk", 1, "accept"},
                                                                      {"desk", 1, "refuse"},
                                                                      {"desk", 1, "ask_supplement"},
                                                                      {"citizen", 1, "withdraw"},
                                                                      {"desk", 2, "ask_supplement"},
                                                                      {"system", 2, "pay"},
                                                                      {"citizen", 2, "withdraw"},
                                                                      {"desk", 2, "stop"},
                                                                      {"specialist", 2, "stop"},
                                                                      {"head", 2, "stop"},
                                                                      {"chair", 2, "stop"},
                                                                      {"desk", 4, "ask_supplement"},
                                                                      {"specialist", 4, "ask_supplement"},
                                                                      {"specialist", 4, "forward"},
                                                                      {"specialist", 4, "ask_duty"},
                                                                      {"citizen", 4, "withdraw"},
                                                                      {"desk", 4, "stop"},
                                                                      {"specialist", 4, "stop"},
                                                                      {"head", 4, "stop"},
                                                                      {"chair", 4, "stop"},
                                                                      {"citizen", 5, "supply"},
                                                                      {"desk", 5, "supply"},
                                                                      {"system", 5, "pay"},
                                                                      {"citizen", 5, "withdraw"},
                                                                      {"desk", 5, "stop"},
                                                                      {"specialist", 5, "stop"},
                                                                      {"head", 5, "stop"},
                                                                      {"chair", 5, "stop"},
                                                                      {"specialist", 6, "meet_duty"},
                                                                      {"system", 6, "meet_duty"},
                                                                      {"citizen", 6, "withdraw"},
                                                                      {"desk", 6, "stop"},
                                                                      {"specialist", 6, "stop"},
                                                                      {"head", 6, "stop"},
                                                                      {"chair", 6, "stop"},
                                                                      {"desk", 9, "return"},
                                                                      {"citizen", 10, "rate"}};

// Every state, event and kind of actor: what is not in this list is refused and changes nothing.
TEST(Transitions, EverythingElseIsRefusedAndChangesNothing) {
  const Workflow workflow = TestWorkflow();
  const std::vector<std::pair<std::string, Actor>> actors = {
      {"citizen", kCitizen},
      {"system", kSystemActor},
      {"desk", Officer("d", {"desk"})},
      {"specialist", Officer("s", {"specialist"})},
      {"head", Officer("h", {"head"})},
      {"chair", Officer("c", {"chair"})},
      {"stranger", Officer("x", {"admin"})},
  };
  int refused = 0;
  for (int state = 0; state <= 10; ++state) {
    for (const auto& [name, actor] : actors) {
      for (int kind = 0; kind <= static_cast<int>(K::kRate); ++kind) {
        Progress progress;
        progress.state = static_cast<State>(state);
        progress.step = 0;
        progress.resume = kProcessing;
        progress.charge_due = true;
        progress.has_result = true;
        const Progress before = progress;
        const Event event = Make(static_cast<K>(kind), actor);
        const auto result = Apply(workflow, event, progress);
        const bool expected = kAllowed.contains({name, state, std::string(EventName(event.kind))});
        EXPECT_EQ(result.ok(), expected) << name << " " << state << " " << EventName(event.kind) << " "
                                         << result.status();
        if (result.ok()) continue;
        ++refused;
        EXPECT_EQ(progress, before);
        EXPECT_TRUE(absl::IsPermissionDenied(result.status()) || absl::IsFailedPrecondition(result.status()));
        const auto detail = base::DetailOf(result.status());
        ASSERT_TRUE(detail.has_value());
        EXPECT_FALSE(detail->text.vi.empty());
        EXPECT_FALSE(detail->text.en.empty());
      }
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Transitions, FreeDossierGoesThroughAcceptedToProcessingAtOnce) {
  Progress p;
  ASSERT_TRUE(Apply(TestWorkflow(), Make(K::kSubmit, kCitizen, 10), p).ok());
  EXPECT_EQ(p.state, kRegistered);
  EXPECT_FALSE(p.accepted_at.has_value());
  const auto changes = Apply(TestWorkflow(), Make(K::kAccept, Officer("d", {"desk"}), 20), p);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 2u);
  EXPECT_EQ((*changes)[0].to, kAccepted);
  EXPECT_EQ((*changes)[0].actor, "d");
  EXPECT_EQ((*changes)[1].event, K::kStart);
  EXPECT_EQ((*changes)[1].actor, "");
  EXPECT_EQ((*changes)[1].to, kProcessing);
  EXPECT_EQ((*changes)[1].step_to, 0);
  EXPECT_EQ(p.accepted_at, 20);
  EXPECT_FALSE(p.waiting_since.has_value());
}

TEST(Transitions, ChargedDossierWaitsForThePaymentThenStartsByItself) {
  const Workflow workflow = TestWorkflow();
  Progress p;
  p.state = kRegistered;
  Event accept = Make(K::kAccept, Officer("d", {"desk"}), 100);
  accept.charge_vnd = 16000;
  auto changes = Apply(workflow, accept, p);
  ASSERT_TRUE(changes.ok());
  EXPECT_EQ(changes->size(), 1u);
  EXPECT_EQ(p.state, kAccepted);
  EXPECT_EQ(p.waiting_since, 100);
  const auto early = Apply(workflow, Make(K::kForward, Officer("s", {"specialist"}), 150), p);
  EXPECT_EQ(Reason(early.status()), "CHARGE_UNPAID");
  changes = Apply(workflow, Make(K::kPay, kSystemActor, 250), p);
  ASSERT_TRUE(changes.ok());
  ASSERT_EQ(changes->size(), 2u);
  EXPECT_EQ((*changes)[0].pause, (Pause{100, 250}));
  EXPECT_EQ(p.state, kProcessing);
  EXPECT_TRUE(p.charge_paid);
  EXPECT_FALSE(p.waiting_since.has_value());
  // A second payment event finds nothing to do.
  EXPECT_EQ(Reason(Apply(workflow, Make(K::kPay, kSystemActor, 260), p).status()), "STATE_DOES_NOT_ALLOW");
}

TEST(Transitions, PaymentDuringASupplementIsKeptAndOnePauseCounts) {
  const Workflow workflow = TestWorkflow();
  Progress p;
  p.state = kRegistered;
  Event accept = Make(K::kAccept, Officer("d", {"desk"}), 100);
  accept.charge_vnd = 1;
  ASSERT_TRUE(Apply(workflow, accept, p).ok());
  ASSERT_TRUE(Apply(workflow, Make(K::kAskSupplement, Officer("d", {"desk"}), 120), p).ok());
  auto paid = Apply(workflow, Make(K::kPay, kSystemActor, 150), p);
  ASSERT_TRUE(paid.ok());
  EXPECT_EQ(p.state, kSupplementAsked);
  EXPECT_FALSE((*paid)[0].pause.has_value());
  auto supplied = Apply(workflow, Make(K::kSupply, kCitizen, 200), p);
  ASSERT_TRUE(supplied.ok());
  EXPECT_EQ(p.state, kProcessing);
  EXPECT_EQ((*supplied)[0].pause, (Pause{100, 200}));
}

TEST(Transitions, SupplementBeforeAcceptanceGoesBackToTheDeskWithoutAClock) {
  const Workflow workflow = TestWorkflow();
  Progress p;
  p.state = kRegistered;
  ASSERT_TRUE(Apply(workflow, Make(K::kAskSupplement, Officer("d", {"desk"}), 100), p).ok());
  auto supplied = Apply(workflow, Make(K::kSupply, kCitizen, 300), p);
  ASSERT_TRUE(supplied.ok());
  EXPECT_EQ(p.state, kRegistered);
  EXPECT_FALSE((*supplied)[0].pause.has_value());
  EXPECT_EQ(p.resume, kNone);
}

TEST(Transitions, StepsRunInOrderAndReturnAtTheEnd) {
  const Workflow workflow = TestWorkflow();
  Progress p;
  p.state = kRegistered;
  ASSERT_TRUE(Apply(workflow, Make(K::kAccept, Officer("d", {"desk"})), p).ok());
  const Actor specialist = Officer("s", {"specialist"}), head = Officer("h", {"head"}), chair = Officer("c", {"chair"});
  EXPECT_EQ(Reason(Apply(workflow, Make(K::kForward, specialist), p).status()), "RESULT_MISSING");
  p.has_result = true;
  EXPECT_EQ(Reason(Apply(workflow, Make(K::kSign, chair), p).status()), "STATE_DOES_NOT_ALLOW");
  ASSERT_TRUE(Apply(workflow, Make(K::kForward, specialist), p).ok());
  EXPECT_EQ(p.step, 1);
  EXPECT_EQ(Reason(Apply(workflow, Make(K::kSign, chair), p).status()), "STEP_ROLE");
  ASSERT_TRUE(Apply(workflow, Make(K::kSign, head), p).ok());
  EXPECT_EQ(p.state, kProcessing);
  EXPECT_EQ(p.step, 2);
  ASSERT_TRUE(Apply(workflow, Make(K::kSign, chair, 900), p).ok());
  EXPECT_EQ(p.state, kDone);
  EXPECT_EQ(p.finished_at, 900);
  EXPECT_FALSE(Apply(workflow, Make(K::kWithdraw, kCitizen), p).ok());
  ASSERT_TRUE(Apply(workflow, Make(K::kReturn, Officer("d2", {"desk"})), p).ok());
  ASSERT_TRUE(Apply(workflow, Make(K::kRate, kCitizen), p).ok());
  EXPECT_EQ(p.stars, 4);
  EXPECT_EQ(Reason(Apply(workflow, Make(K::kRate, kCitizen), p).status()), "ALREADY_RATED");
}

TEST(Transitions, WhoeverProcessedMayNotSign) {
  const Workflow workflow = TestWorkflow();
  // One officer with every role: whatever part they did before, the signature is refused.
  const Actor all = Officer("all", {"desk", "specialist", "head", "chair"});
  for (const std::string part : {"accept", "forward", "check"}) {
    Progress p;
    p.state = kRegistered;
    p.has_result = true;
    ASSERT_TRUE(Apply(workflow, Make(K::kAccept, part == "accept" ? all : Officer("d", {"desk"})), p).ok());
    ASSERT_TRUE(Apply(workflow, Make(K::kForward, part == "forward" ? all : Officer("s", {"specialist"})), p).ok());
    if (part != "check") {
      EXPECT_EQ(Reason(Apply(workflow, Make(K::kSign, all), p).status()), "PROCESSOR_MAY_NOT_SIGN") << part;
    }
    ASSERT_TRUE(Apply(workflow, Make(K::kSign, part == "check" ? all : Officer("h", {"head"})), p).ok());
    const auto signed_ = Apply(workflow, Make(K::kSign, all), p);
    EXPECT_TRUE(absl::IsPermissionDenied(signed_.status()));
    EXPECT_EQ(Reason(signed_.status()), "PROCESSOR_MAY_NOT_SIGN") << part;
    EXPECT_EQ(p.state, kProcessing);
    EXPECT_TRUE(Apply(workflow, Make(K::kSign, Officer("v", {"vice"})), p).ok());
  }
}

TEST(Transitions, SendingBackReturnsToTheDraftAndTheSignerMaySignLater) {
  const Workflow workflow = TestWorkflow();
  Progress p;
  p.state = kProcessing;
  p.step = 2;
  p.has_result = true;
  const Actor chair = Officer("c", {"chair"});
  ASSERT_TRUE(Apply(workflow, Make(K::kSendBack, chair), p).ok());
  EXPECT_EQ(p.step, 0);
  ASSERT_TRUE(Apply(workflow, Make(K::kForward, Officer("s", {"specialist"})), p).ok());
  ASSERT_TRUE(Apply(workflow, Make(K::kSign, Officer("h", {"head"})), p).ok());
  EXPECT_TRUE(Apply(workflow, Make(K::kSign, chair), p).ok());
}

TEST(Transitions, ReasonsAndStarsAreChecked) {
  const Workflow workflow = TestWorkflow();
  Progress p;
  p.state = kRegistered;
  Event refuse = Make(K::kRefuse, Officer("d", {"desk"}));
  refuse.reason = "";
  EXPECT_TRUE(absl::IsInvalidArgument(Apply(workflow, refuse, p).status()));
  for (size_t i = 0; i < kReasonMax + 1; ++i) refuse.reason += "ỗ";
  EXPECT_TRUE(absl::IsInvalidArgument(Apply(workflow, refuse, p).status()));
  refuse.reason.resize(kReasonMax * 3);  // "ỗ" has three bytes
  EXPECT_TRUE(Apply(workflow, refuse, p).ok());
  for (int stars : {-1, 0, 6}) {
    Progress done;
    done.state = kReturned;
    Event rate = Make(K::kRate, kCitizen);
    rate.stars = stars;
    EXPECT_TRUE(absl::IsInvalidArgument(Apply(workflow, rate, done).status())) << stars;
    EXPECT_EQ(done.stars, 0);
  }
}

TEST(Transitions, AllowedListsExactlyWhatApplyTakes) {
  const Workflow workflow = TestWorkflow();
  Progress p;
  p.state = kProcessing;
  p.step = 2;
  p.has_result = true;
  EXPECT_THAT(Allowed(workflow, Officer("c", {"chair"}), p),
              ElementsAre(K::kAskSupplement, K::kSendBack, K::kAskDuty, K::kSign, K::kStop));
  p.processed_by = {"c"};
  EXPECT_THAT(Allowed(workflow, Officer("c", {"chair"}), p),
              ElementsAre(K::kAskSupplement, K::kSendBack, K::kAskDuty, K::kStop));
  EXPECT_THAT(Allowed(workflow, kCitizen, p), ElementsAre(K::kWithdraw));
  EXPECT_TRUE(Allowed(workflow, Officer("x", {"other"}), p).empty());
}

TEST(Transitions, NamesAndDiagramCoverEverything) {
  for (int i = 0; i <= static_cast<int>(K::kRate); ++i) {
    const K kind = static_cast<K>(i);
    EXPECT_EQ(ParseEvent(EventName(kind)), kind);
    EXPECT_FALSE(EventText(kind).vi.empty());
  }
  EXPECT_EQ(ParseEvent("approve"), std::nullopt);
  const std::string diagram = StateDiagram();
  for (int i = 1; i <= 10; ++i) {
    const State state = static_cast<State>(i);
    EXPECT_FALSE(StateNameEn(state).empty());
    EXPECT_THAT(diagram,
                HasSubstr("s" + std::to_string(i) + ": " + std::to_string(i) + " " + std::string(StateNameVi(state))));
  }
  EXPECT_THAT(diagram, HasSubstr("  s4 --> s9: sign\n"));
  EXPECT_THAT(diagram, HasSubstr("  [*] --> s1: submit\n"));
}

}  // namespace
}  // namespace dinh::procedures

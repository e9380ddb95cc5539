#include "services/feedback/domain/transitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>

#include "libs/base/civil.h"

namespace dinh::feedback {
namespace {

using enum State;
using K = EventKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Rules kRules{15, 20};
constexpr base::Micros kMinute = 60 * base::kMicrosPerSecond;
constexpr base::Micros kDay = 24 * 60 * kMinute;
const base::Micros kStart = base::FromVietnam({{2026, 3, 2}, 9, 0, 0});

Event Make(K kind, ActorKind actor, base::Micros at = kStart) {
  Event event;
  event.kind = kind;
  event.actor = actor;
  event.actor_id = "someone";
  event.at = at;
  event.reason = "nội dung rõ ràng";
  if (kind == K::kAssign) event.assignee = "officer-1";
  if (kind == K::kRate) event.stars = 4;
  return event;
}

std::string Reason(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : "none";
}

// The report after these events, an hour apart, each caused by an officer unless only the reporter may.
Progress After(std::initializer_list<K> events, base::Micros from = kStart) {
  Progress progress;
  for (const K kind : events) {
    const bool reporter = kind == K::kSubmit || kind == K::kRate || kind == K::kSupply;
    const auto change =
        Apply(kRules, Make(kind, reporter ? ActorKind::kReporter : ActorKind::kOfficer, from), progress);
    EXPECT_TRUE(change.ok()) << EventName(kind) << ": " << change.status();
    from += 60 * kMinute;
  }
  return progress;
}

// The table written a second time by hand: event, from, to, who (r reporter, o officer, s system).
TEST(Transitions, Table) {
  using Row = std::tuple<std::string, std::string, std::string, std::string>;
  std::set<Row> expected = {{"submit", "none", "received", "ro"}};
  for (const std::string from : {"received", "assigned", "in_progress"}) {
    expected.insert({"assign", from, "assigned", "os"});
    expected.insert({"ask", from, "waiting", "o"});
    expected.insert({"supply", "waiting", from, "ro"});
  }
  expected.insert({"assign", "answered", "answered", "os"});
  expected.insert({"start", "assigned", "in_progress", "o"});
  for (const std::string from : {"received", "assigned", "in_progress", "waiting"}) {
    expected.insert({"answer", from, "answered", "o"});
    expected.insert({"resolve", from, "resolved", "o"});
    expected.insert({"reject", from, "rejected", "o"});
    expected.insert({"route", from, "received", "os"});
  }
  expected.insert({"resolve", "answered", "resolved", "o"});
  for (const std::string from : {"answered", "resolved", "rejected", "closed"}) {
    expected.insert({"reopen", from, "received", "ro"});
    if (from != "closed") expected.insert({"close", from, "closed", "os"});
    if (from != "rejected") expected.insert({"rate", from, from, "r"});
  }
  std::set<Row> table;
  for (const Edge& edge : Edges()) {
    const std::string who = edge.who == Who::kReporter            ? "r"
                            : edge.who == Who::kOfficer           ? "o"
                            : edge.who == Who::kReporterOrOfficer ? "ro"
                                                                  : "os";
    table.insert(
        {std::string(EventName(edge.event)), std::string(StateName(edge.from)), std::string(StateName(edge.to)), who});
  }
  EXPECT_EQ(table, expected);
  EXPECT_EQ(Edges().size(), expected.size());
}

// Every event in every state by every kind of actor: exactly the table's edges succeed, and an error changes nothing.
TEST(Transitions, NothingButTheTable) {
  for (int state = 0; state <= 8; ++state) {
    for (int kind = 0; kind <= static_cast<int>(K::kRate); ++kind) {
      for (const ActorKind actor : {ActorKind::kReporter, ActorKind::kOfficer, ActorKind::kSystem}) {
        Progress progress;
        progress.state = static_cast<State>(state);
        progress.started_at = kStart;
        if (progress.state == kWaiting) {
          progress.resume = kAssigned;
          progress.waiting_since = kStart;
        }
        if (!IsOpen(progress.state)) progress.answered_at = progress.finished_at = kStart;
        const Progress before = progress;
        // So late that the platform closes, and so early that reopening is allowed.
        const Rules rules{60, 10};
        const Event event = Make(static_cast<K>(kind), actor, kStart + 30 * kDay);
        bool in_table = false, known = false;
        for (const Edge& edge : Edges()) {
          const bool may = edge.who == Who::kReporter            ? actor == ActorKind::kReporter
                           : edge.who == Who::kOfficer           ? actor == ActorKind::kOfficer
                           : edge.who == Who::kReporterOrOfficer ? actor != ActorKind::kSystem
                                                                 : actor != ActorKind::kReporter;
          if (edge.event != event.kind || !may) continue;
          known = true;
          in_table = in_table || edge.from == before.state;
        }
        const auto change = Apply(rules, event, progress);
        EXPECT_EQ(change.ok(), in_table) << EventName(event.kind) << " in " << StateName(before.state);
        const auto allowed = Allowed(rules, actor, before, event.at);
        EXPECT_EQ(std::find(allowed.begin(), allowed.end(), event.kind) != allowed.end(), in_table);
        if (change.ok()) continue;
        EXPECT_EQ(progress, before);
        EXPECT_EQ(change.status().code(),
                  known ? absl::StatusCode::kFailedPrecondition : absl::StatusCode::kPermissionDenied);
      }
    }
  }
}

TEST(Transitions, LifeWithAQuestion) {
  Progress progress = After({K::kSubmit, K::kAssign, K::kStart, K::kAsk});
  EXPECT_EQ(progress.state, kWaiting);
  EXPECT_EQ(progress.resume, kInProgress);
  EXPECT_EQ(progress.waiting_since, kStart + 180 * kMinute);

  auto change = Apply(kRules, Make(K::kSupply, ActorKind::kReporter, kStart + 300 * kMinute), progress);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->pause, (Pause{kStart + 180 * kMinute, kStart + 300 * kMinute}));
  EXPECT_EQ(progress.state, kInProgress);
  EXPECT_EQ(progress.resume, kNone);
  EXPECT_FALSE(progress.waiting_since);
  EXPECT_EQ(change->assignee, "officer-1");

  change = Apply(kRules, Make(K::kAnswer, ActorKind::kOfficer, kStart + kDay), progress);
  ASSERT_TRUE(change.ok());
  EXPECT_TRUE(change->first_answer);
  EXPECT_FALSE(change->pause);
  change = Apply(kRules, Make(K::kResolve, ActorKind::kOfficer, kStart + 2 * kDay), progress);
  ASSERT_TRUE(change.ok());
  EXPECT_FALSE(change->first_answer);
  EXPECT_EQ(progress.answered_at, kStart + kDay);
  EXPECT_EQ(progress.finished_at, kStart + 2 * kDay);
}

TEST(Transitions, EveryWayOutOfWaitingEndsThePause) {
  for (const K kind : {K::kAnswer, K::kResolve, K::kReject, K::kRoute}) {
    Progress progress = After({K::kSubmit, K::kAssign, K::kAsk});
    const auto change = Apply(kRules, Make(kind, ActorKind::kOfficer, kStart + kDay), progress);
    ASSERT_TRUE(change.ok()) << EventName(kind);
    ASSERT_TRUE(change->pause) << EventName(kind);
    EXPECT_FALSE(progress.waiting_since);
    EXPECT_EQ(progress.resume, kNone);
  }
  // A clock that stepped back does not make a pause of negative length.
  Progress progress = After({K::kSubmit, K::kAsk});
  const auto change = Apply(kRules, Make(K::kSupply, ActorKind::kReporter, kStart - kDay), progress);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->pause->from, change->pause->to);
}

TEST(Transitions, ReopenStartsTheClockAnewAndForgetsTheOfficer) {
  Progress progress = After({K::kSubmit, K::kAssign, K::kResolve});
  progress.waited_minutes = 90;
  const base::Micros at = kStart + 3 * kDay;
  ASSERT_TRUE(Apply(kRules, Make(K::kReopen, ActorKind::kReporter, at), progress).ok());
  EXPECT_EQ(progress.state, kReceived);
  EXPECT_EQ(progress.started_at, at);
  EXPECT_EQ(progress.waited_minutes, 0);
  EXPECT_EQ(progress.reopened, 1);
  EXPECT_FALSE(progress.answered_at);
  EXPECT_FALSE(progress.finished_at);
  EXPECT_EQ(progress.first_answered_at, kStart + 120 * kMinute);
  EXPECT_EQ(progress.assignee, "");
}

TEST(Transitions, RouteKeepsTheClock) {
  Progress progress = After({K::kSubmit, K::kAssign});
  ASSERT_TRUE(Apply(kRules, Make(K::kRoute, ActorKind::kOfficer, kStart + kDay), progress).ok());
  EXPECT_EQ(progress.started_at, kStart);
  EXPECT_EQ(progress.assignee, "");
}

// Reopening counts whole days of Vietnam: until the midnight after the last.
TEST(Transitions, ReopenWithinDays) {
  const Progress resolved = After({K::kSubmit, K::kResolve}, base::FromVietnam({{2026, 3, 2}, 21, 0, 0}));
  const base::Micros midnight = base::FromVietnam({{2026, 3, 18}});
  EXPECT_EQ(ReopenUntil(kRules, resolved), midnight);
  Progress progress = resolved;
  EXPECT_TRUE(Apply(kRules, Make(K::kReopen, ActorKind::kReporter, midnight - 1), progress).ok());
  progress = resolved;
  const auto late = Apply(kRules, Make(K::kReopen, ActorKind::kReporter, midnight), progress);
  EXPECT_EQ(Reason(late.status()), "REOPEN_TOO_LATE");
  EXPECT_EQ(base::DetailOf(late.status())->metadata, (base::Metadata{{"until", "2026-03-17"}}));
  EXPECT_EQ(progress, resolved);
  EXPECT_EQ(Reason(Apply({0, 20}, Make(K::kReopen, ActorKind::kReporter), progress).status()), "REOPEN_TOO_LATE");
  // Closing does not shorten it, nor make it longer.
  progress = resolved;
  ASSERT_TRUE(Apply(kRules, Make(K::kClose, ActorKind::kOfficer, kStart + 5 * kDay), progress).ok());
  EXPECT_EQ(ReopenUntil(kRules, progress), midnight);
}

TEST(Transitions, ThePlatformClosesWhenDue) {
  const Progress answered = After({K::kSubmit, K::kAnswer});
  const base::Micros due = base::FromVietnam({{2026, 3, 23}});
  EXPECT_EQ(CloseAt(kRules, answered), due);
  Progress progress = answered;
  EXPECT_EQ(Reason(Apply(kRules, Make(K::kClose, ActorKind::kSystem, due - 1), progress).status()),
            "STATE_DOES_NOT_ALLOW");
  ASSERT_TRUE(Apply(kRules, Make(K::kClose, ActorKind::kSystem, due), progress).ok());
  EXPECT_EQ(progress.finished_at, due);
  EXPECT_EQ(CloseAt(kRules, progress), std::nullopt);
  EXPECT_EQ(CloseAt(kRules, After({K::kSubmit})), std::nullopt);
}

TEST(Transitions, RatedOnce) {
  Progress progress = After({K::kSubmit, K::kResolve, K::kRate});
  EXPECT_EQ(progress.stars, 4);
  EXPECT_EQ(progress.state, kResolved);
  EXPECT_EQ(Reason(Apply(kRules, Make(K::kRate, ActorKind::kReporter), progress).status()), "ALREADY_RATED");
  EXPECT_EQ(progress.stars, 4);
  EXPECT_EQ(Reason(Apply(kRules, Make(K::kRate, ActorKind::kOfficer), progress).status()), "PERMISSION_DENIED");
}

TEST(Transitions, InputIsChecked) {
  const auto field = [](Event event, Progress progress) {
    const Progress before = progress;
    const auto change = Apply(kRules, event, progress);
    EXPECT_EQ(progress, before);
    const auto detail = base::DetailOf(change.status());
    return detail && detail->violations.size() == 1 ? detail->violations[0].field : change.status().ToString();
  };
  Event event = Make(K::kReject, ActorKind::kOfficer);
  event.reason = "";
  EXPECT_EQ(field(event, After({K::kSubmit})), "reason");
  event.reason = std::string(kReasonMax + 1, 'a');
  EXPECT_EQ(field(event, After({K::kSubmit})), "reason");
  event.reason = "\xFF";
  EXPECT_EQ(field(event, After({K::kSubmit})), "reason");
  event = Make(K::kAssign, ActorKind::kOfficer);
  event.assignee = "";
  EXPECT_EQ(field(event, After({K::kSubmit})), "assignee");
  for (const int stars : {0, 6, -1}) {
    event = Make(K::kRate, ActorKind::kReporter);
    event.stars = stars;
    EXPECT_EQ(field(event, After({K::kSubmit, K::kResolve})), "stars");
  }
  // Ask, answer, reject, reopen and route say why; nothing else must.
  for (const Edge& edge : Edges()) {
    const bool needs = edge.event == K::kAsk || edge.event == K::kAnswer || edge.event == K::kReject ||
                       edge.event == K::kReopen || edge.event == K::kRoute;
    EXPECT_EQ(edge.needs_reason, needs) << EventName(edge.event);
  }
}

TEST(Transitions, AllowedForButtons) {
  EXPECT_THAT(Allowed(kRules, ActorKind::kReporter, After({K::kSubmit, K::kResolve}), kStart + kDay),
              ElementsAre(K::kReopen, K::kRate));
  EXPECT_THAT(Allowed(kRules, ActorKind::kReporter, After({K::kSubmit}), kStart), IsEmpty());
  EXPECT_THAT(Allowed(kRules, ActorKind::kOfficer, After({K::kSubmit, K::kAssign, K::kAsk}), kStart),
              ElementsAre(K::kSupply, K::kAnswer, K::kResolve, K::kReject, K::kRoute));
}

TEST(Transitions, NamesGoThereAndBack) {
  for (int i = 1; i <= 8; ++i) {
    const auto state = static_cast<State>(i);
    EXPECT_EQ(ParseState(StateName(state)), state);
    EXPECT_FALSE(StateNameVi(state).empty());
    EXPECT_FALSE(StateNameEn(state).empty());
  }
  EXPECT_EQ(ParseState("none"), std::nullopt);
  for (int i = 0; i <= static_cast<int>(K::kRate); ++i) {
    const auto kind = static_cast<K>(i);
    EXPECT_EQ(ParseEvent(EventName(kind)), kind);
    EXPECT_FALSE(EventText(kind).vi.empty());
  }
  for (const ActorKind actor : {ActorKind::kReporter, ActorKind::kOfficer, ActorKind::kSystem}) {
    EXPECT_EQ(ParseActorKind(ActorKindName(actor)), actor);
  }
}

TEST(Transitions, DiagramHasEveryEdge) {
  const std::string diagram = StateDiagram();
  EXPECT_THAT(diagram, HasSubstr("stateDiagram-v2\n  received: Đã tiếp nhận\n"));
  EXPECT_THAT(diagram, HasSubstr("  [*] --> received: submit\n"));
  EXPECT_THAT(diagram, HasSubstr("  waiting --> in_progress: supply\n"));
  EXPECT_EQ(std::count(diagram.begin(), diagram.end(), '\n'), static_cast<int64_t>(1 + 8 + Edges().size() + 1));
}

}  // namespace
}  // namespace dinh::feedback

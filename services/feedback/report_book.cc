#include "services/feedback/report_book.h"

#include <functional>
#include <set>
#include <utility>

#include "dinh/feedback/v1/events.pb.h"
#include "libs/base/civil.h"
#include "services/feedback/domain/clock.h"
#include "services/feedback/view.h"

namespace dinh::feedback {
namespace {

pb::Update::Actor ActorOf(ActorKind kind) {
  switch (kind) {
    case ActorKind::kReporter:
      return pb::Update::ACTOR_REPORTER;
    case ActorKind::kOfficer:
      return pb::Update::ACTOR_OFFICER;
    case ActorKind::kSystem:
      break;
  }
  return pb::Update::ACTOR_SYSTEM;
}

// A year whose holidays nobody has entered must not keep a citizen from reporting: the clock then stands still, and the
// next change after the calendar was brought up to date starts it.
bool CalendarUnknown(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail && detail->reason == "WORKING_CALENDAR_UNKNOWN";
}

uint64_t Bits(base::Random& random) {
  uint64_t bits = 0;
  random.Fill(&bits, sizeof bits);
  return bits;
}

}  // namespace

std::string ReportBook::RootOf(const std::string& category) const {
  const std::vector<const Category*> chain = p_.categories.Chain(category);
  return chain.empty() ? category : chain.back()->id;
}

absl::Status ReportBook::SetTimes(db::Tx& tx, ReportRow& row) const {
  row.due_at = row.next_step_at = row.close_at = std::nullopt;
  const Category* category = p_.categories.Find(row.category);
  if (category == nullptr) return absl::OkStatus();  // of an older tree: nobody is reminded of it
  row.close_at = CloseAt(RulesOf(p_.categories, row.category), row.progress);
  const absl::StatusOr<std::optional<base::Micros>> due = DueAt(p_.calendar, category->answer_hours, row.progress);
  if (CalendarUnknown(due.status())) return absl::OkStatus();
  RETURN_IF_ERROR(due.status());
  row.due_at = *due;
  const EscalationPlan* plan = p_.categories.Plan(category->escalation);
  if (plan == nullptr) return absl::OkStatus();
  std::set<std::string, std::less<>> done;
  const bool fresh = row.history && row.history->empty();
  if (!fresh) {
    ASSIGN_OR_RETURN(done, p_.store.StepsDone(tx, row));
  }
  const auto next = NextStepOf(p_.calendar, *plan, category->answer_hours, row.progress, done);
  if (CalendarUnknown(next.status())) return absl::OkStatus();
  RETURN_IF_ERROR(next.status());
  if (*next) row.next_step_at = (*next)->at;
  return absl::OkStatus();
}

absl::Status ReportBook::WriteLine(db::Tx& tx, ReportRow& row, const Change& change, const std::string& actor_name) {
  UpdateRow line;
  line.at = change.at;
  line.kind = pb::Update::KIND_STATE;
  line.event = std::string(EventName(change.event));
  line.from = change.from;
  line.to = change.to;
  line.actor_kind = ActorOf(change.actor);
  line.actor = change.actor_id;
  line.actor_name = actor_name;
  line.text = change.reason;
  line.pause = change.pause;
  RETURN_IF_ERROR(Add(tx, row, line).status());
  pb::ReportChanged event;
  event.set_report(row.code);
  event.set_state(static_cast<pb::Report::State>(change.to));
  event.set_action(line.event);
  event.set_category(row.category);
  event.set_agency(row.agency);
  event.set_unit(row.unit);
  return p_.outbox.Append(tx, row.code, event);
}

absl::Status ReportBook::Open(db::Tx& tx, ReportRow& row, const Event& event, const std::string& actor_name,
                              const std::string& officer) {
  const Rules rules = RulesOf(p_.categories, row.category);
  ASSIGN_OR_RETURN(const Change received, Apply(rules, event, row.progress));
  std::optional<Change> assigned;
  if (!officer.empty()) {
    Event assign;
    assign.kind = EventKind::kAssign;
    assign.at = event.at;
    assign.assignee = officer;
    ASSIGN_OR_RETURN(assigned, Apply(rules, assign, row.progress));
  }
  row.created_at = event.at;
  row.first_public_at = FirstPublicAt(event.at, row.anonymous, Bits(p_.random));
  row.history.emplace();
  RETURN_IF_ERROR(SetTimes(tx, row));
  RETURN_IF_ERROR(p_.store.Insert(tx, row));
  RETURN_IF_ERROR(WriteLine(tx, row, received, actor_name));
  RETURN_IF_ERROR(p_.indicators.Add(tx, KeyOf(row), {.received = true}));
  if (assigned) {
    RETURN_IF_ERROR(WriteLine(tx, row, *assigned, ""));
    RETURN_IF_ERROR(MoveLoad(tx, {}, row.progress));
    RETURN_IF_ERROR(Tell(tx, officer, pb::Notice::KIND_ASSIGNED, row));
  }
  return row.asked_public ? Republish(tx, row) : absl::OkStatus();
}

absl::Status ReportBook::Move(db::Tx& tx, ReportRow& row, const Event& event, const std::string& actor_name) {
  const Progress before = row.progress;
  ASSIGN_OR_RETURN(const Change change, Apply(RulesOf(p_.categories, row.category), event, row.progress));
  if (change.pause) {
    absl::Status paused = AddPause(p_.calendar, *change.pause, row.progress);
    if (!paused.ok() && !CalendarUnknown(paused)) return paused;
  }
  RETURN_IF_ERROR(SetTimes(tx, row));
  RETURN_IF_ERROR(p_.store.Update(tx, row));
  RETURN_IF_ERROR(WriteLine(tx, row, change, actor_name));
  RETURN_IF_ERROR(MoveLoad(tx, before, row.progress));
  RETURN_IF_ERROR(Count(tx, row, change));
  if (event.kind == EventKind::kAssign && event.actor_id != row.progress.assignee) {
    RETURN_IF_ERROR(Tell(tx, row.progress.assignee, pb::Notice::KIND_ASSIGNED, row));
  }
  return row.asked_public ? Republish(tx, row) : absl::OkStatus();
}

absl::Status ReportBook::MoveLoad(db::Tx& tx, const Progress& before, const Progress& after) const {
  const std::string was = IsOpen(before.state) ? before.assignee : "", is = IsOpen(after.state) ? after.assignee : "";
  if (was == is) return absl::OkStatus();
  tx.AfterCommit([this] { p_.merger.Wake(); });
  RETURN_IF_ERROR(p_.store.AddLoad(tx, p_.ids.Next(), was, -1));
  return p_.store.AddLoad(tx, p_.ids.Next(), is, 1);
}

absl::Status ReportBook::Count(db::Tx& tx, const ReportRow& row, const Change& change) {
  FigureChange figures;
  figures.resolved = change.event == EventKind::kResolve;
  figures.rejected = change.event == EventKind::kReject;
  // A report counts once, however often it comes back.
  figures.reopened = change.event == EventKind::kReopen && row.progress.reopened == 1;
  if (change.event == EventKind::kRate) figures.stars = row.progress.stars;
  // Of the first round: later ones are told by the rate of reopening.
  if (change.first_answer && row.progress.reopened == 0) {
    const absl::StatusOr<int64_t> minutes = UsedMinutes(p_.calendar, row.progress, change.at);
    if (!CalendarUnknown(minutes.status())) {
      RETURN_IF_ERROR(minutes.status());
      figures.answered = true;
      figures.on_time = !IsOverdue(row.progress, row.due_at, change.at);
      figures.minutes = *minutes;
    }
  }
  return p_.indicators.Add(tx, KeyOf(row), figures);
}

IndicatorKey ReportBook::KeyOf(const ReportRow& row) const {
  // An anonymous report counts from the day it may show on: a count of the day it came in would tell that day.
  const base::Micros counted_at = row.anonymous ? row.first_public_at : row.created_at;
  return {row.unit, RootOf(row.category), base::DaysFromCivil(base::ToVietnam(counted_at).date)};
}

absl::StatusOr<int64_t> ReportBook::Say(db::Tx& tx, ReportRow& row, UpdateRow update) {
  update.at = tx.context().Now();
  update.from = update.to = row.progress.state;
  return Add(tx, row, std::move(update));
}

absl::StatusOr<int64_t> ReportBook::Add(db::Tx& tx, ReportRow& row, UpdateRow line) {
  ASSIGN_OR_RETURN(line.position, p_.store.AddUpdate(tx, row, line));
  const int64_t position = line.position;
  if (row.history) row.history->push_back(std::move(line));
  return position;
}

absl::Status ReportBook::Republish(db::Tx& tx, const ReportRow& row, bool at_once) {
  const base::Micros now = tx.context().Now();
  const base::Micros due = at_once ? now : LaterPublicAt(now, row.first_public_at, row.anonymous, Bits(p_.random));
  RETURN_IF_ERROR(p_.store.Publish(tx, row.id, due));
  if (due <= now) tx.AfterCommit([this] { p_.publisher.Wake(); });
  return absl::OkStatus();
}

absl::Status ReportBook::Hold(db::Tx& tx, const ReportRow& row, pb::ModerationItem::Kind kind,
                              const std::string& item) {
  return p_.store.Queue(tx, {p_.ids.Next(), row.agency, row.unit, kind, row.id, item});
}

absl::Status ReportBook::Tell(db::Tx& tx, const std::string& account, pb::Notice::Kind kind, const ReportRow& row) {
  if (account.empty()) return absl::OkStatus();
  return p_.store.AddNotice(tx, {p_.ids.Next(), account, kind, row.code, tx.context().Now()});
}

}  // namespace dinh::feedback

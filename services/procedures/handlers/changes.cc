// What all changes of a dossier share: the scope and etag, the transition, the clock, history and events.
#include <algorithm>
#include <utility>

#include "libs/base/civil.h"
#include "services/procedures/errors.h"
#include "services/procedures/handlers/handlers.h"
#include "services/procedures/limits.h"

namespace dinh::procedures {
namespace {

// Takes pauses out of the processing time and tells when the dossier is due.
absl::Status MoveClock(const base::WorkingCalendar& calendar, const Procedure& procedure,
                       const std::vector<Change>& changes, DossierRow& row) {
  bool moved = false;
  for (const Change& change : changes) {
    if (change.pause) RETURN_IF_ERROR(AddPause(calendar, *change.pause, row.waited));
    moved = moved || change.pause.has_value() || change.event == EventKind::kAccept;
  }
  if (!moved || !row.progress.accepted_at || IsFinished(row.progress.state)) return absl::OkStatus();
  ASSIGN_OR_RETURN(row.due_date,
                   DueDate(calendar, procedure.time_limit, row.channel, *row.progress.accepted_at, row.waited));
  return absl::OkStatus();
}

// The role in which an officer did it, for the history.
std::string RoleOf(const Workflow& workflow, const Change& change, const Actor& actor) {
  const auto first_of = [&](const std::vector<std::string>& wanted) {
    for (const std::string& role : wanted) {
      if (std::find(actor.roles.begin(), actor.roles.end(), role) != actor.roles.end()) return role;
    }
    return std::string();
  };
  const bool in_steps = change.from == State::kProcessing && change.step_from >= 0 &&
                        change.step_from < static_cast<int>(workflow.steps.size());
  std::string role = in_steps ? first_of(workflow.steps[static_cast<size_t>(change.step_from)].roles) : "";
  if (role.empty()) role = first_of(workflow.desk_roles);
  if (role.empty() && !actor.roles.empty()) role = actor.roles.front();
  return role;
}

// Reasons that the filer reads on a paper stay with the dossier; notes of other steps are history only.
bool IsTold(EventKind kind) {
  return kind == EventKind::kRefuse || kind == EventKind::kAskSupplement || kind == EventKind::kStop ||
         kind == EventKind::kAskDuty;
}

}  // namespace

void TellAudit(rpc::Context& ctx, const DossierRow& row) {
  ctx.AuditSubject(row.filer_person, row.code);
  ctx.audit_reason = "hồ sơ " + row.code;
}

base::CivilDate Today(const base::OpContext& ctx) { return base::ToVietnam(ctx.Now()).date; }

std::vector<std::string> RolesFor(const auth::Principal& principal, const DossierRow& row) {
  std::vector<std::string> roles;
  for (const auth::Grant& grant : principal.grants) {
    if (grant.agency == row.receiving_agency && grant.unit == row.unit) roles.push_back(grant.role);
  }
  return roles;
}

ViewContext Handlers::View(const rpc::Context& ctx, const DossierRow&) const {
  return {p_.catalogue, p_.roles, ctx.Now(), ctx.principal().kind == auth::CallerKind::kCitizen};
}

absl::Status Handlers::TakeFiles(db::Tx& tx, const auth::Principal& principal,
                                 const google::protobuf::RepeatedPtrField<std::string>& ids, const DossierRow& row,
                                 FileKind kind, std::vector<AttachmentRow>& files) const {
  if (files.size() + static_cast<size_t>(ids.size()) > kFilesPerDossierMax) return TooManyFiles();
  std::vector<base::FieldViolation> unknown;
  for (int i = 0; i < ids.size(); ++i) {
    const int64_t position = static_cast<int64_t>(files.size()) + 1;
    ASSIGN_OR_RETURN(std::optional<AttachmentRow> taken,
                     p_.store.TakeAttachment(tx, ids[i], principal.id, principal.person, row, kind, position));
    if (taken) {
      files.push_back(*std::move(taken));
    } else {
      unknown.push_back(AttachmentUnknown(static_cast<size_t>(i)));
    }
  }
  return unknown.empty() ? absl::OkStatus() : AttachmentsUnknown(std::move(unknown));
}

absl::StatusOr<const Workflow*> Handlers::WorkflowOf(const DossierRow& row) const {
  const Procedure* procedure = p_.catalogue.FindVersion(row.procedure, row.procedure_version);
  const Workflow* workflow = procedure == nullptr ? nullptr : p_.catalogue.WorkflowOf(*procedure);
  if (workflow == nullptr) return base::Internal("the version of the dossier's procedure is gone: " + row.procedure);
  return workflow;
}

absl::StatusOr<std::vector<TimelineRow>> Handlers::Transition(db::Tx& tx, const Event& event, DossierRow& row) {
  ASSIGN_OR_RETURN(const Workflow* const workflow, WorkflowOf(row));
  const Procedure* const procedure = p_.catalogue.FindVersion(row.procedure, row.procedure_version);
  ASSIGN_OR_RETURN(const std::vector<Change> changes, Apply(*workflow, event, row.progress));
  absl::Status clock = MoveClock(p_.catalogue.calendar(), *procedure, changes, row);
  // A payment must not be stuck because nobody has entered next year's holidays yet: the due day then stays.
  if (!clock.ok() && event.kind != EventKind::kPay) return clock;
  if (IsTold(event.kind)) row.reason = event.reason;
  if (event.kind == EventKind::kSupply) row.reason.clear();
  const Change& last = changes.back();
  if (last.to != changes.front().from || last.step_to != changes.front().step_from) row.step_since = event.at;
  if (event.kind == EventKind::kSubmit) {
    RETURN_IF_ERROR(p_.store.Insert(tx, row));
  } else {
    RETURN_IF_ERROR(p_.store.Update(tx, row));
  }
  std::vector<TimelineRow> entries;
  for (const Change& change : changes) {
    const bool itself = change.event == EventKind::kStart;
    const ActorKind kind = itself ? ActorKind::kSystem : event.actor.kind;
    entries.push_back({change, kind, kind == ActorKind::kOfficer ? RoleOf(*workflow, change, event.actor) : ""});
    pb::DossierChanged changed;
    changed.set_dossier(row.code);
    changed.set_national_state(static_cast<int>(change.to));
    changed.set_action(std::string(EventName(change.event)));
    changed.set_agency(row.receiving_agency);
    changed.set_unit(row.unit);
    changed.set_procedure(row.procedure);
    RETURN_IF_ERROR(p_.events.outbox().Append(tx, row.code, changed));
  }
  RETURN_IF_ERROR(p_.store.AddTimeline(tx, row, entries));
  // What is not to be paid any more is not to be asked for either.
  const bool closed = row.progress.state == State::kWithdrawn || row.progress.state == State::kStopped;
  if (closed && row.progress.charge_due && !row.progress.charge_paid) {
    RETURN_IF_ERROR(p_.charges.EnqueueCancel(tx, row));
  }
  return entries;
}

absl::StatusOr<pb::Dossier> Handlers::ChangeDossier(rpc::Context& ctx, const ChangeRequest& request) {
  const auth::Principal& principal = ctx.principal();
  const bool officer = principal.kind == auth::CallerKind::kOfficer;
  std::string cancelled;
  const auto change = [&](db::Tx& tx) -> absl::StatusOr<pb::Dossier> {
    cancelled.clear();
    ASSIGN_OR_RETURN(DossierRow row, ctx.InScope(p_.store.ByCodeForUpdate(tx, request.code)));
    if (!request.etag.empty() && request.etag != Etag(row)) return base::StaleEtag();
    Event event;
    event.kind = request.kind;
    event.actor = {officer ? ActorKind::kOfficer : ActorKind::kCitizen, officer ? principal.id : principal.person,
                   RolesFor(principal, row)};
    event.at = ctx.Now();
    event.reason = request.reason;
    event.stars = request.stars;
    // Whether it is the caller's right and turn comes before what is attached.
    ASSIGN_OR_RETURN(const Workflow* const workflow, WorkflowOf(row));
    Progress probe = row.progress;
    probe.has_result = true;
    RETURN_IF_ERROR(Apply(*workflow, event, probe).status());
    ASSIGN_OR_RETURN(std::vector<AttachmentRow> files, p_.store.Attachments(tx, row));
    if (request.before) RETURN_IF_ERROR(request.before(tx, row, event, files));
    row.progress.has_result =
        std::any_of(files.begin(), files.end(), [](const AttachmentRow& f) { return f.kind == FileKind::kResult; });
    RETURN_IF_ERROR(Transition(tx, event, row).status());
    if (request.after) RETURN_IF_ERROR(request.after(tx, row));
    const bool closed = row.progress.state == State::kWithdrawn || row.progress.state == State::kStopped;
    if (closed && row.progress.charge_due && !row.progress.charge_paid) cancelled = row.charge;
    TellAudit(ctx, row);
    ASSIGN_OR_RETURN(const std::vector<TimelineRow> timeline, p_.store.Timeline(tx, row));
    return Full(View(ctx, row), row, timeline, files);
  };
  // What is decided hangs on the dossier, which is locked, and on its files, which change with it alone.
  absl::StatusOr<pb::Dossier> answer = p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
  if (answer.ok() && !ctx.replayed) p_.metrics.Changed(request.kind);
  if (answer.ok() && !cancelled.empty()) p_.charges.CancelNow(ctx, cancelled);
  return answer;
}

absl::Status Handlers::ChargePaid(db::Tx& tx, const payments::v1::ChargePaid& paid) {
  ASSIGN_OR_RETURN(std::optional<DossierRow> row, p_.store.ByCharge(tx, paid.charge()));
  if (!row) return absl::OkStatus();  // another purpose, or a dossier of another installation
  Event event;
  event.kind = EventKind::kPay;
  event.at = tx.context().Now();
  const absl::Status moved = Transition(tx, event, *row).status();
  // Withdrawn or stopped just before the money came: payments keeps it for people to decide. Nothing moves here.
  return absl::IsFailedPrecondition(moved) || absl::IsPermissionDenied(moved) ? absl::OkStatus() : moved;
}

}  // namespace dinh::procedures

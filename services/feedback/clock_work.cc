#include "services/feedback/clock_work.h"

#include <algorithm>
#include <utility>

#include "libs/base/civil.h"
#include "services/feedback/limits.h"
#include "services/feedback/view.h"

namespace dinh::feedback {
namespace {

constexpr std::chrono::minutes kRoundMax{2};
constexpr int kDuePercent = 100;

// The step that is next for a report, if it is due.
const EscalationStep* DueStep(const EscalationPlan& plan, const std::set<std::string, std::less<>>& done) {
  const auto next = std::find_if(plan.steps.begin(), plan.steps.end(),
                                 [&](const EscalationStep& step) { return !done.contains(step.id); });
  return next == plan.steps.end() ? nullptr : &*next;
}

// A report counts as overdue once: with the first step of its plan at or after the due time.
bool IsFirstAfterDue(const EscalationPlan& plan, const EscalationStep& step) {
  const auto first = std::find_if(plan.steps.begin(), plan.steps.end(),
                                  [](const EscalationStep& one) { return one.at_percent >= kDuePercent; });
  return first != plan.steps.end() && first->id == step.id;
}

}  // namespace

ClockWork::ClockWork(const Parts& parts)
    : p_(parts),
      rounds_(p_.jobs, p_.database,
              {.kind = "reports.clock",
               .every = p_.interval,
               .limit = kRoundMax,
               .round = [this](base::OpContext& ctx, const events::Fence& fence) { return Round(ctx, fence); }}) {}

absl::Status ClockWork::Round(base::OpContext& ctx, const events::Fence& fence) {
  RETURN_IF_ERROR(p_.territory.LearnAll(ctx));
  ASSIGN_OR_RETURN(const std::vector<std::string> due,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.StepsDue(tx, ctx.Now(), kClockBatch); }));
  for (const std::string& report : due) RETURN_IF_ERROR(TakeStep(ctx, fence, report));
  ASSIGN_OR_RETURN(const std::vector<std::string> closing,
                   p_.database.Read(ctx, [&](db::Tx& tx) { return p_.store.ClosingDue(tx, ctx.Now(), kClockBatch); }));
  for (const std::string& report : closing) RETURN_IF_ERROR(Close(ctx, fence, report));
  return SweepPhotos(ctx, fence);
}

absl::StatusOr<ClockWork::Target> ClockWork::TargetOfStep(base::OpContext& ctx, const EscalationStep& step,
                                                          const ReportRow& row) {
  Target target;
  switch (step.target) {
    case EscalationStep::Target::kAssignee:
      if (!row.progress.assignee.empty()) {
        target.officers = {row.progress.assignee};
      } else {
        ASSIGN_OR_RETURN(target.officers, p_.identity.InPosition(ctx, row.agency, row.unit, row.position));
      }
      break;
    case EscalationStep::Target::kPosition: {
      ASSIGN_OR_RETURN(target.officers, p_.identity.InPosition(ctx, row.agency, row.unit, step.position));
      break;
    }
    case EscalationStep::Target::kUnitAbove: {
      // The unit above is territory's answer of today: levels come and go.
      const absl::StatusOr<UnitPlace> unit = p_.territory.Unit(ctx, row.unit);
      if (absl::IsNotFound(unit.status())) break;
      RETURN_IF_ERROR(unit.status());
      const Category* category = p_.categories.Find(row.category);
      const AgencyKind kind = category == nullptr ? AgencyKind::kPeoplesCommittee : category->responsible.agency;
      const absl::StatusOr<AgencyPlace> above = p_.territory.AgencyFor(ctx, *unit, kind, UnitLevel::kAbove);
      if (absl::IsNotFound(above.status())) break;
      RETURN_IF_ERROR(above.status());
      target.agency = above->agency;
      target.unit = above->unit;
      ASSIGN_OR_RETURN(target.officers, p_.identity.InPosition(ctx, above->agency, above->unit, step.position));
      break;
    }
  }
  const auto bypassed = [&](const std::string& officer) { return officer == row.bypass_officer; };
  std::erase_if(target.officers, bypassed);
  return target;
}

absl::Status ClockWork::Act(db::Tx& tx, ReportRow& row, const EscalationStep& step, const Target& target) {
  const bool escalates = step.action == EscalationStep::Action::kEscalate;
  if (escalates) {
    ++row.escalation;
    if (!target.agency.empty()) {
      row.above_agency = target.agency;
      row.above_unit = target.unit;
    }
  }
  const auto kind = escalates ? pb::Notice::KIND_ESCALATION : pb::Notice::KIND_REMINDER;
  for (const std::string& officer : target.officers) RETURN_IF_ERROR(p_.book.Tell(tx, officer, kind, row));
  UpdateRow line;
  line.kind = pb::Update::KIND_CLOCK;
  line.event = step.id;
  return p_.book.Say(tx, row, line).status();
}

absl::Status ClockWork::TakeStep(base::OpContext& ctx, const events::Fence& fence, const std::string& report) {
  // Looked at first without a transaction, for what must be asked of others; then again inside.
  std::optional<ReportRow> seen;
  const EscalationStep* step = nullptr;
  const EscalationPlan* plan = nullptr;
  RETURN_IF_ERROR(p_.database.Read(ctx, [&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(seen, p_.store.ById(tx, report));
    const Category* category = seen ? p_.categories.Find(seen->category) : nullptr;
    plan = category != nullptr ? p_.categories.Plan(category->escalation) : nullptr;
    if (plan == nullptr) return absl::OkStatus();
    ASSIGN_OR_RETURN(const auto done, p_.store.StepsDone(tx, *seen));
    step = DueStep(*plan, done);
    return absl::OkStatus();
  }));
  if (!seen) return absl::OkStatus();
  Target target;
  if (step != nullptr) {
    ASSIGN_OR_RETURN(target, TargetOfStep(ctx, *step, *seen));
  }
  const auto change = [&](db::Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(fence.Check(tx));
    ASSIGN_OR_RETURN(std::optional<ReportRow> row, p_.store.ByIdForUpdate(tx, report));
    // Answered, routed or taken by another process in between: the next round looks again.
    if (!row || row->revision != seen->revision) return absl::OkStatus();
    if (step != nullptr) {
      ASSIGN_OR_RETURN(const bool first, p_.store.MarkStep(tx, *row, step->id));
      if (first) {
        RETURN_IF_ERROR(Act(tx, *row, *step, target));
        if (IsFirstAfterDue(*plan, *step)) {
          RETURN_IF_ERROR(p_.indicators.Add(tx, p_.book.KeyOf(*row), {.overdue = true}));
        }
      }
    }
    RETURN_IF_ERROR(p_.book.SetTimes(tx, *row));
    return p_.store.Update(tx, *row);
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::Status ClockWork::Close(base::OpContext& ctx, const events::Fence& fence, const std::string& report) {
  const auto change = [&](db::Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(fence.Check(tx));
    ASSIGN_OR_RETURN(std::optional<ReportRow> row, p_.store.ByIdForUpdate(tx, report));
    if (!row || !row->close_at || *row->close_at > ctx.Now()) return absl::OkStatus();
    Event event;
    event.kind = EventKind::kClose;
    event.at = ctx.Now();
    absl::Status moved = p_.book.Move(tx, *row, event, "");
    if (!absl::IsFailedPrecondition(moved)) return moved;
    // The category's days have changed since: reckoned anew.
    RETURN_IF_ERROR(p_.book.SetTimes(tx, *row));
    return p_.store.Update(tx, *row);
  };
  return p_.database.Transact(ctx, change, db::Isolation::kReadCommitted);
}

absl::Status ClockWork::SweepPhotos(base::OpContext& ctx, const events::Fence& fence) {
  // Rows first: a file without a row is only wasted room, a row without its file would be a broken promise.
  const base::Micros before = ctx.Now() - kUnusedPhotoKept;
  const int64_t yesterday = base::DaysFromCivil(base::ToVietnam(ctx.Now()).date) - 1;
  ASSIGN_OR_RETURN(const std::vector<std::string> blobs,
                   p_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<std::vector<std::string>> {
                     RETURN_IF_ERROR(fence.Check(tx));
                     RETURN_IF_ERROR(p_.store.RemoveCounts(tx, yesterday));
                     return p_.store.RemoveUnusedPhotos(tx, before, kSweepPhotosMax);
                   }));
  for (const std::string& blob : blobs) RETURN_IF_ERROR(p_.blobs.Remove(blob));
  return absl::OkStatus();
}

}  // namespace dinh::feedback

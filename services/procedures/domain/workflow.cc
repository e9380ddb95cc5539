#include "services/procedures/domain/workflow.h"

#include <algorithm>
#include <set>

namespace dinh::procedures {
namespace {

absl::Status Broken(const Workflow& workflow, std::string_view what) {
  return absl::InvalidArgumentError("workflow " + workflow.id + ": " + std::string(what));
}

absl::Status CheckStep(const Workflow& workflow, const Step& step, bool last, std::set<std::string>& ids) {
  if (step.id.empty() || !ids.insert(step.id).second) return Broken(workflow, "step ids must be unique and not empty");
  if (step.name.vi.empty() || step.name.en.empty()) return Broken(workflow, "step " + step.id + " needs both names");
  if (step.roles.empty()) return Broken(workflow, "step " + step.id + " has no role");
  if (step.hours < 0 || step.hours > kStepHoursMax) return Broken(workflow, "hours of " + step.id + " out of range");
  if (step.kind != StepKind::kReturn && step.hours == 0) return Broken(workflow, "step " + step.id + " has no hours");
  if ((step.kind == StepKind::kReturn) != last) return Broken(workflow, "the return step stands last, and only there");
  return absl::OkStatus();
}

}  // namespace

std::string_view StepKindName(StepKind kind) {
  switch (kind) {
    case StepKind::kDraft:
      return "draft";
    case StepKind::kSign:
      return "sign";
    case StepKind::kReturn:
      return "return";
  }
  return "";
}

std::optional<StepKind> ParseStepKind(std::string_view name) {
  for (StepKind kind : {StepKind::kDraft, StepKind::kSign, StepKind::kReturn}) {
    if (name == StepKindName(kind)) return kind;
  }
  return std::nullopt;
}

absl::Status CheckWorkflow(const Workflow& workflow) {
  if (workflow.id.empty() || workflow.name.vi.empty() || workflow.name.en.empty()) {
    return Broken(workflow, "id and both names are needed");
  }
  if (workflow.desk_roles.empty()) return Broken(workflow, "no role receives dossiers");
  const std::vector<Step>& steps = workflow.steps;
  if (steps.size() < 3 || steps.size() > kStepsMax) return Broken(workflow, "needs 3 to 20 steps");
  std::set<std::string> ids;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (absl::Status s = CheckStep(workflow, steps[i], i + 1 == steps.size(), ids); !s.ok()) return s;
  }
  if (steps.front().kind != StepKind::kDraft) return Broken(workflow, "the first step must be a draft");
  if (steps[steps.size() - 2].kind != StepKind::kSign) return Broken(workflow, "a signature must precede the return");
  return absl::OkStatus();
}

bool IsLastSignature(const Workflow& workflow, int step) {
  if (step < 0 || step >= static_cast<int>(workflow.steps.size())) return false;
  if (workflow.steps[step].kind != StepKind::kSign) return false;
  return std::none_of(workflow.steps.begin() + step + 1, workflow.steps.end(),
                      [](const Step& later) { return later.kind != StepKind::kReturn; });
}

int DraftBefore(const Workflow& workflow, int step) {
  for (int i = std::min(step, static_cast<int>(workflow.steps.size())) - 1; i >= 0; --i) {
    if (workflow.steps[i].kind == StepKind::kDraft) return i;
  }
  return -1;
}

int ReturnStep(const Workflow& workflow) { return static_cast<int>(workflow.steps.size()) - 1; }

bool HasAnyRole(const std::vector<std::string>& held, const std::vector<std::string>& wanted) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const std::string& role) { return std::find(held.begin(), held.end(), role) != held.end(); });
}

}  // namespace dinh::procedures

// What happens to a dossier inside state 4, as data of a procedure's version: who drafts, who signs, who hands out.
//
// Pure values; thread-safe when const.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/status.h"

namespace dinh::procedures {

enum class StepKind {
  kDraft,   // prepares the result; completed by "forward"
  kSign,    // approves and signs it; completed by "sign"
  kReturn,  // hands it out at the desk; completed by "return"; always the last step
};

struct Step {
  std::string id;  // "draft": stable, stored with a dossier's history
  base::Text name;
  StepKind kind = StepKind::kDraft;
  std::vector<std::string> roles;  // any one of them may do the step, in the deciding agency
  int hours = 0;                   // working hours planned for it; 8 are one working day
};

struct Workflow {
  std::string id;  // "commune"
  base::Text name;
  std::vector<std::string> desk_roles;  // who receives, accepts, refuses and asks for supplements
  std::vector<Step> steps;
};

inline constexpr size_t kStepsMax = 20;
inline constexpr int kStepHoursMax = 8 * 365;

std::string_view StepKindName(StepKind kind);  // "draft"
std::optional<StepKind> ParseStepKind(std::string_view name);

// A workflow that can be run to its end: ids unique, every step has a role and hours, it begins with a draft, has a
// signature, every draft stands before a signature, and exactly one return step stands last.
absl::Status CheckWorkflow(const Workflow& workflow);

// True when the step is the last one that must be signed: signing it makes the result final.
bool IsLastSignature(const Workflow& workflow, int step);

// The step that a signer sends a draft back to: the nearest draft before `step`; -1 when there is none.
int DraftBefore(const Workflow& workflow, int step);

// The index of the return step.
int ReturnStep(const Workflow& workflow);

bool HasAnyRole(const std::vector<std::string>& held, const std::vector<std::string>& wanted);

}  // namespace dinh::procedures

// The catalogue in memory: every version of every procedure, the forms, workflows and the working calendar, read once
// at start. Immutable afterwards: thread-safe.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/civil.h"
#include "libs/base/working_calendar.h"
#include "services/procedures/domain/form.h"
#include "services/procedures/domain/procedure.h"
#include "services/procedures/domain/search.h"
#include "services/procedures/domain/workflow.h"

namespace dinh::procedures {

class Catalogue {
 public:
  // Reads `dir`/{procedures,forms,workflows,holidays}.json and checks that they fit together: every version names a
  // form and a workflow that exist, counted fees name integer fields of the form, versions of one code do not overlap.
  static absl::StatusOr<std::unique_ptr<Catalogue>> Load(const std::string& dir);

  // The version valid at the date; nullptr when there is none. Longer local codes are understood.
  const Procedure* Find(std::string_view code, base::CivilDate at) const;
  // A certain version, as a dossier was filed under it.
  const Procedure* FindVersion(std::string_view code, int version) const;
  // What is valid at the date, best first; `field` empty: every field.
  std::vector<const Procedure*> Search(std::string_view query, std::string_view field, base::CivilDate at) const;

  const FormDefinition* Form(std::string_view id) const;
  const Workflow* WorkflowOf(const Procedure& procedure) const;
  const base::WorkingCalendar& calendar() const { return *calendar_; }
  const std::vector<Procedure>& procedures() const { return procedures_; }
  const std::map<std::string, FormDefinition, std::less<>>& forms() const { return forms_; }
  const std::map<std::string, Workflow, std::less<>>& workflows() const { return workflows_; }

 private:
  Catalogue() = default;
  absl::Status Check() const;

  std::vector<Procedure> procedures_;  // by code, then version
  std::map<std::string, FormDefinition, std::less<>> forms_;
  std::map<std::string, Workflow, std::less<>> workflows_;
  std::optional<base::WorkingCalendar> calendar_;
  std::unique_ptr<SearchIndex> index_;
};

}  // namespace dinh::procedures

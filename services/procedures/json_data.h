// Reads the shipped data files (deploy/data/{procedures,forms,workflows,roles}.json) into domain structures. A
// file that is not exactly as expected (an unknown key, a wrong type, a rule of the domain broken) is refused with the
// place of the fault: the service does not start on half-understood data.
//
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/procedures/domain/form.h"
#include "services/procedures/domain/procedure.h"
#include "services/procedures/domain/workflow.h"

namespace dinh::procedures {

absl::StatusOr<std::vector<Procedure>> ReadProcedures(std::string_view json);
absl::StatusOr<std::vector<FormDefinition>> ReadForms(std::string_view json);
absl::StatusOr<std::vector<Workflow>> ReadWorkflows(std::string_view json);

}  // namespace dinh::procedures

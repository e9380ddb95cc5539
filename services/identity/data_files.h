// The shipped data this service reads: deploy/data/roles.json and, in development mode only, demo.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/identity/domain/officer.h"
#include "services/identity/domain/person.h"
#include "services/identity/officers.h"

namespace dinh::identity {

// FAILED_PRECONDITION reason DATA_FILE_MISSING.
absl::StatusOr<std::string> ReadDataFile(const std::string& path);

// FAILED_PRECONDITION reason DATA_FILE_INVALID: not JSON, no roles, or none that may manage officers.
absl::StatusOr<Roles> ParseRoles(std::string_view json);

struct DemoCitizen {
  std::string phone;
  std::vector<Person> persons;
};
struct DemoOfficer {
  NewOfficer officer;
  std::string password;
};
struct DemoAccounts {
  std::vector<DemoCitizen> citizens;
  std::vector<DemoOfficer> officers;
};
// FAILED_PRECONDITION reason DATA_FILE_INVALID.
absl::StatusOr<DemoAccounts> ParseDemoAccounts(std::string_view json);

}  // namespace dinh::identity

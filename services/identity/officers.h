// How an officer's account comes to be: by an administrator, at the terminal, or as a demo account.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/ids.h"
#include "libs/db/database.h"
#include "services/identity/store.h"

namespace dinh::identity {

struct NewOfficer {
  std::string username;  // 3 to 64 of [a-z0-9._-]
  std::string full_name;
  std::string position;
  std::vector<RoleGrant> grants;  // at least one; the first names the agency whose administrators look after them
};

// INVALID_FIELD (roles), PASSWORD_TOO_WEAK.
absl::Status CheckNewOfficer(const Roles& roles, const NewOfficer& officer, std::string_view password);

// With ids for account and person.
OfficerRow MakeOfficer(base::IdGenerator& ids, const NewOfficer& officer);

// Account, person and roles. FAILED_PRECONDITION reason USERNAME_TAKEN.
absl::Status AddOfficer(db::Tx& tx, const Store& store, const OfficerRow& row, std::string_view password_hash);

}  // namespace dinh::identity

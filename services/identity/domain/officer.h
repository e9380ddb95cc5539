// Officers, their roles, and what an administrator may do with them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/status.h"

namespace dinh::identity {

// A permission that makes a role an administrator's.
inline constexpr std::string_view kManageOfficers = "officer.manage";

struct Role {
  std::string id;    // "one_stop"
  std::string name;  // "Cán bộ một cửa"
  std::vector<std::string> permissions;
};

// Roles are data (deploy/data/roles.json). Immutable, so thread-safe.
class Roles {
 public:
  Roles() = default;
  explicit Roles(std::vector<Role> roles);
  const Role* Find(std::string_view id) const;  // nullptr when unknown
  bool Allows(std::string_view role, std::string_view permission) const;

 private:
  std::map<std::string, Role, std::less<>> roles_;
};

// A role for one agency in one unit; rights flow neither down nor across.
struct RoleGrant {
  std::string role;
  std::string agency;
  std::string unit;
  auto operator<=>(const RoleGrant&) const = default;
};

// Violations of a list of roles, named "<field>[i].role": unknown roles, the same grant twice.
std::vector<base::FieldViolation> CheckGrants(const Roles& roles, const std::vector<RoleGrant>& grants,
                                              std::string_view field);

// One officer as the rule of the last administrator sees them.
struct Colleague {
  std::string account;
  bool locked = false;
  std::vector<RoleGrant> grants;
};

// true: when `account` is locked, or has only `grants` from now on, nobody is left who administers `agency` in `unit`,
// and somebody did before.
bool LeavesNoAdmin(const Roles& roles, const std::vector<Colleague>& colleagues, std::string_view account, bool locked,
                   const std::vector<RoleGrant>& grants, std::string_view agency, std::string_view unit);

// What is wrong with a new password; nullopt when it is good. Length is the contract's rule (12 characters).
std::optional<base::Text> PasswordWeakness(std::string_view password, std::string_view username);

// Lower case; the form in which user names are stored and compared.
std::string NormalizeUsername(std::string_view username);

}  // namespace dinh::identity

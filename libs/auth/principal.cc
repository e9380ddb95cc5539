#include "libs/auth/principal.h"

#include <algorithm>

namespace dinh::auth {
namespace {

bool Holds(const Grant& grant, std::string_view permission) {
  return std::find(grant.permissions.begin(), grant.permissions.end(), permission) != grant.permissions.end();
}

}  // namespace

bool Principal::Has(std::string_view permission, std::string_view agency, std::string_view unit) const {
  // An empty name would match a grant that was read incompletely: it matches nobody.
  if (kind != CallerKind::kOfficer || permission.empty() || agency.empty() || unit.empty()) return false;
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    return grant.agency == agency && grant.unit == unit && Holds(grant, permission);
  });
}

bool Principal::HasAnywhere(std::string_view permission) const {
  if (kind != CallerKind::kOfficer || permission.empty()) return false;
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) { return Holds(grant, permission); });
}

bool Principal::HasRole(std::string_view role, std::string_view agency) const {
  if (kind != CallerKind::kOfficer || role.empty() || agency.empty()) return false;
  return std::any_of(grants.begin(), grants.end(),
                     [&](const Grant& grant) { return grant.role == role && grant.agency == agency; });
}

}  // namespace dinh::auth

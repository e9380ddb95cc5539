#include "services/identity/principals.h"

#include <chrono>
#include <optional>
#include <utility>

#include "libs/base/op_context.h"
#include "libs/base/status.h"
#include "services/identity/errors.h"

namespace dinh::identity {
namespace {

constexpr std::chrono::seconds kReadDeadline{5};

}  // namespace

absl::StatusOr<auth::Principal> Principals::Resolve(std::string_view account, std::string_view session,
                                                    std::string_view person) {
  base::OpContext ctx(clock_, clock_.Steady() + kReadDeadline);
  return database_.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<auth::Principal> {
    ASSIGN_OR_RETURN(const std::optional<RightsRow> rights, store_.Rights(tx, account, session, person));
    if (!rights || rights->locked || rights->state != LoginState::kActive || rights->expires_at <= clock_.Now()) {
      return LoginRevoked();
    }
    auth::Principal principal;
    principal.kind = rights->kind == AccountKind::kOfficer ? auth::CallerKind::kOfficer : auth::CallerKind::kCitizen;
    principal.id = std::string(account);
    principal.session = std::string(session);
    principal.person = rights->person;
    principal.assurance = static_cast<auth::Assurance>(rights->assurance);
    if (rights->kind != AccountKind::kOfficer) return principal;
    ASSIGN_OR_RETURN(const std::vector<RoleGrant> grants, store_.GrantsOf(tx, account));
    for (const RoleGrant& grant : grants) {
      const Role* role = roles_.Find(grant.role);
      // A role that is no longer among the data gives nothing.
      if (role == nullptr) continue;
      principal.grants.push_back({grant.role, grant.agency, grant.unit, role->permissions});
    }
    return principal;
  });
}

static_assert(static_cast<int>(auth::Assurance::kPhone) == static_cast<int>(Assurance::kPhone));
static_assert(static_cast<int>(auth::Assurance::kNationalEid) == static_cast<int>(Assurance::kNationalEid));

}  // namespace dinh::identity

#include "libs/app/remote_principals.h"

#include <chrono>
#include <string>

#include "dinh/identity/v1/person_service.pb.h"
#include "libs/base/op_context.h"
#include "libs/base/status.h"

namespace dinh::app {
namespace {

constexpr char kResolvePrincipal[] = "/dinh.identity.v1.PersonService/ResolvePrincipal";
constexpr std::chrono::seconds kDeadline{3};

}  // namespace

absl::StatusOr<auth::Principal> RemotePrincipals::Resolve(std::string_view account, std::string_view session,
                                                          std::string_view person) {
  identity::v1::ResolvePrincipalRequest request;
  request.set_account(std::string(account));
  request.set_session(std::string(session));
  request.set_person(std::string(person));
  base::OpContext ctx(clock_, clock_.Steady() + kDeadline);
  ASSIGN_OR_RETURN(const auto answer,
                   identity_->Call<identity::v1::ResolvedPrincipal>(ctx, kResolvePrincipal, request));
  auth::Principal principal;
  principal.kind = answer.kind() == "officer" ? auth::CallerKind::kOfficer : auth::CallerKind::kCitizen;
  principal.id = answer.account();
  principal.person = answer.person();
  principal.session = answer.session();
  principal.assurance = static_cast<auth::Assurance>(answer.assurance());
  for (const identity::v1::RoleGrant& grant : answer.grants()) {
    if (grant.permissions().empty()) continue;  // a role that is no longer among identity's data gives nothing
    principal.grants.push_back(
        {grant.role(), grant.agency(), grant.unit(), {grant.permissions().begin(), grant.permissions().end()}});
  }
  return principal;
}

}  // namespace dinh::app

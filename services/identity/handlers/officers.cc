// Officers and their roles, managed by an administrator of the same agency and unit.
#include <algorithm>
#include <set>
#include <utility>

#include "services/identity/errors.h"
#include "services/identity/handlers/convert.h"
#include "services/identity/handlers/handlers.h"
#include "services/identity/officers.h"

namespace dinh::identity {
namespace {

void AuditOfficer(rpc::Context& ctx, const OfficerRow& row) { ctx.AuditSubject(row.person, "officers/" + row.account); }

// Each role must be one of the caller's own agency and unit.
absl::Status CheckGrantScopes(rpc::Context& ctx, const std::vector<RoleGrant>& grants) {
  for (const RoleGrant& grant : grants) RETURN_IF_ERROR(ctx.CheckScope({{}, "", grant.agency, grant.unit}));
  return absl::OkStatus();
}

bool Adds(const std::vector<RoleGrant>& before, const std::vector<RoleGrant>& after) {
  return std::any_of(after.begin(), after.end(), [&before](const RoleGrant& grant) {
    return std::find(before.begin(), before.end(), grant) == before.end();
  });
}

}  // namespace

absl::StatusOr<OfficerRow> OfficerHandlers::Managed(rpc::Context& ctx, db::Tx& tx, const std::string& id) const {
  ASSIGN_OR_RETURN(OfficerRow row, ctx.InScope(parts_.store.Officer(tx, id)));
  // Roles at another agency are not ours to touch, and neither is an account that holds them.
  RETURN_IF_ERROR(CheckGrantScopes(ctx, row.grants));
  return row;
}

absl::Status OfficerHandlers::KeepAnAdmin(db::Tx& tx, const OfficerRow& before, bool locked,
                                          const std::vector<RoleGrant>& grants) const {
  std::set<std::pair<std::string, std::string>> places;
  for (const RoleGrant& grant : before.grants) places.emplace(grant.agency, grant.unit);
  for (const auto& [agency, unit] : places) {
    ASSIGN_OR_RETURN(const std::vector<Colleague> colleagues, parts_.store.Colleagues(tx, agency, unit));
    if (LeavesNoAdmin(parts_.roles, colleagues, before.account, locked, grants, agency, unit)) return LastAdmin();
  }
  return absl::OkStatus();
}

absl::StatusOr<pb::ListOfficersResponse> OfficerHandlers::ListOfficers(rpc::Context& ctx,
                                                                       const pb::ListOfficersRequest& request) {
  ctx.ScopeByPrincipal();
  ASSIGN_OR_RETURN(const int32_t size, parts_.page_tokens.PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::string last, parts_.page_tokens.Open(ctx, request));
  std::set<std::pair<std::string, std::string>> places;
  for (const auth::Grant& grant : ctx.principal().grants) {
    if (parts_.roles.Allows(grant.role, kManageOfficers)) places.emplace(grant.agency, grant.unit);
  }
  std::vector<OfficerRow> rows;
  const absl::Status read = parts_.database.Read(ctx, [&](db::Tx& tx) -> absl::Status {
    for (const auto& [agency, unit] : places) {
      ASSIGN_OR_RETURN(std::vector<OfficerRow> some, parts_.store.OfficersOf(tx, agency, unit, last, size + 1));
      std::move(some.begin(), some.end(), std::back_inserter(rows));
    }
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.account < b.account; });
  pb::ListOfficersResponse response;
  const size_t shown = std::min(rows.size(), static_cast<size_t>(size));
  for (size_t i = 0; i < shown; ++i) *response.add_officers() = ToProto(rows[i], parts_.roles);
  if (rows.size() > shown) {
    response.set_next_page_token(parts_.page_tokens.Seal(ctx, request, rows[shown - 1].account));
  }
  return response;
}

absl::StatusOr<pb::Officer> OfficerHandlers::CreateOfficer(rpc::Context& ctx, const pb::CreateOfficerRequest& request) {
  NewOfficer wanted{NormalizeUsername(request.officer().username()), request.officer().full_name(),
                    request.officer().position(), FromProto(request.officer().grants())};
  if (wanted.grants.empty()) {
    return base::InvalidField("officer.grants", {"Hãy giao ít nhất một vai trò ở cơ quan của bạn.",
                                                 "Give at least one role at your agency."});
  }
  RETURN_IF_ERROR(CheckGrantScopes(ctx, wanted.grants));
  RETURN_IF_ERROR(CheckNewOfficer(parts_.roles, wanted, request.password()));
  ASSIGN_OR_RETURN(const std::string hash, parts_.hasher.Hash(ctx, request.password()));
  const OfficerRow row = MakeOfficer(parts_.ids, wanted);
  AuditOfficer(ctx, row);
  absl::StatusOr<pb::Officer> created = parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Officer> {
    RETURN_IF_ERROR(AddOfficer(tx, parts_.store, row, hash));
    return ToProto(row, parts_.roles);
  });
  return created;
}

absl::StatusOr<pb::Officer> OfficerHandlers::SetGrants(rpc::Context& ctx, const pb::SetGrantsRequest& request) {
  const std::vector<RoleGrant> grants = FromProto(request.grants());
  return parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Officer> {
    ASSIGN_OR_RETURN(OfficerRow row, Managed(ctx, tx, request.id()));
    RETURN_IF_ERROR(CheckGrantScopes(ctx, grants));
    std::vector<base::FieldViolation> violations = CheckGrants(parts_.roles, grants, "grants");
    if (!violations.empty()) return base::InvalidFields(std::move(violations));
    if (!request.etag().empty() && request.etag() != Etag(row.revision)) return base::StaleEtag();
    RETURN_IF_ERROR(KeepAnAdmin(tx, row, row.locked, grants));
    if (row.account == ctx.principal().id && Adds(row.grants, grants)) return OwnGrants();
    row.grants = grants;
    RETURN_IF_ERROR(parts_.store.SetGrants(tx, row));
    AuditOfficer(ctx, row);
    return ToProto(row, parts_.roles);
  });
}

absl::StatusOr<pb::Officer> OfficerHandlers::SetLocked(rpc::Context& ctx, const std::string& id, bool locked) {
  return parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::Officer> {
    ASSIGN_OR_RETURN(OfficerRow row, Managed(ctx, tx, id));
    if (locked) {
      RETURN_IF_ERROR(KeepAnAdmin(tx, row, /*locked=*/true, row.grants));
      RETURN_IF_ERROR(parts_.sessions.EndAll(tx, row.account, LoginEvent::kLockAccount, ""));
    }
    RETURN_IF_ERROR(parts_.store.SetLocked(tx, row.account, locked));
    row.locked = locked;
    AuditOfficer(ctx, row);
    return ToProto(row, parts_.roles);
  });
}

absl::StatusOr<pb::Officer> OfficerHandlers::LockOfficer(rpc::Context& ctx, const pb::LockOfficerRequest& request) {
  return SetLocked(ctx, request.id(), true);
}

absl::StatusOr<pb::ListColleaguesResponse> OfficerHandlers::ListColleagues(rpc::Context& ctx,
                                                                           const pb::ListColleaguesRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<Colleague> colleagues, parts_.database.Read(ctx, [&](db::Tx& tx) {
    return parts_.store.Colleagues(tx, request.agency(), request.unit());
  }));
  pb::ListColleaguesResponse response;
  for (const Colleague& colleague : colleagues) {
    if (colleague.locked) continue;
    pb::Colleague* out = response.add_colleagues();
    out->set_id(colleague.account);
    for (const RoleGrant& grant : colleague.grants) out->add_roles(grant.role);
  }
  return response;
}

absl::StatusOr<pb::Officer> OfficerHandlers::UnlockOfficer(rpc::Context& ctx, const pb::UnlockOfficerRequest& request) {
  return SetLocked(ctx, request.id(), false);
}

}  // namespace dinh::identity

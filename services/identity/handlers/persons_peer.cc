// What other services ask and tell, and who read my data.
#include <algorithm>
#include <map>
#include <utility>

#include "google/protobuf/util/time_util.h"
#include "services/identity/errors.h"
#include "services/identity/handlers/convert.h"
#include "services/identity/handlers/handlers.h"
#include "services/identity/limits.h"

namespace dinh::identity {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::string_view kCitizen = "citizen";
constexpr std::string_view kOfficer = "officer";
constexpr std::string_view kPeer = "peer";
constexpr size_t kAccessKeyParts = 3;

std::string Cut(const std::string& text) { return text.substr(0, kAccessTextBytesMax); }

// "dinh.procedures.v1.DossierService/GetDossier" -> "GetDossier"
std::string MethodName(const std::string& full) {
  const size_t slash = full.rfind('/');
  return slash == std::string::npos ? full : full.substr(slash + 1);
}

std::string Actor(const AccessRow& row, const auth::Principal& me) {
  if (row.caller_kind == kCitizen) {
    return row.caller == row.person || row.caller == me.id ? "Chính bạn" : "Người khác dùng cổng";
  }
  if (row.caller_kind == kOfficer) return row.actor.empty() ? "Cán bộ" : row.actor;
  if (row.caller_kind == kPeer) return "Hệ thống (" + row.caller + ")";
  return "Người không đăng nhập";
}

pb::PersonalAccess ToProto(const AccessRow& row, const auth::Principal& me) {
  pb::PersonalAccess out;
  *out.mutable_time() = TimeUtil::MicrosecondsToTimestamp(row.at);
  out.set_service(row.service);
  out.set_method(MethodName(row.method));
  out.set_actor(Actor(row, me));
  out.set_resource(row.resource);
  out.set_reason(row.reason);
  return out;
}

absl::StatusOr<std::optional<AccessKey>> ParseKey(const std::string& key) {
  if (key.empty()) return std::optional<AccessKey>();
  ASSIGN_OR_RETURN(const std::vector<std::string> parts, auth::SplitKey(key, kAccessKeyParts));
  return std::optional<AccessKey>(
      AccessKey{std::strtoll(parts[0].c_str(), nullptr, 10), parts[1], std::strtoll(parts[2].c_str(), nullptr, 10)});
}

}  // namespace

absl::StatusOr<pb::ListAccessesResponse> PersonHandlers::ListAccesses(rpc::Context& ctx,
                                                                      const pb::ListAccessesRequest& request) {
  if (ctx.principal().person.empty()) return PersonNotChosen();
  ASSIGN_OR_RETURN(const int32_t size, parts_.page_tokens.PageSize(request.page_size(), kAccessesPageDefault));
  ASSIGN_OR_RETURN(const std::string last, parts_.page_tokens.Open(ctx, request));
  ASSIGN_OR_RETURN(const std::optional<AccessKey> before, ParseKey(last));
  ASSIGN_OR_RETURN(const std::vector<AccessRow> rows, parts_.database.Read(ctx, [&](db::Tx& tx) {
    return parts_.store.AccessesOf(tx, ctx.principal().person, before, size + 1);
  }));
  pb::ListAccessesResponse response;
  const size_t shown = std::min(rows.size(), static_cast<size_t>(size));
  for (size_t i = 0; i < shown; ++i) *response.add_accesses() = ToProto(rows[i], ctx.principal());
  if (rows.size() > shown) {
    const AccessRow& row = rows[shown - 1];
    response.set_next_page_token(parts_.page_tokens.Seal(
        ctx, request, auth::JoinKey({std::to_string(row.at), row.service, std::to_string(row.sequence)})));
  }
  return response;
}

absl::StatusOr<pb::Person> PersonHandlers::GetPerson(rpc::Context& ctx, const pb::GetPersonRequest& request) {
  ASSIGN_OR_RETURN(const std::optional<PersonRow> row,
                   parts_.database.Read(ctx, [&](db::Tx& tx) { return parts_.store.PersonById(tx, request.id()); }));
  if (!row) return PersonNotFound(request.id());
  ctx.AuditSubject(row->person.id, "persons/" + row->person.id);
  return ToProto(*row);
}

absl::StatusOr<pb::ResolvedPrincipal> PersonHandlers::ResolvePrincipal(rpc::Context&,
                                                                       const pb::ResolvePrincipalRequest& request) {
  ASSIGN_OR_RETURN(const auth::Principal principal,
                   parts_.principals.Resolve(request.account(), request.session(), request.person()));
  pb::ResolvedPrincipal out;
  out.set_account(principal.id);
  out.set_kind(std::string(principal.kind == auth::CallerKind::kOfficer ? kOfficer : kCitizen));
  out.set_person(principal.person);
  out.set_session(principal.session);
  out.set_assurance(static_cast<pb::Assurance>(principal.assurance));
  for (const auth::Grant& grant : principal.grants) {
    *out.add_grants() = identity::ToProto(RoleGrant{grant.role, grant.agency, grant.unit}, parts_.roles);
  }
  return out;
}

// "Cán bộ một cửa, UBND xã Hoằng Hóa": as it is now, for keeping. Empty when the account is no officer's.
absl::StatusOr<std::string> PersonHandlers::ActorName(rpc::Context& ctx, const std::string& officer) {
  ASSIGN_OR_RETURN(const std::vector<RoleGrant> grants,
                   parts_.database.Read(ctx, [&](db::Tx& tx) { return parts_.store.GrantsOf(tx, officer); }));
  if (grants.empty()) return std::string();
  const Role* role = parts_.roles.Find(grants.front().role);
  const std::string title = role != nullptr ? role->name : grants.front().role;
  return title + ", " + parts_.territory.AgencyName(ctx, grants.front().agency);
}

absl::StatusOr<pb::RecordAccessesResponse> PersonHandlers::RecordAccesses(rpc::Context& ctx,
                                                                          const pb::RecordAccessesRequest& request) {
  // A service tells of itself only.
  if (request.service() != ctx.principal().id) return base::PermissionDenied();
  std::map<std::string, std::string> actors;
  for (const pb::AccessRecord& record : request.records()) {
    if (record.caller_kind() != kOfficer || record.person().empty() || actors.contains(record.caller())) continue;
    ASSIGN_OR_RETURN(actors[record.caller()], ActorName(ctx, record.caller()));
  }
  // These rows are the audit: auditing that they came in would, for identity's own log, feed itself for ever.
  ctx.commit_hook = nullptr;
  return parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::RecordAccessesResponse> {
    ASSIGN_OR_RETURN(const int64_t cursor, parts_.store.AccessCursor(tx, request.service()));
    int64_t last = cursor;
    for (const pb::AccessRecord& record : request.records()) {
      if (record.sequence() <= cursor) continue;
      last = std::max(last, record.sequence());
      if (record.person().empty()) continue;
      const auto actor = actors.find(record.caller());
      AccessRow row{request.service(),
                    record.sequence(),
                    record.person(),
                    TimeUtil::TimestampToMicroseconds(record.time()),
                    Cut(record.caller_kind()),
                    Cut(record.caller()),
                    actor == actors.end() ? "" : Cut(actor->second),
                    Cut(record.method()),
                    Cut(record.resource()),
                    Cut(record.reason())};
      RETURN_IF_ERROR(parts_.store.AddAccess(tx, row));
    }
    if (last > cursor) RETURN_IF_ERROR(parts_.store.SetAccessCursor(tx, request.service(), last));
    pb::RecordAccessesResponse response;
    response.set_last_sequence(last);
    return response;
  });
}

}  // namespace dinh::identity

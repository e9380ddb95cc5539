// Refreshing, listing and ending logins.
#include <utility>

#include "services/identity/errors.h"
#include "services/identity/handlers/convert.h"
#include "services/identity/handlers/handlers.h"
#include "services/identity/limits.h"

namespace dinh::identity {

absl::StatusOr<pb::TokenPair> AuthHandlers::RefreshToken(rpc::Context& ctx, const pb::RefreshTokenRequest& request) {
  // Repeatable by itself. A claim without a stored answer would refuse the very client that lost its answer.
  ctx.claim = nullptr;
  ASSIGN_OR_RETURN(const Sessions::Refreshed refreshed, parts_.database.Transact(ctx, [&](db::Tx& tx) {
    return parts_.sessions.Refresh(tx, request.refresh_token());
  }));
  Count("refresh", refreshed.refusal.ok());
  RETURN_IF_ERROR(refreshed.refusal);
  return parts_.sessions.Tokens(refreshed.login, refreshed.kind, refreshed.generation);
}

absl::StatusOr<pb::LogoutResponse> AuthHandlers::Logout(rpc::Context& ctx, const pb::LogoutRequest&) {
  ctx.claim = nullptr;  // repeatable by itself
  return parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::LogoutResponse> {
    ASSIGN_OR_RETURN(std::optional<LoginRow> login, parts_.store.Login(tx, ctx.principal().session));
    // A second logout finds it ended: the same answer.
    if (login && login->account == ctx.principal().id) {
      RETURN_IF_ERROR(parts_.sessions.End(tx, *std::move(login), LoginEvent::kLogOut).status());
    }
    return pb::LogoutResponse();
  });
}

absl::StatusOr<pb::ListLoginsResponse> AuthHandlers::ListLogins(rpc::Context& ctx,
                                                                const pb::ListLoginsRequest& request) {
  ASSIGN_OR_RETURN(const int32_t size, parts_.page_tokens.PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::string last, parts_.page_tokens.Open(ctx, request));
  ASSIGN_OR_RETURN(std::vector<LoginRow> logins, parts_.database.Read(ctx, [&](db::Tx& tx) {
    return parts_.store.ActiveLogins(tx, ctx.principal().id, last, size + 1);
  }));
  pb::ListLoginsResponse response;
  if (logins.size() > static_cast<size_t>(size)) {
    logins.pop_back();
    response.set_next_page_token(parts_.page_tokens.Seal(ctx, request, logins.back().id));
  }
  for (const LoginRow& login : logins) *response.add_logins() = ToProto(login, ctx.principal().session);
  return response;
}

absl::StatusOr<pb::EndLoginResponse> AuthHandlers::EndLogin(rpc::Context& ctx, const pb::EndLoginRequest& request) {
  return parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<pb::EndLoginResponse> {
    ASSIGN_OR_RETURN(std::optional<LoginRow> login, parts_.store.Login(tx, request.login()));
    if (!login || login->account != ctx.principal().id) return base::PermissionDenied();
    const LoginEvent event = login->id == ctx.principal().session ? LoginEvent::kLogOut : LoginEvent::kEndRemotely;
    RETURN_IF_ERROR(parts_.sessions.End(tx, *std::move(login), event).status());
    return pb::EndLoginResponse();
  });
}

}  // namespace dinh::identity

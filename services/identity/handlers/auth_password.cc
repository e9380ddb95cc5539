// Officers: user name and password.
#include <utility>

#include "services/identity/errors.h"
#include "services/identity/handlers/handlers.h"
#include "services/identity/limits.h"

namespace dinh::identity {

struct AuthHandlers::PasswordCheck {
  bool right = false;
  std::optional<AccountRow> account;
  std::vector<Guard> guards;
};

// The same work whether the name is known or not. LOGIN_RATE_LIMITED before any of it.
absl::StatusOr<AuthHandlers::PasswordCheck> AuthHandlers::CheckPassword(rpc::Context& ctx, const std::string& username,
                                                                        const std::string& password) const {
  const std::string& address = ctx.principal().address;
  PasswordCheck check;
  base::Micros wait = 0;
  const absl::Status read = parts_.database.Read(ctx, [&](db::Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(check.account, parts_.store.AccountByUsername(tx, username));
    ASSIGN_OR_RETURN(check.guards,
                     PasswordGuards(tx, parts_.store, username, check.account ? check.account->id : "", address));
    ASSIGN_OR_RETURN(wait, WaitForAll(tx, parts_.store, check.guards));
    return absl::OkStatus();
  });
  RETURN_IF_ERROR(read);
  if (wait > 0) return LoginRateLimited(ToMs(wait));
  ASSIGN_OR_RETURN(check.right, parts_.hasher.Verify(ctx, password, check.account ? check.account->password_hash : ""));
  return check;
}

// nullopt: refused, and counted.
absl::StatusOr<std::optional<LoginRow>> AuthHandlers::LoginByPassword(db::Tx& tx, const rpc::Context& ctx,
                                                                      const pb::LoginWithPasswordRequest& request,
                                                                      const PasswordCheck& check,
                                                                      const std::string& better_hash) const {
  std::optional<AccountRow> account;
  if (check.right) {
    ASSIGN_OR_RETURN(account, parts_.store.Account(tx, check.account->id));
  }
  // Locked or given another password while the old one was being checked.
  const bool stands = account && !account->locked && account->password_hash == check.account->password_hash;
  if (!stands) {
    RETURN_IF_ERROR(RecordAttempt(tx, parts_.store, check.guards));
    return std::optional<LoginRow>();
  }
  if (!better_hash.empty()) {
    RETURN_IF_ERROR(parts_.store.SetPassword(tx, account->id, account->password_hash, better_hash).status());
  }
  ASSIGN_OR_RETURN(const std::optional<OfficerRow> officer, parts_.store.Officer(tx, account->id));
  ASSIGN_OR_RETURN(LoginRow login, parts_.sessions.Begin(tx, {*account, officer ? officer->person : "",
                                                              request.device(), ctx.principal().address}));
  return std::optional<LoginRow>(std::move(login));
}

absl::StatusOr<pb::TokenPair> AuthHandlers::LoginWithPassword(rpc::Context& ctx,
                                                              const pb::LoginWithPasswordRequest& request) {
  ASSIGN_OR_RETURN(const PasswordCheck check,
                   CheckPassword(ctx, NormalizeUsername(request.username()), request.password()));
  std::string better_hash;
  if (check.right && parts_.hasher.NeedsRehash(check.account->password_hash)) {
    ASSIGN_OR_RETURN(better_hash, parts_.hasher.Hash(ctx, request.password()));
  }
  ASSIGN_OR_RETURN(const std::optional<LoginRow> login, parts_.database.Transact(ctx, [&](db::Tx& tx) {
    return LoginByPassword(tx, ctx, request, check, better_hash);
  }));
  Count("password", login.has_value());
  if (!login) return LoginFailed();
  return parts_.sessions.Tokens(*login, AccountKind::kOfficer, login->family.generation);
}

absl::StatusOr<pb::ChangePasswordResponse> AuthHandlers::ChangePassword(rpc::Context& ctx,
                                                                        const pb::ChangePasswordRequest& request) {
  ASSIGN_OR_RETURN(const std::optional<AccountRow> account,
                   parts_.database.Read(ctx, [&](db::Tx& tx) { return parts_.store.Account(tx, ctx.principal().id); }));
  if (!account || account->username.empty()) return LoginFailed();
  if (std::optional<base::Text> weakness = PasswordWeakness(request.new_password(), account->username)) {
    return PasswordTooWeak("new_password", *std::move(weakness));
  }
  if (request.new_password() == request.old_password()) return PasswordUnchanged();
  ASSIGN_OR_RETURN(const PasswordCheck check, CheckPassword(ctx, account->username, request.old_password()));
  std::string new_hash;
  if (check.right) {
    ASSIGN_OR_RETURN(new_hash, parts_.hasher.Hash(ctx, request.new_password()));
  }
  const absl::StatusOr<bool> changed = parts_.database.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<bool> {
    bool done = false;
    if (check.right) {
      ASSIGN_OR_RETURN(done, parts_.store.SetPassword(tx, account->id, check.account->password_hash, new_hash));
    }
    if (!done) {
      RETURN_IF_ERROR(RecordAttempt(tx, parts_.store, check.guards));
      return false;
    }
    RETURN_IF_ERROR(parts_.sessions.EndAll(tx, account->id, LoginEvent::kChangePassword, ctx.principal().session));
    return true;
  });
  RETURN_IF_ERROR(changed.status());
  if (!*changed) return LoginFailed();
  return pb::ChangePasswordResponse();
}

}  // namespace dinh::identity

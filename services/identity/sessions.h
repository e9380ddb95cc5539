// Logins and their tokens: begun, refreshed, ended. Inside the handler's transaction.
//
// Thread safety: thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "dinh/identity/v1/auth_service.pb.h"
#include "libs/auth/tokens.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/db/database.h"
#include "services/identity/store.h"

namespace dinh::identity {

struct NewLogin {
  AccountRow account;
  std::string person;  // "" when none is chosen yet
  std::string device;
  std::string address;
};

class Sessions {
 public:
  // `on_end`: told of each login that has ended, after the commit.
  Sessions(const Store& store, const auth::TokenIssuer& issuer, base::Random& random, base::IdGenerator& ids,
           std::function<void(std::string_view login)> on_end = nullptr)
      : store_(store), issuer_(issuer), random_(random), ids_(ids), on_end_(std::move(on_end)) {}

  absl::StatusOr<LoginRow> Begin(db::Tx& tx, const NewLogin& login) const;

  // What became of a refresh token. The change, if any, is written also when it is refused: so it is no error here.
  struct Refreshed {
    absl::Status refusal;  // REFRESH_TOKEN_INVALID, LOGIN_REVOKED
    LoginRow login;
    AccountKind kind = AccountKind::kCitizen;
    int64_t generation = 0;  // of the token to answer with
  };
  absl::StatusOr<Refreshed> Refresh(db::Tx& tx, std::string_view token) const;

  // false: it was not active.
  absl::StatusOr<bool> End(db::Tx& tx, LoginRow login, LoginEvent event) const;
  // All active logins of an account but `except`.
  absl::Status EndAll(db::Tx& tx, std::string_view account, LoginEvent event, std::string_view except) const;

  // An access token for what the login acts for.
  v1::TokenPair AccessToken(const LoginRow& login, AccountKind kind) const;
  v1::TokenPair Tokens(const LoginRow& login, AccountKind kind, int64_t generation) const;

 private:
  // Tells of it when the change of the login was its end.
  void TellEnd(db::Tx& tx, const LoginRow& login) const;

  const Store& store_;
  const auth::TokenIssuer& issuer_;
  base::Random& random_;
  base::IdGenerator& ids_;
  const std::function<void(std::string_view login)> on_end_;
};

// "dd_" and 43 characters: 256 random bits, kept by a device to be known by.
std::string NewDeviceToken(base::Random& random);

}  // namespace dinh::identity

// What a token's login may do today, read from the store each time: the process' authenticator keeps the answer for a
// few seconds, nobody longer, so that a change of role, a lock or a logout takes effect within 5 s.
//
// Thread safety: thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/auth/principal.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "services/identity/domain/officer.h"
#include "services/identity/store.h"

namespace dinh::identity {

class Principals final : public auth::PrincipalSource {
 public:
  Principals(db::Database& database, const Store& store, const Roles& roles, const base::Clock& clock)
      : database_(database), store_(store), roles_(roles), clock_(clock) {}

  // UNAUTHENTICATED reason LOGIN_REVOKED when the login is unknown, ended or expired, or its account is locked. With an
  // empty `person` the one that the login has chosen.
  absl::StatusOr<auth::Principal> Resolve(std::string_view account, std::string_view session,
                                          std::string_view person) override;

 private:
  db::Database& database_;
  const Store& store_;
  const Roles& roles_;
  const base::Clock& clock_;
};

}  // namespace dinh::identity

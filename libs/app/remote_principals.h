// Today's rights of a login, asked of identity where it runs in another process.
//
// Thread safety: thread-safe.
#pragma once

#include <memory>
#include <string_view>

#include "libs/auth/principal.h"
#include "libs/base/clock.h"
#include "libs/rpc/channel.h"

namespace dinh::app {

class RemotePrincipals final : public auth::PrincipalSource {
 public:
  // `identity`: a channel in this service's own name.
  RemotePrincipals(std::unique_ptr<rpc::Channel> identity, const base::Clock& clock)
      : identity_(std::move(identity)), clock_(clock) {}

  // Besides UNAUTHENTICATED: UNAVAILABLE or DEADLINE_EXCEEDED when identity does not answer, which is no answer about
  // the login.
  absl::StatusOr<auth::Principal> Resolve(std::string_view account, std::string_view session,
                                          std::string_view person) override;

 private:
  const std::unique_ptr<rpc::Channel> identity_;
  const base::Clock& clock_;
};

}  // namespace dinh::app

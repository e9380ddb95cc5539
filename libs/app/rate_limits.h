// The platform's rate limits by class of method (RateClass in the proto): tight per principal, generous per address,
// because a village behind a carrier's NAT is one address.
//
// Thread safety: thread-safe.
#pragma once

#include <string_view>

#include "libs/cache/rate_limiter.h"
#include "libs/rpc/call.h"

namespace dinh::app {

class RateLimits final : public rpc::RateLimiter {
 public:
  // `factor_percent`: scale of every limit (100: as written; load tests raise it, they do not turn it off).
  RateLimits(cache::RateLimiter& limiter, int64_t factor_percent) : limiter_(limiter), factor_(factor_percent) {}
  int64_t Admit(auth::RateClass rate, std::string_view principal, std::string_view address) override;

 private:
  int64_t Take(std::string_view kind, std::string_view who, int64_t per_minute, int64_t burst);

  cache::RateLimiter& limiter_;
  const int64_t factor_;
};

}  // namespace dinh::app

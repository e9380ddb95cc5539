#include "libs/app/rate_limits.h"

#include <algorithm>
#include <string>

namespace dinh::app {
namespace {

struct Limit {
  std::string_view name;
  int64_t principal_per_minute, principal_burst;
  int64_t address_per_minute, address_burst;
};

// Per address: some hundred households at once.
constexpr Limit kRead{"read", 1'200, 200, 60'000, 4'000};
constexpr Limit kWrite{"write", 120, 40, 6'000, 600};
constexpr Limit kAuth{"auth", 30, 15, 600, 120};
constexpr Limit kUpload{"upload", 60, 20, 1'200, 200};
// A map that is moved about asks once a second or so; a scraper asks without end.
constexpr Limit kPublicList{"list", 240, 60, 3'000, 600};

const Limit* LimitOf(auth::RateClass rate) {
  switch (rate) {
    case auth::RateClass::kRead:
      return &kRead;
    case auth::RateClass::kWrite:
      return &kWrite;
    case auth::RateClass::kAuth:
      return &kAuth;
    case auth::RateClass::kUpload:
      return &kUpload;
    case auth::RateClass::kPublicList:
      return &kPublicList;
    case auth::RateClass::kNone:
    case auth::RateClass::kUnspecified:
      break;
  }
  return nullptr;
}

}  // namespace

int64_t RateLimits::Take(std::string_view kind, std::string_view who, int64_t per_minute, int64_t burst) {
  std::string key;
  key.reserve(kind.size() + who.size() + 1);
  key.append(kind).append(1, ':').append(who);
  const cache::Rate rate{.count = std::max<int64_t>(1, per_minute * factor_ / 100),
                         .period = std::chrono::minutes(1),
                         .burst = std::max<int64_t>(1, burst * factor_ / 100)};
  const cache::RateDecision decision = limiter_.Take(key, rate);
  return decision.allowed ? 0 : std::max<int64_t>(1, decision.retry_after.count());
}

int64_t RateLimits::Admit(auth::RateClass rate, std::string_view principal, std::string_view address) {
  const Limit* limit = LimitOf(rate);
  if (limit == nullptr) return 0;
  if (!principal.empty()) {
    const int64_t wait =
        Take(std::string(limit->name) + "-p", principal, limit->principal_per_minute, limit->principal_burst);
    if (wait > 0) return wait;
  }
  if (address.empty()) return 0;
  return Take(std::string(limit->name) + "-a", address, limit->address_per_minute, limit->address_burst);
}

}  // namespace dinh::app

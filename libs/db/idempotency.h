// The idempotency table: what was answered to which request id. Internal to libs/db, the same on every engine.
//
// A claim is kept under the SHA-256 of (principal, method, request id), so the table tells nobody who asked what.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"

namespace dinh::db {

inline constexpr base::Micros kClaimLifetime = 30LL * 24 * 3600 * base::kMicrosPerSecond;
inline constexpr int kSweepRowsMax = 256;

std::vector<Migration> IdempotencyMigrations(Engine engine);

// 32 raw bytes.
std::string ClaimKey(const base::IdempotencyClaim& claim);

// The claims being worked on in this process. Thread-safe.
class ClaimsInFlight {
 public:
  // Holds one claim until destroyed.
  class Hold {
   public:
    Hold(ClaimsInFlight& owner, std::string key) : owner_(&owner), key_(std::move(key)) {}
    Hold(Hold&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold();

   private:
    ClaimsInFlight* owner_;
    std::string key_;
  };
  // ABORTED reason REQUEST_IN_FLIGHT when another operation holds it.
  absl::StatusOr<Hold> Enter(const std::string& key);

 private:
  std::mutex mutex_;
  std::unordered_set<std::string> keys_;
};

// The stored answer in clear, nullopt when the claim is new. Errors: IDEMPOTENCY_KEY_REUSED, REQUEST_ALREADY_DONE.
absl::StatusOr<std::optional<std::string>> FindAnswer(Tx& tx, const std::string& key,
                                                      const base::IdempotencyClaim& claim);
// `answer` in clear; null when it cannot be stored.
absl::Status StoreAnswer(Tx& tx, const std::string& key, const base::IdempotencyClaim& claim,
                         const std::string* answer);
// Removes up to kSweepRowsMax expired claims; true when there may be more.
absl::StatusOr<bool> SweepClaims(Tx& tx);

}  // namespace dinh::db

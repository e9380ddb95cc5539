// Passwords: Argon2id by libsodium, bounded. One computation takes some 86 ms and 64 MiB, so only a few run at a time
// and only some more may wait; beyond that RESOURCE_EXHAUSTED reason LOGIN_BUSY with a retry delay. The work is done on
// the caller's thread once it is let in.
//
// Passwords are compared in Unicode's composed form (NFC, as RFC 8265 asks): Windows' Vietnamese keyboard sends "ậ" as
// two characters, a phone as one.
//
// Thread safety: thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/op_context.h"

namespace dinh::auth {

inline constexpr size_t kPasswordBytesMax = 256;

struct PasswordOptions {
  int at_work_max = 2;
  int waiting_max = 16;  // about 0.7 s of waiting
  int64_t retry_after_ms = 1000;
  uint64_t ops = 2;  // Argon2id "interactive" (RFC 9106's second choice has the same memory)
  size_t memory_bytes = 64 << 20;
};

class PasswordHasher {
 public:
  explicit PasswordHasher(PasswordOptions options = {});

  // The text to store ("$argon2id$…"). INVALID_ARGUMENT when longer than kPasswordBytesMax or empty.
  absl::StatusOr<std::string> Hash(base::OpContext& ctx, std::string_view password);
  // `stored` is empty for an unknown account: the same work is done and the answer is false.
  absl::StatusOr<bool> Verify(base::OpContext& ctx, std::string_view password, std::string_view stored);
  // true: made with other parameters than today's; hash again after the next login.
  bool NeedsRehash(const std::string& stored) const;

  int waiting() const;

 private:
  // Holds one of the places at work.
  class Place {
   public:
    explicit Place(PasswordHasher* hasher) : hasher_(hasher) {}
    Place(Place&& other) noexcept : hasher_(other.hasher_) { other.hasher_ = nullptr; }
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    PasswordHasher* hasher_;
  };

  absl::StatusOr<Place> Enter(base::OpContext& ctx);
  void Leave();

  const PasswordOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int at_work_ = 0;
  std::list<int> queue_;  // one entry per waiter, in order of arrival
};

}  // namespace dinh::auth

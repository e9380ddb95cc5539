// Limits on codes and passwords: several at once, each on its own subject.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "services/identity/domain/rate_window.h"
#include "services/identity/store.h"

namespace dinh::identity {

struct Guard {
  AttemptKind kind;
  std::string subject;  // kept only as a blind index
  RateLimit limit;
};

// 0: all admit; else microseconds until they do.
absl::StatusOr<base::Micros> WaitForAll(db::Tx& tx, const Store& store, const std::vector<Guard>& guards);
// Counts one attempt for each subject.
absl::Status RecordAttempt(db::Tx& tx, const Store& store, const std::vector<Guard>& guards);

// For a password of this user name. `account`: empty when there is none.
absl::StatusOr<std::vector<Guard>> PasswordGuards(db::Tx& tx, const Store& store, const std::string& username,
                                                  const std::string& account, const std::string& address);

// Milliseconds, rounded up.
inline int64_t ToMs(base::Micros wait) { return (wait + base::kMicrosPerMilli - 1) / base::kMicrosPerMilli; }

}  // namespace dinh::identity

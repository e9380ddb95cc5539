// The bank's notification of a credit, as JSON:
//   {"transaction_id": "FT26044…", "bank_bin": "970415", "account_number": "900000158650", "amount_vnd": 16000,
//    "memo": "MBVCB.1234.LP…", "booked_at": 1770944400}
// Members we do not know are passed over, because a bank that adds one must not lose a credit.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/money.h"

namespace dinh::payments {

struct NotificationBody {
  std::string transaction;
  std::string bank_bin;
  std::string account_number;
  base::Vnd amount_vnd = 0;
  std::string memo;  // valid UTF-8; may be empty
  base::Micros booked_at = 0;

  // Equal for the same credit, whatever the spelling of the JSON.
  std::string ContentHash() const;
};

// INVALID_ARGUMENT NOTIFICATION_MALFORMED with the field.
absl::StatusOr<NotificationBody> ParseNotification(std::string_view json);

}  // namespace dinh::payments

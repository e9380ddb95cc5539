#include "services/payments/notification_body.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "libs/base/strings.h"
#include "libs/base/text.h"
#include "nlohmann/json.hpp"
#include "services/payments/domain/memo.h"
#include "services/payments/domain/vietqr.h"
#include "services/payments/errors.h"
#include "services/payments/limits.h"

namespace dinh::payments {
namespace {

using nlohmann::json;

constexpr int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999
constexpr size_t kBinLength = 6;

bool IsVisible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

absl::StatusOr<std::string> Text(const json& body, const char* name, size_t max) {
  const auto it = body.find(name);
  if (it == body.end() || !it->is_string()) return NotificationMalformed(name);
  std::string value = it->get<std::string>();
  if (value.empty() || value.size() > max || !IsVisible(value)) return NotificationMalformed(name);
  return value;
}

absl::StatusOr<int64_t> Number(const json& body, const char* name, int64_t min, int64_t max) {
  const auto it = body.find(name);
  // Also refuses 16000.0: an amount that came through floating point may have been rounded on its way.
  if (it == body.end() || !it->is_number_integer()) return NotificationMalformed(name);
  if (it->is_number_unsigned() && it->get<uint64_t>() > static_cast<uint64_t>(max)) return NotificationMalformed(name);
  const int64_t value = it->get<int64_t>();
  if (value < min || value > max) return NotificationMalformed(name);
  return value;
}

}  // namespace

std::string NotificationBody::ContentHash() const {
  const json canonical = {transaction, bank_bin, account_number, amount_vnd, memo, booked_at};
  return base::HexEncode(base::Sha256(canonical.dump()));
}

absl::StatusOr<NotificationBody> ParseNotification(std::string_view text) {
  if (text.size() > kNotificationBytesMax) return NotificationMalformed("body");
  // A member that stands twice means one thing to one reader and another to the next: not where money moves.
  std::set<std::string> members;
  bool twice = false;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::key && depth == 1) {
      twice = !members.insert(parsed.get<std::string>()).second || twice;
    }
    return true;
  };
  const json body = json::parse(text, watch, false);
  if (!body.is_object() || twice) return NotificationMalformed("body");
  NotificationBody out;
  ASSIGN_OR_RETURN(out.transaction, Text(body, "transaction_id", kBankTransactionMax));
  ASSIGN_OR_RETURN(out.bank_bin, Text(body, "bank_bin", kBinLength));
  ASSIGN_OR_RETURN(out.account_number, Text(body, "account_number", kQrAccountMax));
  ASSIGN_OR_RETURN(out.amount_vnd, Number(body, "amount_vnd", 1, base::kVndMax));
  ASSIGN_OR_RETURN(const int64_t seconds, Number(body, "booked_at", 1, kSecondsMax));
  out.booked_at = seconds * base::kMicrosPerSecond;
  const auto memo = body.find("memo");
  if (memo == body.end() || !memo->is_string()) return NotificationMalformed("memo");
  out.memo = memo->get<std::string>();
  if (out.memo.size() > kBankTextMax || !base::IsValidUtf8(out.memo)) return NotificationMalformed("memo");
  return out;
}

}  // namespace dinh::payments

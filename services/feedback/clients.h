// What feedback asks of others: of territory, which commune a place is in today and which agency answers there; of
// identity, who can work in a position.
//
// Thread-safe. Answers are kept for seconds (officers) or minutes (the map): a change of role takes effect within 5 s.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/rpc/channel.h"
#include "services/feedback/domain/routing.h"
#include "services/feedback/names.h"

namespace dinh::feedback {

// A bounded memory of answers: a value is taken from it for `life`, then asked for again.
template <typename T>
class Remembered {
 public:
  explicit Remembered(std::chrono::milliseconds life) : life_(life) {}

  std::optional<T> Get(const std::string& key, std::chrono::steady_clock::time_point now) {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.until < now) return std::nullopt;
    return found->second.value;
  }
  // However old.
  std::optional<T> Last(const std::string& key) {
    std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    return found == entries_.end() ? std::nullopt : std::optional<T>(found->second.value);
  }
  void Put(const std::string& key, const T& value, std::chrono::steady_clock::time_point now) {
    std::lock_guard lock(mutex_);
    if (entries_.size() >= kEntriesMax) entries_.clear();
    entries_.insert_or_assign(key, Entry{value, now + life_});
  }

 private:
  static constexpr size_t kEntriesMax = 4096;
  struct Entry {
    T value;
    std::chrono::steady_clock::time_point until;
  };
  const std::chrono::milliseconds life_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // guarded by mutex_
};

struct AgencyPlace {
  std::string agency;  // id
  std::string agency_name;
  std::string unit;  // that the agency belongs to
};

struct UnitPlace {
  std::string code;
  std::string name;  // "xã Hoằng Hóa"
  std::string parent;
};

class TerritoryClient final : public Names {
 public:
  explicit TerritoryClient(rpc::Channel& channel) : channel_(channel) {}

  // Asks for every unit and agency of today, so that names are at hand where nobody may be asked.
  absl::Status LearnAll(base::OpContext& ctx);
  // The commune that a code of any date (a commune's or a village's) is in today. NOT_FOUND: no such code, or neither.
  absl::StatusOr<UnitPlace> CommuneOf(base::OpContext& ctx, const std::string& code);
  // A unit as it is today. NOT_FOUND.
  absl::StatusOr<UnitPlace> Unit(base::OpContext& ctx, const std::string& code);
  // Who answers for a unit: its own agency of that kind, or that of the unit above it. NOT_FOUND: it has none.
  absl::StatusOr<AgencyPlace> AgencyFor(base::OpContext& ctx, const UnitPlace& unit, AgencyKind kind, UnitLevel level);
  // Names. Inside a transaction, where nobody else may be asked, from what was asked before: LearnAll has.
  // "UBND xã Hoằng Hóa"; the id itself when territory does not know.
  std::string AgencyName(base::OpContext& ctx, const std::string& agency) override;
  // "xã Hoằng Hóa"; the code itself when territory does not know.
  std::string UnitName(base::OpContext& ctx, const std::string& code) override;

 private:
  static constexpr std::chrono::minutes kLife{5};

  rpc::Channel& channel_;
  Remembered<UnitPlace> communes_{kLife}, units_{kLife};
  Remembered<AgencyPlace> agencies_{kLife};
  Remembered<std::string> names_{kLife};
};

struct Colleague {
  std::string officer;  // account
  std::vector<std::string> roles;
};

class IdentityClient {
 public:
  explicit IdentityClient(rpc::Channel& channel) : channel_(channel) {}

  // Active officers of an agency in a unit.
  absl::StatusOr<std::vector<Colleague>> Colleagues(base::OpContext& ctx, const std::string& agency,
                                                    const std::string& unit);
  // Of them those in a position.
  absl::StatusOr<std::vector<std::string>> InPosition(base::OpContext& ctx, const std::string& agency,
                                                      const std::string& unit, const std::string& position);
  // The phone a code was sent to. UNAUTHENTICATED OTP_INVALID. `address`: of who sends the code.
  absl::StatusOr<std::string> ConfirmOtp(base::OpContext& ctx, const std::string& challenge, const std::string& code,
                                         const std::string& address);

 private:
  rpc::Channel& channel_;
  Remembered<std::vector<Colleague>> colleagues_{std::chrono::seconds(4)};
};

}  // namespace dinh::feedback

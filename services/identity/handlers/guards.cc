#include "services/identity/handlers/guards.h"

#include <algorithm>
#include <set>
#include <utility>

#include "services/identity/limits.h"

namespace dinh::identity {

absl::StatusOr<base::Micros> WaitForAll(db::Tx& tx, const Store& store, const std::vector<Guard>& guards) {
  const base::Micros now = tx.context().Now();
  base::Micros longest = 0;
  for (const Guard& guard : guards) {
    ASSIGN_OR_RETURN(const RateUsage usage,
                     store.CountAttempts(tx, guard.kind, guard.subject, now - guard.limit.window));
    longest = std::max(longest, WaitFor(guard.limit, usage, now));
  }
  return longest;
}

absl::Status RecordAttempt(db::Tx& tx, const Store& store, const std::vector<Guard>& guards) {
  std::set<std::pair<AttemptKind, std::string>> counted;
  for (const Guard& guard : guards) {
    if (!counted.emplace(guard.kind, guard.subject).second) continue;
    RETURN_IF_ERROR(store.AddAttempt(tx, guard.kind, guard.subject));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Guard>> PasswordGuards(db::Tx& tx, const Store& store, const std::string& username,
                                                  const std::string& account, const std::string& address) {
  // User names hold no line feed, so no two pairs give the same text.
  std::vector<Guard> guards = {
      {AttemptKind::kWrongNameAndAddress, username + "\n" + address, kWrongPerNameAndAddress},
  };
  if (!address.empty()) guards.push_back({AttemptKind::kWrongAddress, address, kWrongPerAddress});
  bool known = false;
  if (!account.empty() && !address.empty()) {
    ASSIGN_OR_RETURN(known, store.HasLoggedInFrom(tx, account, address, tx.context().Now() - kKnownAddressSpan));
  }
  if (!known) guards.push_back({AttemptKind::kWrongName, username, kWrongPerName});
  return guards;
}

}  // namespace dinh::identity

// What identity asks of territory: whether an address is on the map, which commune it is in today, agencies' names.
//
// Errors: those named; otherwise territory's own (UNAVAILABLE while it cannot be reached). Thread safety: thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/rpc/channel.h"
#include "services/identity/domain/person.h"

namespace dinh::identity {

class TerritoryClient {
 public:
  explicit TerritoryClient(rpc::Channel& channel) : channel_(channel) {}

  // INVALID_FIELD on "<field>.unit" when the unit was no commune or village on that day.
  absl::Status CheckAddress(base::OpContext& ctx, const Address& address, std::string_view field);
  // Code of the commune an address lies in today; "" when it cannot be told.
  absl::StatusOr<std::string> CommuneToday(base::OpContext& ctx, const Address& address);
  // "UBND xã Hoằng Hóa"; the id itself when there is no such agency or territory cannot be reached.
  std::string AgencyName(base::OpContext& ctx, const std::string& agency);

 private:
  rpc::Channel& channel_;
  std::mutex mutex_;
  std::map<std::string, std::string> names_;
};

}  // namespace dinh::identity

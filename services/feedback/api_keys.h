// Keys of other systems that report by Open311, from the configuration: "id:secret" each.
//
// Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::feedback {

inline constexpr size_t kApiSecretBytesMin = 16;

class ApiKeys {
 public:
  // INVALID_ARGUMENT: an entry without a colon, an id that is not [a-z0-9_-]{1,40} or stands twice, a secret that is
  // too short. The message names the place in the list, never a secret.
  static absl::StatusOr<ApiKeys> Parse(const std::vector<std::string>& entries);

  // The id of the secret's owner. The time it takes says nothing about how much of a secret is right, nor whose it is.
  std::optional<std::string> OwnerOf(std::string_view secret) const;

 private:
  std::vector<std::pair<std::string, std::string>> keys_;  // id, SHA-256 of the secret
};

}  // namespace dinh::feedback

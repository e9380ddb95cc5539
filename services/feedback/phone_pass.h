// A pass for somebody without a login: says, for 30 minutes, that a code sent to a phone came back. Sealed, so that it
// holds nothing readable and cannot be made up. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/auth/sealer.h"
#include "libs/base/clock.h"

namespace dinh::feedback {

class PhonePasses {
 public:
  explicit PhonePasses(const auth::Sealer& sealer) : sealer_(sealer) {}
  std::string Issue(std::string_view phone, base::Micros now) const;
  // The phone as 0…; nullopt: forged, cut or expired.
  std::optional<std::string> Open(std::string_view pass, base::Micros now) const;

 private:
  const auth::Sealer& sealer_;
};

}  // namespace dinh::feedback

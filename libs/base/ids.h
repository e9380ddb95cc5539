// Identifiers: UUID version 7 (RFC 9562), time-ordered so that an index grows at its end.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "libs/base/clock.h"
#include "libs/base/random.h"

namespace dinh::base {

// Thread-safe. Ids of one generator increase strictly, also within a millisecond and when the clock steps back.
class IdGenerator {
 public:
  IdGenerator(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  // "0190a5b2-7e3c-7abc-8def-0123456789ab"
  std::string Next();

 private:
  const Clock& clock_;
  Random& random_;
  std::mutex mutex_;
  int64_t last_ms_ = 0;
  uint32_t counter_ = 0;
};

// Any UUID in canonical lower-case form.
bool IsUuid(std::string_view text);

}  // namespace dinh::base

// A limit on how often something may happen within a sliding window. What was refused is not counted, so that asking in
// vain does not prolong the wait.
#pragma once

#include <algorithm>
#include <cstdint>

#include "libs/base/clock.h"

namespace dinh::identity {

struct RateLimit {
  int64_t count_max = 0;
  base::Micros window = 0;
};

// What the store counts: how often within the window, and when the oldest of these was (0: none).
struct RateUsage {
  int64_t count = 0;
  base::Micros oldest_at = 0;
};

// 0: admitted; else microseconds until the oldest leaves the window.
inline base::Micros WaitFor(const RateLimit& limit, const RateUsage& usage, base::Micros now) {
  if (usage.count < limit.count_max) return 0;
  return std::max<base::Micros>(usage.oldest_at + limit.window - now, 1);
}

}  // namespace dinh::identity

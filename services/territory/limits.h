// The service's limits.
#pragma once

#include <cstdint>

namespace dinh::territory {

inline constexpr int32_t kPageSizeDefault = 50;
inline constexpr int32_t kPageSizeMax = 200;

}  // namespace dinh::territory

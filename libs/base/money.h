// Money is int64 đồng: the đồng has no smaller unit in use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dinh::base {

using Vnd = int64_t;
inline constexpr Vnd kVndMax = 1'000'000'000'000'000;  // 10^15: no charge or balance of a district comes near

// nullopt when the result leaves [-kVndMax, kVndMax].
std::optional<Vnd> AddVnd(Vnd a, Vnd b);
std::optional<Vnd> MultiplyVnd(Vnd unit, int64_t count);
// 16000 -> "16.000 đ"
std::string FormatVnd(Vnd amount);
// 16000 -> "Mười sáu nghìn đồng" (as receipts must say).
std::string SpellVnd(Vnd amount);

}  // namespace dinh::base

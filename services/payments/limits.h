// The service's limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dinh::payments {

inline constexpr int32_t kPageSizeDefault = 20;
inline constexpr int32_t kPageSizeMax = 100;
inline constexpr size_t kChargeLineTextMax = 300;       // code points
inline constexpr int64_t kChargeLineCountMax = 10'000;  // of one line
inline constexpr size_t kNotificationBytesMax = 64 * 1024;
inline constexpr size_t kBankTransactionMax = 100;  // characters of the bank's id
inline constexpr int kReferenceTries = 8;           // a second one is needed once in 10^10 / charges
inline constexpr int kExpiriesPerRound = 200;
inline constexpr std::chrono::seconds kRoundDeadline{30};  // of loading at start and of one round of expiries
inline constexpr int kQrPixelsPerModule = 8;
inline constexpr int kQrQuietModules = 4;  // ISO/IEC 18004

}  // namespace dinh::payments

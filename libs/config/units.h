// Durations and sizes as people write them: "30s", "1h30m", "20MiB".
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace dinh::config {

struct ByteSize {
  int64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};

// Units ms, s, m, h, d, largest first when several stand together; a number without a unit is refused, except 0.
// INVALID_ARGUMENT (reason INVALID_DURATION), also when it exceeds 1,000 years.
absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view text);
std::string FormatDuration(std::chrono::milliseconds duration);  // ParseDuration reads it back

// Units B, KiB, MiB, GiB; a number without a unit is refused, except 0. "MB" is refused: it means two things.
// INVALID_ARGUMENT (reason INVALID_SIZE), also when it exceeds 2^60 bytes.
absl::StatusOr<ByteSize> ParseByteSize(std::string_view text);
std::string FormatByteSize(ByteSize size);  // ParseByteSize reads it back

}  // namespace dinh::config

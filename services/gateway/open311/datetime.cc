#include "services/gateway/open311/datetime.h"

#include <cstdint>
#include <cstdio>

#include "libs/base/civil.h"
#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway::open311 {

std::optional<base::Micros> ParseDateTime(std::string_view text) {
  constexpr size_t kMinuteEnd = 16;  // "2026-02-13T08:00"
  constexpr size_t kOffset = 6;      // "+07:00"
  std::string full(text);
  if (full.size() > kMinuteEnd && full[full.size() - kOffset] == ' ') full[full.size() - kOffset] = '+';
  if (full.size() > kMinuteEnd && full[kMinuteEnd] != ':') full.insert(kMinuteEnd, ":00");
  int64_t seconds = 0;
  int32_t nanos = 0;
  if (!transcode::ParseTimestamp(full, &seconds, &nanos)) return std::nullopt;
  constexpr int32_t kNanosPerMicro = 1000;
  return seconds * base::kMicrosPerSecond + nanos / kNanosPerMicro;
}

std::string FormatDateTime(base::Micros instant) {
  const base::CivilTime time = base::ToVietnam(instant);
  char clock[32];
  std::snprintf(clock, sizeof(clock), "T%02d:%02d:%02d+%02d:00", time.hour, time.minute, time.second,
                base::kVietnamOffsetHours);
  return base::FormatDate(time.date) + clock;
}

}  // namespace dinh::gateway::open311

#include "libs/telemetry/traceparent.h"

#include <algorithm>

#include "libs/base/strings.h"

namespace dinh::telemetry {
namespace {

constexpr size_t kTraceIdBytes = 16;
constexpr size_t kSpanIdBytes = 8;
constexpr size_t kVersion00Length = 55;

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view id) { return id.find_first_not_of('0') == std::string_view::npos; }

std::string NewId(base::Random& random, size_t bytes) {
  std::string id;
  do {
    id = base::HexEncode(random.Bytes(bytes));
  } while (IsZero(id));
  return id;
}

}  // namespace

std::optional<base::Trace> ParseTraceparent(std::string_view header) {
  if (header.size() < kVersion00Length) return std::nullopt;
  const std::string_view version = header.substr(0, 2);
  const std::string_view trace_id = header.substr(3, 2 * kTraceIdBytes);
  const std::string_view parent_id = header.substr(36, 2 * kSpanIdBytes);
  const std::string_view flags = header.substr(53, 2);
  if (header[2] != '-' || header[35] != '-' || header[52] != '-') return std::nullopt;
  if (!IsLowerHex(version) || !IsLowerHex(trace_id) || !IsLowerHex(parent_id) || !IsLowerHex(flags)) {
    return std::nullopt;
  }
  if (version == "ff" || IsZero(trace_id) || IsZero(parent_id)) return std::nullopt;
  if (header.size() > kVersion00Length && (version == "00" || header[kVersion00Length] != '-')) return std::nullopt;
  std::string bits;
  base::HexDecode(flags, &bits);
  return base::Trace{std::string(trace_id), std::string(parent_id), (bits[0] & 1) != 0};
}

std::string FormatTraceparent(const base::Trace& trace) {
  return "00-" + trace.trace_id + "-" + trace.parent_id + (trace.sampled ? "-01" : "-00");
}

base::Trace NewTrace(base::Random& random, bool sampled) {
  return {NewId(random, kTraceIdBytes), NewId(random, kSpanIdBytes), sampled};
}

base::Trace NewChild(const base::Trace& parent, base::Random& random) {
  return {parent.trace_id, NewId(random, kSpanIdBytes), parent.sampled};
}

}  // namespace dinh::telemetry

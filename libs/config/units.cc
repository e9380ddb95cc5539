#include "libs/config/units.h"

#include <array>
#include <charconv>
#include <optional>

#include "libs/base/status.h"

namespace dinh::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};
// Largest first.
constexpr std::array<Unit, 5> kDurationUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSizeUnits = {{{"GiB", int64_t{1} << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};
constexpr int64_t kDurationMsMax = int64_t{1'000} * 366 * 86'400'000;
constexpr int64_t kSizeBytesMax = int64_t{1} << 60;

// Takes digits and then letters off `text`.
bool TakeTerm(std::string_view& text, int64_t* number, std::string_view* unit) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  if (error != std::errc() || *number < 0) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  const size_t letters = text.find_first_of("0123456789");
  *unit = text.substr(0, letters);
  text.remove_prefix(unit->size());
  return true;
}

// The sum of terms whose units stand largest first, each at most once.
template <size_t N>
std::optional<int64_t> ParseSum(std::string_view text, const std::array<Unit, N>& units, int64_t max) {
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  int64_t sum = 0;
  size_t next = 0;
  while (!text.empty()) {
    int64_t number = 0;
    std::string_view name;
    if (!TakeTerm(text, &number, &name)) return std::nullopt;
    while (next < N && units[next].name != name) ++next;
    if (next == N) return std::nullopt;
    int64_t term = 0;
    if (__builtin_mul_overflow(number, units[next].factor, &term) || __builtin_add_overflow(sum, term, &sum) ||
        sum > max) {
      return std::nullopt;
    }
    ++next;
  }
  return sum;
}

template <size_t N>
std::string FormatSum(int64_t value, const std::array<Unit, N>& units) {
  if (value == 0) return "0";
  std::string out;
  for (const Unit& unit : units) {
    if (value < unit.factor) continue;
    out += std::to_string(value / unit.factor) + std::string(unit.name);
    value %= unit.factor;
  }
  return out;
}

}  // namespace

absl::StatusOr<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const std::optional<int64_t> ms = ParseSum(text, kDurationUnits, kDurationMsMax);
  if (ms.has_value()) return std::chrono::milliseconds(*ms);
  return base::Error(absl::StatusCode::kInvalidArgument, "INVALID_DURATION",
                     {"Hãy ghi khoảng thời gian kèm đơn vị (ms, s, m, h, d), ví dụ 30s hoặc 1h30m.",
                      "Write a duration with its unit (ms, s, m, h, d), for example 30s or 1h30m."});
}

std::string FormatDuration(std::chrono::milliseconds duration) { return FormatSum(duration.count(), kDurationUnits); }

absl::StatusOr<ByteSize> ParseByteSize(std::string_view text) {
  const std::optional<int64_t> bytes = ParseSum(text, kSizeUnits, kSizeBytesMax);
  if (bytes.has_value()) return ByteSize{*bytes};
  return base::Error(absl::StatusCode::kInvalidArgument, "INVALID_SIZE",
                     {"Hãy ghi dung lượng kèm đơn vị (B, KiB, MiB, GiB), ví dụ 20MiB.",
                      "Write a size with its unit (B, KiB, MiB, GiB), for example 20MiB."});
}

std::string FormatByteSize(ByteSize size) { return FormatSum(size.bytes, kSizeUnits); }

}  // namespace dinh::config

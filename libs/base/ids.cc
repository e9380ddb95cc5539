#include "libs/base/ids.h"

#include <cstdint>

#include "libs/base/strings.h"

namespace dinh::base {
namespace {

// RFC 9562 section 6.2, method 1: a counter above the random bits, here 26 bits wide (12 in rand_a, 14 in rand_b). It
// starts below half of its range in each millisecond, so that at least 2^25 ids fit.
constexpr int kCounterBits = 26;
constexpr int kCounterLowBits = 14;
constexpr uint32_t kCounterEnd = 1u << kCounterBits;
constexpr size_t kRandomTailBytes = 6;

}  // namespace

std::string IdGenerator::Next() {
  uint32_t start = 0;
  random_.Fill(&start, sizeof(start));
  start %= kCounterEnd / 2;
  const std::string tail = random_.Bytes(kRandomTailBytes);
  const int64_t now_ms = clock_.Now() / kMicrosPerMilli;
  int64_t ms = 0;
  uint32_t counter = 0;
  {
    std::lock_guard lock(mutex_);
    if (now_ms > last_ms_) {
      last_ms_ = now_ms;
      counter_ = start;
    } else if (++counter_ == kCounterEnd) {
      ++last_ms_;
      counter_ = start;
    }
    ms = last_ms_;
    counter = counter_;
  }
  std::string bytes;
  bytes.reserve(16);
  for (int shift = 40; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(ms >> shift & 255));
  const uint32_t high = counter >> kCounterLowBits;
  const uint32_t low = counter & ((1u << kCounterLowBits) - 1);
  bytes.push_back(static_cast<char>(0x70 | high >> 8));  // version 7
  bytes.push_back(static_cast<char>(high & 255));
  bytes.push_back(static_cast<char>(0x80 | low >> 8));  // variant 10
  bytes.push_back(static_cast<char>(low & 255));
  bytes.append(tail);
  std::string text = HexEncode(bytes);
  for (const size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
  return text;
}

bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

}  // namespace dinh::base

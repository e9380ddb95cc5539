#include "services/feedback/hidden_sequence.h"

#include "libs/base/strings.h"

namespace dinh::feedback {
namespace {

// A balanced Feistel network over 62 bits.
constexpr int kRounds = 8;
constexpr int kHalfBits = 31;
constexpr uint64_t kHalf = (uint64_t{1} << kHalfBits) - 1;
constexpr std::string_view kContext = "feedback.hidden_sequence";

}  // namespace

HiddenSequence::HiddenSequence(const auth::Sealer& sealer)
    : key_(sealer.BlindIndexCandidates(kContext, "1").back().substr(auth::kKeyIdBytes)) {}

uint64_t HiddenSequence::Round(int round, uint64_t half) const {
  const std::string mac = base::HmacSha256(key_, std::to_string(round) + ":" + std::to_string(half));
  uint64_t bits = 0;
  for (size_t i = 0; i < sizeof bits; ++i) bits = bits << 8 | static_cast<uint8_t>(mac[i]);
  return bits & kHalf;
}

int64_t HiddenSequence::Show(int64_t sequence) const {
  uint64_t left = static_cast<uint64_t>(sequence) >> kHalfBits & kHalf, right = static_cast<uint64_t>(sequence) & kHalf;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t next = left ^ Round(round, right);
    left = right;
    right = next;
  }
  return static_cast<int64_t>(left << kHalfBits | right) + 1;
}

int64_t HiddenSequence::Read(int64_t shown, int64_t head) const {
  if (shown <= 0) return 0;
  const auto bits = static_cast<uint64_t>(shown - 1);
  uint64_t left = bits >> kHalfBits & kHalf, right = bits & kHalf;
  for (int round = kRounds; round-- > 0;) {
    const uint64_t before = right ^ Round(round, left);
    right = left;
    left = before;
  }
  const auto sequence = static_cast<int64_t>(left << kHalfBits | right);
  return sequence <= head && Show(sequence) == shown ? sequence : head;
}

}  // namespace dinh::feedback

#include "services/feedback/domain/privacy.h"

#include <algorithm>

#include "libs/base/civil.h"

namespace dinh::feedback {
namespace {

// Crockford's base 32: no I, L, O, U.
constexpr std::string_view kSymbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr int kBitsPerSymbol = 5;

// The symbol a typed character stands for; 0: none.
char Symbol(char typed) {
  const char upper = typed >= 'a' && typed <= 'z' ? static_cast<char>(typed - 'a' + 'A') : typed;
  if (upper == 'O') return '0';
  if (upper == 'I' || upper == 'L') return '1';
  return kSymbols.find(upper) == std::string_view::npos ? '\0' : upper;
}

}  // namespace

std::string PublicCode(uint64_t random_bits) {
  std::string symbols(kCodeSymbols, '0');
  for (size_t i = kCodeSymbols; i-- > 0;) {
    symbols[i] = kSymbols[random_bits % kSymbols.size()];
    random_bits >>= kBitsPerSymbol;
  }
  return std::string(kCodePrefix) + symbols;
}

std::optional<std::string> ParsePublicCode(std::string_view text) {
  constexpr size_t kTypedMax = 64;  // bytes
  if (text.size() > kTypedMax) return std::nullopt;
  std::string symbols;
  for (const char typed : text) {
    if (typed == ' ' || typed == '-') continue;
    const char symbol = Symbol(typed);
    if (symbol == '\0') return std::nullopt;
    symbols.push_back(symbol);
  }
  constexpr std::string_view kLetters = "PA";
  if (symbols.size() == kCodeSymbols + kLetters.size() && symbols.starts_with(kLetters)) {
    symbols.erase(0, kLetters.size());
  }
  if (symbols.size() != kCodeSymbols) return std::nullopt;
  return std::string(kCodePrefix) + symbols;
}

base::Micros DrawDelay(const DelayRange& range, uint64_t random_bits) {
  const auto width = static_cast<uint64_t>(std::max<base::Micros>(range.max - range.min, 0));
  // The high 64 bits of bits × width: without the bias and the division of a remainder.
  const uint64_t high = (random_bits >> 32) * (width >> 32);
  const uint64_t middle_a = (random_bits >> 32) * (width & 0xFFFFFFFF);
  const uint64_t middle_b = (random_bits & 0xFFFFFFFF) * (width >> 32);
  const uint64_t low = (random_bits & 0xFFFFFFFF) * (width & 0xFFFFFFFF);
  const uint64_t carry = ((low >> 32) + (middle_a & 0xFFFFFFFF) + (middle_b & 0xFFFFFFFF)) >> 32;
  return range.min + static_cast<base::Micros>(high + (middle_a >> 32) + (middle_b >> 32) + carry);
}

base::Micros FirstPublicAt(base::Micros created, bool anonymous, uint64_t random_bits) {
  return anonymous ? created + DrawDelay(kFirstDelay, random_bits) : created;
}

base::Micros LaterPublicAt(base::Micros changed, base::Micros not_before, bool anonymous, uint64_t random_bits) {
  const base::Micros at = anonymous ? changed + DrawDelay(kLaterDelay, random_bits) : changed;
  return std::max(at, not_before);
}

base::Micros DayOf(base::Micros at) { return base::FromVietnam({base::ToVietnam(at).date}); }

base::Micros ShownTime(base::Micros happened, base::Micros published, bool anonymous) {
  return anonymous ? DayOf(published) : happened;
}

PublicState PublicStateOf(const PublicFacts& facts) {
  if (!facts.may_be_public || !facts.asked_public) return PublicState::kPrivate;
  if (facts.hidden) return PublicState::kHidden;
  switch (facts.moderation) {
    case Moderation::kNotNeeded:
    case Moderation::kApproved:
      return PublicState::kPublic;
    case Moderation::kPending:
      return PublicState::kHeld;
    case Moderation::kRefused:
      return PublicState::kPrivate;
  }
  return PublicState::kPrivate;
}

Moderation ModerationOf(const Category& category, bool held) {
  return category.moderate_text || held ? Moderation::kPending : Moderation::kNotNeeded;
}

Point ShownPoint(std::string_view key, const Point& true_point, bool anonymous) {
  return anonymous ? HidePoint(key, true_point) : true_point;
}

bool ShowsPlaceText(bool anonymous) { return !anonymous; }

}  // namespace dinh::feedback

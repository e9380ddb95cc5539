// One-time passwords by SMS.
//
// A code belongs to one challenge: used once, within its life, with few attempts. A new challenge does not end an older
// one, so that nobody can spoil another's login by asking for codes to their phone.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/base/clock.h"
#include "libs/base/random.h"

namespace dinh::identity {

inline constexpr int kOtpDigits = 6;
inline constexpr int kOtpAttemptsMax = 5;
inline constexpr int kOtpLifeSeconds = 300;
inline constexpr size_t kChallengeBytes = 16;

struct Challenge {
  base::Micros expires_at = 0;
  int attempts = 0;  // wrong codes so far
  std::optional<base::Micros> used_at;
};

enum class OtpVerdict {
  kAccepted,  // mark it used
  kWrong,     // count the attempt
  kDead,      // used, expired or out of attempts: nothing to write
};

// `matches`: the code is the challenge's (compared in constant time by whoever holds the key).
OtpVerdict Judge(const Challenge& challenge, bool matches, base::Micros now);

// Uniform in 000000 … 999999.
std::string NewOtpCode(base::Random& random);
// Unguessable, 22 characters.
std::string NewChallengeId(base::Random& random);
// The message; the code is its only group of six digits.
std::string OtpMessage(std::string_view code);

}  // namespace dinh::identity

#include "services/identity/domain/otp.h"

#include "libs/base/strings.h"

namespace dinh::identity {

OtpVerdict Judge(const Challenge& challenge, bool matches, base::Micros now) {
  if (challenge.used_at || now >= challenge.expires_at || challenge.attempts >= kOtpAttemptsMax) {
    return OtpVerdict::kDead;
  }
  return matches ? OtpVerdict::kAccepted : OtpVerdict::kWrong;
}

std::string NewOtpCode(base::Random& random) {
  uint64_t bound = 1;
  for (int i = 0; i < kOtpDigits; ++i) bound *= 10;
  const std::string digits = std::to_string(random.Below(bound));
  return std::string(kOtpDigits - digits.size(), '0') + digits;
}

std::string NewChallengeId(base::Random& random) { return base::Base64UrlEncode(random.Bytes(kChallengeBytes)); }

std::string OtpMessage(std::string_view code) {
  return "Đình: mã đăng nhập của bạn là " + std::string(code) + ", dùng trong " + std::to_string(kOtpLifeSeconds / 60) +
         " phút. Cán bộ không bao giờ hỏi mã này: đừng đưa cho ai.";
}

}  // namespace dinh::identity

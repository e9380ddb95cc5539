#include "services/feedback/phone_pass.h"

#include <charconv>

#include "libs/base/strings.h"
#include "services/feedback/limits.h"

namespace dinh::feedback {
namespace {
constexpr std::string_view kContext = "feedback.phone_pass";
}  // namespace

std::string PhonePasses::Issue(std::string_view phone, base::Micros now) const {
  const std::string plain = std::to_string(now + kPhonePassLife) + " " + std::string(phone);
  return base::Base64UrlEncode(sealer_.Seal(kContext, "", plain));
}

std::optional<std::string> PhonePasses::Open(std::string_view pass, base::Micros now) const {
  std::string sealed;
  if (!base::Base64UrlDecode(pass, &sealed)) return std::nullopt;
  const absl::StatusOr<std::string> plain = sealer_.Open(kContext, "", sealed);
  if (!plain.ok()) return std::nullopt;
  base::Micros until = 0;
  const char* const end = plain->data() + plain->size();
  const auto [rest, error] = std::from_chars(plain->data(), end, until);
  if (error != std::errc() || rest == end || *rest != ' ' || until <= now) return std::nullopt;
  return std::string(rest + 1, end);
}

}  // namespace dinh::feedback

// Access tokens: the input as a token, and, so that what lies behind the signature is reached, as the claims of a token
// that is signed. What is accepted has one spelling only and does not outlive its limit.
#include <sodium.h>

#include "libs/auth/tokens.h"
#include "libs/base/strings.h"
#include "tests/fuzz/keys.h"

namespace dinh::fuzz {
namespace {

std::string Signed(const auth::Key& key, std::string_view claims) {
  std::string text = base::Base64UrlEncode(R"({"alg":"EdDSA","kid":")" + key.info.id + R"(","typ":"JWT"})") + "." +
                     base::Base64UrlEncode(claims);
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(), key.secret.data());
  return text + "." + base::Base64UrlEncode(signature);
}

void CheckVerified(const Keys& keys, const auth::TokenVerifier& verifier, std::string_view token) {
  const auto claims = verifier.Verify(token);
  if (!claims.ok()) return;
  const base::Micros life_max = std::chrono::microseconds(auth::kAccessTokenLife).count();
  const base::Micros skew = std::chrono::microseconds(auth::kTokenClockSkew).count();
  FUZZ_CHECK(!claims->account.empty() && !claims->session.empty() && !claims->id.empty());
  FUZZ_CHECK(claims->expires_at - claims->issued_at <= life_max && keys.clock.Now() < claims->expires_at + skew);
  FUZZ_CHECK(claims->kind == auth::CallerKind::kCitizen || claims->kind == auth::CallerKind::kOfficer);
  Input parts(token);
  while (!parts.empty()) {
    const std::string_view part = parts.Until('.');
    std::string bytes;
    FUZZ_CHECK(base::Base64UrlDecode(part, &bytes) && base::Base64UrlEncode(bytes) == part, std::string(token));
  }
}

}  // namespace
}  // namespace dinh::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace dinh;
  static fuzz::Keys keys;
  static const auth::TokenVerifier kVerifier(*keys.ring, keys.clock, /*cache_entries=*/4);
  const fuzz::ExactCopy copy(fuzz::View(data, size));
  fuzz::CheckVerified(keys, kVerifier, copy.view());
  if (copy.view().starts_with('{')) {
    const auto key = keys.ring->Current(auth::KeyPurpose::kTokenSigning);
    fuzz::CheckVerified(keys, kVerifier, fuzz::Signed(*key, copy.view()));
  }
  const auto hash = auth::RefreshTokenHash(copy.view());
  FUZZ_CHECK(!hash || hash->size() == 64);
  return 0;
}

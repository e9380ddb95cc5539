#include "libs/auth/tokens.h"

#include <sodium.h>

#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace dinh::auth {
namespace {

using nlohmann::json;

constexpr std::string_view kRefreshPrefix = "dr_";
constexpr size_t kRefreshBytes = 32;
// Keeps the hash of a refresh token apart from every other SHA-256 of the platform.
constexpr std::string_view kRefreshDomain = "dinh refresh token:";

const unsigned char* Raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

// The only header there is for a key.
std::string HeaderOf(const Key& key) {
  return base::Base64UrlEncode(R"({"alg":"EdDSA","kid":")" + key.info.id + R"(","typ":"JWT"})");
}

std::string_view KindName(CallerKind kind) { return kind == CallerKind::kOfficer ? "officer" : "citizen"; }

absl::Status Invalid() {
  return base::Unauthenticated(
      "TOKEN_INVALID", {"Mã truy cập chưa hợp lệ. Hãy đăng nhập lại.", "The access token is not valid. Log in again."});
}

absl::Status Expired() {
  return base::Unauthenticated("TOKEN_EXPIRED", {"Phiên đăng nhập đã hết hạn. Hãy làm mới phiên hoặc đăng nhập lại.",
                                                 "The access token has expired. Refresh it or log in again."});
}

bool TakeString(const json& claims, const char* name, std::string* out) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_string()) return false;
  *out = found->get<std::string>();
  return true;
}

bool TakeSeconds(const json& claims, const char* name, base::Micros* out) {
  const auto found = claims.find(name);
  if (found == claims.end() || !found->is_number_integer()) return false;
  const int64_t seconds = found->get<int64_t>();
  constexpr int64_t kSecondsMax = int64_t{1} << 40;
  if (seconds < 0 || seconds > kSecondsMax) return false;
  *out = seconds * base::kMicrosPerSecond;
  return true;
}

std::optional<AccessClaims> ParseClaims(const std::string& text) {
  const json claims = json::parse(text, nullptr, false);
  if (!claims.is_object()) return std::nullopt;
  AccessClaims out;
  std::string issuer, audience, kind;
  if (!TakeString(claims, "iss", &issuer) || issuer != kTokenIssuer || !TakeString(claims, "aud", &audience) ||
      audience != kTokenAudience || !TakeString(claims, "kind", &kind) || !TakeString(claims, "sub", &out.account) ||
      !TakeString(claims, "sid", &out.session) || !TakeString(claims, "pid", &out.person) ||
      !TakeString(claims, "jti", &out.id) || !TakeSeconds(claims, "iat", &out.issued_at) ||
      !TakeSeconds(claims, "exp", &out.expires_at)) {
    return std::nullopt;
  }
  if (out.account.empty() || out.session.empty() || out.id.empty()) return std::nullopt;
  if (kind == KindName(CallerKind::kOfficer)) {
    out.kind = CallerKind::kOfficer;
  } else if (kind == KindName(CallerKind::kCitizen)) {
    out.kind = CallerKind::kCitizen;
  } else {
    return std::nullopt;
  }
  const base::Micros life_max = std::chrono::microseconds(kAccessTokenLife).count();
  if (out.expires_at <= out.issued_at || out.expires_at - out.issued_at > life_max) return std::nullopt;
  return out;
}

}  // namespace

IssuedToken TokenIssuer::Issue(const Subject& subject) const {
  const std::shared_ptr<const Key> key = keys_.Current(KeyPurpose::kTokenSigning);
  const int64_t issued = clock_.Now() / base::kMicrosPerSecond;
  const int64_t expires = issued + std::chrono::seconds(kAccessTokenLife).count();
  IssuedToken token;
  token.id = ids_.Next();
  token.expires_at = expires * base::kMicrosPerSecond;
  const json claims = {{"iss", kTokenIssuer},    {"aud", kTokenAudience}, {"sub", subject.account},
                       {"sid", subject.session}, {"pid", subject.person}, {"kind", KindName(subject.kind)},
                       {"iat", issued},          {"exp", expires},        {"jti", token.id}};
  // Ids are ASCII; a foreign byte would become a replacement character instead of an exception.
  token.text =
      HeaderOf(*key) + "." + base::Base64UrlEncode(claims.dump(-1, ' ', false, json::error_handler_t::replace));
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, Raw(token.text), token.text.size(),
                       key->secret.data());
  token.text += "." + base::Base64UrlEncode(signature);
  return token;
}

std::shared_ptr<const Key> TokenVerifier::KeyOfHeader(std::string_view header) const {
  for (const auto& key : keys_.All(KeyPurpose::kTokenSigning)) {
    if (HeaderOf(*key) == header) return key;
  }
  return nullptr;
}

absl::Status TokenVerifier::CheckTimes(const AccessClaims& claims) const {
  const base::Micros now = clock_.Now();
  const base::Micros skew = std::chrono::microseconds(kTokenClockSkew).count();
  if (claims.issued_at > now + skew) return Invalid();
  if (now >= claims.expires_at + skew) return Expired();
  return absl::OkStatus();
}

absl::StatusOr<AccessClaims> TokenVerifier::Verify(std::string_view token) const {
  if (token.size() > kAccessTokenBytesMax) return Invalid();
  std::string hash = base::Sha256(token);
  if (const std::optional<AccessClaims> known = FromCache(hash)) {
    RETURN_IF_ERROR(CheckTimes(*known));
    return *known;
  }
  const size_t last = token.rfind('.');
  const size_t first = token.find('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) return Invalid();
  const std::shared_ptr<const Key> key = KeyOfHeader(token.substr(0, first));
  if (key == nullptr) return Invalid();
  std::string signature, payload;
  if (!base::Base64UrlDecode(token.substr(last + 1), &signature) || signature.size() != crypto_sign_BYTES) {
    return Invalid();
  }
  if (crypto_sign_verify_detached(Raw(signature), Raw(token), last, Raw(key->public_key)) != 0) return Invalid();
  if (!base::Base64UrlDecode(token.substr(first + 1, last - first - 1), &payload)) return Invalid();
  const std::optional<AccessClaims> claims = ParseClaims(payload);
  if (!claims) return Invalid();
  RETURN_IF_ERROR(CheckTimes(*claims));
  Remember(std::move(hash), *claims);
  return *claims;
}

std::optional<AccessClaims> TokenVerifier::FromCache(const std::string& hash) const {
  std::lock_guard lock(mutex_);
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->claims;
}

void TokenVerifier::Remember(std::string hash, const AccessClaims& claims) const {
  if (cache_entries_ == 0) return;
  std::lock_guard lock(mutex_);
  if (by_hash_.count(hash) != 0) return;
  entries_.push_front({std::move(hash), claims});
  by_hash_.emplace(entries_.front().hash, entries_.begin());
  if (entries_.size() > cache_entries_) {
    by_hash_.erase(entries_.back().hash);
    entries_.pop_back();
  }
}

size_t TokenVerifier::cached() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

std::string NewRefreshToken(base::Random& random) {
  return std::string(kRefreshPrefix) + base::Base64UrlEncode(random.Bytes(kRefreshBytes));
}

std::optional<std::string> RefreshTokenHash(std::string_view token) {
  if (token.substr(0, kRefreshPrefix.size()) != kRefreshPrefix) return std::nullopt;
  std::string bytes;
  if (!base::Base64UrlDecode(token.substr(kRefreshPrefix.size()), &bytes) || bytes.size() != kRefreshBytes) {
    return std::nullopt;
  }
  return base::HexEncode(base::Sha256(std::string(kRefreshDomain) + bytes));
}

}  // namespace dinh::auth

// Access tokens (compact JWT, EdDSA only: RFC 7519, RFC 8037) and refresh tokens (opaque, only their hash is kept).
//
//   TokenIssuer issuer(keys, clock, ids);
//   IssuedToken token = issuer.Issue({.account = account, .session = login, .person = person, .kind = kCitizen});
//   ASSIGN_OR_RETURN(AccessClaims claims, verifier.Verify(text));
//
// Verification accepts exactly what this platform issues: a header that is, byte for byte, the one of a known key, a
// signature, canonical base64url, and claims that are all present. There is no algorithm to choose and so none to
// confuse. What a login may do today is not in the token: PrincipalSource says it.
//
// Thread safety: thread-safe.
#pragma once

#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "libs/auth/key_ring.h"
#include "libs/auth/principal.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"

namespace dinh::auth {

inline constexpr std::string_view kTokenIssuer = "dinh";
inline constexpr std::string_view kTokenAudience = "dinh-api";
inline constexpr std::chrono::minutes kAccessTokenLife{15};
inline constexpr std::chrono::seconds kTokenClockSkew{5};  // between two machines of one installation
inline constexpr size_t kAccessTokenBytesMax = 2048;

// Times are whole seconds in a token.
struct AccessClaims {
  std::string account;                     // sub
  std::string session;                     // sid: the login
  std::string person;                      // pid: the person acted for, empty until one is chosen
  CallerKind kind = CallerKind::kCitizen;  // citizen or officer
  std::string id;                          // jti
  base::Micros issued_at = 0;
  base::Micros expires_at = 0;
};

struct IssuedToken {
  std::string text;
  std::string id;
  base::Micros expires_at = 0;
};

class TokenIssuer {
 public:
  TokenIssuer(const KeyRing& keys, const base::Clock& clock, base::IdGenerator& ids)
      : keys_(keys), clock_(clock), ids_(ids) {}
  struct Subject {
    std::string account;
    std::string session;
    std::string person;
    CallerKind kind = CallerKind::kCitizen;
  };
  IssuedToken Issue(const Subject& subject) const;

 private:
  const KeyRing& keys_;
  const base::Clock& clock_;
  base::IdGenerator& ids_;
};

class TokenVerifier {
 public:
  // `cache_entries`: verified tokens remembered (by SHA-256, never longer than they live), because one Ed25519
  // verification costs some 56 µs. 0: none.
  TokenVerifier(const KeyRing& keys, const base::Clock& clock, size_t cache_entries = 4096)
      : keys_(keys), clock_(clock), cache_entries_(cache_entries) {}
  // UNAUTHENTICATED, reason TOKEN_EXPIRED (refresh it) or TOKEN_INVALID (log in again; one answer for every cause).
  absl::StatusOr<AccessClaims> Verify(std::string_view token) const;
  size_t cached() const;

 private:
  struct Entry {
    std::string hash;
    AccessClaims claims;
  };
  using Entries = std::list<Entry>;  // most recently used first

  std::optional<AccessClaims> FromCache(const std::string& hash) const;
  void Remember(std::string hash, const AccessClaims& claims) const;
  absl::Status CheckTimes(const AccessClaims& claims) const;
  std::shared_ptr<const Key> KeyOfHeader(std::string_view header) const;

  const KeyRing& keys_;
  const base::Clock& clock_;
  const size_t cache_entries_;
  mutable std::mutex mutex_;
  mutable Entries entries_;
  mutable std::unordered_map<std::string_view, Entries::iterator> by_hash_;
};

// "dr_" and 43 characters: 256 random bits.
std::string NewRefreshToken(base::Random& random);
// What is stored and looked up: 64 hex digits. nullopt when the text has not the form of a refresh token. A plain hash
// will do: 256 random bits cannot be guessed, so there is nothing for a slow hash to protect.
std::optional<std::string> RefreshTokenHash(std::string_view token);

}  // namespace dinh::auth

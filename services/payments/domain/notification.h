// Who sent a bank notification, and when: HMAC-SHA256 over the time of the delivery attempt and the raw body.
//
//   X-Dinh-Signature: t=1790000000,v1=5257a869…[,v1=…]
//   v1 = hex(HMAC-SHA256(secret, "1790000000" + "." + raw body))
//
// The time is in seconds since 1970 and belongs to the attempt, not to the credit: a bank that tries again signs again.
// Two secrets may be valid at once while one is being replaced, and a sender in that phase may put both signatures into
// one header. All of them are computed and compared in constant time, whether or not one has matched already.
//
// Pure; thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"

namespace dinh::payments {

inline constexpr std::string_view kSignatureHeader = "x-dinh-signature";           // as SignedRequest names it
inline constexpr base::Micros kSignatureWindow = 5 * 60 * base::kMicrosPerSecond;  // either way
inline constexpr size_t kSignatureHeaderMax = 1024;                                // bytes
inline constexpr size_t kSignaturesMax = 4;                                        // v1 parts in one header
inline constexpr size_t kSigningKeysMax = 16;    // of all banks, two each while a secret is being replaced
inline constexpr size_t kSigningSecretMin = 32;  // bytes: the strength of the hash itself

struct SigningKey {
  std::string id;  // "bank-2026-01": what the log names; the secret is never printed
  std::string secret;
  std::string bank_bin;  // the only bank this key may speak for; empty: any (a service that speaks for several banks)
};

// The id of the key that signed. UNAUTHENTICATED:
//   SIGNATURE_MISSING    no header
//   SIGNATURE_MALFORMED  not the form above
//   SIGNATURE_INVALID    no key made it: wrong secret or altered body
//   SIGNATURE_EXPIRED    the signature is right but the time is more than kSignatureWindow off: sign again
// The time is judged after the signature, so that a stranger learns nothing about our clock.
absl::StatusOr<std::string> VerifySignature(std::string_view header, std::string_view body,
                                            const std::vector<SigningKey>& keys, base::Micros now);

// What the sender writes: for the demo bank and for tests.
std::string SignatureHeader(const std::vector<SigningKey>& keys, std::string_view body, base::Micros now);

}  // namespace dinh::payments

#include "services/payments/domain/notification.h"

#include <gtest/gtest.h>

#include <random>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::payments {
namespace {

constexpr base::Micros kNow = 1'790'000'000LL * base::kMicrosPerSecond;
const SigningKey kOld{"bank-1", "an-old-secret-of-more-than-32-bytes-0001"};
const SigningKey kNew{"bank-2", "a-new-secret-of-more-than-32-bytes-0002"};
constexpr std::string_view kBody = R"({"transaction_id":"T1","amount_vnd":16000})";

std::string Result(std::string_view header, std::string_view body = kBody, std::vector<SigningKey> keys = {kOld},
                   base::Micros now = kNow) {
  const auto key = VerifySignature(header, body, keys, now);
  if (key.ok()) return *key;
  EXPECT_EQ(key.status().code(), absl::StatusCode::kUnauthenticated);
  const auto detail = base::DetailOf(key.status());
  return detail ? detail->reason : "?";
}

// The whole form against a value computed by another program:
// printf '%s' '1790000000.hello' | openssl dgst -sha256 -hmac key-of-the-bank
TEST(Signature, HasTheDocumentedForm) {
  EXPECT_EQ(SignatureHeader({{"k", "key-of-the-bank"}}, "hello", kNow),
            "t=1790000000,v1=3e580a4c2cfb86ff2d6d33efa2a88519b789570f0f5999b414c24cc9c179168d");
}

TEST(Signature, IsAccepted) {
  EXPECT_EQ(Result(SignatureHeader({kOld}, kBody, kNow)), "bank-1");
  EXPECT_EQ(Result(SignatureHeader({kOld}, "", kNow), ""), "bank-1");
  const std::string binary("\0\xFF\n\r", 4);
  EXPECT_EQ(Result(SignatureHeader({kOld}, binary, kNow), binary), "bank-1");
  std::string spaced = SignatureHeader({kOld}, kBody, kNow);
  spaced.replace(spaced.find(','), 1, ", v2=later , ");
  EXPECT_EQ(Result(spaced), "bank-1") << "parts of later versions are passed over";
}

TEST(Signature, TwoSecretsDuringRotation) {
  EXPECT_EQ(Result(SignatureHeader({kOld}, kBody, kNow), kBody, {kOld, kNew}), "bank-1");
  EXPECT_EQ(Result(SignatureHeader({kNew}, kBody, kNow), kBody, {kOld, kNew}), "bank-2");
  EXPECT_EQ(Result(SignatureHeader({kOld, kNew}, kBody, kNow), kBody, {kNew}), "bank-2");
  EXPECT_EQ(Result(SignatureHeader({kOld}, kBody, kNow), kBody, {kNew}), "SIGNATURE_INVALID") << "old one retired";
  EXPECT_EQ(Result(SignatureHeader({kOld}, kBody, kNow), kBody, {}), "SIGNATURE_INVALID");
}

TEST(Signature, WindowOfFiveMinutesEitherWay) {
  const std::string header = SignatureHeader({kOld}, kBody, kNow);
  EXPECT_EQ(Result(header, kBody, {kOld}, kNow + kSignatureWindow), "bank-1");
  EXPECT_EQ(Result(header, kBody, {kOld}, kNow + kSignatureWindow + 1), "SIGNATURE_EXPIRED");
  EXPECT_EQ(Result(header, kBody, {kOld}, kNow - kSignatureWindow), "bank-1");
  EXPECT_EQ(Result(header, kBody, {kOld}, kNow - kSignatureWindow - 1), "SIGNATURE_EXPIRED");
  std::string older = header;
  older.replace(2, 10, "1789000000");
  EXPECT_EQ(Result(older), "SIGNATURE_INVALID") << "the time is signed, and told of only to who knows the secret";
}

TEST(Signature, MalformedHeaders) {
  const std::string mac(64, 'a');
  EXPECT_EQ(Result(""), "SIGNATURE_MISSING");
  for (const std::string& header :
       {std::string("x"), std::string("t=1"), "v1=" + mac, "t=,v1=" + mac, "t=-1,v1=" + mac, "t=1e9,v1=" + mac,
        "t=1234567890123,v1=" + mac, "t=1,t=1,v1=" + mac, "t=1,v1=" + mac.substr(1), "t=1,v1=" + mac + "a",
        "t=1,v1=" + mac.substr(1) + "g", "t=1,,v1=" + mac, std::string("t=1,v1="), "=1,v1=" + mac,
        "t=1,v1=" + mac + ",v1=" + mac + ",v1=" + mac + ",v1=" + mac + ",v1=" + mac,
        "t=1,v1=" + mac + ",v2=" + std::string(1000, 'x')}) {
    EXPECT_EQ(Result(header), "SIGNATURE_MALFORMED") << header;
  }
}

TEST(Signature, EverySingleBitCounts) {
  const std::string header = SignatureHeader({kOld}, kBody, kNow);
  for (size_t bit = 0; bit < kBody.size() * 8; ++bit) {
    std::string body(kBody);
    body[bit / 8] = static_cast<char>(body[bit / 8] ^ (1 << bit % 8));
    ASSERT_EQ(Result(header, body), "SIGNATURE_INVALID");
  }
  for (size_t i = header.find("v1=") + 3; i < header.size(); ++i) {
    std::string changed = header;
    changed[i] = changed[i] == '0' ? '1' : '0';
    ASSERT_EQ(Result(changed), "SIGNATURE_INVALID");
  }
  EXPECT_EQ(Result(header, std::string(kBody) + " "), "SIGNATURE_INVALID");
}

TEST(Signature, SeededNoiseNeverPasses) {
  std::mt19937_64 random(5);
  const std::string good = SignatureHeader({kOld}, kBody, kNow);
  for (int round = 0; round < 20000; ++round) {
    std::string header = good;
    for (int edits = static_cast<int>(random() % 4) + 1; edits > 0 && !header.empty(); --edits) {
      const size_t at = random() % header.size();
      if (random() % 2)
        header[at] = static_cast<char>(random() % 256);
      else
        header.erase(at, random() % 8 + 1);
    }
    const auto key = VerifySignature(header, kBody, {kOld}, kNow);
    if (key.ok()) {
      // Only another spelling of the same: upper-case digits, or a changed blank or foreign part.
      EXPECT_EQ(header.substr(0, 12), good.substr(0, 12));
    }
  }
}

}  // namespace
}  // namespace dinh::payments

#include "libs/auth/tokens.h"

#include <sodium.h>

#include <set>
#include <thread>

#include "gtest/gtest.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace dinh::auth {
namespace {

using nlohmann::json;

class TokensTest : public ::testing::Test {
 protected:
  std::string Issue(CallerKind kind = CallerKind::kCitizen) {
    return issuer_.Issue({.account = "acc", .session = "ses", .person = "per", .kind = kind}).text;
  }
  std::string ReasonOf(std::string_view token) {
    const auto claims = verifier_.Verify(token);
    if (claims.ok()) return "OK";
    EXPECT_EQ(claims.status().code(), absl::StatusCode::kUnauthenticated);
    return base::DetailOf(claims.status())->reason;
  }
  json Claims() {
    const int64_t now = clock_.Now() / base::kMicrosPerSecond;
    return {{"iss", "dinh"},     {"aud", "dinh-api"}, {"sub", "acc"},     {"sid", "ses"}, {"pid", ""},
            {"kind", "citizen"}, {"iat", now},        {"exp", now + 900}, {"jti", "id"}};
  }
  // Signed with the ring's true key: what only the claims or the header can make wrong.
  std::string Sign(const std::string& header, const std::string& payload) {
    const std::string text = base::Base64UrlEncode(header) + "." + base::Base64UrlEncode(payload);
    std::string signature(crypto_sign_BYTES, '\0');
    crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr,
                         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                         ring_->Current(KeyPurpose::kTokenSigning)->secret.data());
    return text + "." + base::Base64UrlEncode(signature);
  }
  std::string Header() {
    return R"({"alg":"EdDSA","kid":")" + ring_->Current(KeyPurpose::kTokenSigning)->info.id + R"(","typ":"JWT"})";
  }

  base::FakeClock clock_{1'780'000'000'123'456};
  base::SystemRandom random_;
  base::IdGenerator ids_{clock_, random_};
  std::unique_ptr<KeyRing> ring_ = KeyRing::Ephemeral(clock_, random_);
  TokenIssuer issuer_{*ring_, clock_, ids_};
  TokenVerifier verifier_{*ring_, clock_};
};

TEST_F(TokensTest, RoundTrip) {
  const IssuedToken token =
      issuer_.Issue({.account = "acc", .session = "ses", .person = "per", .kind = CallerKind::kOfficer});
  const auto claims = verifier_.Verify(token.text);
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ(claims->account, "acc");
  EXPECT_EQ(claims->session, "ses");
  EXPECT_EQ(claims->person, "per");
  EXPECT_EQ(claims->kind, CallerKind::kOfficer);
  EXPECT_EQ(claims->id, token.id);
  EXPECT_EQ(claims->expires_at, token.expires_at);
  EXPECT_EQ(claims->issued_at, 1'780'000'000'000'000);
  EXPECT_EQ(claims->expires_at - claims->issued_at, 900 * base::kMicrosPerSecond);
  EXPECT_LT(token.text.size(), 700u);
  EXPECT_NE(token.id, issuer_.Issue({.account = "acc", .session = "ses"}).id);
}

TEST_F(TokensTest, ExpiresWithFiveSecondsOfSkewAlsoFromTheCache) {
  const std::string token = Issue();
  EXPECT_EQ(ReasonOf(token), "OK");
  clock_.Set(1'780'000'000'000'000 + (900 + 5) * base::kMicrosPerSecond - 1);
  EXPECT_EQ(ReasonOf(token), "OK");
  TokenVerifier fresh(*ring_, clock_, 0);
  EXPECT_TRUE(fresh.Verify(token).ok());
  clock_.Advance(1);
  EXPECT_EQ(ReasonOf(token), "TOKEN_EXPIRED");
  EXPECT_EQ(base::DetailOf(fresh.Verify(token).status())->reason, "TOKEN_EXPIRED");
}

TEST_F(TokensTest, FromTheFutureIsRefusedBeyondTheSkew) {
  const std::string token = Issue();
  clock_.Set(1'780'000'000'000'000 - 5 * base::kMicrosPerSecond);
  EXPECT_EQ(ReasonOf(token), "OK");
  clock_.Advance(-1);
  EXPECT_EQ(ReasonOf(token), "TOKEN_INVALID");
}

TEST_F(TokensTest, EveryChangedCharacterIsRefused) {
  const std::string token = Issue();
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char c : {'A', 'B', '-', '.', '=', '\0', ' '}) {
      std::string changed = token;
      if (changed[i] == c) continue;
      changed[i] = c;
      ASSERT_EQ(ReasonOf(changed), "TOKEN_INVALID") << i << " " << c;
    }
    ASSERT_EQ(ReasonOf(token.substr(0, i)), "TOKEN_INVALID") << i;
  }
  for (const std::string& changed : {token + "A", token + "=", token + ".", "." + token, token + "\n", " " + token,
                                     token + "." + token, std::string(), std::string(".."), std::string("...")}) {
    EXPECT_EQ(ReasonOf(changed), "TOKEN_INVALID") << changed;
  }
  EXPECT_EQ(ReasonOf(token), "OK");
}

TEST_F(TokensTest, NoOtherAlgorithmEvenWithATrueSignature) {
  const std::string payload = Claims().dump();
  EXPECT_EQ(ReasonOf(Sign(Header(), payload)), "OK");
  const std::string kid = ring_->Current(KeyPurpose::kTokenSigning)->info.id;
  for (const std::string& header : std::vector<std::string>{
           R"({"alg":"none","kid":")" + kid + R"(","typ":"JWT"})",
           R"({"alg":"HS256","kid":")" + kid + R"(","typ":"JWT"})", R"({"alg":"EdDSA","typ":"JWT"})",
           R"({"alg":"EdDSA","kid":"00000000","typ":"JWT"})", R"({"kid":")" + kid + R"(","alg":"EdDSA","typ":"JWT"})",
           R"({"alg":"EdDSA","kid":")" + kid + R"(","typ":"JWT","jwk":{}})", "{}", ""}) {
    EXPECT_EQ(ReasonOf(Sign(header, payload)), "TOKEN_INVALID") << header;
  }
  // The unsigned form, and a MAC made with the public key.
  const std::string none = base::Base64UrlEncode(R"({"alg":"none"})") + "." + base::Base64UrlEncode(payload) + ".";
  EXPECT_EQ(ReasonOf(none), "TOKEN_INVALID");
  const std::string head = base::Base64UrlEncode(Header()) + "." + base::Base64UrlEncode(payload);
  EXPECT_EQ(
      ReasonOf(head + "." +
               base::Base64UrlEncode(base::HmacSha256(ring_->Current(KeyPurpose::kTokenSigning)->public_key, head))),
      "TOKEN_INVALID");
}

TEST_F(TokensTest, EveryClaimMustBeThereAndOfItsType) {
  for (const char* name : {"iss", "aud", "sub", "sid", "pid", "kind", "iat", "exp", "jti"}) {
    json claims = Claims();
    claims.erase(name);
    EXPECT_EQ(ReasonOf(Sign(Header(), claims.dump())), "TOKEN_INVALID") << name;
    for (const json& wrong : {json(), json(true), json(1.5), json::array({"dinh"}), json::object(), json(-1)}) {
      claims[name] = wrong;
      EXPECT_EQ(ReasonOf(Sign(Header(), claims.dump())), "TOKEN_INVALID") << name << wrong;
    }
  }
  for (const auto& [name, wrong] :
       std::vector<std::pair<std::string, json>>{{"iss", "other"},
                                                 {"aud", "dinh"},
                                                 {"kind", "peer"},
                                                 {"kind", "Officer"},
                                                 {"sub", ""},
                                                 {"sid", ""},
                                                 {"jti", ""},
                                                 {"exp", Claims()["iat"]},
                                                 {"exp", Claims()["iat"].get<int64_t>() + 901},
                                                 {"exp", std::numeric_limits<int64_t>::max()},
                                                 {"iat", std::numeric_limits<uint64_t>::max()}}) {
    json claims = Claims();
    claims[name] = wrong;
    EXPECT_EQ(ReasonOf(Sign(Header(), claims.dump())), "TOKEN_INVALID") << name << wrong;
  }
  for (const char* payload : {"", "[]", "null", "{", "\"x\"", "{}"}) {
    EXPECT_EQ(ReasonOf(Sign(Header(), payload)), "TOKEN_INVALID") << payload;
  }
}

TEST_F(TokensTest, AnotherInstallationsTokenIsRefused) {
  const auto other = KeyRing::Ephemeral(clock_, random_);
  const TokenIssuer issuer(*other, clock_, ids_);
  EXPECT_EQ(ReasonOf(issuer.Issue({.account = "acc", .session = "ses"}).text), "TOKEN_INVALID");
}

TEST_F(TokensTest, TooLongIsRefusedUnread) {
  EXPECT_EQ(ReasonOf(issuer_.Issue({.account = std::string(3000, 'a'), .session = "s"}).text), "TOKEN_INVALID");
}

TEST_F(TokensTest, OldTokensLiveOnAfterRotation) {
  const std::string before = Issue();
  ASSERT_TRUE(ring_->Rotate(KeyPurpose::kTokenSigning).ok());
  const std::string after = Issue();
  EXPECT_NE(before.substr(0, before.find('.')), after.substr(0, after.find('.')));
  EXPECT_EQ(ReasonOf(before), "OK");
  EXPECT_EQ(ReasonOf(after), "OK");
}

TEST_F(TokensTest, CacheIsBoundedAndNeverChangesTheAnswer) {
  TokenVerifier small(*ring_, clock_, 3);
  std::vector<std::string> tokens;
  for (int i = 0; i < 10; ++i) tokens.push_back(Issue());
  for (int round = 0; round < 3; ++round) {
    for (const std::string& token : tokens) EXPECT_TRUE(small.Verify(token).ok());
    EXPECT_EQ(small.cached(), 3u);
  }
  std::string forged = tokens.back();
  forged[forged.find('.') + 5] ^= 1;
  EXPECT_FALSE(small.Verify(forged).ok());
  TokenVerifier none(*ring_, clock_, 0);
  EXPECT_TRUE(none.Verify(tokens[0]).ok());
  EXPECT_EQ(none.cached(), 0u);
}

TEST_F(TokensTest, ManyThreadsAtOnce) {
  TokenVerifier small(*ring_, clock_, 5);
  std::vector<std::string> tokens;
  for (int i = 0; i < 20; ++i) tokens.push_back(Issue());
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) good += small.Verify(tokens[static_cast<size_t>(i) % tokens.size()]).ok();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 800);
  EXPECT_LE(small.cached(), 5u);
}

TEST_F(TokensTest, RefreshTokensAreRandomAndOnlyTheirHashIsKnown) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string token = NewRefreshToken(random_);
    EXPECT_EQ(token.size(), 46u);
    const auto hash = RefreshTokenHash(token);
    ASSERT_TRUE(hash.has_value());
    EXPECT_EQ(hash->size(), 64u);
    EXPECT_EQ(hash->find(token.substr(3)), std::string::npos);
    EXPECT_TRUE(seen.insert(*hash).second);
  }
  const std::string token = NewRefreshToken(random_);
  EXPECT_EQ(RefreshTokenHash(token), RefreshTokenHash(token));
  for (const std::string& bad : {std::string(), std::string("dr_"), token.substr(3), token + "A", token.substr(0, 45),
                                 "xx_" + token.substr(3), token + "=", Issue()}) {
    EXPECT_EQ(RefreshTokenHash(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace dinh::auth

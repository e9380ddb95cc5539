#include "libs/rpc/token_authenticator.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/status.h"

namespace dinh::rpc {
namespace {

constexpr base::Micros kMinute = 60 * base::kMicrosPerSecond;

class FakeSource final : public auth::PrincipalSource {
 public:
  absl::StatusOr<auth::Principal> Resolve(std::string_view account, std::string_view session,
                                          std::string_view) override {
    ++asked;
    if (!failure.ok()) return failure;
    auth::Principal p;
    p.kind = auth::CallerKind::kCitizen;
    p.id = std::string(account);
    p.session = std::string(session);
    return p;
  }
  int asked = 0;
  absl::Status failure;
};

class TokenAuthenticatorTest : public ::testing::Test {
 protected:
  TokenAuthenticatorTest()
      : authenticator_(
            [this](std::string_view token) -> absl::StatusOr<VerifiedToken> {
              ++verified_;
              if (token.substr(0, 4) != "good") return base::Unauthenticated("TOKEN_INVALID", {"Lại.", "Again."});
              return VerifiedToken{"account", std::string(token), "person", clock_.Now() + kMinute};
            },
            clock_, {.max_entries = 3, .max_token_bytes = 100}) {
    authenticator_.SetSource(&source_);
  }
  absl::StatusOr<auth::Principal> Ask(const std::string& token) {
    return authenticator_.Authenticate({Credentials::Kind::kBearer, token, {}});
  }
  base::FakeClock clock_{1'000'000'000};
  int verified_ = 0;
  FakeSource source_;
  TokenAuthenticator authenticator_;
};

TEST_F(TokenAuthenticatorTest, RightsAreAskedAgainAfterFourSecondsSignaturesAreNot) {
  ASSERT_TRUE(Ask("good").ok());
  ASSERT_TRUE(Ask("good").ok());
  EXPECT_EQ(source_.asked, 1);
  clock_.Advance(4 * base::kMicrosPerSecond);
  source_.failure = base::Unauthenticated("LOGIN_ENDED", {"Lại.", "Again."});
  EXPECT_TRUE(absl::IsUnauthenticated(Ask("good").status()));
  EXPECT_EQ(source_.asked, 2);
  EXPECT_EQ(verified_, 1);
}

TEST_F(TokenAuthenticatorTest, DeadTokensCostOneSignatureNotOneEach) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(absl::IsUnauthenticated(Ask("forged").status()));
  EXPECT_EQ(verified_, 1);
  EXPECT_EQ(source_.asked, 0);
}

TEST_F(TokenAuthenticatorTest, ExpiryCountsInsideTheCacheToo) {
  ASSERT_TRUE(Ask("good").ok());
  clock_.Advance(kMinute - base::kMicrosPerSecond);
  ASSERT_TRUE(Ask("good").ok());
  clock_.Advance(base::kMicrosPerSecond);
  EXPECT_TRUE(absl::IsUnauthenticated(Ask("good").status()));
}

TEST_F(TokenAuthenticatorTest, AFailingSourceIsAskedAgainAtOnce) {
  source_.failure = base::Unavailable("DOWN", {"Lại.", "Again."});
  EXPECT_TRUE(absl::IsUnavailable(Ask("good").status()));
  source_.failure = absl::OkStatus();
  EXPECT_TRUE(Ask("good").ok());
}

TEST_F(TokenAuthenticatorTest, IsBoundedAndForgets) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Ask("good" + std::to_string(i)).ok());
  EXPECT_EQ(authenticator_.size(), 3u);
  authenticator_.Forget("good9");
  EXPECT_EQ(authenticator_.size(), 2u);
  ASSERT_TRUE(Ask("good9").ok());
  EXPECT_EQ(source_.asked, 11);
  EXPECT_TRUE(absl::IsUnauthenticated(Ask(std::string(101, 'g')).status()));
}

TEST_F(TokenAuthenticatorTest, ALoginThatAnotherProcessEndedIsRefusedThoughItIsRemembered) {
  bool ended = false;
  std::string asked_for;
  authenticator_.SetEnded([&](std::string_view session) {
    asked_for = session;
    return ended;
  });
  ASSERT_TRUE(Ask("good").ok());
  ASSERT_TRUE(Ask("good").ok());
  EXPECT_FALSE(asked_for.empty());
  ended = true;
  EXPECT_EQ(base::DetailOf(Ask("good").status())->reason, "LOGIN_REVOKED");
  EXPECT_EQ(source_.asked, 1) << "not identity's work";
}

TEST_F(TokenAuthenticatorTest, TokensOfAnyLengthAreToldApart) {
  ASSERT_TRUE(Ask("good" + std::string(90, 'a')).ok());
  ASSERT_TRUE(Ask("good" + std::string(90, 'a')).ok());
  EXPECT_EQ(source_.asked, 1);
  ASSERT_TRUE(Ask("good" + std::string(89, 'a')).ok());
  EXPECT_EQ(source_.asked, 2);
}

TEST_F(TokenAuthenticatorTest, RefusesUntilThereIsASource) {
  authenticator_.SetSource(nullptr);
  EXPECT_TRUE(absl::IsUnavailable(Ask("good").status()));
}

}  // namespace
}  // namespace dinh::rpc

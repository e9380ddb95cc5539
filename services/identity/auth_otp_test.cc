#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "services/identity/test_support.h"

namespace dinh::identity {
namespace {

constexpr base::Micros kSecond = base::kMicrosPerSecond;

class OtpServiceTest : public IdentityTest {
 protected:
  // A wrong code that has the right form.
  static std::string Other(const std::string& code) { return code == "000000" ? "000001" : "000000"; }
};

TEST_F(OtpServiceTest, CodeComesByMessageOnlyAndLogsIn) {
  const auto sent = Send("+84900000001");
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_EQ(sent->expires_in(), 300);
  EXPECT_EQ(sent->resend_in(), 30);
  const nlohmann::json message = WaitForMessage(1);
  EXPECT_EQ(message.value("to", ""), "0900000001");
  EXPECT_EQ(message.value("at", int64_t{0}), harness_->clock().Now());
  const std::string code = CodeIn(message);
  ASSERT_EQ(code.size(), 6u);
  EXPECT_EQ(sent->DebugString().find(code), std::string::npos);
  EXPECT_EQ(harness_->Log().find(code), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(Messages()[0].c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);

  const auto tokens = Verify(sent->challenge(), code);
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ(tokens->expires_in(), 900);
  EXPECT_EQ(tokens->token_type(), "Bearer");
  EXPECT_EQ(tokens->person(), "");
  const auth::Principal citizen = MustBe(*tokens);
  EXPECT_EQ(citizen.kind, auth::CallerKind::kCitizen);
  EXPECT_EQ(citizen.person, "");
  EXPECT_EQ(Me(citizen)->phone_hint(), "…001");
}

TEST_F(OtpServiceTest, SingleUse) {
  const auto sent = Send("0900000001");
  const std::string code = LastCode();
  ASSERT_TRUE(Verify(sent->challenge(), code).ok());
  EXPECT_EQ(Reason(Verify(sent->challenge(), code).status()), "OTP_INVALID");
}

TEST_F(OtpServiceTest, APeerUsesACodeUpWithoutALogin) {
  const auto sent = Send("+84900000001");
  const std::string code = LastCode();
  const auto confirm = [&](const std::string& with, const auth::Principal& who) {
    pb::ConfirmOtpRequest request;
    request.set_challenge(sent->challenge());
    request.set_code(with);
    return harness_->Call<pb::ConfirmOtpResponse>("/dinh.identity.v1.AuthService/ConfirmOtp", request, who);
  };
  EXPECT_TRUE(absl::IsPermissionDenied(confirm(code, testing::Peer("payments")).status()));
  EXPECT_EQ(Reason(confirm(Other(code), testing::Peer("feedback")).status()), "OTP_INVALID");
  const auto confirmed = confirm(code, testing::Peer("feedback"));
  ASSERT_TRUE(confirmed.ok()) << confirmed.status();
  EXPECT_EQ(confirmed->phone(), "0900000001");
  EXPECT_EQ(Reason(confirm(code, testing::Peer("feedback")).status()), "OTP_INVALID");
  EXPECT_EQ(Reason(Verify(sent->challenge(), code).status()), "OTP_INVALID");
}

TEST_F(OtpServiceTest, SingleUseAlsoWhenManyTryAtOnce) {
  const auto sent = Send("0900000001");
  const std::string code = LastCode();
  std::atomic<int> accepted = 0;
  std::vector<std::thread> devices;
  for (int i = 0; i < 8; ++i) {
    devices.emplace_back([&] { accepted += Verify(sent->challenge(), code).ok() ? 1 : 0; });
  }
  for (std::thread& device : devices) device.join();
  EXPECT_EQ(accepted, 1);
}

TEST_F(OtpServiceTest, ExpiresAfterFiveMinutes) {
  const auto sent = Send("0900000001");
  const std::string code = LastCode();
  harness_->clock().Advance(300 * kSecond);
  EXPECT_EQ(Reason(Verify(sent->challenge(), code).status()), "OTP_INVALID");
}

TEST_F(OtpServiceTest, LivesUntilJustBeforeFiveMinutes) {
  const auto sent = Send("0900000001");
  const std::string code = LastCode();
  harness_->clock().Advance(300 * kSecond - 1);
  EXPECT_TRUE(Verify(sent->challenge(), code).ok());
}

TEST_F(OtpServiceTest, FiveAttemptsAndNoMore) {
  const auto sent = Send("0900000001");
  const std::string code = LastCode();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Reason(Verify(sent->challenge(), Other(code)).status()), "OTP_INVALID");
  EXPECT_EQ(Reason(Verify(sent->challenge(), code).status()), "OTP_INVALID");
}

TEST_F(OtpServiceTest, FifthAttemptMayBeRight) {
  const auto sent = Send("0900000001");
  const std::string code = LastCode();
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Verify(sent->challenge(), Other(code)).ok());
  EXPECT_TRUE(Verify(sent->challenge(), code).ok());
}

TEST_F(OtpServiceTest, BoundToItsChallenge) {
  const auto first = Send("0900000001");
  const std::string first_code = LastCode();
  const auto second = Send("0900000002");
  const std::string second_code = LastCode();
  ASSERT_NE(first_code, second_code);
  EXPECT_EQ(Reason(Verify(second->challenge(), first_code).status()), "OTP_INVALID");
  EXPECT_EQ(Reason(Verify("no-such-challenge", first_code).status()), "OTP_INVALID");
  EXPECT_TRUE(Verify(first->challenge(), first_code).ok());
  EXPECT_TRUE(Verify(second->challenge(), second_code).ok());
}

TEST_F(OtpServiceTest, EveryRefusalHasTheSameBytes) {
  const auto sent = Send("0900000001");
  const std::string code = LastCode();
  const absl::Status unknown = Verify("AAAAAAAAAAAAAAAAAAAAAA", code).status();
  const absl::Status wrong = Verify(sent->challenge(), Other(code)).status();
  ASSERT_TRUE(Verify(sent->challenge(), code).ok());
  const absl::Status used = Verify(sent->challenge(), code).status();
  EXPECT_EQ(unknown.ToString(), wrong.ToString());
  EXPECT_EQ(unknown.ToString(), used.ToString());
}

TEST_F(OtpServiceTest, KnownAndUnknownPhonesGetTheSameAnswer) {
  LoginByPhone("0900000001");
  auto known = Send("0900000001");
  auto unknown = Send("0900000002");
  ASSERT_TRUE(known.ok() && unknown.ok());
  EXPECT_EQ(known->challenge().size(), unknown->challenge().size());
  known->clear_challenge();
  unknown->clear_challenge();
  EXPECT_EQ(known->SerializeAsString(), unknown->SerializeAsString());
  // Also when they are refused.
  const absl::Status known_refused = Send("0900000001").status();
  const absl::Status unknown_refused = Send("0900000002").status();
  EXPECT_EQ(Reason(known_refused), "OTP_RATE_LIMITED");
  EXPECT_EQ(known_refused.ToString(), unknown_refused.ToString());
}

TEST_F(OtpServiceTest, PauseBetweenTwoCodesIsTold) {
  const auto sent = Send("0900000001");
  const absl::Status refused = Send("0900000001").status();
  EXPECT_EQ(Reason(refused), "OTP_RATE_LIMITED");
  EXPECT_EQ(base::DetailOf(refused)->retry_after_ms, sent->resend_in() * 1000);
  harness_->clock().Advance(sent->resend_in() * kSecond);
  EXPECT_TRUE(Send("0900000001").ok());
}

TEST_F(OtpServiceTest, FiveAPhoneInAQuarterOfAnHour) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Send("0900000001").ok()) << i;
    harness_->clock().Advance(30 * kSecond);
  }
  const absl::Status refused = Send("0900000001").status();
  EXPECT_EQ(Reason(refused), "OTP_RATE_LIMITED");
  // Asking in vain does not prolong the wait.
  harness_->clock().Advance(base::DetailOf(refused)->retry_after_ms * base::kMicrosPerMilli);
  EXPECT_TRUE(Send("0900000001").ok());
}

TEST_F(OtpServiceTest, AKnownDeviceIsNotLockedOutByOthers) {
  const std::string device = LoginByPhone("0900000001").device_token();
  ASSERT_FALSE(device.empty());
  while (Send("0900000001").ok()) harness_->clock().Advance(30 * kSecond);
  EXPECT_EQ(Reason(Send("0900000001").status()), "OTP_RATE_LIMITED");
  EXPECT_EQ(Reason(Send("0900000001", "dd_somebody-elses-token").status()), "OTP_RATE_LIMITED");
  const auto sent = Send("0900000001", device);
  ASSERT_TRUE(sent.ok()) << sent.status();
  EXPECT_TRUE(Verify(sent->challenge(), LastCode()).ok());
}

TEST_F(OtpServiceTest, ADeviceIsKnownForItsOwnPhoneOnly) {
  const std::string device = LoginByPhone("0900000001").device_token();
  LoginByPhone("0900000002");
  ASSERT_TRUE(Send("0900000002").ok());
  EXPECT_EQ(Reason(Send("0900000002", device).status()), "OTP_RATE_LIMITED");
}

TEST_F(OtpServiceTest, ANewChallengeDoesNotEndAnOlderOne) {
  const auto mine = Send("0900000001");
  const std::string code = LastCode();
  harness_->clock().Advance(30 * kSecond);
  ASSERT_TRUE(Send("0900000001").ok());
  EXPECT_TRUE(Verify(mine->challenge(), code).ok());
}

TEST_F(OtpServiceTest, ABlockOfNumbersIsLimited) {
  int sent = 0;
  absl::Status status;
  for (int i = 0; i < 90 && status.ok(); ++i) {
    const std::string phone = "09123400" + std::to_string(10 + i % 90);
    status = Send(phone, "", testing::Anonymous("198.51.100." + std::to_string(i))).status();
    sent += status.ok() ? 1 : 0;
  }
  EXPECT_EQ(sent, 60);
  EXPECT_EQ(Reason(status), "OTP_RATE_LIMITED");
  EXPECT_TRUE(Send("0912350000").ok());
}

TEST_F(OtpServiceTest, AnAddressIsLimitedGenerously) {
  int sent = 0;
  absl::Status status;
  for (int i = 0; i < 200 && status.ok(); ++i) {
    // 09100…, 09101…: each in a block of its own.
    const std::string phone = (i < 100 ? "091" : "093") + std::to_string(100 + i % 100).substr(1) + "00000";
    status = Send(phone).status();
    sent += status.ok() ? 1 : 0;
  }
  EXPECT_EQ(Reason(status), "OTP_RATE_LIMITED");
  EXPECT_EQ(sent, 100);
}

TEST_F(OtpServiceTest, GuessingOverManyPhonesEndsAtTheAddress) {
  const std::string device = LoginByPhone("0900000001").device_token();
  int phones = 0;
  absl::Status refused;
  for (; phones < 60; ++phones) {
    const auto sent = Send("091" + std::to_string(100 + phones).substr(1) + "00000");
    refused = sent.status();
    if (!sent.ok()) break;
    const std::string wrong = Other(LastCode());
    for (int attempt = 0; attempt < 5; ++attempt) EXPECT_FALSE(Verify(sent->challenge(), wrong).ok());
  }
  EXPECT_EQ(phones, 24);  // 120 wrong codes
  EXPECT_EQ(Reason(refused), "OTP_RATE_LIMITED");
  // A device that is known here is not locked out by it, nor is anybody behind another address.
  harness_->clock().Advance(30 * kSecond);
  EXPECT_TRUE(Send("0900000001", device).ok());
  EXPECT_TRUE(Send("0935000000", "", testing::Anonymous("198.51.100.7")).ok());
}

TEST_F(OtpServiceTest, OnlyMobileNumbersInUse) {
  EXPECT_EQ(Reason(Send("0951234567").status()), "INVALID_FIELD");
  EXPECT_EQ(Reason(Send("0212345678").status()), "INVALID_FIELD");
}

TEST_F(OtpServiceTest, WithoutASenderNobodyIsToldThatACodeIsOnItsWay) {
  testing::HarnessOptions options;
  options.modules.push_back(MakeIdentityModule());
  options.modules.push_back(FakeTerritory());
  options.dev = false;
  auto started = testing::ServiceHarness::Start(std::move(options));
  ASSERT_TRUE(started.ok()) << started.status();
  pb::SendOtpRequest request;
  request.set_phone("0900000001");
  const auto answer =
      (*started)->Call<pb::SendOtpResponse>(std::string(kAuth) + "SendOtp", request, testing::Anonymous());
  EXPECT_EQ(Reason(answer.status()), "SMS_NOT_CONFIGURED");
}

}  // namespace
}  // namespace dinh::identity

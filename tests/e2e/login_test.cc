// Logins that go wrong: codes that leak, tokens that come back, rights that are taken away, attackers and limits.
#include <fstream>
#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "libs/auth/tokens.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kRightsTakeEffect{5};

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The digits as a word of their own: not within a time, an id or a fraction.
bool HoldsCode(const std::string& text, const std::string& code) {
  const auto glued = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
  };
  for (size_t at = text.find(code); at != std::string::npos; at = text.find(code, at + 1)) {
    const bool before = at > 0 && glued(text[at - 1]);
    const bool after = at + code.size() < text.size() && glued(text[at + code.size()]);
    if (!before && !after) return true;
  }
  return false;
}

// Calls until `done`; false when it did not come true within what is promised.
template <typename F>
bool Within(std::chrono::milliseconds limit, F&& done) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // asking faster only meets the rate limit
  }
  return true;
}

class LoginTest : public PlatformTest {
 protected:
  struct Otp {
    std::string challenge, code;
    ApiAnswer sent;
  };
  Otp SendOtp(const std::string& phone) {
    const std::string before = demo::NewestMessage(server_->outbox(), phone);
    Otp otp;
    otp.sent = Anonymous().Post("/v1/auth/otp:send", {{"phone", phone}});
    EXPECT_EQ(otp.sent.status, 200) << otp.sent.raw;
    otp.challenge = otp.sent.Text("challenge");
    otp.code = demo::ReadOtp(server_->outbox(), phone, before);
    EXPECT_EQ(otp.code.size(), 6u);
    return otp;
  }
  ApiAnswer Verify(const std::string& challenge, const std::string& code) {
    return Anonymous().Post("/v1/auth/otp:verify", {{"challenge", challenge}, {"code", code}});
  }
  ApiAnswer Refresh(const std::string& token) {
    return Anonymous().Post("/v1/auth/token:refresh", {{"refresh_token", token}});
  }
  ApiClient With(const ApiAnswer& tokens) {
    ApiClient client = Anonymous();
    client.set_token(tokens.Text("access_token"));
    return client;
  }
};

TEST_F(LoginTest, TheCodeStandsInNoAnswerAndNoLog) {
  for (const char* phone : {"0900000001", "0900000009", "+84900000002"}) {
    const std::string normal = phone[0] == '+' ? "0900000002" : phone;
    const std::string before = demo::NewestMessage(server_->outbox(), normal);
    const ApiAnswer sent = Anonymous().Post("/v1/auth/otp:send", {{"phone", phone}});
    ASSERT_EQ(sent.status, 200) << sent.raw;
    const std::string code = demo::ReadOtp(server_->outbox(), normal, before);
    ASSERT_EQ(code.size(), 6u);
    const ApiAnswer tokens = Verify(sent.Text("challenge"), code);
    ASSERT_EQ(tokens.status, 200) << tokens.raw;
    for (const ApiAnswer& answer : {sent, tokens}) {
      EXPECT_FALSE(HoldsCode(answer.raw, code)) << answer.raw;
      for (const auto& [name, value] : answer.headers) EXPECT_FALSE(HoldsCode(value, code)) << name;
    }
    EXPECT_FALSE(HoldsCode(ReadFile(server_->log_file()), code));
  }
  // Known and unknown phones are answered alike.
  const std::string before = demo::NewestMessage(server_->outbox(), "0900000001");
  const ApiAnswer known = Anonymous().Post("/v1/auth/otp:send", {{"phone", "0900000001"}});
  const ApiAnswer unknown = Anonymous().Post("/v1/auth/otp:send", {{"phone", "0911111111"}});
  EXPECT_EQ(known.status, unknown.status);
  EXPECT_EQ(known.Int("expires_in"), unknown.Int("expires_in"));
  EXPECT_EQ(known.Text("challenge").size(), unknown.Text("challenge").size());
  // The message is on its way: the next test must not take it for its own.
  EXPECT_FALSE(demo::ReadOtp(server_->outbox(), "0900000001", before).empty());
}

TEST_F(LoginTest, CodesAreUsedOnceAndGuessedInVain) {
  Otp otp = SendOtp("0900000001");
  EXPECT_EQ(Verify(otp.challenge, otp.code).status, 200);
  const ApiAnswer used = Verify(otp.challenge, otp.code);
  ExpectProblem(used, 401, "OTP_INVALID");
  otp = SendOtp("0900000001");
  const std::string wrong = otp.code == "000000" ? "000001" : "000000";
  std::string first;
  for (int i = 0; i < 5; ++i) {
    const ApiAnswer refused = Verify(otp.challenge, wrong);
    ExpectProblem(refused, 401, "OTP_INVALID");
    if (first.empty()) first = refused.Text("detail");
    EXPECT_EQ(refused.Text("detail"), first) << "the answer tells how near one is";
  }
  ExpectProblem(Verify(otp.challenge, otp.code), 401, "OTP_INVALID");
  // A code belongs to its challenge.
  const Otp one = SendOtp("0900000001"), two = SendOtp("0900000002");
  if (one.code != two.code) ExpectProblem(Verify(one.challenge, two.code), 401, "OTP_INVALID");
  ExpectProblem(Verify("khong-co-thach-thuc-nay", one.code), 401, "OTP_INVALID");
  for (const char* bad : {"12345", "1234567", "12345a", "１２３４５６", ""}) {
    ExpectProblem(Verify(one.challenge, bad), 400);
  }
  for (const char* phone : {"0123456789", "090000000", "09000000011", "+1 555 0100", "khong", "0900000001; DROP"}) {
    ExpectProblem(Anonymous().Post("/v1/auth/otp:send", {{"phone", phone}}), 400);
  }
}

TEST_F(LoginTest, ARefreshTokenThatComesBackEndsTheLogin) {
  const Otp otp = SendOtp("0900000001");
  const ApiAnswer first = Verify(otp.challenge, otp.code);
  const std::string r1 = first.Text("refresh_token");
  const ApiAnswer second = Refresh(r1);
  ASSERT_EQ(second.status, 200) << second.raw;
  const std::string r2 = second.Text("refresh_token");
  EXPECT_NE(r2, r1);
  // The answer was lost, or there are two tabs: the same successor.
  const ApiAnswer lost = Refresh(r1);
  ASSERT_EQ(lost.status, 200) << lost.raw;
  EXPECT_EQ(lost.Text("refresh_token"), r2);
  const ApiAnswer third = Refresh(r2);
  ASSERT_EQ(third.status, 200) << third.raw;
  ApiClient newest = With(third);
  EXPECT_EQ(newest.Get("/v1/me").status, 200);
  // Older ones are a thief's, or the thief has the newer.
  ExpectProblem(Refresh(r1), 401);
  ExpectProblem(Refresh(third.Text("refresh_token")), 401);
  EXPECT_TRUE(Within(kRightsTakeEffect, [&] { return newest.Get("/v1/me").status == 401; }));
  std::string tampered = r2;
  tampered.back() = tampered.back() == 'A' ? 'B' : 'A';
  for (const std::string& token : {tampered, std::string("x"), std::string("dr_"), std::string(256, 'a')}) {
    ExpectProblem(Refresh(token), 401, "REFRESH_TOKEN_INVALID");
  }
}

// Tokens made with the platform's own keys (the test may read its folder) and with others.
TEST_F(LoginTest, ExpiredForgedAndMisusedTokens) {
  Village village = NewVillage();
  const std::string good = village.Citizen("citizen_a").token();
  const base::SystemClock clock;
  base::SystemRandom random;
  const auto keys = auth::KeyRing::Open({.folder = server_->data_dir() + "/keys"}, clock, random);
  ASSERT_TRUE(keys.ok()) << keys.status();
  const auto claims = auth::TokenVerifier(**keys, clock).Verify(good);
  ASSERT_TRUE(claims.ok()) << claims.status();
  const auto ask = [&](const auth::KeyRing& ring, const base::Clock& at, const auth::TokenIssuer::Subject& subject,
                       const char* path = "/v1/me") {
    base::IdGenerator ids(at, random);
    ApiClient client = Anonymous();
    client.set_token(auth::TokenIssuer(ring, at, ids).Issue(subject).text);
    return client.Get(path);
  };
  const auth::TokenIssuer::Subject self = {claims->account, claims->session, claims->person, claims->kind};
  EXPECT_EQ(ask(**keys, clock, self).status, 200) << "the test must be able to make a good one";
  const base::FakeClock past(clock.Now() - 16 * 60 * base::kMicrosPerSecond);
  const base::FakeClock future(clock.Now() + 60 * 60 * base::kMicrosPerSecond);
  ExpectProblem(ask(**keys, past, self), 401, "TOKEN_EXPIRED");
  ExpectProblem(ask(**keys, future, self), 401);
  ExpectProblem(ask(*auth::KeyRing::Ephemeral(clock, random), clock, self), 401, "TOKEN_INVALID");
  auth::TokenIssuer::Subject other = self;
  other.session = "0190a5b2-7e3c-7abc-8def-0000000000fd";
  ExpectProblem(ask(**keys, clock, other), 401);
  other = self;
  other.account = "0190a5b2-7e3c-7abc-8def-0000000000fc";
  ExpectProblem(ask(**keys, clock, other), 401);
  other = self;
  other.kind = auth::CallerKind::kOfficer;
  EXPECT_THAT(ask(**keys, clock, other, "/v1/officers").status, ::testing::AnyOf(401, 403));
  // A person of somebody else's household does not become one's own by standing in the token.
  other = self;
  other.person = village.Citizen("citizen_b").Get("/v1/me").Text("active_person");
  EXPECT_NE(ask(**keys, clock, other).Text("active_person"), other.person);
}

TEST_F(LoginTest, LogoutTakesEffect) {
  Village village = NewVillage();
  ApiClient phone = village.Citizen("citizen_b"), tablet = village.Citizen("citizen_b");
  const ApiAnswer logins = phone.Get("/v1/me/logins");
  ASSERT_EQ(logins.status, 200) << logins.raw;
  std::string own;
  for (const Json& login : logins.body["logins"]) {
    if (login.value("current", false)) own = login.value("id", "");
  }
  ASSERT_FALSE(own.empty());
  EXPECT_EQ(tablet.Post("/v1/me/logins/" + own + ":end").status, 200);
  EXPECT_TRUE(Within(kRightsTakeEffect, [&] { return phone.Get("/v1/me").status == 401; }));
  EXPECT_EQ(tablet.Get("/v1/me").status, 200);
  EXPECT_EQ(tablet.Post("/v1/auth:logout").status, 200);
  EXPECT_TRUE(Within(kRightsTakeEffect, [&] { return tablet.Get("/v1/me").status == 401; }));
}

TEST_F(LoginTest, ChangedRolesAndLocksTakeEffect) {
  Village village = NewVillage();
  ApiClient admin = village.Officer("admin");
  const auto grant = [](const char* role) {
    return Json::array({{{"role", role}, {"agency", "ubnd-15865"}, {"unit", "15865"}}});
  };
  const ApiAnswer made =
      admin.Post("/v1/officers",
                 {{"officer", {{"username", "tam.thoi"}, {"full_name", "Cán bộ Tạm"}, {"grants", grant("one_stop")}}},
                  {"password", "mot-mat-khau-du-dai"}});
  ASSERT_EQ(made.status, 200) << made.raw;
  EXPECT_EQ(made.raw.find("mot-mat-khau"), std::string::npos);
  const ApiAnswer tokens =
      Anonymous().Post("/v1/auth/password:login", {{"username", "tam.thoi"}, {"password", "mot-mat-khau-du-dai"}});
  ASSERT_EQ(tokens.status, 200) << tokens.raw;
  ApiClient officer = With(tokens);
  ASSERT_EQ(officer.Get("/v1/dossiers").status, 200);
  const std::string path = "/v1/officers/" + made.Text("id");
  ASSERT_EQ(admin.Post(path + ":setGrants", {{"grants", grant("accountant")}, {"etag", made.Text("etag")}}).status,
            200);
  EXPECT_TRUE(Within(kRightsTakeEffect, [&] { return officer.Get("/v1/dossiers").status == 403; }));
  EXPECT_EQ(officer.Get("/v1/suspense").status, 200);
  ExpectProblem(admin.Post(path + ":setGrants", {{"grants", grant("one_stop")}, {"etag", made.Text("etag")}}), 409,
                "STALE_ETAG");
  ASSERT_EQ(admin.Post(path + ":lock").status, 200);
  EXPECT_TRUE(Within(kRightsTakeEffect, [&] { return officer.Get("/v1/suspense").status == 401; }));
  ExpectProblem(
      Anonymous().Post("/v1/auth/password:login", {{"username", "tam.thoi"}, {"password", "mot-mat-khau-du-dai"}}), 401,
      "LOGIN_FAILED");
  const ApiAnswer me = admin.Get("/v1/me");
  ExpectProblem(admin.Post("/v1/officers/" + me.body["officer"].value("id", "") + ":lock"), 409, "LAST_ADMIN");
  ASSERT_EQ(admin.Post(path + ":unlock").status, 200);
}

// With the limits a real installation has, and a proxy that tells who calls.
class LimitsTest : public LoginTest {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    server_ = std::make_unique<ServerProcess>(ServerProcess::Options{
        .data_dir = dir_->File("data"), .environment = {"DINH_GATEWAY_TRUSTED_PROXIES=127.0.0.1"}});
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  static http::ClientHeaders From(const std::string& address) { return {{"X-Forwarded-For", address}}; }
};

TEST_F(LimitsTest, TooManyCallsAreToldWhenToComeBack) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a"), b = village.Citizen("citizen_b");
  ApiAnswer refused;
  for (int i = 0; i < 3000 && refused.status != 429; ++i) refused = a.Get("/v1/me", From("198.51.100.20"));
  ExpectProblem(refused, 429, "RATE_LIMITED");
  EXPECT_GE(std::atoi(refused.Header("Retry-After").c_str()), 1);
  EXPECT_THAT(refused.Header("RateLimit"), HasSubstr("r=0"));
  EXPECT_EQ(b.Get("/v1/me", From("198.51.100.20")).status, 200) << "one caller's haste is not another's";
  EXPECT_EQ(Anonymous().Get("/healthz").status, 200);
}

TEST_F(LimitsTest, AnAttackerLocksNoKnownDeviceOut) {
  const std::string phone = "0900000002";
  const Otp otp = SendOtp(phone);
  const ApiAnswer own = Verify(otp.challenge, otp.code);
  ASSERT_EQ(own.status, 200) << own.raw;
  const std::string device = own.Text("device_token");
  ASSERT_FALSE(device.empty());
  ApiAnswer refused;
  for (int i = 0; i < 600 && refused.status != 429; ++i) {
    // Many addresses: the limit of the phone is what ends it.
    refused = Anonymous().Post("/v1/auth/otp:send", {{"phone", phone}}, From("203.0.113." + std::to_string(i % 200)));
  }
  ExpectProblem(refused, 429, "OTP_RATE_LIMITED");
  EXPECT_GE(std::atoi(refused.Header("Retry-After").c_str()), 1);
  const ApiAnswer known =
      Anonymous().Post("/v1/auth/otp:send", {{"phone", phone}, {"device_token", device}}, From("198.51.100.30"));
  EXPECT_EQ(known.status, 200) << known.raw;
  // Somebody else's device token opens nothing.
  const Otp other = SendOtp("0900000001");
  const std::string foreign = Verify(other.challenge, other.code).Text("device_token");
  ExpectProblem(
      Anonymous().Post("/v1/auth/otp:send", {{"phone", phone}, {"device_token", foreign}}, From("198.51.100.31")), 429,
      "OTP_RATE_LIMITED");
}

TEST_F(LimitsTest, AnAttackerLocksNoOfficerOut) {
  const Json officer = NewStory().Officer("vice_chair");
  const Json right = {{"username", officer.at("username")}, {"password", officer.at("password")}};
  const Json wrong = {{"username", officer.at("username")}, {"password", "khong-phai-mat-khau"}};
  ASSERT_EQ(Anonymous().Post("/v1/auth/password:login", right, From("198.51.100.40")).status, 200);
  int refused_at = 0;
  for (int i = 0; i < 120 && refused_at == 0; ++i) {
    const ApiAnswer answer =
        Anonymous().Post("/v1/auth/password:login", wrong, From("203.0.113." + std::to_string(i % 20)));
    if (answer.status == 429) refused_at = i;
    if (answer.status != 429) ExpectProblem(answer, 401, "LOGIN_FAILED");
  }
  EXPECT_GT(refused_at, 9) << "nobody was slowed down";
  const ApiAnswer known = Anonymous().Post("/v1/auth/password:login", right, From("198.51.100.40"));
  EXPECT_EQ(known.status, 200) << known.raw;
}

}  // namespace
}  // namespace dinh::testing

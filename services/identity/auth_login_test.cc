#include <mutex>
#include <set>
#include <thread>

#include "services/identity/limits.h"
#include "services/identity/test_support.h"

namespace dinh::identity {
namespace {

constexpr base::Micros kSecond = base::kMicrosPerSecond;
const RoleGrant kDesk{"one_stop", "ubnd-15865", "15865"};

class LoginServiceTest : public IdentityTest {
 protected:
  static pb::EndLoginRequest End(const std::string& id) {
    pb::EndLoginRequest request;
    request.set_login(id);
    return request;
  }
};

TEST_F(LoginServiceTest, RefreshRotates) {
  const pb::TokenPair first = LoginByPhone("0900000001");
  const auto second = Refresh(first.refresh_token());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->refresh_token(), first.refresh_token());
  const auto third = Refresh(second->refresh_token());
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(MustBe(*third).id, MustBe(first).id);
}

TEST_F(LoginServiceTest, PreviousTokenYieldsTheSameSuccessorForThirtySeconds) {
  const pb::TokenPair first = LoginByPhone("0900000001");
  const auto answer = Refresh(first.refresh_token());
  ASSERT_TRUE(answer.ok());
  harness_->clock().Advance(30 * kSecond);
  const auto repeated = Refresh(first.refresh_token());
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_EQ(repeated->refresh_token(), answer->refresh_token());
  // Repeating does not open a new window.
  harness_->clock().Advance(1);
  EXPECT_EQ(Reason(Refresh(first.refresh_token()).status()), "LOGIN_REVOKED");
  EXPECT_EQ(Reason(Refresh(answer->refresh_token()).status()), "LOGIN_REVOKED");
  EXPECT_EQ(Reason(WhoIs(*answer).status()), "LOGIN_REVOKED");
}

TEST_F(LoginServiceTest, ALostAnswerIsGivenAgainAlsoUnderTheSameRequestId) {
  pb::RefreshTokenRequest request;
  request.set_refresh_token(LoginByPhone("0900000001").refresh_token());
  testing::ServiceHarness::CallExtras extras;
  extras.request_id = "refresh-1";
  std::set<std::string> successors;
  for (int i = 0; i < 3; ++i) {
    const auto answer =
        harness_->Call<pb::TokenPair>(std::string(kAuth) + "RefreshToken", request, testing::Anonymous(), extras);
    ASSERT_TRUE(answer.ok()) << answer.status();
    successors.insert(answer->refresh_token());
  }
  EXPECT_EQ(successors.size(), 1u);
}

TEST_F(LoginServiceTest, TwoTabsThatRefreshAtOnceGetTheSameToken) {
  const pb::TokenPair tokens = LoginByPhone("0900000001");
  std::mutex mutex;
  std::set<std::string> successors;
  std::vector<std::thread> tabs;
  for (int i = 0; i < 4; ++i) {
    tabs.emplace_back([&] {
      const auto answer = Refresh(tokens.refresh_token());
      std::lock_guard lock(mutex);
      successors.insert(answer.ok() ? answer->refresh_token() : "refused");
    });
  }
  for (std::thread& tab : tabs) tab.join();
  ASSERT_EQ(successors.size(), 1u);
  EXPECT_TRUE(Refresh(*successors.begin()).ok());
}

// Through the process' own authenticator, which remembers what it was told for a few seconds.
class FiveSecondsTest : public LoginServiceTest {
 protected:
  absl::Status GetMeWith(const std::string& token) {
    pb::GetMeRequest request;
    pb::Me me;
    rpc::CallHead head;
    head.credentials = {rpc::Credentials::Kind::kBearer, token, "192.0.2.1"};
    rpc::Pipeline& pipeline = harness_->host().pipeline();
    return pipeline.Unary(*pipeline.Find(std::string(kPersons) + "GetMe"), head, request, &me);
  }
};

TEST_F(FiveSecondsTest, ALockReachesTokensThatWereJustUsed) {
  const std::string id = MakeOfficer("motcua.thu", {kDesk});
  MakeOfficer("quantri", {{"admin", "ubnd-15865", "15865"}});
  const std::string token = LoginByPassword("motcua.thu", kPassword)->access_token();
  ASSERT_TRUE(GetMeWith(token).ok());
  pb::LockOfficerRequest lock;
  lock.set_id(id);
  ASSERT_TRUE(OfOfficer<pb::Officer>("LockOfficer", lock, OfficerCalled("quantri")).ok());
  harness_->clock().Advance(5 * kSecond);
  EXPECT_EQ(Reason(GetMeWith(token)), "LOGIN_REVOKED");
}

TEST_F(FiveSecondsTest, ALogoutAndATamperedTokenAreRefused) {
  const std::string token = LoginByPhone("0900000001").access_token();
  ASSERT_TRUE(GetMeWith(token).ok());
  std::string tampered = token;
  tampered[tampered.size() / 2] = tampered[tampered.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_TRUE(absl::IsUnauthenticated(GetMeWith(tampered)));
  rpc::CallHead head;
  head.credentials = {rpc::Credentials::Kind::kBearer, token, "192.0.2.1"};
  pb::LogoutRequest request;
  pb::LogoutResponse response;
  rpc::Pipeline& pipeline = harness_->host().pipeline();
  ASSERT_TRUE(pipeline.Unary(*pipeline.Find(std::string(kAuth) + "Logout"), head, request, &response).ok());
  harness_->clock().Advance(5 * kSecond);
  EXPECT_EQ(Reason(GetMeWith(token)), "LOGIN_REVOKED");
  harness_->clock().Advance(15 * 60 * kSecond);
  EXPECT_TRUE(absl::IsUnauthenticated(GetMeWith(token)));
}

TEST_F(LoginServiceTest, AnOlderTokenEndsTheLoginAtOnce) {
  const pb::TokenPair first = LoginByPhone("0900000001");
  const auto second = Refresh(first.refresh_token());
  const auto third = Refresh(second->refresh_token());
  ASSERT_TRUE(third.ok());
  EXPECT_EQ(Reason(Refresh(first.refresh_token()).status()), "LOGIN_REVOKED");
  EXPECT_EQ(Reason(Refresh(third->refresh_token()).status()), "LOGIN_REVOKED");
}

TEST_F(LoginServiceTest, ReuseEndsOnlyItsOwnLogin) {
  const pb::TokenPair stolen = LoginByPhone("0900000001");
  const pb::TokenPair other = LoginByPhone("0900000001");
  ASSERT_TRUE(Refresh(Refresh(stolen.refresh_token())->refresh_token()).ok());
  EXPECT_FALSE(Refresh(stolen.refresh_token()).ok());
  EXPECT_TRUE(Refresh(other.refresh_token()).ok());
}

TEST_F(LoginServiceTest, ForgedTokensAreRefusedAndEndNothing) {
  const pb::TokenPair tokens = LoginByPhone("0900000001");
  std::string forged = tokens.refresh_token();
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  for (const std::string& token : {forged, std::string("dr_AAAA"), std::string("x")}) {
    EXPECT_EQ(Reason(Refresh(token).status()), "REFRESH_TOKEN_INVALID") << token;
  }
  EXPECT_TRUE(Refresh(tokens.refresh_token()).ok());
}

TEST_F(LoginServiceTest, ALoginExpiresWhenItIsNotUsed) {
  const pb::TokenPair tokens = LoginByPhone("0900000001");
  harness_->clock().Advance(30LL * 24 * 3600 * kSecond);
  EXPECT_EQ(Reason(Refresh(tokens.refresh_token()).status()), "LOGIN_REVOKED");
}

TEST_F(LoginServiceTest, LogoutEndsItAtOnceAndTwiceIsFine) {
  const pb::TokenPair tokens = LoginByPhone("0900000001");
  const auth::Principal me = MustBe(tokens);
  EXPECT_TRUE(Auth<pb::LogoutResponse>("Logout", pb::LogoutRequest(), me).ok());
  EXPECT_EQ(Reason(WhoIs(tokens).status()), "LOGIN_REVOKED");
  EXPECT_EQ(Reason(Refresh(tokens.refresh_token()).status()), "LOGIN_REVOKED");
  EXPECT_TRUE(Auth<pb::LogoutResponse>("Logout", pb::LogoutRequest(), me).ok());
}

TEST_F(LoginServiceTest, ALostPhoneIsEndedFromAnother) {
  const pb::TokenPair lost = LoginByPhone("0900000001");
  const pb::TokenPair here = LoginByPhone("0900000001");
  const auth::Principal me = MustBe(here);
  const auto logins = Auth<pb::ListLoginsResponse>("ListLogins", pb::ListLoginsRequest(), me);
  ASSERT_TRUE(logins.ok());
  ASSERT_EQ(logins->logins_size(), 2);
  EXPECT_TRUE(logins->logins(0).current());
  EXPECT_FALSE(logins->logins(1).current());
  EXPECT_EQ(logins->logins(1).device(), "Firefox, điện thoại");

  const auth::Principal stranger = MustBe(LoginByPhone("0900000002"));
  const absl::Status foreign = Auth<pb::EndLoginResponse>("EndLogin", End(logins->logins(1).id()), stranger).status();
  const absl::Status absent =
      Auth<pb::EndLoginResponse>("EndLogin", End("0190a5b2-7e3c-7abc-8def-0123456789ab"), stranger).status();
  EXPECT_TRUE(absl::IsPermissionDenied(foreign));
  EXPECT_EQ(foreign.ToString(), absent.ToString());

  EXPECT_TRUE(Auth<pb::EndLoginResponse>("EndLogin", End(logins->logins(1).id()), me).ok());
  EXPECT_EQ(Reason(WhoIs(lost).status()), "LOGIN_REVOKED");
  EXPECT_TRUE(WhoIs(here).ok());
  EXPECT_EQ(Auth<pb::ListLoginsResponse>("ListLogins", pb::ListLoginsRequest(), me)->logins_size(), 1);
}

TEST_F(LoginServiceTest, LoginsComeInPages) {
  std::vector<std::string> sessions;
  for (int i = 0; i < 5; ++i) {
    sessions.push_back(MustBe(LoginByPhone("0900000001")).session);
    harness_->clock().Advance(12 * kHour);  // a phone gets only so many codes a day
  }
  const auth::Principal me = MustBe(LoginByPhone("0900000001"));
  sessions.push_back(me.session);
  std::vector<std::string> seen;
  pb::ListLoginsRequest request;
  request.set_page_size(4);
  for (int page = 0; page < 2; ++page) {
    const auto logins = Auth<pb::ListLoginsResponse>("ListLogins", request, me);
    ASSERT_TRUE(logins.ok()) << logins.status();
    for (const pb::Login& login : logins->logins()) seen.push_back(login.id());
    EXPECT_EQ(logins->next_page_token().empty(), page == 1);
    request.set_page_token(logins->next_page_token());
  }
  EXPECT_EQ(seen, std::vector<std::string>(sessions.rbegin(), sessions.rend())) << "newest first, each once";
  // Another person's page is nobody's business.
  request.clear_page_token();
  request.set_page_token(Auth<pb::ListLoginsResponse>("ListLogins", request, me)->next_page_token());
  EXPECT_EQ(Reason(Auth<pb::ListLoginsResponse>("ListLogins", request, MustBe(LoginByPhone("0900000002"))).status()),
            "PAGE_TOKEN_MISMATCH");
}

TEST_F(LoginServiceTest, OfficerLogsInWithRoles) {
  MakeOfficer("motcua.thu", {kDesk});
  const auth::Principal desk = OfficerCalled("MotCua.Thu");
  EXPECT_EQ(desk.kind, auth::CallerKind::kOfficer);
  EXPECT_FALSE(desk.person.empty());
  EXPECT_TRUE(desk.Has("dossier.accept", "ubnd-15865", "15865"));
  EXPECT_FALSE(desk.Has("dossier.accept", "ca-15865", "15865"));
  EXPECT_FALSE(desk.Has("dossier.sign", "ubnd-15865", "15865"));
  const auto me = Me(desk);
  ASSERT_TRUE(me.ok());
  EXPECT_EQ(me->kind(), "officer");
  EXPECT_EQ(me->officer().username(), "motcua.thu");
}

TEST_F(LoginServiceTest, UnknownWrongAndLockedAreOneAnswer) {
  const std::string id = MakeOfficer("motcua.thu", {kDesk});
  MakeOfficer("quantri", {{"admin", "ubnd-15865", "15865"}});
  const absl::Status unknown = LoginByPassword("khong.co", kPassword).status();
  const absl::Status wrong = LoginByPassword("motcua.thu", "sai-mat-khau-roi").status();
  pb::LockOfficerRequest lock;
  lock.set_id(id);
  ASSERT_TRUE(OfOfficer<pb::Officer>("LockOfficer", lock, OfficerCalled("quantri")).ok());
  const absl::Status locked = LoginByPassword("motcua.thu", kPassword).status();
  EXPECT_EQ(Reason(unknown), "LOGIN_FAILED");
  EXPECT_EQ(unknown.ToString(), wrong.ToString());
  EXPECT_EQ(unknown.ToString(), locked.ToString());
}

TEST_F(LoginServiceTest, WrongPasswordsAreLimitedButNotForAKnownAddress) {
  MakeOfficer("motcua.thu", {kDesk});
  ASSERT_TRUE(LoginByPassword("motcua.thu", kPassword, "203.0.113.1").ok());
  for (int i = 0; i < 50; ++i) {
    const absl::Status status =
        LoginByPassword("motcua.thu", "sai-mat-khau-roi", "198.51.100." + std::to_string(i / 10)).status();
    EXPECT_EQ(Reason(status), "LOGIN_FAILED") << i;
  }
  EXPECT_EQ(Reason(LoginByPassword("motcua.thu", kPassword, "198.51.100.77").status()), "LOGIN_RATE_LIMITED");
  EXPECT_EQ(Reason(LoginByPassword("motcua.thu", kPassword, "198.51.100.0").status()), "LOGIN_RATE_LIMITED");
  EXPECT_TRUE(LoginByPassword("motcua.thu", kPassword, "203.0.113.1").ok());
  // The limit tells nothing about which names exist.
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(LoginByPassword("khong.co", kPassword, "192.0.2.9").ok());
  EXPECT_EQ(Reason(LoginByPassword("khong.co", kPassword, "192.0.2.9").status()), "LOGIN_RATE_LIMITED");
}

TEST_F(LoginServiceTest, ChangingThePasswordEndsTheOtherLogins) {
  MakeOfficer("motcua.thu", {kDesk});
  const auto elsewhere = LoginByPassword("motcua.thu", kPassword);
  const auto here = LoginByPassword("motcua.thu", kPassword);
  ASSERT_TRUE(elsewhere.ok() && here.ok());
  const auth::Principal me = MustBe(*here);
  pb::ChangePasswordRequest request;
  request.set_old_password("khong-phai-mat-khau");
  request.set_new_password("mat-khau-moi-2026");
  EXPECT_EQ(Reason(Auth<pb::ChangePasswordResponse>("ChangePassword", request, me).status()), "LOGIN_FAILED");
  request.set_old_password(kPassword);
  request.set_new_password("xx-motcua.thu-xx");
  EXPECT_EQ(Reason(Auth<pb::ChangePasswordResponse>("ChangePassword", request, me).status()), "PASSWORD_TOO_WEAK");
  request.set_new_password(kPassword);
  EXPECT_EQ(Reason(Auth<pb::ChangePasswordResponse>("ChangePassword", request, me).status()), "PASSWORD_TOO_WEAK");
  request.set_new_password("mat-khau-moi-2026");
  ASSERT_TRUE(Auth<pb::ChangePasswordResponse>("ChangePassword", request, me).ok());
  EXPECT_TRUE(WhoIs(*here).ok());
  EXPECT_EQ(Reason(WhoIs(*elsewhere).status()), "LOGIN_REVOKED");
  EXPECT_EQ(Reason(LoginByPassword("motcua.thu", kPassword).status()), "LOGIN_FAILED");
  EXPECT_TRUE(LoginByPassword("motcua.thu", "mat-khau-moi-2026").ok());
}

}  // namespace
}  // namespace dinh::identity

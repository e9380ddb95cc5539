#include "libs/testing/sql_coverage.h"
#include "services/identity/data_files.h"
#include "services/identity/domain/phone.h"
#include "services/identity/limits.h"
#include "services/identity/test_support.h"

namespace dinh::identity {
namespace {

DINH_STORE_SQL_IS_COVERED("services/identity");

class StorageTest : public IdentityTest {
 protected:
  absl::StatusOr<pb::TokenPair> DemoOfficerLogin() { return LoginByPassword("motcua.hoanghoa", "demo-mot-cua-2026"); }
};

TEST_F(StorageTest, NothingPersonalStandsInClear) {
  MakeOfficer("motcua.thu", {{"one_stop", "ubnd-15865", "15865"}});
  const auth::Principal desk = OfficerCalled("motcua.thu");
  const pb::TokenPair tokens = LoginByPhone("0900000001");
  const auth::Principal me = MustBe(tokens);
  pb::Person person = NewPerson("Công dân Một", "038190000001");
  person.set_birth_date("1990-05-17");
  person.set_phone("0912345678");
  ASSERT_TRUE(Create(me, person).ok());
  ASSERT_TRUE(Refresh(tokens.refresh_token()).ok());
  const auto sent = Send("0900000002");
  const std::string code = LastCode();
  const std::string bytes = harness_->StoredBytes();
  ASSERT_NE(bytes.find("motcua.thu"), std::string::npos);  // user names are not secret: the scan does read the rows
  for (const std::string& secret :
       {std::string("0900000001"), std::string("900000001"), std::string("0900000002"), std::string("0912345678"),
        std::string("038190000001"), std::string("Công dân Một"), std::string("Cán bộ Thử nghiệm"),
        std::string("1990-05-17"), std::string("Thôn Quang Trung"), code, tokens.refresh_token(),
        tokens.refresh_token().substr(3, 20), tokens.device_token(), std::string(kPassword),
        std::string("192.0.2.1")}) {
    EXPECT_EQ(bytes.find(secret), std::string::npos) << secret;
  }
  EXPECT_EQ(harness_->Log().find("0900000001"), std::string::npos);
}

TEST_F(StorageTest, DemoAccountsOnlyInDevelopmentModeAndOnlyOnce) {
  EXPECT_EQ(Reason(DemoOfficerLogin().status()), "LOGIN_FAILED");
  testing::TempDir data;
  StartService(/*dev=*/true, data.path());
  const auto tokens = DemoOfficerLogin();
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_TRUE(MustBe(*tokens).Has("dossier.accept", "ubnd-15865", "15865"));
  EXPECT_FALSE(LoginByPhone("0900000001").person().empty());
  EXPECT_EQ(LoginByPhone("0900000003").person(), "");  // two persons: none is chosen
  const auth::Principal shared = MustBe(LoginByPhone("0900000003"));
  EXPECT_EQ(Me(shared)->persons_size(), 2);
  const std::string account = MustBe(*tokens).id;

  now_ += 3600 * base::kMicrosPerSecond;
  StartService(/*dev=*/true, data.path());
  const auto again = DemoOfficerLogin();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(MustBe(*again).id, account);
  EXPECT_EQ(Me(MustBe(LoginByPhone("0900000003")))->persons_size(), 2);
}

TEST_F(StorageTest, DevelopmentModeKeepsLimitsButWide) {
  testing::TempDir data;
  StartService(/*dev=*/true, data.path());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Send("0900000001").ok()) << i;
  EXPECT_EQ(Reason(Send("0900000001").status()), "OTP_RATE_LIMITED");
}

TEST_F(StorageTest, SweepsWhatIsOldAndKeepsWhatIsNot) {
  ASSERT_TRUE(Send("0900000001").ok());
  const pb::TokenPair tokens = LoginByPhone("0900000002");
  const auth::Sealer sealer(harness_->keys(), harness_->random());
  const Store store(sealer);
  const auto sweep = [&] {
    const auto ctx = harness_->NewContext();
    return harness_->database("identity")
        ->Transact(*ctx, [&](db::Tx& tx) { return store.Sweep(tx, ctx->Now(), kSweepRowsMax); })
        .value_or(-1);
  };
  ASSERT_TRUE(harness_->WaitForJobs("identity", "logins.sweep", 1));
  EXPECT_EQ(sweep(), 0);
  harness_->clock().Advance(25LL * 3600 * base::kMicrosPerSecond);
  EXPECT_EQ(sweep(), 2 + 2 * 3);  // two challenges; phone, block and address of each
  ASSERT_TRUE(Send("0900000001").ok());
  harness_->clock().Advance(25LL * 3600 * base::kMicrosPerSecond);
  ASSERT_TRUE(Send("0900000002").ok()) << "its message wakes the worker, which sleeps by the real clock";
  ASSERT_TRUE(harness_->WaitForJobs("identity", "logins.sweep", 2));
  EXPECT_EQ(sweep(), 0) << "the round has done it";
  EXPECT_TRUE(Refresh(tokens.refresh_token()).ok());
}

TEST_F(StorageTest, TheFirstOfficerIsCheckedAtTheTerminal) {
  const AdminTools tools{*harness_->database("identity"), harness_->keys(), harness_->random(), harness_->ids(),
                         std::string(DINH_SOURCE_DIR) + "/deploy/data"};
  const auto create = [&](const NewOfficer& officer, const std::string& password) {
    auto ctx = harness_->NewContext();
    return Reason(CreateOfficer(*ctx, tools, officer, password).status());
  };
  const std::vector<RoleGrant> admin{{"admin", "ubnd-15865", "15865"}};
  EXPECT_EQ(create({"ab", "Quản trị viên", "", admin}, kPassword), "INVALID_FIELD");
  EXPECT_EQ(create({"quan tri", "Quản trị viên", "", admin}, kPassword), "INVALID_FIELD");
  EXPECT_EQ(create({"quantri", "Quản trị viên", "", {}}, kPassword), "INVALID_FIELD");
  EXPECT_EQ(create({"quantri", "Quản trị viên", "", {{"ghost", "a", "15865"}}}, kPassword), "INVALID_FIELD");
  EXPECT_EQ(create({"quantri", "Quản trị viên", "", admin}, "ngan"), "INVALID_FIELD");
  EXPECT_EQ(create({"quantri", "Quản trị viên", "", admin}, "quantri-quantri"), "PASSWORD_TOO_WEAK");
  EXPECT_EQ(create({"quantri", "Quản trị viên", "", admin}, kPassword), "OK");
  EXPECT_EQ(create({"QuanTri", "Quản trị viên", "", admin}, kPassword), "USERNAME_TAKEN");
}

TEST_F(StorageTest, ShippedDemoAccountsAreWellFormed) {
  const auto json = ReadDataFile(std::string(DINH_SOURCE_DIR) + "/deploy/data/demo.json");
  ASSERT_TRUE(json.ok());
  const auto accounts = ParseDemoAccounts(*json);
  ASSERT_TRUE(accounts.ok()) << accounts.status();
  EXPECT_GE(accounts->officers.size(), 6u);
  for (const DemoCitizen& citizen : accounts->citizens) {
    EXPECT_EQ(NormalizePhone(citizen.phone, DefaultPhonePrefixes()), citizen.phone);
  }
  EXPECT_FALSE(ParseDemoAccounts(R"({"citizens": [{"key": "x"}]})").ok());
  EXPECT_FALSE(ParseDemoAccounts(R"({"officers": [{"username": "x"}]})").ok());
}

}  // namespace
}  // namespace dinh::identity

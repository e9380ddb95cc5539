// The program's commands and exit codes, an installation without demo mode, and two processes that want one folder.
#include <filesystem>

#include "gmock/gmock.h"
#include "tests/support/platform_test.h"
#include "tests/support/run_dinh.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kOk = 0, kFound = 1, kUsage = 2, kCannotRun = 3;
constexpr char kAnyPorts[] = " --http 127.0.0.1:0 --grpc 127.0.0.1:0 --metrics 127.0.0.1:0";

class CliTest : public ::testing::Test {
 protected:
  std::string Data() const { return " --data-dir " + dir_.File("data"); }
  TempDir dir_;
};

TEST_F(CliTest, UsageIsToldAndItsErrorsAreTwo) {
  for (const char* command : {"--help", "serve --help", "demo --help", "audit --help", "keys --help"}) {
    const Finished run = RunDinh(command);
    EXPECT_EQ(run.exit_code, kOk) << command;
    EXPECT_THAT(run.output, HasSubstr("Usage")) << command;
  }
  EXPECT_THAT(RunDinh("version").output, HasSubstr("dinh "));
  for (const char* command : {"", "khong-co", "serve --khong-co", "keys rotate", "audit"}) {
    EXPECT_EQ(RunDinh(command + Data()).exit_code, kUsage) << command;
  }
  for (const char* command : {"audit verify", "ledger verify", "keys list"}) {
    EXPECT_EQ(RunDinh(command + Data()).exit_code, kCannotRun) << command << " without data";
  }
}

TEST_F(CliTest, ConfigurationIsCheckedAndSecretsAreNotPrinted) {
  const Finished unknown = RunDinh("serve --print-config", "DINH_GATEWAY_ADRESS=x");
  EXPECT_EQ(unknown.exit_code, kUsage);
  EXPECT_THAT(unknown.output, HasSubstr("DINH_GATEWAY_ADDRESS")) << "the nearest key is named";
  EXPECT_EQ(RunDinh("serve --print-config", "DINH_DINH_RATE_FACTOR_PERCENT=nhieu").exit_code, kUsage);
  // Limits that would be none, and addresses that lead nowhere.
  for (const char* flag :
       {"--dinh-handler-threads 0", "--dinh-handler-threads -5", "--gateway-connections-max -1",
        "--gateway-connections-per-address-max 0", "--gateway-io-threads 0", "--dinh-rate-factor-percent 0",
        "--identity-password-memory-mib 1", "--identity-phone-prefixes abc", "--procedures-public-url dinh.example.vn",
        "--gateway-cors-origins app.example.vn", "--gateway-cors-origins https://app.example.vn/",
        "--gateway-trusted-proxies x", "--log-level loud", "--tls-cert /khong/co.pem"}) {
    EXPECT_EQ(RunDinh("serve " + std::string(flag) + Data() + kAnyPorts, "timeout 20").exit_code, kUsage) << flag;
  }
  const Finished printed =
      RunDinh("serve --print-config", "DINH_PAYMENTS_BANK_KEYS=bank@970415:a-secret-that-nobody-may-see-00000");
  EXPECT_EQ(printed.exit_code, kOk) << printed.output;
  EXPECT_THAT(printed.output, Not(HasSubstr("nobody-may-see")));
  EXPECT_THAT(printed.output, HasSubstr("payments.bank_keys"));
}

TEST_F(CliTest, TheDemoPlaysToItsEnd) {
  const Finished run = RunDinh("demo");
  EXPECT_EQ(run.exit_code, kOk) << run.output;
  for (const char* step : {"1.", "2.", "3.", "4.", "5.", "6.", "7.", "Xong"}) EXPECT_THAT(run.output, HasSubstr(step));
}

TEST_F(CliTest, TheDemoSaysPlainlyWhatIsWrong) {
  const Finished nobody = RunDinh("demo --against 127.0.0.1:1");
  EXPECT_EQ(nobody.exit_code, kFound);
  EXPECT_THAT(nobody.output, HasSubstr("cannot be reached"));
  EXPECT_THAT(nobody.output, Not(HasSubstr("\\x"))) << "a status as machines write it";
  EXPECT_EQ(RunDinh("demo --against nonsense").exit_code, kUsage);
}

TEST_F(CliTest, OneProcessHoldsAFolder) {
  ServerProcess first({.data_dir = dir_.File("data")});
  ASSERT_TRUE(first.Start().ok());
  const Finished second = RunDinh("serve --dev" + Data() + kAnyPorts);
  EXPECT_EQ(second.exit_code, kCannotRun) << second.output;
  EXPECT_THAT(second.output, HasSubstr("DATA_DIR_IN_USE"));
  demo::ApiClient client("127.0.0.1", first.http_port());
  EXPECT_EQ(client.Get("/readyz").status, 200) << "the first one is not disturbed";
  EXPECT_EQ(RunDinh("admin create-officer --username a.b --full-name Ai --agency ubnd-15865 --unit 15865" + Data(),
                    "printf 'mot-mat-khau-du-dai\\n' |")
                .exit_code,
            kCannotRun);
  // Checks may be made beside the running platform.
  EXPECT_EQ(RunDinh("audit verify" + Data()).exit_code, kOk);
  EXPECT_EQ(RunDinh("ledger verify" + Data()).exit_code, kOk);
  EXPECT_EQ(first.Terminate(), 0);
}

TEST_F(CliTest, AnInstallationWithoutDemoMode) {
  const std::string who =
      "admin create-officer --username quan.tri --full-name 'Quản trị Một' --agency ubnd-15865 --unit 15865";
  EXPECT_EQ(RunDinh(who + Data(), "printf 'ngan\\n' |").exit_code, kUsage) << "a password that is too short";
  const Finished made = RunDinh(who + Data(), "printf 'mot-mat-khau-du-dai\\n' |");
  ASSERT_EQ(made.exit_code, kOk) << made.output;
  EXPECT_THAT(made.output, Not(HasSubstr("mot-mat-khau")));
  EXPECT_NE(RunDinh(who + Data(), "printf 'mot-mat-khau-du-dai\\n' |").exit_code, kOk) << "the name is taken";

  ServerProcess server({.data_dir = dir_.File("data"), .dev = false});
  const absl::Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started;
  demo::ApiClient client("127.0.0.1", server.http_port());
  const auto login = [&](const std::string& name, const std::string& password) {
    return client.Post("/v1/auth/password:login", {{"username", name}, {"password", password}});
  };
  const ApiAnswer tokens = login("quan.tri", "mot-mat-khau-du-dai");
  ASSERT_EQ(tokens.status, 200) << tokens.raw;
  const demo::Json demo = DemoData();
  for (const demo::Json& officer : demo.at("officers")) {
    ExpectProblem(login(officer.at("username"), officer.at("password")), 401, "LOGIN_FAILED");
  }
  // No way to send codes is set up, which is said, not hidden.
  ExpectProblem(client.Post("/v1/auth/otp:send", {{"phone", "0900000001"}}), 503, "SMS_NOT_CONFIGURED");
  EXPECT_FALSE(std::filesystem::exists(server.outbox()));
  const std::string body = R"({"transaction_id":"X"})";
  const std::string secret = demo.at("bank").value("secret", "");
  EXPECT_EQ(client
                .Send("POST", "/v1/bank/notifications", body, "application/json",
                      {{"X-Dinh-Signature", demo::SignNotification(secret, UnixNow(), body)}})
                .status,
            401)
      << "the demo bank's secret opens a real installation";
  client.set_token(tokens.Text("access_token"));
  const ApiAnswer officers = client.Get("/v1/officers");
  ASSERT_EQ(officers.status, 200) << officers.raw;
  EXPECT_EQ(officers.body["officers"].size(), 1u);
  EXPECT_EQ(server.Terminate(), 0);
}

TEST_F(CliTest, RotatedKeysOpenOldData) {
  Village::Accepted dossier;
  std::string attachment, token;
  {
    ServerProcess server({.data_dir = dir_.File("data")});
    ASSERT_TRUE(server.Start().ok());
    Village village(StoryOptionsFor(server));
    demo::ApiClient a = village.Citizen("citizen_a");
    demo::ApiClient desk = village.Officer("desk");
    attachment = village.Upload(a, "DINH-ROTATE");
    dossier = village.FileAndAccept(a, desk);
    token = a.token();
    ASSERT_EQ(server.Terminate(), 0);
  }
  for (const char* purpose : {"token-signing", "sealing", "page-token", "audit-head"}) {
    const Finished run = RunDinh(std::string("keys rotate ") + purpose + Data());
    ASSERT_EQ(run.exit_code, kOk) << run.output;
  }
  const Finished list = RunDinh("keys list" + Data());
  EXPECT_EQ(list.exit_code, kOk);
  EXPECT_THAT(list.output, HasSubstr("sealing"));
  ServerProcess server({.data_dir = dir_.File("data")});
  const absl::Status started = server.Start();
  ASSERT_TRUE(started.ok()) << started;
  Village village(StoryOptionsFor(server));
  demo::ApiClient old("127.0.0.1", server.http_port());
  old.set_token(token);
  EXPECT_EQ(old.Get("/v1/dossiers/" + dossier.code).status, 200) << "a token of the old key still lives";
  EXPECT_EQ(old.Get("/v1/attachments/" + attachment).raw, demo::SamplePdf("DINH-ROTATE"));
  demo::ApiClient fresh = village.Citizen("citizen_a");
  EXPECT_EQ(fresh.Get("/v1/me").body["persons"][0].value("full_name", ""), "Công dân Một");
  EXPECT_EQ(village.Pay(dossier).Text("outcome"), "paid");
  EXPECT_EQ(server.Terminate(), 0);
  EXPECT_EQ(RunDinh("audit verify" + Data()).exit_code, kOk);
}

}  // namespace
}  // namespace dinh::testing

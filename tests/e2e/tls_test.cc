// The real server over TLS: HSTS, what it tells at start, and what SIGHUP reloads: certificate and log level.
#include <signal.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "libs/testing/test_certificate.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::chrono::seconds kPatience{20};

template <typename Condition>
bool Eventually(const Condition& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

class TlsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Certify("first");
    SetLogLevel("error");
    server_ = std::make_unique<ServerProcess>(
        ServerProcess::Options{.data_dir = dir_.File("data"),
                               .flags = {"--tls-cert", dir_.File("cert.pem"), "--tls-key", dir_.File("key.pem")},
                               .environment = {"DINH_CONFIG=" + dir_.File("config.json")},
                               .tls_ca_file = dir_.File("first.pem")});
    const absl::Status started = server_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }

  // The server's certificate from now on, and a copy under its name for clients to hold it against.
  void Certify(const std::string& name) {
    ASSERT_TRUE(WriteTestCertificate(name, dir_.File("cert.pem"), dir_.File("key.pem")));
    std::filesystem::copy_file(dir_.File("cert.pem"), dir_.File(name + ".pem"));
  }
  void SetLogLevel(const std::string& level) {
    std::ofstream(dir_.File("config.json")) << R"({"log": {"level": ")" << level << "\"}}\n";
  }
  std::string Log() const {
    std::ifstream in(server_->log_file());
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  absl::StatusOr<http::ClientResponse> Get(const std::string& path, const std::string& issuer) {
    http::ClientOptions options;
    options.port = server_->http_port();
    options.tls = true;
    options.tls_ca_file = dir_.File(issuer + ".pem");
    return http::Client(options).Get(path);
  }

  TempDir dir_;
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(TlsTest, EveryAnswerAsksForHttpsFromNowOn) {
  EXPECT_THAT(Log(), HasSubstr("https://127.0.0.1:" + std::to_string(server_->http_port())));
  for (const char* path : {"/v1/units/15865", "/v1/khong-co", "/docs", "/openapi.json", "/healthz", "/"}) {
    const auto answer = Get(path, "first");
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_THAT(std::string(answer->Header("Strict-Transport-Security")), HasSubstr("max-age=")) << path;
  }
  demo::ApiClient plain("127.0.0.1", server_->http_port());
  EXPECT_NE(plain.Get("/v1/units/15865").status, 200);
}

TEST_F(TlsTest, HangupReloadsCertificateAndLogLevel) {
  ASSERT_TRUE(Get("/v1/units/15865", "first").ok());
  EXPECT_THAT(Log(), Not(HasSubstr("\"event\":\"call\"")));
  Certify("second");
  SetLogLevel("info");
  ASSERT_EQ(kill(server_->pid(), SIGHUP), 0);
  EXPECT_TRUE(Eventually([&] { return Get("/v1/units/15865", "second").ok(); }));
  EXPECT_FALSE(Get("/v1/units/15865", "first").ok());
  EXPECT_TRUE(Eventually([&] { return Log().find("TerritoryService/GetUnit") != std::string::npos; })) << Log();
  // A certificate that cannot be read leaves the one that is there.
  std::ofstream(dir_.File("cert.pem")) << "no certificate";
  ASSERT_EQ(kill(server_->pid(), SIGHUP), 0);
  EXPECT_TRUE(Eventually([&] { return Log().find("\"reload\"") != std::string::npos; })) << Log();
  EXPECT_TRUE(Get("/v1/units/15865", "second").ok());
  EXPECT_EQ(server_->Terminate(), 0);
}

}  // namespace
}  // namespace dinh::testing

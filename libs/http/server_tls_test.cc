#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <cstdio>
#include <filesystem>
#include <future>

#include "libs/base/status.h"
#include "libs/http/server_test_util.h"
#include "libs/testing/test_certificate.h"

namespace dinh::http {
namespace {

void MakeCertificate(const std::string& name, const std::string& certificate_file, const std::string& key_file) {
  ASSERT_TRUE(dinh::testing::WriteTestCertificate(name, certificate_file, key_file));
}

class TlsTest : public ServerTest {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "dinh_tls_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    options_.tls_certificate_file = dir_ + "/cert.pem";
    options_.tls_key_file = dir_ + "/key.pem";
    MakeCertificate("first", options_.tls_certificate_file, options_.tls_key_file);
  }
  void TearDown() override {
    ServerTest::TearDown();
    std::filesystem::remove_all(dir_);
  }

  ClientOptions Secure() {
    ClientOptions options;
    options.port = server_->port();
    options.tls = true;
    options.tls_ca_file = options_.tls_certificate_file;
    options.timeout = kTestPatience;
    return options;
  }

  std::string dir_;
};

TEST_F(TlsTest, RoundTripsSmallAndLarge) {
  handler_.serve = [](const ExchangePtr& exchange) {
    EXPECT_TRUE(exchange->request().is_tls);
    EXPECT_TRUE(exchange->request().is_https);
    const size_t size = exchange->request().path == "/large" ? 5'000'000 : 5;
    exchange->Respond(Text(std::string(size, 'y') + std::string(exchange->request().body)));
  };
  Start();
  Client client(Secure());
  for (int i = 0; i < 10; ++i) {
    const absl::StatusOr<ClientResponse> response = client.Get("/");
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->body, "yyyyy");
  }
  EXPECT_EQ(client.Get("/large")->body.size(), 5'000'000u);
  EXPECT_EQ(client.Post("/", "text/plain", std::string(300'000, 'z'))->body.size(), 300'005u);
  EXPECT_EQ(server_->stats().connections_accepted, 1u);
  ASSERT_TRUE(client.SendRaw("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  EXPECT_EQ(client.ReadResponse()->body, "yyyyy");
  EXPECT_EQ(client.ReadResponse()->body, "yyyyy");
}

TEST_F(TlsTest, StreamsBothWays) {
  handler_.plan = [](const Request&) { return BodyPlan::Read(100'000'000); };
  handler_.serve = [this](const ExchangePtr& exchange) {
    Spawn([exchange] {
      StreamHead head;
      head.headers.Add("Content-Type", "application/octet-stream");
      const auto stream = exchange->StartStream(head);
      std::string piece(50'000, '\0');
      size_t total = 0;
      for (;;) {
        const absl::StatusOr<size_t> n = exchange->body_reader()->Read(piece);
        if (!n.ok() || *n == 0) break;
        total += *n;
      }
      stream->Write(std::to_string(total));
      stream->Close();
    });
  };
  Start();
  Client client(Secure());
  size_t left = 3'000'000;
  const absl::StatusOr<ClientResponse> refused =
      client.SendStream({.method = "POST"}, [&](std::span<char> out) -> absl::StatusOr<size_t> {
        const size_t n = std::min(out.size(), left);
        left -= n;
        return n;
      });
  // The answer had begun before the body ended, so the rest of the body was not read.
  ASSERT_TRUE(refused.ok()) << refused.status();
  EXPECT_EQ(refused->status, 200);
}

TEST_F(TlsTest, ClientsVerify) {
  Start();
  ClientOptions options = Secure();
  options.tls_ca_file.clear();
  EXPECT_EQ(Client(options).Get("/").status().code(), absl::StatusCode::kUnavailable);
  options.tls_verify = false;
  EXPECT_TRUE(Client(options).Get("/").ok());
  options = Secure();
  options.host = "localhost";
  EXPECT_TRUE(Client(options).Get("/").ok());
}

TEST_F(TlsTest, ReloadTakesTheNewCertificateAndKeepsTheOldOneWhenItIsBad) {
  Start();
  Client before(Secure());
  ASSERT_TRUE(before.Get("/").ok());
  const ClientOptions old = [&] {
    ClientOptions options = Secure();
    options.tls_ca_file = dir_ + "/old.pem";
    return options;
  }();
  std::filesystem::copy_file(options_.tls_certificate_file, old.tls_ca_file);
  MakeCertificate("second", options_.tls_certificate_file, options_.tls_key_file);
  EXPECT_TRUE(Client(old).Get("/").ok());
  ASSERT_TRUE(server_->ReloadTls().ok());
  EXPECT_FALSE(Client(old).Get("/").ok());
  EXPECT_TRUE(Client(Secure()).Get("/").ok());
  EXPECT_TRUE(before.Get("/").ok()) << "connections that stand are not touched";
  std::filesystem::resize_file(options_.tls_key_file, 10);
  EXPECT_EQ(server_->ReloadTls().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Client(Secure()).Get("/").ok());
}

TEST_F(TlsTest, OldProtocolsAndPlainTextAreRefused) {
  Start();
  ClientOptions plain;
  plain.port = server_->port();
  plain.timeout = kTestPatience;
  EXPECT_FALSE(Client(plain).Get("/").ok());
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  BIO* bio = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(server_->port())).c_str());
  EXPECT_LE(BIO_do_connect(bio), 0);
  BIO_free_all(bio);
  SSL_CTX_free(context);
  EXPECT_TRUE(Client(Secure()).Get("/").ok());
}

TEST_F(TlsTest, SilentHandshakesEnd) {
  Start();
  ClientOptions plain;
  plain.port = server_->port();
  plain.timeout = kTestPatience;
  Client client(plain);
  ASSERT_TRUE(client.SendRaw("").ok());
  ASSERT_TRUE(Eventually([&] { return server_->stats().connections_open == 1; }));
  ASSERT_TRUE(Eventually([&] {
    Advance(std::chrono::seconds(11));
    return server_->stats().connections_open == 0;
  }));
  EXPECT_TRUE(client.WaitClosed(kTestPatience));
}

TEST_F(TlsTest, BadFilesAreToldAtStart) {
  FunctionHandler handler;
  ServerOptions options = options_;
  options.tls_key_file = dir_ + "/missing.pem";
  EXPECT_EQ(Server::Start(options, handler, clock_).status().code(), absl::StatusCode::kFailedPrecondition);
  options.tls_key_file.clear();
  EXPECT_EQ(Server::Start(options, handler, clock_).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace dinh::http

// Services know each other by the SPIFFE URI of their certificates.
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "libs/rpc/grpc_fixture.h"
#include "libs/testing/temp_dir.h"

namespace dinh::rpc {
namespace {

using namespace grpc_fixture;  // NOLINT: the test's own fixture

class GrpcTlsTest : public GrpcServerTest {
 protected:
  void SetUp() override {
    GrpcServerTest::SetUp();
    if (IsSkipped()) return;
    Run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key "
        "-out ca.crt");
    Issue("things");
    grpc::SslServerCredentialsOptions options(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = Read("ca.crt");
    options.pem_key_cert_pairs = {{Read("things.key"), Read("things.crt")}};
    auto server = GrpcServer::Start(
        {.address = "127.0.0.1:0", .credentials = grpc::SslServerCredentials(options), .peer_domain = "dinh"},
        pipeline_, pool_);
    ASSERT_TRUE(server.ok()) << server.status();
    tls_server_ = *std::move(server);
  }
  void TearDown() override {
    tls_server_.reset();
    GrpcServerTest::TearDown();
  }
  void Run(const std::string& command) {
    ASSERT_EQ(std::system(("cd " + dir_.path() + " && " + command + " >log 2>&1").c_str()), 0) << command;
  }
  std::string Read(const std::string& name) {
    std::ifstream in(dir_.File(name));
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  // An address (or DNS name) stands beside the URI: gRPC's clients check only that.
  void Issue(const std::string& service, const std::string& domain = "dinh") {
    std::ofstream(dir_.File("ext")) << "subjectAltName=URI:spiffe://" << domain << "/" << service << ",IP:127.0.0.1\n";
    Run("openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=" + service + " -keyout " + service +
        ".key -out " + service + ".csr");
    Run("openssl x509 -req -in " + service +
        ".csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out " + service + ".crt");
  }
  absl::StatusOr<pb::Thing> CallAs(const std::string& service, const std::string& method) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = Read("ca.crt");
    if (!service.empty()) {
      options.pem_private_key = Read(service + ".key");
      options.pem_cert_chain = Read(service + ".crt");
    }
    GrpcChannel channel({.target = "127.0.0.1:" + std::to_string(tls_server_->port()),
                         .service = "things",
                         .credentials = grpc::SslCredentials(options)},
                        clock_, nullptr);
    base::OpContext ctx(clock_, clock_.Steady() + kLimit);
    pb::GetThingRequest request;
    request.set_id("x");
    return channel.Call<pb::Thing>(ctx, Path(method), request);
  }

  dinh::testing::TempDir dir_;
  std::unique_ptr<GrpcServer> tls_server_;
};

TEST_F(GrpcTlsTest, ThePeerIsWhoItsCertificateNames) {
  Issue("payments");
  const auto thing = CallAs("payments", "FindThing");
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->name(), "payments");
  // The rule lets payments in; the handler is only missing.
  EXPECT_EQ(CallAs("payments", "PeerThing").status().code(), absl::StatusCode::kUnimplemented);
  Issue("feedback");
  EXPECT_TRUE(absl::IsPermissionDenied(CallAs("feedback", "PeerThing").status()));
}

TEST_F(GrpcTlsTest, NobodyIsAPeerWithoutACertificateOfThisPlatform) {
  const auto anonymous = CallAs("", "FindThing");
  ASSERT_TRUE(anonymous.ok()) << anonymous.status();
  EXPECT_EQ(anonymous->name(), "");
  EXPECT_TRUE(absl::IsPermissionDenied(CallAs("", "PeerThing").status()));
  Issue("payments", "elsewhere");
  EXPECT_TRUE(absl::IsPermissionDenied(CallAs("payments", "PeerThing").status()));
}

TEST_F(GrpcTlsTest, PlainTextHasNoPeers) { EXPECT_TRUE(absl::IsPermissionDenied(Call("PeerThing").status())); }

}  // namespace
}  // namespace dinh::rpc

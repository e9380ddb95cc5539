// mTLS: services know each other by the SPIFFE URI of their certificates, which may be replaced while all runs.
#include <gmock/gmock.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "libs/rpc/grpc_fixture.h"
#include "libs/rpc/tls_credentials.h"
#include "libs/testing/temp_dir.h"
#include "libs/testing/test_ca.h"

namespace dinh::rpc {
namespace {

using namespace grpc_fixture;  // NOLINT: the test's own fixture
using dinh::testing::TestCa;
using dinh::testing::TestIdentity;
using ::testing::HasSubstr;

constexpr char kClientAddress[] = "203.0.113.7";

class GrpcTlsTest : public GrpcServerTest {
 protected:
  void SetUp() override {
    GrpcServerTest::SetUp();
    if (IsSkipped()) return;
    StartTls(Put("things", ca_.Issue("things"), ca_.pem()), base::kConnectionAgeMax);
  }
  void TearDown() override {
    tls_server_.reset();
    GrpcServerTest::TearDown();
  }
  void StartTls(const TlsFiles& files, std::chrono::milliseconds age) {
    tls_server_.reset();
    auto credentials = ServerCredentialsOf(files);
    ASSERT_TRUE(credentials.ok()) << credentials.status();
    auto server = GrpcServer::Start(
        {.address = "127.0.0.1:0", .credentials = *credentials, .peer_domain = "dinh", .connection_age_max = age},
        pipeline_, pool_);
    ASSERT_TRUE(server.ok()) << server.status();
    tls_server_ = *std::move(server);
  }
  // Puts a service's files where it reads them, all at once.
  TlsFiles Put(const std::string& service, const TestIdentity& identity, const std::string& authorities) {
    namespace fs = std::filesystem;
    const fs::path root(dir_.path()), fresh = root / (service + "." + std::to_string(++versions_));
    fs::create_directory(fresh);
    std::ofstream(fresh / "tls.crt") << identity.certificate;
    std::ofstream(fresh / "tls.key") << identity.key;
    std::ofstream(fresh / "ca.crt") << authorities;
    fs::create_directory_symlink(fresh, root / "next");
    fs::rename(root / "next", root / service);
    const std::string at = (root / service).string();
    return {.certificate = at + "/tls.crt", .key = at + "/tls.key", .ca = at + "/ca.crt", .trust_domain = "dinh"};
  }
  TlsFiles PutService(const std::string& service) { return Put(service, ca_.Issue(service), ca_.pem()); }

  std::unique_ptr<GrpcChannel> ChannelWith(std::shared_ptr<grpc::ChannelCredentials> credentials) {
    return std::make_unique<GrpcChannel>(
        GrpcChannelOptions{.target = "127.0.0.1:" + std::to_string(tls_server_->port()),
                           .service = "things",
                           .services = {"dinh.testing.v1.ThingService"},
                           .credentials = std::move(credentials),
                           .connect_wait = std::chrono::milliseconds(400)},
        clock_, nullptr);
  }
  std::unique_ptr<GrpcChannel> ChannelOf(const TlsFiles& files, const std::string& expected = "things") {
    auto credentials = ChannelCredentialsOf(files, expected);
    EXPECT_TRUE(credentials.ok()) << credentials.status();
    return ChannelWith(*credentials);
  }
  absl::StatusOr<pb::Thing> Ask(Channel& channel, const std::string& method, const CallOptions& options = {}) {
    base::OpContext ctx(clock_, clock_.Steady() + kLimit);
    pb::GetThingRequest request;
    request.set_id("x");
    return channel.Call<pb::Thing>(ctx, Path(method), request, options);
  }
  absl::StatusOr<pb::Thing> AskAs(const std::string& service, const std::string& method,
                                  const CallOptions& options = {}) {
    return Ask(*ChannelOf(PutService(service)), method, options);
  }
  // Asks until it is answered, or until it is not.
  bool WaitUntil(bool good, const std::function<absl::Status()>& ask) {
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (std::chrono::steady_clock::now() < limit) {
      if (ask().ok() == good) return true;
    }
    return false;
  }

  dinh::testing::TempDir dir_;
  int versions_ = 0;
  TestCa ca_{"ca"};
  std::unique_ptr<GrpcServer> tls_server_;
};

TEST_F(GrpcTlsTest, ThePeerIsWhoItsCertificateNames) {
  const auto thing = AskAs("payments", "FindThing");
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->name(), "payments");
  // The rule lets payments in; the handler is only missing.
  EXPECT_EQ(AskAs("payments", "PeerThing").status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_TRUE(absl::IsPermissionDenied(AskAs("feedback", "PeerThing").status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Call("PeerThing").status())) << "plain text has no peers";
}

TEST_F(GrpcTlsTest, NobodyConnectsWithoutACertificateOfThisPlatform) {
  grpc::SslCredentialsOptions none;
  none.pem_root_certs = ca_.pem();
  EXPECT_TRUE(absl::IsUnavailable(Ask(*ChannelWith(grpc::SslCredentials(none)), "FindThing").status()));
  // Another authority, which its own side believes.
  const TestCa other("other");
  const TlsFiles foreign = Put("payments", other.Issue("payments"), other.pem() + ca_.pem());
  EXPECT_TRUE(absl::IsUnavailable(Ask(*ChannelOf(foreign), "FindThing").status()));
  // The right authority, for another domain.
  TlsFiles elsewhere = Put("payments", ca_.Issue("payments", "elsewhere"), ca_.pem());
  grpc::SslCredentialsOptions stranger;
  const TestIdentity identity = ca_.Issue("payments", "elsewhere");
  stranger.pem_root_certs = ca_.pem();
  stranger.pem_private_key = identity.key;
  stranger.pem_cert_chain = identity.certificate;
  EXPECT_TRUE(absl::IsUnavailable(Ask(*ChannelWith(grpc::SslCredentials(stranger)), "FindThing").status()));
  EXPECT_FALSE(ChannelCredentialsOf(elsewhere, "things").ok()) << "it would be refused everywhere";
}

TEST_F(GrpcTlsTest, TheCalleeMustBeWhoIsMeant) {
  EXPECT_TRUE(absl::IsUnavailable(Ask(*ChannelOf(PutService("payments"), "identity"), "FindThing").status()));
  EXPECT_TRUE(Ask(*ChannelOf(PutService("payments"), "things"), "FindThing").ok());
}

TEST_F(GrpcTlsTest, OnlyTheGatewayPassesOnCallsOfOthers) {
  std::string address;
  handlers_.on_find = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    address = ctx.principal().address;
    pb::Thing thing;
    thing.set_name(ctx.principal().id);
    thing.set_number(static_cast<int64_t>(ctx.principal().kind));
    return thing;
  };
  CallHead head;
  head.credentials = {Credentials::Kind::kBearer, "citizen", kClientAddress};
  auto thing = AskAs("gateway", "FindThing", {.forward = &head});
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->name(), "account-1");
  EXPECT_EQ(address, kClientAddress);
  // Never as the peer `gateway`, which some method might trust.
  head.credentials = {Credentials::Kind::kNone, "", kClientAddress};
  thing = AskAs("gateway", "FindThing", {.forward = &head});
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->number(), static_cast<int64_t>(auth::CallerKind::kAnonymous));
  // In its own name it is one.
  EXPECT_EQ(AskAs("gateway", "FindThing")->name(), "gateway");
  const absl::Status claimed = AskAs("feedback", "FindThing", {.forward = &head}).status();
  ASSERT_TRUE(base::DetailOf(claimed).has_value()) << claimed;
  EXPECT_EQ(base::DetailOf(claimed)->reason, "NOT_A_FORWARDER");
}

TEST_F(GrpcTlsTest, InAUsersNameTheTokenIsCheckedAgain) {
  const auto channel = ChannelOf(PutService("feedback"));
  pb::GetThingRequest request;
  request.set_id("x");
  auth::Principal citizen;
  citizen.kind = auth::CallerKind::kCitizen;
  citizen.id = "account-1";
  const auto ask = [&](const std::string& token, const auth::Principal& as_user) {
    Context ctx(clock_, clock_.Steady() + kLimit, *table_.Find(Path("FindThing")), citizen);
    ctx.bearer = token;
    return channel->Call<pb::Thing>(ctx, Path("FindThing"), request, {.as_user = &as_user});
  };
  // The token counts, and not the certificate that came with it.
  EXPECT_EQ(ask("citizen", citizen)->name(), "account-1");
  EXPECT_TRUE(absl::IsUnauthenticated(ask("dead", citizen).status()));
  // The token names one person: nobody else, and no other person of the same account, can be meant by it.
  auth::Principal other = citizen;
  other.person = "person-2";
  EXPECT_TRUE(absl::IsInternal(ask("citizen", other).status()));
  // A stream has no context to take the token from.
  handlers_.on_watch = [&](const std::shared_ptr<Context>& ctx, const std::shared_ptr<StreamSink>& sink) {
    pb::Thing thing;
    thing.set_name(ctx->principal().id);
    sink->Write(thing);
    sink->Finish(absl::OkStatus());
    return absl::OkStatus();
  };
  auto sink = std::make_shared<CollectingSink>();
  ASSERT_TRUE(channel->Subscribe(Path("WatchThing"), request, sink, {.as_user = &citizen, .bearer = "citizen"}).ok());
  ASSERT_TRUE(sink->WaitFor(1));
  EXPECT_EQ(sink->At<pb::Thing>(0).name(), "account-1");
  EXPECT_TRUE(absl::IsInternal(channel->Subscribe(Path("WatchThing"), request, sink, {.as_user = &citizen})));
}

TEST_F(GrpcTlsTest, CertificatesAndAuthoritiesAreReplacedUnderCalls) {
  const TestCa next("next");
  const std::string both = ca_.pem() + next.pem();
  // Connections are short, so that new ones meet every state on the way.
  StartTls(Put("things", ca_.Issue("things"), both), std::chrono::milliseconds(100));
  const auto channel = ChannelOf(Put("payments", ca_.Issue("payments"), both));
  std::atomic<bool> stop = false;
  std::atomic<int> calls = 0;
  absl::Status failed;
  std::thread caller([&] {
    while (!stop && failed.ok()) {
      failed = Ask(*channel, "FindThing").status();
      ++calls;
    }
  });
  Put("things", next.Issue("things"), both);
  Put("payments", next.Issue("payments"), both);
  // Who believes only the next authority gets in when the server has its new certificate.
  const TlsFiles modern = Put("feedback", next.Issue("feedback"), next.pem());
  EXPECT_TRUE(WaitUntil(true, [&] { return Ask(*ChannelOf(modern), "FindThing").status(); }));
  stop = true;
  caller.join();
  EXPECT_TRUE(failed.ok()) << failed << " after " << calls;
  EXPECT_GT(calls, 10);
}

TEST_F(GrpcTlsTest, AnExpiredCertificateIsRefusedUntilItIsReplaced) {
  StartTls(PutService("things"), std::chrono::milliseconds(100));
  const TlsFiles client = PutService("payments");
  const auto channel = ChannelOf(client);
  EXPECT_TRUE(Ask(*channel, "FindThing").ok());
  Put("things", ca_.Issue("things", "dinh", -TestCa::kHourSeconds, -1), ca_.pem());
  EXPECT_TRUE(WaitUntil(false, [&] { return Ask(*channel, "FindThing").status(); }));
  PutService("things");
  EXPECT_TRUE(WaitUntil(true, [&] { return Ask(*channel, "FindThing").status(); }));
}

TEST(TlsFilesTest, ErrorsNameTheSetting) {
  const dinh::testing::TempDir dir;
  const TestCa ca("ca"), other("other");
  const TestIdentity identity = ca.Issue("things");
  const auto put = [&](const std::string& name, const std::string& text) {
    std::ofstream(dir.File(name)) << text;
    return dir.File(name);
  };
  const TlsFiles good = {.certificate = put("crt", identity.certificate),
                         .key = put("key", identity.key),
                         .ca = put("ca", ca.pem()),
                         .trust_domain = "dinh",
                         .settings = "peers.tls_"};
  EXPECT_TRUE(CheckTlsFiles(good).ok()) << CheckTlsFiles(good);
  const auto setting = [](const TlsFiles& files) {
    const absl::Status status = CheckTlsFiles(files);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_FALSE(ServerCredentialsOf(files).ok());
    EXPECT_FALSE(ChannelCredentialsOf(files, "things").ok());
    const auto detail = base::DetailOf(status);
    if (!detail || detail->metadata.empty()) return std::string("none");
    EXPECT_THAT(detail->text.vi, HasSubstr(detail->metadata.at(0).second));
    EXPECT_THAT(detail->text.en, HasSubstr(detail->metadata.at(0).second));
    return detail->metadata.at(0).second;
  };
  const auto with = [&](std::string TlsFiles::*field, const std::string& value) {
    TlsFiles files = good;
    files.*field = value;
    return files;
  };
  for (const auto& [field, name] :
       {std::pair(&TlsFiles::certificate, "peers.tls_certificate"), std::pair(&TlsFiles::key, "peers.tls_key"),
        std::pair(&TlsFiles::ca, "peers.tls_ca")}) {
    EXPECT_EQ(setting(with(field, "")), name);
    EXPECT_EQ(setting(with(field, dir.File("absent"))), name);
    EXPECT_EQ(setting(with(field, put("garbage", "garbage"))), name);
    EXPECT_EQ(setting(with(field, dir.path())), name) << "a folder";
  }
  EXPECT_EQ(setting(with(&TlsFiles::trust_domain, "")), "peers.tls_trust_domain");
  EXPECT_EQ(setting(with(&TlsFiles::trust_domain, "elsewhere")), "peers.tls_certificate");
  EXPECT_EQ(setting(with(&TlsFiles::key, put("key2", ca.Issue("things").key))), "peers.tls_key");
  EXPECT_EQ(setting(with(&TlsFiles::ca, put("ca2", other.pem()))), "peers.tls_certificate");
  const TestIdentity expired = ca.Issue("things", "dinh", -TestCa::kHourSeconds, -1);
  TlsFiles late = with(&TlsFiles::certificate, put("crt3", expired.certificate));
  late.key = put("key3", expired.key);
  EXPECT_EQ(setting(late), "peers.tls_certificate");
  EXPECT_THAT(base::DetailOf(CheckTlsFiles(late))->text.en, HasSubstr("expired"));
}

}  // namespace
}  // namespace dinh::rpc

// A process without the service passes its calls on over gRPC: what survives the hop, and what is done only once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "libs/rpc/grpc_fixture.h"
#include "libs/telemetry/logger.h"

namespace dinh::rpc {
namespace {

using namespace grpc_fixture;  // NOLINT: the test's own fixture
using ::testing::HasSubstr;

constexpr char kThingService[] = "dinh.testing.v1.ThingService";
constexpr char kClientAddress[] = "203.0.113.7";

// Who forwards looks at nobody's token.
class NeverAsked final : public Authenticator {
 public:
  absl::StatusOr<auth::Principal> Authenticate(const Credentials&) override {
    ADD_FAILURE() << "the gateway authenticated";
    return absl::InternalError("");
  }
};

class CountingLimiter final : public RateLimiter {
 public:
  int64_t Admit(auth::RateClass, std::string_view principal, std::string_view address) override {
    std::lock_guard lock(mutex_);
    asked_.push_back(std::string(principal) + "@" + std::string(address));
    return 0;
  }
  std::vector<std::string> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> asked_;
};

// `pieces` chunks of a thousand bytes, then an end or a failure.
class PiecesReader final : public MessageReader {
 public:
  explicit PiecesReader(int pieces, absl::Status end = absl::OkStatus()) : left_(pieces), end_(std::move(end)) {}
  absl::StatusOr<bool> Read(Message* out) override {
    if (left_-- <= 0) return end_.ok() ? absl::StatusOr<bool>(false) : end_;
    if (on_read) on_read(left_);
    static_cast<UploadChunk*>(out)->set_data(std::string(1000, 'x'));
    return true;
  }
  std::function<void(int left)> on_read;
  int left() const { return left_; }

 private:
  int left_;
  const absl::Status end_;
};

class GrpcForwardTest : public GrpcServerTest {
 protected:
  void SetUp() override {
    GrpcServerTest::SetUp();
    if (IsSkipped()) return;
    owner_.emplace(PipelineOptions{.clock = clock_, .random = random_, .authenticator = tokens_, .limiter = &limiter_});
    ASSERT_TRUE(owner_->Add("things", table_).ok());
    auto server = GrpcServer::Start({.address = "127.0.0.1:0", .insecure_forwarding = true}, *owner_, pool_);
    ASSERT_TRUE(server.ok()) << server.status();
    owner_server_ = *std::move(server);
    to_owner_.emplace(GrpcChannelOptions{.target = "127.0.0.1:" + std::to_string(owner_server_->port()),
                                         .service = "things",
                                         .services = {kThingService},
                                         .connect_wait = std::chrono::milliseconds(300)},
                      clock_, nullptr);
    const absl::Status added = gateway_.AddForwarded("things", remote_, *to_owner_);
    ASSERT_TRUE(added.ok()) << added;
    head_.credentials.address = kClientAddress;
  }
  void TearDown() override {
    to_owner_.reset();
    owner_server_.reset();
    GrpcServerTest::TearDown();
  }
  absl::Status Forward(const std::string& method, Message& request) {
    answer_.Clear();
    return gateway_.Unary(*gateway_.Find(Path(method)), head_, request, &answer_);
  }
  absl::Status Forward(const std::string& method, const std::string& id = "x") {
    pb::GetThingRequest request;
    request.set_id(id);
    return Forward(method, request);
  }
  absl::Status Upload(MessageReader& reader) {
    answer_.Clear();
    return gateway_.ClientStream(*gateway_.Find(Path("UploadThing")), head_, reader, &answer_);
  }
  absl::Status Watch(const std::shared_ptr<StreamSink>& sink) {
    pb::GetThingRequest request;
    request.set_id("x");
    return gateway_.ServerStream(*gateway_.Find(Path("WatchThing")), head_, request, sink);
  }
  void LogIn() { head_.credentials = {Credentials::Kind::kBearer, "citizen", kClientAddress}; }

  NeverAsked never_asked_;
  CountingLimiter limiter_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;  // of the gateway
  telemetry::Logger logger_{clock_, "gateway", telemetry::Level::kInfo, [this](std::string_view line) {
                              std::lock_guard lock(log_mutex_);
                              log_.emplace_back(line);
                            }};
  telemetry::Metrics gateway_metrics_;
  Pipeline gateway_{{.clock = clock_,
                     .random = random_,
                     .authenticator = never_asked_,
                     .metrics = &gateway_metrics_,
                     .logger = &logger_}};
  const MethodTable remote_ = MethodTable::Remote({kThingService});
  std::optional<Pipeline> owner_;
  std::unique_ptr<GrpcServer> owner_server_;
  std::optional<GrpcChannel> to_owner_;
  CallHead head_;
  pb::Thing answer_;
};

TEST_F(GrpcForwardTest, TheCalleeSeesTheClientAndNotTheGateway) {
  std::string bearer, address, language, trace;
  handlers_.on_find = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    bearer = ctx.bearer;
    address = ctx.principal().address;
    language = ctx.language;
    trace = ctx.trace.trace_id;
    ctx.replayed = true;
    pb::Thing thing;
    thing.set_name(ctx.principal().id);
    return thing;
  };
  LogIn();
  head_.language = "en";
  head_.trace.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  head_.trace.parent_id = "00f067aa0ba902b7";
  const absl::Status status = Forward("FindThing");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(answer_.name(), "account-1");
  EXPECT_EQ(bearer, "citizen");
  EXPECT_EQ(address, kClientAddress);
  EXPECT_EQ(language, "en");
  EXPECT_EQ(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(head_.trace.trace_id, trace);
  EXPECT_TRUE(head_.replayed);
  EXPECT_EQ(limiter_.Take(), std::vector<std::string>({"account-1@203.0.113.7"}));
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_THAT(log_[0], HasSubstr("\"caller\":\"forwarded\""));
  EXPECT_THAT(gateway_metrics_.Exposition(), HasSubstr("grpc_server_handled_total{grpc_code=\"OK\""));

  // The next call of the same client is nobody's replay, and a stranger is a stranger.
  handlers_.on_find = nullptr;
  head_.credentials = {Credentials::Kind::kNone, "", kClientAddress};
  ASSERT_TRUE(Forward("FindThing").ok());
  EXPECT_EQ(answer_.name(), "");
  EXPECT_FALSE(head_.replayed);
  EXPECT_EQ(limiter_.Take(), std::vector<std::string>({"@203.0.113.7"}));
}

TEST_F(GrpcForwardTest, RefusalsComeFromTheCalleeWithAllTheirDetails) {
  const absl::Status invalid = Forward("FindThing", "");
  ASSERT_TRUE(base::DetailOf(invalid).has_value()) << invalid;
  EXPECT_EQ(base::DetailOf(invalid)->violations.at(0).field, "id");
  EXPECT_TRUE(absl::IsUnauthenticated(Forward("GetOwnThing")));
  EXPECT_TRUE(absl::IsPermissionDenied(Forward("PeerThing")));
  // What cannot stand in metadata is refused as what it is, and not by an abort.
  for (const std::string& token :
       {std::string(), std::string("dead"), std::string("không\n"), std::string(12'000, 'x')}) {
    head_.credentials = {Credentials::Kind::kBearer, token, kClientAddress};
    const absl::Status status = Forward("FindThing");
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << token.size() << status;
    EXPECT_EQ(base::DetailOf(status)->reason, "TOKEN_INVALID");
  }
  LogIn();
  for (const char* id : {"mã\x01", "two words"}) {
    head_.request_id = id;
    pb::CreateThingRequest create;
    create.set_name("Tên");
    create.add_parts()->set_id("p");
    const absl::Status status = Forward("CreateThing", create);
    ASSERT_TRUE(base::DetailOf(status).has_value()) << status;
    EXPECT_EQ(base::DetailOf(status)->reason, "INVALID_REQUEST_ID");
  }
  head_.request_id.clear();
  handlers_.on_find = [](Context&) -> absl::StatusOr<pb::Thing> { return base::Internal("secret cause"); };
  const absl::Status internal = Forward("FindThing");
  EXPECT_TRUE(absl::IsInternal(internal));
  EXPECT_EQ(internal.ToString().find("secret"), std::string::npos);
  EXPECT_EQ(base::DetailOf(internal)->metadata.at(0).second, head_.trace.trace_id);
}

TEST_F(GrpcForwardTest, SignedCallersStaySigned) {
  options::v1::SignedRequest request;
  request.set_body("{}");
  const absl::Status status = Forward("NotifyThing", request);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(answer_.number(), static_cast<int64_t>(auth::CallerKind::kSigned));
  EXPECT_EQ(answer_.name(), kClientAddress);
}

TEST_F(GrpcForwardTest, NobodyPassesOnACallInAServicesName) {
  head_.credentials = {Credentials::Kind::kPeer, "payments", ""};
  EXPECT_TRUE(absl::IsInternal(Forward("PeerThing")));
}

TEST_F(GrpcForwardTest, DeadlineAndCancellationGoAlong) {
  std::chrono::milliseconds left{};
  std::shared_ptr<std::atomic<bool>> at_callee;
  Gate inside;
  handlers_.on_find = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    left = ctx.Remaining();
    at_callee = ctx.cancelled();
    inside.Wait();
    return ctx.Check();
  };
  head_.deadline = clock_.Steady() + std::chrono::seconds(5);
  head_.cancelled = std::make_shared<std::atomic<bool>>(false);
  absl::Status status;
  std::thread caller([&] { status = Forward("FindThing"); });
  ASSERT_TRUE(inside.WaitFor(1));
  head_.cancelled->store(true);
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (!at_callee->load() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_TRUE(at_callee->load());
  inside.Open();
  caller.join();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
  EXPECT_GT(left, std::chrono::seconds(3));
  EXPECT_LE(left, std::chrono::seconds(5));
}

TEST_F(GrpcForwardTest, LightMethodsAreNotLightWhenForwarded) {
  EXPECT_TRUE(owner_->Find(Path("GetThing"))->light());
  EXPECT_FALSE(gateway_.Find(Path("GetThing"))->light());
  EXPECT_TRUE(Forward("GetThing").ok());
}

TEST_F(GrpcForwardTest, AnAnswerMayHoldAWholeFile) {
  handlers_.on_find = [&](Context&) -> absl::StatusOr<pb::Thing> {
    pb::Thing thing;
    thing.set_name(std::string(base::kUploadBytesMax, 'x'));
    return thing;
  };
  const absl::Status status = Forward("FindThing");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(answer_.name().size(), base::kUploadBytesMax);
}

TEST_F(GrpcForwardTest, UploadsStreamThrough) {
  PiecesReader reader(3000);
  const absl::Status status = Upload(reader);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(answer_.number(), 3'000'000);
  EXPECT_EQ(handlers_.whole, 1);
}

TEST_F(GrpcForwardTest, HalfAnUploadIsNeverTakenForAWholeOne) {
  PiecesReader reader(10, base::InvalidField("file", {"Tệp hỏng.", "A broken file."}, "BROKEN_FILE"));
  const absl::Status status = Upload(reader);
  ASSERT_TRUE(base::DetailOf(status).has_value()) << status;
  EXPECT_EQ(base::DetailOf(status)->violations.at(0).field, "file");
  EXPECT_TRUE(handlers_.broken.WaitFor(1));
  EXPECT_EQ(handlers_.whole, 0);
  EXPECT_EQ(handlers_.uploaded, 10'000) << "what came is not lost: an upload may go on from there";
  // Also for a callee that does not know the mark.
  grpc::ByteBuffer mark = BrokenOffMark();
  UploadChunk chunk;
  EXPECT_FALSE(ParseBuffer(&mark, &chunk));
}

TEST_F(GrpcForwardTest, ARefusedUploadEndsEarly) {
  handlers_.on_upload = [](Context&) { return base::FailedPrecondition("NOT_NOW", {"Chưa được.", "Not now."}); };
  PiecesReader reader(1'000'000'000);
  const absl::Status status = Upload(reader);
  ASSERT_TRUE(base::DetailOf(status).has_value()) << status;
  EXPECT_EQ(base::DetailOf(status)->reason, "NOT_NOW");
  EXPECT_GT(reader.left(), 0);
  head_.credentials = {Credentials::Kind::kBearer, "dead", kClientAddress};
  PiecesReader again(1'000'000'000);
  EXPECT_TRUE(absl::IsUnauthenticated(Upload(again)));
}

TEST_F(GrpcForwardTest, TheClientIsReadNoFasterThanTheCalleeReads) {
  Gate hold;
  handlers_.on_upload = [&](Context&) {
    hold.Wait();
    return absl::OkStatus();
  };
  std::atomic<int> read = 0;
  PiecesReader reader(20'000);
  reader.on_read = [&](int) { ++read; };
  absl::Status status;
  std::thread caller([&] { status = Upload(reader); });
  ASSERT_TRUE(hold.WaitFor(1));
  // What the windows of the connection hold is sent, and then the client is left waiting: its reads stop growing.
  int before = -1;
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  for (auto since = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() < limit;) {
    if (read != before) since = std::chrono::steady_clock::now();
    before = read;
    if (std::chrono::steady_clock::now() - since > std::chrono::milliseconds(200)) break;
    std::this_thread::yield();
  }
  EXPECT_LT(before, 10'000);
  hold.Open();
  caller.join();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(answer_.number(), 20'000'000);
}

TEST_F(GrpcForwardTest, StreamsGoThroughAndHoldNoThreadWhileIdle) {
  std::mutex mutex;
  std::vector<std::shared_ptr<StreamSink>> sources;
  std::string address;
  handlers_.on_watch = [&](const std::shared_ptr<Context>& ctx, const std::shared_ptr<StreamSink>& sink) {
    std::lock_guard lock(mutex);
    address = ctx->principal().address;
    sources.push_back(sink);
    return absl::OkStatus();
  };
  LogIn();
  // More than both pools have threads: an idle stream that held one would stop the rest.
  std::vector<std::shared_ptr<CollectingSink>> sinks;
  for (int i = 0; i < 20; ++i) {
    sinks.push_back(std::make_shared<CollectingSink>());
    const absl::Status status = Watch(sinks.back());
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_EQ(address, kClientAddress);
  ASSERT_EQ(sources.size(), 20u);
  pb::Thing thing;
  for (int i = 0; i < 20; ++i) {
    thing.set_number(i);
    ASSERT_TRUE(sources[i]->Write(thing));
    ASSERT_TRUE(sinks[i]->WaitFor(1));
    sources[i]->Finish(i == 0 ? absl::OkStatus() : base::FailedPrecondition("ENOUGH", {"Đủ.", "Enough."}));
    const auto end = sinks[i]->WaitForEnd();
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->ok(), i == 0) << *end;
  }
}

TEST_F(GrpcForwardTest, AStreamIsRefusedBeforeItBegins) {
  head_.credentials = {Credentials::Kind::kBearer, "dead", kClientAddress};
  auto sink = std::make_shared<CollectingSink>();
  EXPECT_TRUE(absl::IsUnauthenticated(Watch(sink)));
  LogIn();
  handlers_.on_watch = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>&) {
    return base::FailedPrecondition("NOT_NOW", {"Chưa được.", "Not now."});
  };
  const absl::Status status = Watch(sink);
  ASSERT_TRUE(base::DetailOf(status).has_value()) << status;
  EXPECT_EQ(base::DetailOf(status)->reason, "NOT_NOW");
  EXPECT_FALSE(sink->ended());
}

TEST_F(GrpcForwardTest, AStreamEndsWhenTheClientGoes) {
  Gate started{true}, closed{true};
  std::shared_ptr<StreamSink> source;
  handlers_.on_watch = [&](const std::shared_ptr<Context>&, const std::shared_ptr<StreamSink>& sink) {
    sink->OnClosed([&] { closed.Wait(); });
    source = sink;
    started.Wait();
    return absl::OkStatus();
  };
  auto sink = std::make_shared<CollectingSink>();
  ASSERT_TRUE(Watch(sink).ok());
  ASSERT_TRUE(started.WaitFor(1));
  sink->Close();
  EXPECT_TRUE(closed.WaitFor(1));
}

TEST_F(GrpcForwardTest, ACalleeThatIsNotThereIsUnavailable) {
  owner_server_->Drain(std::chrono::milliseconds(0));
  const absl::Status status = Forward("FindThing");
  ASSERT_TRUE(base::DetailOf(status).has_value()) << status;
  EXPECT_EQ(base::DetailOf(status)->reason, "PEER_UNAVAILABLE");
  EXPECT_GT(base::DetailOf(status)->retry_after_ms, 0);
  PiecesReader reader(3);
  EXPECT_TRUE(absl::IsUnavailable(Upload(reader)));
  auto sink = std::make_shared<CollectingSink>();
  EXPECT_TRUE(absl::IsUnavailable(Watch(sink)));
}

TEST_F(GrpcForwardTest, APlainClientCannotClaimAnAddress) {
  for (const std::string& address : {std::string(kClientAddress), std::string("not an address")}) {
    const bool trusting = address != kClientAddress;  // even a server that believes everybody wants an address
    grpc::GenericStub stub(
        grpc::CreateChannel(trusting ? "127.0.0.1:" + std::to_string(owner_server_->port()) : address_,
                            grpc::InsecureChannelCredentials()));
    RawCall call(stub, Path("FindThing"), {{"x-dinh-forwarded", address}});
    pb::GetThingRequest request;
    request.set_id("x");
    call.Send(request);
    EXPECT_FALSE(call.Receive<pb::Thing>().has_value());
    const absl::Status status = FromGrpc(call.Done());
    ASSERT_TRUE(base::DetailOf(status).has_value()) << status;
    EXPECT_EQ(base::DetailOf(status)->reason, "NOT_A_FORWARDER");
  }
}

TEST(RemoteTableTest, KnowsTheRulesAndRefusesUnknownServices) {
  const MethodTable table = MethodTable::Remote({kThingService});
  ASSERT_TRUE(table.Complete().ok());
  const MethodEntry* upload = table.Find(Path("UploadThing"));
  ASSERT_NE(upload, nullptr);
  EXPECT_TRUE(static_cast<bool>(upload->client_stream));
  EXPECT_EQ(upload->rule.rate, auth::RateClass::kUpload);
  EXPECT_FALSE(MethodTable::Remote({"no.such.Service"}).Complete().ok());
}

}  // namespace
}  // namespace dinh::rpc

#include "libs/rpc/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dinh/options/v1/common.pb.h"
#include "dinh/testing/v1/rpc.pb.h"
#include "google/protobuf/descriptor.h"
#include "grpc/health/v1/health.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/rpc/local_channel.h"
#include "libs/rpc/validate.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::rpc {
namespace {

namespace pb = ::dinh::testing::v1;
using options::v1::SignedRequest;
using options::v1::UploadChunk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kService[] = "dinh.testing.v1.ThingService.";

std::string Path(const std::string& method) { return "/dinh.testing.v1.ThingService/" + method; }

std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : std::string(base::FromAbsl(status.message()));
}

// Writes down in which order the pipeline's parts were asked.
struct Steps {
  std::vector<std::string> log;
  void Add(std::string step) { log.push_back(std::move(step)); }
};

class FakeAuthenticator final : public Authenticator {
 public:
  explicit FakeAuthenticator(Steps& steps) : steps_(steps) {}
  absl::StatusOr<auth::Principal> Authenticate(const Credentials& credentials) override {
    steps_.Add("authenticate");
    if (credentials.value == "citizen") {
      auth::Principal p;
      p.kind = auth::CallerKind::kCitizen;
      p.id = "account-1";
      p.person = "person-1";
      return p;
    }
    return base::Unauthenticated("TOKEN_INVALID", {"Đăng nhập lại.", "Log in again."});
  }

 private:
  Steps& steps_;
};

class FakeLimiter final : public RateLimiter {
 public:
  explicit FakeLimiter(Steps& steps) : steps_(steps) {}
  int64_t Admit(auth::RateClass, std::string_view principal, std::string_view address) override {
    steps_.Add("admit " + std::string(principal) + "@" + std::string(address));
    return wait_ms;
  }
  int64_t wait_ms = 0;

 private:
  Steps& steps_;
};

class FakeAudit final : public AuditSink {
 public:
  explicit FakeAudit(Steps& steps) : steps_(steps) {}
  absl::Status WriteChange(db::Tx&, const Context&) override {
    steps_.Add("audit change");
    return absl::OkStatus();
  }
  absl::Status WriteRead(const Context& ctx, const absl::Status& status) override {
    steps_.Add(status.ok() ? "audit read" : "audit refusal");
    return read_status;
  }
  absl::Status read_status;

 private:
  Steps& steps_;
};

class VectorReader final : public MessageReader {
 public:
  explicit VectorReader(std::vector<UploadChunk> chunks) : chunks_(std::move(chunks)) {}
  absl::StatusOr<bool> Read(Message* out) override {
    if (next_ == chunks_.size()) return false;
    out->CopyFrom(chunks_[next_++]);
    return true;
  }

 private:
  std::vector<UploadChunk> chunks_;
  size_t next_ = 0;
};

class ListSink final : public StreamSink {
 public:
  bool Write(const Message& message) override {
    ids.push_back(static_cast<const pb::Thing&>(message).id());
    return true;
  }
  void Finish(const absl::Status& status) override { finished = status; }
  void OnClosed(std::function<void()> callback) override { closed = std::move(callback); }

  std::vector<std::string> ids;
  std::optional<absl::Status> finished;
  std::function<void()> closed;
};

// Each handler is what the test sets, or says "handler" and answers.
struct Handlers {
  explicit Handlers(Steps& steps) : steps(steps) {}
  Steps& steps;
  std::function<absl::StatusOr<pb::Thing>(Context&)> on_unary;
  std::function<absl::Status(std::shared_ptr<Context>, std::shared_ptr<StreamSink>)> on_stream;

  absl::StatusOr<pb::Thing> Answer(Context& ctx) {
    steps.Add("handler");
    if (on_unary) return on_unary(ctx);
    pb::Thing thing;
    thing.set_id(ctx.principal().id);
    return thing;
  }
  absl::StatusOr<pb::Thing> Get(Context& ctx, const pb::GetThingRequest&) { return Answer(ctx); }
  absl::StatusOr<pb::Thing> Create(Context& ctx, const pb::CreateThingRequest&) { return Answer(ctx); }
  absl::StatusOr<pb::Thing> Notify(Context& ctx, const SignedRequest&) { return Answer(ctx); }
  absl::StatusOr<pb::Thing> Upload(Context& ctx, MessageReader& reader) {
    UploadChunk chunk;
    int64_t bytes = 0;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, reader.Read(&chunk));
      if (!more) break;
      bytes += static_cast<int64_t>(chunk.data().size());
    }
    ASSIGN_OR_RETURN(pb::Thing thing, Answer(ctx));
    thing.set_number(bytes);
    return thing;
  }
  absl::Status Watch(std::shared_ptr<Context> ctx, const pb::GetThingRequest&, std::shared_ptr<StreamSink> sink) {
    steps.Add("handler");
    return on_stream ? on_stream(std::move(ctx), std::move(sink)) : absl::OkStatus();
  }
};

void Fill(MethodTable& table, Handlers& handlers) {
  const auto name = [](const char* method) { return kService + std::string(method); };
  table.Unary(name("GetThing"), &handlers, &Handlers::Get);
  table.Unary(name("FindThing"), &handlers, &Handlers::Get);
  table.Unary(name("CreateThing"), &handlers, &Handlers::Create);
  table.Unary(name("GetOwnThing"), &handlers, &Handlers::Get);
  table.Unary(name("PeerThing"), &handlers, &Handlers::Get);
  table.Unary(name("EnterThing"), &handlers, &Handlers::Create);
  table.Unary(name("NotifyThing"), &handlers, &Handlers::Notify);
  table.ClientStream(name("UploadThing"), &handlers, UploadChunk::default_instance(), &Handlers::Upload);
  table.ServerStream(name("WatchThing"), &handlers, pb::Thing::default_instance(), &Handlers::Watch);
}

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Fill(table_, handlers_);
    ASSERT_TRUE(table_.Complete().ok()) << table_.Complete();
    pipeline_.emplace(PipelineOptions{.clock = clock_,
                                      .random = random_,
                                      .authenticator = authenticator_,
                                      .limiter = &limiter_,
                                      .metrics = &metrics_,
                                      .logger = &logger_});
    const absl::Status added = pipeline_->Add("things", table_, &audit_);
    ASSERT_TRUE(added.ok()) << added;
  }
  absl::Status Call(const std::string& method, Message& request) {
    const BoundMethod* bound = pipeline_->Find(Path(method));
    EXPECT_NE(bound, nullptr) << method;
    answer_.Clear();
    return pipeline_->Unary(*bound, head_, request, &answer_);
  }
  absl::Status Get(const std::string& method, const std::string& id = "x") {
    pb::GetThingRequest request;
    request.set_id(id);
    return Call(method, request);
  }
  absl::Status Create(const std::string& method = "CreateThing", const std::string& name = "Tên") {
    pb::CreateThingRequest request;
    request.set_name(name);
    request.add_parts()->set_id("p");
    return Call(method, request);
  }
  void LogIn() { head_.credentials = {Credentials::Kind::kBearer, "citizen", "192.0.2.1"}; }

  base::FakeClock clock_{1'770'944'400LL * base::kMicrosPerSecond};
  base::SeededRandom random_{1};
  Steps steps_;
  FakeAuthenticator authenticator_{steps_};
  FakeLimiter limiter_{steps_};
  FakeAudit audit_{steps_};
  telemetry::Metrics metrics_;
  std::string log_;
  telemetry::Logger logger_{clock_, "test", telemetry::Level::kInfo, [this](std::string_view line) { log_ = line; }};
  Handlers handlers_{steps_};
  MethodTable table_;
  std::optional<Pipeline> pipeline_;
  CallHead head_;
  pb::Thing answer_;
};

TEST_F(PipelineTest, GoesThroughItsStepsInOrder) {
  LogIn();
  handlers_.on_unary = [](Context& ctx) -> absl::StatusOr<pb::Thing> {
    RETURN_IF_ERROR(ctx.CheckScope({.owner_persons = {"person-1"}}));
    return pb::Thing();
  };
  ASSERT_TRUE(Get("GetOwnThing").ok());
  EXPECT_THAT(steps_.log, ElementsAre("authenticate", "admit account-1@192.0.2.1", "handler", "audit read"));
}

TEST_F(PipelineTest, EachStepStopsWhatComesAfterIt) {
  struct Row {
    const char* what;
    std::function<void()> given;
    std::function<absl::Status()> call;
    absl::StatusCode code;
    std::string reason;
    std::vector<std::string> steps;
  };
  const std::vector<Row> rows = {
      {"the deadline has passed", [&] { head_.deadline = clock_.Steady(); }, [&] { return Get("GetThing"); },
       absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", {}},
      {"a bad token counts against its address",
       [&] { head_.credentials = {Credentials::Kind::kBearer, "forged", "192.0.2.1"}; }, [&] { return Get("GetThing"); },
       absl::StatusCode::kUnauthenticated, "TOKEN_INVALID", {"authenticate", "admit @192.0.2.1"}},
      {"too many calls",
       [&] {
         LogIn();
         limiter_.wait_ms = 1500;
       },
       [&] { return Create(); }, absl::StatusCode::kResourceExhausted, "RATE_LIMITED",
       {"authenticate", "admit account-1@192.0.2.1"}},
      {"no login, and a bad request: the login comes first", [] {}, [&] { return Create("CreateThing", ""); },
       absl::StatusCode::kUnauthenticated, "LOGIN_REQUIRED", {"admit @"}},
      {"not allowed, and a bad request: the refusal comes first", [&] { LogIn(); },
       [&] { return Create("EnterThing", ""); }, absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
       {"authenticate", "admit account-1@192.0.2.1", "audit refusal"}},
      {"a bad request", [&] { LogIn(); }, [&] { return Create("CreateThing", ""); }, absl::StatusCode::kInvalidArgument,
       "INVALID_FIELD", {"authenticate", "admit account-1@192.0.2.1"}},
      {"a bad request id",
       [&] {
         LogIn();
         head_.request_id = "has blank";
       },
       [&] { return Create(); }, absl::StatusCode::kInvalidArgument, "INVALID_REQUEST_ID",
       {"authenticate", "admit account-1@192.0.2.1"}},
      {"another peer", [&] { head_.credentials = {Credentials::Kind::kPeer, "feedback", ""}; },
       [&] { return Get("PeerThing"); }, absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED", {}},
  };
  for (const Row& row : rows) {
    head_ = CallHead();
    limiter_.wait_ms = 0;
    steps_.log.clear();
    row.given();
    const absl::Status status = row.call();
    EXPECT_EQ(status.code(), row.code) << row.what << ": " << status;
    EXPECT_EQ(ReasonOf(status), row.reason) << row.what;
    EXPECT_EQ(steps_.log, row.steps) << row.what;
  }
}

TEST_F(PipelineTest, PeersComeInByName) {
  head_.credentials = {Credentials::Kind::kPeer, "payments", ""};
  EXPECT_TRUE(Get("PeerThing").ok());
  EXPECT_EQ(answer_.id(), "payments");
}

TEST_F(PipelineTest, SignedCallersAreLeftToTheHandlersVerifier) {
  std::optional<auth::CallerKind> kind;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    kind = ctx.principal().kind;
    return pb::Thing();
  };
  SignedRequest request;
  EXPECT_TRUE(Call("NotifyThing", request).ok());
  EXPECT_EQ(kind, auth::CallerKind::kSigned);
  LogIn();
  EXPECT_TRUE(absl::IsPermissionDenied(Call("NotifyThing", request)));
}

TEST_F(PipelineTest, RateLimitTellsWhenToComeBack) {
  limiter_.wait_ms = 1500;
  const auto detail = base::DetailOf(Get("GetThing"));
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->retry_after_ms, 1500);
}

TEST_F(PipelineTest, AHandlerThatForgetsTheScopeCheckAnswersNothing) {
  LogIn();
  EXPECT_TRUE(absl::IsInternal(Create()));
  EXPECT_THAT(log_, HasSubstr("without a scope check"));
  handlers_.on_unary = [](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.ScopeByPrincipal();
    return pb::Thing();
  };
  EXPECT_TRUE(Create().ok());
  handlers_.on_unary = [](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.replayed = true;  // the stored answer of the same caller
    return pb::Thing();
  };
  EXPECT_TRUE(Create().ok());
  EXPECT_TRUE(head_.replayed);
}

TEST_F(PipelineTest, AnUnauditedReadOfPersonalDataIsNotAnswered) {
  LogIn();
  audit_.read_status = base::Unavailable("STORAGE", {"Thử lại.", "Try again."});
  handlers_.on_unary = [](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.ScopeByPrincipal();
    return pb::Thing();
  };
  EXPECT_TRUE(absl::IsUnavailable(Get("GetOwnThing")));
}

TEST_F(PipelineTest, ThrowingHandlersAreInternalErrorsAndTheirTextStaysInTheLog) {
  handlers_.on_unary = [](Context&) -> absl::StatusOr<pb::Thing> { throw std::runtime_error("secret cause"); };
  const absl::Status status = Get("GetThing");
  EXPECT_TRUE(absl::IsInternal(status));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("secret")));
  EXPECT_THAT(log_, HasSubstr("secret cause"));
  EXPECT_THAT(log_, HasSubstr(head_.trace.trace_id));
}

TEST_F(PipelineTest, MutationsCarryAClaim) {
  LogIn();
  base::IdempotencyClaim seen;
  bool hooked = false;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    ctx.ScopeByPrincipal();
    hooked = ctx.commit_hook != nullptr;
    seen = ctx.claim != nullptr ? *ctx.claim : base::IdempotencyClaim{};
    return pb::Thing();
  };
  ASSERT_TRUE(Create().ok());
  EXPECT_TRUE(hooked);
  EXPECT_EQ(seen.request_id, "");  // no id, no claim
  head_.request_id = "r-1";
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(seen.principal, "citizen:account-1");
  EXPECT_EQ(seen.method, "dinh.testing.v1.ThingService/CreateThing");
  EXPECT_EQ(seen.request_id, "r-1");
  EXPECT_TRUE(seen.store_answer);
  const std::string first = seen.body_hash;
  EXPECT_EQ(first.size(), 32u);
  ASSERT_TRUE(Create("CreateThing", "Khác").ok());
  EXPECT_NE(seen.body_hash, first);
  ASSERT_TRUE(Create().ok());
  EXPECT_EQ(seen.body_hash, first);

  head_ = CallHead();
  head_.credentials.address = "192.0.2.7";
  pb::CreateThingRequest request;
  request.set_name("ab");
  request.set_request_id("in-the-body");
  request.add_parts()->set_id("p");
  ASSERT_TRUE(Call("EnterThing", request).ok());
  EXPECT_EQ(seen.principal, "anon:192.0.2.7");
  EXPECT_EQ(seen.request_id, "in-the-body");
  EXPECT_FALSE(seen.store_answer);
}

TEST_F(PipelineTest, ReadsCarryNone) {
  head_.request_id = "r-1";
  bool claimed = true;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    claimed = ctx.claim != nullptr || ctx.commit_hook != nullptr;
    return pb::Thing();
  };
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_FALSE(claimed);
}

TEST_F(PipelineTest, UploadsAreHashedWhateverTheCut) {
  std::vector<std::string> hashes;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    hashes.push_back(ctx.claim != nullptr ? ctx.claim->body_hash : "");
    return pb::Thing();
  };
  head_.request_id = "u-1";
  const auto upload = [&](const std::vector<std::string>& pieces) {
    std::vector<UploadChunk> chunks(1);
    chunks[0].mutable_head()->set_file_name("a.pdf");
    for (const std::string& piece : pieces) chunks.emplace_back().set_data(piece);
    VectorReader reader(chunks);
    answer_.Clear();
    return pipeline_->ClientStream(*pipeline_->Find(Path("UploadThing")), head_, reader, &answer_);
  };
  ASSERT_TRUE(upload({"abc", "def"}).ok());
  EXPECT_EQ(answer_.number(), 6);
  ASSERT_TRUE(upload({"a", "bcdef"}).ok());
  ASSERT_TRUE(upload({"abcdeg"}).ok());
  ASSERT_EQ(hashes.size(), 3u);
  EXPECT_EQ(hashes[0].size(), 32u);
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_NE(hashes[0], hashes[2]);
}

TEST_F(PipelineTest, DeadlinesAreGivenCappedAndPassedOn) {
  std::chrono::milliseconds left{};
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    left = ctx.Remaining();
    return pb::Thing();
  };
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_EQ(left, std::chrono::seconds(10));
  head_.deadline = clock_.Steady() + std::chrono::seconds(3);
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_EQ(left, std::chrono::seconds(3));
  head_.deadline = clock_.Steady() + std::chrono::hours(3);
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_EQ(left, std::chrono::seconds(30));
}

TEST_F(PipelineTest, TracesGoOnWithASpanOfTheirOwn) {
  head_.trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", true};
  base::Trace trace;
  handlers_.on_unary = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    trace = ctx.trace;
    return pb::Thing();
  };
  ASSERT_TRUE(Get("GetThing").ok());
  EXPECT_EQ(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_NE(trace.parent_id, "00f067aa0ba902b7");
  EXPECT_TRUE(trace.sampled);
}

TEST_F(PipelineTest, CountsAndLogsWithoutBodies) {
  LogIn();
  EXPECT_TRUE(Get("GetThing", "secret-id").ok());
  EXPECT_THAT(log_, HasSubstr(R"("method":"dinh.testing.v1.ThingService/GetThing")"));
  EXPECT_THAT(log_, HasSubstr(R"("principal":"account-1")"));
  EXPECT_THAT(log_, HasSubstr(R"("code":"OK")"));
  EXPECT_THAT(log_, Not(HasSubstr("secret-id")));
  EXPECT_THAT(log_, Not(HasSubstr("192.0.2.1")));
  EXPECT_TRUE(absl::IsInvalidArgument(Get("GetThing", "")));
  const std::string page = metrics_.Exposition();
  EXPECT_THAT(page, HasSubstr(R"(grpc_server_started_total{grpc_method="GetThing",grpc_service="dinh.testing.v1.ThingService"} 2)"));
  EXPECT_THAT(page, HasSubstr(R"(grpc_code="InvalidArgument",grpc_method="GetThing",grpc_service="dinh.testing.v1.ThingService"} 1)"));
}

TEST_F(PipelineTest, StreamsRunUntilTheSourceOrTheClientEndsThem) {
  std::shared_ptr<StreamSink> source;
  std::shared_ptr<Context> context;
  handlers_.on_stream = [&](std::shared_ptr<Context> ctx, std::shared_ptr<StreamSink> sink) {
    pb::Thing thing;
    thing.set_id("during the handler");
    EXPECT_TRUE(sink->Write(thing));
    source = std::move(sink);
    context = std::move(ctx);
    return absl::OkStatus();
  };
  auto sink = std::make_shared<ListSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink).ok());
  pb::Thing thing;
  thing.set_id("later");
  EXPECT_TRUE(source->Write(thing));
  EXPECT_THAT(sink->ids, ElementsAre("during the handler", "later"));
  bool told = false;
  source->OnClosed([&] { told = true; });
  sink->closed();
  EXPECT_TRUE(told);
  EXPECT_TRUE(context->cancelled()->load());
  EXPECT_FALSE(source->Write(thing));
  EXPECT_THAT(log_, HasSubstr("CANCELLED"));
}

TEST_F(PipelineTest, AStreamThatIsRefusedSendsNothing) {
  handlers_.on_stream = [&](std::shared_ptr<Context>, std::shared_ptr<StreamSink> sink) {
    sink->Write(pb::Thing());
    return base::FailedPrecondition("NOT_NOW", {"Chưa được.", "Not now."});
  };
  auto sink = std::make_shared<ListSink>();
  pb::GetThingRequest request;
  EXPECT_TRUE(absl::IsInvalidArgument(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink)));
  request.set_id("x");
  EXPECT_TRUE(absl::IsFailedPrecondition(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink)));
  EXPECT_THAT(sink->ids, IsEmpty());
  EXPECT_FALSE(sink->finished.has_value());
}

TEST_F(PipelineTest, AStreamWhoseSourceLetsGoEnds) {
  handlers_.on_stream = [&](std::shared_ptr<Context>, std::shared_ptr<StreamSink>) { return absl::OkStatus(); };
  auto sink = std::make_shared<ListSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(pipeline_->ServerStream(*pipeline_->Find(Path("WatchThing")), head_, request, sink).ok());
  ASSERT_TRUE(sink->finished.has_value());
  EXPECT_TRUE(absl::IsInternal(*sink->finished));
}

TEST_F(PipelineTest, LocalCallsPassThePipelineAsPeerOrAsUser) {
  LocalChannel channel("payments", "things", *pipeline_);
  base::OpContext ctx(clock_, clock_.Steady() + std::chrono::seconds(2));
  ctx.trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", false};
  pb::GetThingRequest request;
  request.set_id("x");
  std::chrono::milliseconds left{};
  std::string trace;
  handlers_.on_unary = [&](Context& inner) -> absl::StatusOr<pb::Thing> {
    left = inner.Remaining();
    trace = inner.trace.trace_id;
    inner.ScopeByPrincipal();
    pb::Thing thing;
    thing.set_id(inner.principal().id);
    return thing;
  };
  absl::StatusOr<pb::Thing> thing = channel.Call<pb::Thing>(ctx, Path("PeerThing"), request);
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->id(), "payments");
  EXPECT_EQ(left, std::chrono::seconds(2));
  EXPECT_EQ(trace, ctx.trace.trace_id);
  EXPECT_THAT(steps_.log, Not(::testing::Contains(HasSubstr("admit"))));

  auth::Principal user;
  user.kind = auth::CallerKind::kCitizen;
  user.id = "account-9";
  thing = channel.Call<pb::Thing>(ctx, Path("GetOwnThing"), request, {.as_user = &user});
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->id(), "account-9");
  EXPECT_TRUE(absl::IsPermissionDenied(channel.Call<pb::Thing>(ctx, Path("PeerThing"), request, {.as_user = &user}).status()));

  LocalChannel stranger("feedback", "things", *pipeline_);
  EXPECT_TRUE(absl::IsPermissionDenied(stranger.Call<pb::Thing>(ctx, Path("PeerThing"), request).status()));
  request.clear_id();
  EXPECT_TRUE(absl::IsInvalidArgument(channel.Call<pb::Thing>(ctx, Path("PeerThing"), request).status()));
  request.set_id("x");
  ctx.in_transaction = true;
  EXPECT_TRUE(absl::IsInternal(channel.Call<pb::Thing>(ctx, Path("PeerThing"), request).status()));
}

TEST_F(PipelineTest, LocalCallsLeaveTheCallersRequestAsItWas) {
  LocalChannel channel("payments", "things", *pipeline_);
  base::OpContext ctx(clock_, clock_.Steady() + std::chrono::seconds(2));
  auth::Principal user;
  user.kind = auth::CallerKind::kCitizen;
  user.id = "account-9";
  handlers_.on_unary = [&](Context& inner) -> absl::StatusOr<pb::Thing> {
    inner.ScopeByPrincipal();
    return pb::Thing();
  };
  pb::CreateThingRequest request;
  request.set_name("E\xCC\x82 a");
  request.add_parts()->set_id("p");
  ASSERT_TRUE(channel.Call<pb::Thing>(ctx, Path("CreateThing"), request, {.as_user = &user}).ok());
  EXPECT_EQ(request.name(), "E\xCC\x82 a");
}

TEST_F(PipelineTest, APathOfSeveralServicesNeedsTheServicesName) {
  MethodTable second;
  Fill(second, handlers_);
  ASSERT_TRUE(pipeline_->Add("other", second).ok());
  EXPECT_EQ(pipeline_->Find(Path("GetThing")), nullptr);
  ASSERT_NE(pipeline_->Find("other", Path("GetThing")), nullptr);
  EXPECT_NE(pipeline_->Find("things", Path("GetThing")), pipeline_->Find("other", Path("GetThing")));
}

TEST(MethodTableTest, RefusesWhatDoesNotFit) {
  Steps steps;
  Handlers handlers(steps);
  struct Row {
    const char* what;
    std::function<void(MethodTable&)> fill;
  };
  const std::vector<Row> rows = {
      {"a method without an access rule",
       [](MethodTable& t) {
         t.Unary<grpc::health::v1::HealthCheckRequest, grpc::health::v1::HealthCheckResponse>(
             "grpc.health.v1.Health.Check",
             [](Context&, const grpc::health::v1::HealthCheckRequest&)
                 -> absl::StatusOr<grpc::health::v1::HealthCheckResponse> { return absl::UnknownError(""); });
       }},
      {"a method twice", [&](MethodTable& t) {
         Fill(t, handlers);
         t.Unary(kService + std::string("GetThing"), &handlers, &Handlers::Get);
       }},
      {"an unknown method", [&](MethodTable& t) { t.Unary("dinh.testing.v1.ThingService.No", &handlers, &Handlers::Get); }},
      {"wrong messages", [&](MethodTable& t) { t.Unary(kService + std::string("GetThing"), &handlers, &Handlers::Create); }},
      {"a method missing", [&](MethodTable& t) { t.Unary(kService + std::string("GetThing"), &handlers, &Handlers::Get); }},
      {"another kind of stream", [&](MethodTable& t) {
         t.ServerStream(kService + std::string("GetThing"), &handlers, pb::Thing::default_instance(), &Handlers::Watch);
         t.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
       }},
  };
  for (const Row& row : rows) {
    MethodTable table;
    row.fill(table);
    EXPECT_FALSE(table.Complete().ok()) << row.what;
    base::FakeClock clock(1);
    base::SeededRandom random(1);
    FakeAuthenticator authenticator(steps);
    Pipeline pipeline({.clock = clock, .random = random, .authenticator = authenticator});
    EXPECT_TRUE(absl::IsFailedPrecondition(pipeline.Add("things", table))) << row.what;
  }
  MethodTable table;
  table.Unary(kService + std::string("GetThing"), &handlers, &Handlers::Get);
  table.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
  EXPECT_TRUE(table.Complete().ok()) << table.Complete();
}

}  // namespace
}  // namespace dinh::rpc

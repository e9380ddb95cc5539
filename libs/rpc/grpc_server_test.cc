#include "libs/rpc/grpc_server.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dinh/options/v1/common.pb.h"
#include "dinh/testing/v1/rpc.pb.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/health/v1/health.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_convert.h"
#include "libs/telemetry/metrics.h"

namespace dinh::rpc {
namespace {

namespace pb = ::dinh::testing::v1;
namespace reflection = ::grpc::reflection::v1alpha;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using options::v1::UploadChunk;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kLimit{10};  // of any wait in this file

std::string Path(const std::string& method) { return "/dinh.testing.v1.ThingService/" + method; }

// Counts arrivals and holds them until opened.
class Gate {
 public:
  void Wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, kLimit, [this] { return open_; });
  }
  bool WaitFor(int waiting) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, [&] { return waiting_ >= waiting; });
  }
  void Open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

class CollectingSink final : public StreamSink {
 public:
  bool Write(const Message& message) override {
    std::lock_guard lock(mutex_);
    messages_.push_back(message.SerializeAsString());
    changed_.notify_all();
    return true;
  }
  void Finish(const absl::Status& status) override {
    std::lock_guard lock(mutex_);
    end_ = status;
    changed_.notify_all();
  }
  void OnClosed(std::function<void()> callback) override {
    std::lock_guard lock(mutex_);
    close_ = std::move(callback);
  }
  void Close() {
    std::function<void()> close;
    {
      std::lock_guard lock(mutex_);
      close = close_;
    }
    if (close) close();
  }
  bool WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, [&] { return messages_.size() >= count; });
  }
  std::optional<absl::Status> WaitForEnd() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLimit, [&] { return end_.has_value(); });
    return end_;
  }
  template <typename M>
  M At(size_t i) {
    std::lock_guard lock(mutex_);
    M message;
    message.ParseFromString(messages_.at(i));
    return message;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> messages_;
  std::optional<absl::Status> end_;
  std::function<void()> close_;
};

// A conversation by hand, one step after the other.
class RawCall final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  RawCall(grpc::GenericStub& stub, const std::string& path) {
    context_.set_deadline(std::chrono::system_clock::now() + kLimit);
    stub.PrepareBidiStreamingCall(&context_, path, {}, this);
    AddHold();  // until Done: operations start from the test's thread
    StartCall();
  }
  grpc::ClientContext& context() { return context_; }
  bool Send(const Message& message) { return Send(SerializeToBuffer(message)); }
  bool Send(grpc::ByteBuffer bytes) {
    out_ = std::move(bytes);
    StartWrite(&out_);
    return Wait(&wrote_);
  }
  bool HalfClose() {
    StartWritesDone();
    return Wait(&half_closed_);
  }
  template <typename M>
  std::optional<M> Receive() {
    StartRead(&in_);
    if (!Wait(&read_)) return std::nullopt;
    M message;
    if (!ParseBuffer(&in_, &message)) return std::nullopt;
    return message;
  }
  grpc::Status Done() {
    RemoveHold();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return status_.has_value(); });
    return *status_;
  }

  void OnWriteDone(bool ok) override { Set(&wrote_, ok); }
  void OnReadDone(bool ok) override { Set(&read_, ok); }
  void OnWritesDoneDone(bool ok) override { Set(&half_closed_, ok); }
  void OnDone(const grpc::Status& status) override {
    std::lock_guard lock(mutex_);
    status_ = status;
    changed_.notify_all();
  }

 private:
  void Set(std::optional<bool>* what, bool ok) {
    std::lock_guard lock(mutex_);
    *what = ok;
    changed_.notify_all();
  }
  bool Wait(std::optional<bool>* what) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return what->has_value(); });
    return *std::exchange(*what, std::nullopt);
  }

  grpc::ClientContext context_;
  grpc::ByteBuffer in_, out_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<bool> wrote_, read_, half_closed_;
  std::optional<grpc::Status> status_;
};

class NoTokens final : public Authenticator {
 public:
  absl::StatusOr<auth::Principal> Authenticate(const Credentials& credentials) override {
    if (credentials.value != "citizen") return base::Unauthenticated("TOKEN_INVALID", {"Đăng nhập lại.", "Log in again."});
    auth::Principal p;
    p.kind = auth::CallerKind::kCitizen;
    p.id = "account-1";
    return p;
  }
};

struct Handlers {
  std::function<absl::StatusOr<pb::Thing>(Context&)> on_find;
  std::function<absl::Status(std::shared_ptr<Context>, std::shared_ptr<StreamSink>)> on_watch;

  absl::StatusOr<pb::Thing> Get(Context& ctx, const pb::GetThingRequest& request) {
    pb::Thing thing;
    thing.set_id(request.id());
    thing.set_name(ctx.principal().id);
    return thing;
  }
  absl::StatusOr<pb::Thing> Find(Context& ctx, const pb::GetThingRequest& request) {
    return on_find ? on_find(ctx) : Get(ctx, request);
  }
  absl::StatusOr<pb::Thing> Upload(Context& ctx, MessageReader& reader) {
    UploadChunk chunk;
    pb::Thing thing;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, reader.Read(&chunk));
      if (!more) return thing;
      if (chunk.has_head()) thing.set_name(chunk.head().file_name());
      thing.set_number(thing.number() + static_cast<int64_t>(chunk.data().size()));
      uploaded = thing.number();
    }
  }
  absl::Status Watch(std::shared_ptr<Context> ctx, const pb::GetThingRequest&, std::shared_ptr<StreamSink> sink) {
    return on_watch(std::move(ctx), std::move(sink));
  }
  std::atomic<int64_t> uploaded = 0;
};

class GrpcServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto name = [](const char* method) { return "dinh.testing.v1.ThingService." + std::string(method); };
    table_.Unary(name("GetThing"), &handlers_, &Handlers::Get);
    table_.Unary(name("FindThing"), &handlers_, &Handlers::Find);
    table_.ClientStream(name("UploadThing"), &handlers_, UploadChunk::default_instance(), &Handlers::Upload);
    table_.ServerStream(name("WatchThing"), &handlers_, pb::Thing::default_instance(), &Handlers::Watch);
    table_.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
    const absl::Status added = pipeline_.Add("things", table_);
    ASSERT_TRUE(added.ok()) << added;
    auto server = GrpcServer::Start({.address = "127.0.0.1:0"}, pipeline_, pool_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    address_ = "127.0.0.1:" + std::to_string(server_->port());
    channel_.emplace(GrpcChannelOptions{.target = address_, .service = "things",
                                        .services = {"dinh.testing.v1.ThingService"}},
                     clock_, &metrics_);
    stub_.emplace(grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()));
  }
  void TearDown() override {
    channel_.reset();
    server_.reset();
    pool_.Stop();
  }
  absl::StatusOr<pb::Thing> Call(const std::string& method, const std::string& id = "x",
                                 std::chrono::milliseconds limit = kLimit) {
    base::OpContext ctx(clock_, clock_.Steady() + limit);
    pb::GetThingRequest request;
    request.set_id(id);
    return channel_->Call<pb::Thing>(ctx, Path(method), request);
  }

  base::SystemClock clock_;
  base::SeededRandom random_{1};
  NoTokens tokens_;
  telemetry::Metrics metrics_;
  Handlers handlers_;
  MethodTable table_;
  Pipeline pipeline_{{.clock = clock_, .random = random_, .authenticator = tokens_, .metrics = &metrics_}};
  HandlerPool pool_{{.max_threads = 4, .max_queue = 4}, nullptr};
  std::unique_ptr<GrpcServer> server_;
  std::string address_;
  std::optional<GrpcChannel> channel_;
  std::optional<grpc::GenericStub> stub_;
};

TEST_F(GrpcServerTest, UnaryCallsGoThereAndBack) {
  const auto thing = Call("GetThing", "một");
  ASSERT_TRUE(thing.ok()) << thing.status();
  EXPECT_EQ(thing->id(), "một");
  EXPECT_TRUE(Call("FindThing").ok());
  EXPECT_THAT(metrics_.Exposition(), HasSubstr("grpc_client_handled_total{grpc_code=\"OK\",grpc_method=\"FindThing\""));
}

TEST_F(GrpcServerTest, ErrorsArriveWithAllTheirDetails) {
  const absl::Status status = Call("GetThing", "").status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  const auto detail = base::DetailOf(status);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason, "INVALID_FIELD");
  ASSERT_EQ(detail->violations.size(), 1u);
  EXPECT_EQ(detail->violations[0].field, "id");
  EXPECT_THAT(detail->text.vi, HasSubstr("Trường"));
  EXPECT_EQ(Call("NoSuchThing").status().code(), absl::StatusCode::kUnimplemented);
  handlers_.on_find = [](Context&) -> absl::StatusOr<pb::Thing> { return base::Internal("secret cause"); };
  const absl::Status internal = Call("FindThing").status();
  EXPECT_TRUE(absl::IsInternal(internal));
  EXPECT_EQ(internal.ToString().find("secret"), std::string::npos);
}

TEST_F(GrpcServerTest, DeadlineTraceTokenAndRequestIdAreReadFromTheWire) {
  std::chrono::milliseconds left{};
  std::string trace, account, language;
  handlers_.on_find = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    left = ctx.Remaining();
    trace = ctx.trace.trace_id;
    account = ctx.principal().id;
    language = ctx.language;
    return pb::Thing();
  };
  RawCall call(*stub_, Path("FindThing"));
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(call.Send(request));
  ASSERT_TRUE(call.HalfClose());
  EXPECT_TRUE(call.Receive<pb::Thing>().has_value());
  EXPECT_TRUE(call.Done().ok());
  EXPECT_GT(left, std::chrono::seconds(5));
  EXPECT_LE(left, kLimit);

  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer citizen");
  context.AddMetadata("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  context.AddMetadata("accept-language", "en-GB,en");
  grpc::ByteBuffer out = SerializeToBuffer(request), in;
  Gate done;
  grpc::Status status;
  done.Open();
  stub_->UnaryCall(&context, Path("FindThing"), {}, &out, &in, [&](grpc::Status s) {
    status = std::move(s);
    done.Wait();
  });
  ASSERT_TRUE(done.WaitFor(1));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(account, "account-1");
  EXPECT_EQ(language, "en");
  EXPECT_LE(left, std::chrono::seconds(10));  // no deadline: the platform's
  EXPECT_GT(left, std::chrono::seconds(8));
}

TEST_F(GrpcServerTest, ACallThatTakesTooLongEndsInTimeAndTellsItsHandler) {
  std::atomic<bool> told = false;
  Gate finished;
  finished.Open();
  handlers_.on_find = [&](Context& ctx) -> absl::StatusOr<pb::Thing> {
    const auto limit = std::chrono::steady_clock::now() + kLimit;
    while (ctx.Check().ok() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    told = !ctx.Check().ok();
    finished.Wait();
    return ctx.Check();
  };
  EXPECT_TRUE(absl::IsDeadlineExceeded(Call("FindThing", "x", std::chrono::milliseconds(100)).status()));
  ASSERT_TRUE(finished.WaitFor(1));
  EXPECT_TRUE(told);
}

TEST_F(GrpcServerTest, BlockedHandlersBlockNobodyElse) {
  Gate gate;
  handlers_.on_find = [&](Context&) -> absl::StatusOr<pb::Thing> {
    gate.Wait();
    return pb::Thing();
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) callers.emplace_back([&] { EXPECT_TRUE(Call("FindThing").ok()); });
  ASSERT_TRUE(gate.WaitFor(4));  // every pool thread is held
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Call("GetThing").ok());
  gate.Open();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(GrpcServerTest, AFullPoolRefusesWithADelay) {
  Gate gate;
  handlers_.on_find = [&](Context&) -> absl::StatusOr<pb::Thing> {
    gate.Wait();
    return pb::Thing();
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) callers.emplace_back([&] { EXPECT_TRUE(Call("FindThing").ok()); });
  ASSERT_TRUE(gate.WaitFor(4));
  for (int i = 0; i < 4; ++i) callers.emplace_back([&] { EXPECT_TRUE(Call("FindThing").ok()); });
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (pool_.queued() < 4 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  const absl::Status refused = Call("FindThing").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  ASSERT_TRUE(base::DetailOf(refused).has_value());
  EXPECT_GT(base::DetailOf(refused)->retry_after_ms, 0);
  gate.Open();
  for (std::thread& caller : callers) caller.join();
}

TEST_F(GrpcServerTest, UploadsStreamIn) {
  RawCall call(*stub_, Path("UploadThing"));
  UploadChunk chunk;
  chunk.mutable_head()->set_file_name("đơn.pdf");
  ASSERT_TRUE(call.Send(chunk));
  chunk.Clear();
  chunk.set_data(std::string(100'000, 'x'));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(call.Send(chunk));
  ASSERT_TRUE(call.HalfClose());
  const auto thing = call.Receive<pb::Thing>();
  EXPECT_TRUE(call.Done().ok());
  ASSERT_TRUE(thing.has_value());
  EXPECT_EQ(thing->number(), 5'000'000);
  EXPECT_EQ(thing->name(), "đơn.pdf");
}

TEST_F(GrpcServerTest, AnUploadThatBreaksOffIsAnErrorForTheHandler) {
  RawCall call(*stub_, Path("UploadThing"));
  UploadChunk chunk;
  chunk.set_data("abc");
  ASSERT_TRUE(call.Send(chunk));
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (handlers_.uploaded < 3 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  call.context().TryCancel();
  EXPECT_EQ(call.Done().error_code(), grpc::StatusCode::CANCELLED);
  const char* counted = "grpc_server_handled_total{grpc_code=\"Canceled\",grpc_method=\"UploadThing\"";
  while (metrics_.Exposition().find(counted) == std::string::npos && std::chrono::steady_clock::now() < limit) {
    std::this_thread::yield();
  }
  EXPECT_THAT(metrics_.Exposition(), HasSubstr(counted));
}

TEST_F(GrpcServerTest, GarbageIsInvalidArgument) {
  RawCall call(*stub_, Path("GetThing"));
  grpc::Slice slice("\xFF\xFF\xFF");
  ASSERT_TRUE(call.Send(grpc::ByteBuffer(&slice, 1)));
  EXPECT_FALSE(call.Receive<pb::Thing>().has_value());
  EXPECT_EQ(call.Done().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(GrpcServerTest, StreamsReachTheClientInOrderAndEnd) {
  std::shared_ptr<StreamSink> source;
  Gate started;
  started.Open();
  handlers_.on_watch = [&](std::shared_ptr<Context>, std::shared_ptr<StreamSink> sink) {
    source = std::move(sink);
    started.Wait();
    return absl::OkStatus();
  };
  auto sink = std::make_shared<CollectingSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(channel_->Subscribe(Path("WatchThing"), request, sink).ok());
  ASSERT_TRUE(started.WaitFor(1));
  pb::Thing thing;
  for (int i = 0; i < 100; ++i) {
    thing.set_number(i);
    ASSERT_TRUE(source->Write(thing));
  }
  source->Finish(absl::OkStatus());
  ASSERT_TRUE(sink->WaitFor(100));
  const auto end = sink->WaitForEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(end->ok()) << *end;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(sink->At<pb::Thing>(i).number(), i);
}

TEST_F(GrpcServerTest, TheSourceIsToldWhenTheClientGoes) {
  std::shared_ptr<StreamSink> source;
  Gate started, closed;
  started.Open();
  closed.Open();
  handlers_.on_watch = [&](std::shared_ptr<Context>, std::shared_ptr<StreamSink> sink) {
    sink->OnClosed([&] { closed.Wait(); });
    source = std::move(sink);
    started.Wait();
    return absl::OkStatus();
  };
  auto sink = std::make_shared<CollectingSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(channel_->Subscribe(Path("WatchThing"), request, sink).ok());
  ASSERT_TRUE(started.WaitFor(1));
  sink->Close();
  ASSERT_TRUE(closed.WaitFor(1));
  EXPECT_FALSE(source->Write(pb::Thing()));
  const auto end = sink->WaitForEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(absl::IsCancelled(*end)) << *end;
}

TEST_F(GrpcServerTest, ARefusedStreamEndsWithTheReason) {
  handlers_.on_watch = [&](std::shared_ptr<Context>, std::shared_ptr<StreamSink>) {
    return base::FailedPrecondition("NOT_NOW", {"Chưa được.", "Not now."});
  };
  auto sink = std::make_shared<CollectingSink>();
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(channel_->Subscribe(Path("WatchThing"), request, sink).ok());
  const auto end = sink->WaitForEnd();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(base::DetailOf(*end)->reason, "NOT_NOW");
}

TEST_F(GrpcServerTest, AReaderThatDoesNotReadIsCutOff) {
  std::shared_ptr<StreamSink> source;
  Gate started, closed;
  started.Open();
  closed.Open();
  handlers_.on_watch = [&](std::shared_ptr<Context>, std::shared_ptr<StreamSink> sink) {
    sink->OnClosed([&] { closed.Wait(); });
    source = std::move(sink);
    started.Wait();
    return absl::OkStatus();
  };
  RawCall call(*stub_, Path("WatchThing"));  // never reads
  pb::GetThingRequest request;
  request.set_id("x");
  ASSERT_TRUE(call.Send(request));
  ASSERT_TRUE(started.WaitFor(1));
  pb::Thing thing;
  thing.set_name(std::string(10'000, 'x'));
  int written = 0;
  while (source->Write(thing) && written < 100'000) ++written;
  EXPECT_LT(written, 100'000);
  EXPECT_TRUE(closed.WaitFor(1));
  while (call.Receive<pb::Thing>().has_value()) {
  }
  EXPECT_EQ(call.Done().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(GrpcServerTest, HealthIsToldPerServiceAndWatched) {
  RawCall check(*stub_, "/grpc.health.v1.Health/Check");
  HealthCheckRequest request;
  request.set_service("dinh.testing.v1.ThingService");
  ASSERT_TRUE(check.Send(request));
  const auto answer = check.Receive<HealthCheckResponse>();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status(), HealthCheckResponse::SERVING);
  EXPECT_TRUE(check.Done().ok());

  RawCall unknown(*stub_, "/grpc.health.v1.Health/Check");
  request.set_service("no.such.Service");
  ASSERT_TRUE(unknown.Send(request));
  EXPECT_FALSE(unknown.Receive<HealthCheckResponse>().has_value());
  EXPECT_EQ(unknown.Done().error_code(), grpc::StatusCode::NOT_FOUND);

  RawCall watch(*stub_, "/grpc.health.v1.Health/Watch");
  request.set_service("");
  ASSERT_TRUE(watch.Send(request));
  EXPECT_EQ(watch.Receive<HealthCheckResponse>()->status(), HealthCheckResponse::SERVING);
  server_->health().Set("", false);
  EXPECT_EQ(watch.Receive<HealthCheckResponse>()->status(), HealthCheckResponse::NOT_SERVING);
  server_->health().Set("", true);
  EXPECT_EQ(watch.Receive<HealthCheckResponse>()->status(), HealthCheckResponse::SERVING);
  server_->Drain(std::chrono::seconds(1));
  EXPECT_EQ(watch.Receive<HealthCheckResponse>()->status(), HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch.Receive<HealthCheckResponse>().has_value());
  EXPECT_EQ(watch.Done().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcServerTest, ReflectionKnowsTheTables) {
  for (const char* path : {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                           "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"}) {
    RawCall call(*stub_, path);
    reflection::ServerReflectionRequest request;
    request.set_list_services("");
    ASSERT_TRUE(call.Send(request));
    auto answer = call.Receive<reflection::ServerReflectionResponse>();
    ASSERT_TRUE(answer.has_value());
    std::vector<std::string> names;
    for (const auto& service : answer->list_services_response().service()) names.push_back(service.name());
    EXPECT_THAT(names, Contains("dinh.testing.v1.ThingService"));
    EXPECT_THAT(names, Contains("grpc.health.v1.Health"));

    request.set_file_containing_symbol("dinh.testing.v1.ThingService");
    ASSERT_TRUE(call.Send(request));
    answer = call.Receive<reflection::ServerReflectionResponse>();
    ASSERT_TRUE(answer.has_value());
    google::protobuf::DescriptorPool pool;  // what a client builds from the answer
    for (const std::string& bytes : answer->file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      ASSERT_TRUE(file.ParseFromString(bytes));
      ASSERT_NE(pool.BuildFile(file), nullptr) << file.name();
    }
    EXPECT_NE(pool.FindMethodByName("dinh.testing.v1.ThingService.UploadThing"), nullptr);

    request.set_file_containing_symbol("no.such.Symbol");
    ASSERT_TRUE(call.Send(request));
    answer = call.Receive<reflection::ServerReflectionResponse>();
    EXPECT_EQ(answer->error_response().error_code(), static_cast<int>(grpc::StatusCode::NOT_FOUND));
    ASSERT_TRUE(call.HalfClose());
    EXPECT_TRUE(call.Done().ok());
  }
}

TEST_F(GrpcServerTest, ASecondServerOnThePortIsRefused) {
  const auto second = GrpcServer::Start({.address = address_}, pipeline_, pool_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(base::DetailOf(second.status())->reason, "ADDRESS_IN_USE");
}

TEST_F(GrpcServerTest, DrainingFinishesWhatRunsAndTakesNothingNew) {
  Gate gate;
  handlers_.on_find = [&](Context&) -> absl::StatusOr<pb::Thing> {
    gate.Wait();
    pb::Thing thing;
    thing.set_id("finished");
    return thing;
  };
  absl::StatusOr<pb::Thing> running = absl::UnknownError("");
  std::thread caller([&] { running = Call("FindThing"); });
  ASSERT_TRUE(gate.WaitFor(1));
  std::thread drain([&] { server_->Drain(kLimit); });
  // The port closes while the call still runs.
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  while (std::chrono::steady_clock::now() < limit) {
    GrpcChannel fresh({.target = address_, .service = "things"}, clock_, nullptr);
    base::OpContext ctx(clock_, clock_.Steady() + std::chrono::milliseconds(500));
    pb::GetThingRequest request;
    request.set_id("x");
    if (!fresh.Call<pb::Thing>(ctx, Path("GetThing"), request).ok()) break;
  }
  EXPECT_LT(std::chrono::steady_clock::now(), limit);
  gate.Open();
  caller.join();
  drain.join();
  ASSERT_TRUE(running.ok()) << running.status();
  EXPECT_EQ(running->id(), "finished");
}

TEST_F(GrpcServerTest, AnUnreachablePeerIsUnavailableWithADelay) {
  server_->Drain(std::chrono::milliseconds(0));
  const absl::Status status = Call("GetThing", "x", std::chrono::seconds(3)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  ASSERT_TRUE(base::DetailOf(status).has_value());
  EXPECT_EQ(base::DetailOf(status)->reason, "PEER_UNAVAILABLE");
}

TEST_F(GrpcServerTest, NobodyCallsFromInsideATransactionOrInAUsersNameWithoutAToken) {
  base::OpContext ctx(clock_, clock_.Steady() + kLimit);
  pb::GetThingRequest request;
  request.set_id("x");
  auth::Principal user;
  EXPECT_TRUE(absl::IsInternal(channel_->Call<pb::Thing>(ctx, Path("GetThing"), request, {.as_user = &user}).status()));
  ctx.in_transaction = true;
  EXPECT_TRUE(absl::IsInternal(channel_->Call<pb::Thing>(ctx, Path("GetThing"), request).status()));
}

TEST(GrpcConvertTest, PeersAndAddresses) {
  EXPECT_EQ(ServiceOfSpiffeId("spiffe://dinh/payments", "dinh"), "payments");
  EXPECT_EQ(ServiceOfSpiffeId("spiffe://other/payments", "dinh"), "");
  EXPECT_EQ(ServiceOfSpiffeId("spiffe://dinh/ns/payments", "dinh"), "");
  EXPECT_EQ(ServiceOfSpiffeId("https://dinh/payments", "dinh"), "");
  EXPECT_EQ(ServiceOfSpiffeId("spiffe://dinh/", "dinh"), "");
  EXPECT_EQ(AddressOfPeer("ipv4:192.0.2.1:4711"), "192.0.2.1");
  EXPECT_EQ(AddressOfPeer("ipv6:%5B2001:db8::1%5D:4711"), "2001:db8::1");
  EXPECT_EQ(AddressOfPeer("ipv6:[2001:db8::1]:4711"), "2001:db8::1");
  EXPECT_EQ(AddressOfPeer("unix:/run/x"), "");
}

TEST(GrpcChannelTest, OnlyIdempotentMethodsAreSentAgain) {
  const std::string config = ServiceConfig({"dinh.testing.v1.ThingService"});
  EXPECT_THAT(config, HasSubstr(R"({"service":"dinh.testing.v1.ThingService","method":"GetThing"})"));
  EXPECT_EQ(config.find("CreateThing"), std::string::npos);
  EXPECT_EQ(config.find("UploadThing"), std::string::npos);
  EXPECT_THAT(config, HasSubstr("UNAVAILABLE"));
}

}  // namespace
}  // namespace dinh::rpc

// What the tests of the gRPC adapter share: a server on a free port, a channel and a conversation by hand. Tests only.
#pragma once

#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dinh/options/v1/common.pb.h"
#include "dinh/testing/v1/rpc.pb.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_convert.h"
#include "libs/rpc/grpc_server.h"
#include "libs/telemetry/metrics.h"

namespace dinh::rpc::grpc_fixture {

namespace pb = ::dinh::testing::v1;
using options::v1::UploadChunk;

inline constexpr std::chrono::seconds kLimit{10};  // of any wait in this file

inline std::string Path(const std::string& method) { return "/dinh.testing.v1.ThingService/" + method; }

// Counts arrivals and holds them until opened. Its state outlives it, because who is let go may still be leaving.
class Gate {
 public:
  explicit Gate(bool open = false) { state_->open = open; }
  void Wait(std::chrono::milliseconds limit = kLimit) {
    const std::shared_ptr<State> state = state_;
    std::unique_lock lock(state->mutex);
    ++state->waiting;
    state->changed.notify_all();
    state->changed.wait_for(lock, limit, [&] { return state->open; });
  }
  bool WaitFor(int waiting) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, std::chrono::seconds(10), [&] { return state_->waiting >= waiting; });
  }
  void Open() {
    std::lock_guard lock(state_->mutex);
    state_->open = true;
    state_->changed.notify_all();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    int waiting = 0;
    bool open = false;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
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
  bool ended() {
    std::lock_guard lock(mutex_);
    return end_.has_value();
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
  RawCall(grpc::GenericStub& stub, const std::string& path,
          const std::vector<std::pair<std::string, std::string>>& metadata = {}) {
    for (const auto& [key, value] : metadata) context_.AddMetadata(key, value);
    context_.set_deadline(std::chrono::system_clock::now() + kLimit);
    stub.PrepareBidiStreamingCall(&context_, path, {}, this);
    AddHold();  // until Done: operations start from the test's thread
    StartCall();
  }
  grpc::ClientContext& context() { return context_; }
  bool Send(const Message& message) { return Send(SerializeToBuffer(message)); }
  bool Send(const grpc::ByteBuffer& bytes) {
    out_ = bytes;
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
    if (credentials.value != "citizen")
      return base::Unauthenticated("TOKEN_INVALID", {"Đăng nhập lại.", "Log in again."});
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
  absl::StatusOr<pb::Thing> Notify(Context& ctx, const options::v1::SignedRequest& request) {
    pb::Thing thing;
    thing.set_id(request.body());
    thing.set_number(static_cast<int64_t>(ctx.principal().kind));
    thing.set_name(ctx.principal().address);
    return thing;
  }
  absl::StatusOr<pb::Thing> Upload(Context& ctx, MessageReader& reader) {
    if (on_upload) RETURN_IF_ERROR(on_upload(ctx));
    UploadChunk chunk;
    pb::Thing thing;
    while (true) {
      const absl::StatusOr<bool> more = reader.Read(&chunk);
      if (!more.ok()) {
        broken.Wait();
        return more.status();
      }
      if (!*more) {
        ++whole;
        return thing;
      }
      if (chunk.has_head()) thing.set_name(chunk.head().file_name());
      thing.set_number(thing.number() + static_cast<int64_t>(chunk.data().size()));
      uploaded = thing.number();
    }
  }
  absl::Status Watch(std::shared_ptr<Context> ctx, const pb::GetThingRequest&, std::shared_ptr<StreamSink> sink) {
    return on_watch(std::move(ctx), std::move(sink));
  }
  std::function<absl::Status(Context&)> on_upload;
  std::atomic<int64_t> uploaded = 0;  // bytes
  std::atomic<int> whole = 0;         // uploads that came to their end
  Gate broken{true};                  // counts those that did not
};

class GrpcServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef DINH_SANITIZE
    // Debian's gRPC is not built for the thread sanitizer and reports races of its own.
    if (std::string(DINH_SANITIZE) == "thread") GTEST_SKIP();
#endif
    const auto name = [](const char* method) { return "dinh.testing.v1.ThingService." + std::string(method); };
    table_.Unary(name("GetThing"), &handlers_, &Handlers::Get);
    table_.Unary(name("FindThing"), &handlers_, &Handlers::Find);
    table_.ClientStream(name("UploadThing"), &handlers_, UploadChunk::default_instance(), &Handlers::Upload);
    table_.Unary(name("NotifyThing"), &handlers_, &Handlers::Notify);
    table_.ServerStream(name("WatchThing"), &handlers_, pb::Thing::default_instance(), &Handlers::Watch);
    table_.LeaveOthersUnimplemented("dinh.testing.v1.ThingService");
    const absl::Status added = pipeline_.Add("things", table_);
    ASSERT_TRUE(added.ok()) << added;
    auto server = GrpcServer::Start({.address = "127.0.0.1:0"}, pipeline_, pool_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    address_ = "127.0.0.1:" + std::to_string(server_->port());
    channel_.emplace(GrpcChannelOptions{.target = address_,
                                        .service = "things",
                                        .services = {"dinh.testing.v1.ThingService"},
                                        .connect_wait = std::chrono::milliseconds(300)},
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

}  // namespace dinh::rpc::grpc_fixture

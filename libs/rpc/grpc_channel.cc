#include "libs/rpc/grpc_channel.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/client_callback.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "libs/base/limits.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/rpc/context.h"
#include "libs/rpc/grpc_convert.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/status_proto.h"
#include "libs/telemetry/traceparent.h"

namespace dinh::rpc {
namespace {

using google::protobuf::Message;

constexpr std::chrono::milliseconds kCancelPoll{50};
constexpr int kKeepaliveMs = 60'000;

constexpr std::chrono::milliseconds kLongestCall = std::chrono::hours(1);

// gRPC's deadline is wall clock. A context without end (a stream's) must not make it overflow.
std::chrono::system_clock::time_point WallDeadline(const base::OpContext& ctx) {
  return std::chrono::system_clock::now() + std::min(ctx.Remaining(), kLongestCall);
}

// Waits for one completion; owned by both sides, because the waiter may not be there any more.
struct Completion {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<grpc::Status> status;
};

// What UNAVAILABLE and the like of gRPC itself are to us.
absl::Status Decode(const grpc::Status& status, std::string_view service) {
  absl::Status decoded = FromGrpc(status);
  if (decoded.ok() || base::DetailOf(decoded).has_value()) return decoded;
  if (absl::IsUnavailable(decoded)) {
    return base::Unavailable("PEER_UNAVAILABLE",
                             {"Một dịch vụ của hệ thống tạm thời không phản hồi. Hãy thử lại sau giây lát.",
                              "A service of the platform does not answer. Try again in a moment."});
  }
  if (absl::IsResourceExhausted(decoded)) {
    return base::ResourceExhausted(
        "PEER_BUSY",
        {"Hệ thống đang quá tải. Hãy thử lại sau giây lát.", "The platform is busy. Try again in a moment."}, 1000);
  }
  if (absl::IsDeadlineExceeded(decoded) || absl::IsCancelled(decoded)) return ForOutside(decoded, "");
  return base::Internal(std::string(service) + ": " + status.error_message());
}

}  // namespace

// Lets the consumer end a stream that may be gone already.
struct GrpcChannel::Handle {
  std::mutex mutex;
  Subscription* stream = nullptr;
};

// A server stream from the other side into a sink. Owns itself; goes with OnDone.
class GrpcChannel::Subscription final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Subscription(GrpcChannel& channel, const google::protobuf::Descriptor& type, std::shared_ptr<StreamSink> sink)
      : channel_(channel), sink_(std::move(sink)), handle_(std::make_shared<Handle>()) {
    handle_->stream = this;
    message_.reset(google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
  }
  grpc::ClientContext& context() { return context_; }
  const std::shared_ptr<Handle>& handle() const { return handle_; }

  void Begin(const std::string& path, const Message& request) {
    out_ = SerializeToBuffer(request);
    channel_.stub_->PrepareBidiStreamingCall(&context_, path, {}, this);
    StartWriteLast(&out_, grpc::WriteOptions());
    StartRead(&in_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    const bool taken = ParseBuffer(&in_, message_.get()) && sink_->Write(*message_);
    in_.Clear();
    if (!taken) return context_.TryCancel();
    StartRead(&in_);
  }
  void OnDone(const grpc::Status& status) override {
    {
      std::lock_guard lock(handle_->mutex);
      handle_->stream = nullptr;
    }
    sink_->Finish(Decode(status, channel_.options_.service));
    sink_.reset();
    GrpcChannel& channel = channel_;
    std::lock_guard lock(channel.mutex_);
    channel.streams_.erase(this);
    delete this;
    channel.streams_gone_.notify_all();
  }

 private:
  GrpcChannel& channel_;
  std::shared_ptr<StreamSink> sink_;
  const std::shared_ptr<Handle> handle_;
  grpc::ClientContext context_;
  std::unique_ptr<Message> message_;
  grpc::ByteBuffer in_, out_;
};

GrpcChannel::GrpcChannel(GrpcChannelOptions options, const base::Clock& clock, telemetry::Metrics* metrics)
    : options_(std::move(options)), clock_(clock) {
  if (metrics != nullptr) metrics_ = std::make_unique<CallMetrics>(*metrics, "grpc_client");
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(ServiceConfig(options_.services));
  arguments.SetMaxReceiveMessageSize(static_cast<int>(base::kGrpcMessageBytesMax));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  // Channels of one process would otherwise share connections, and a test's server would see another's.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  channel_ = grpc::CreateCustomChannel(
      options_.target, options_.credentials != nullptr ? options_.credentials : grpc::InsecureChannelCredentials(),
      arguments);
  stub_ = std::make_unique<grpc::GenericStub>(channel_);
}

GrpcChannel::~GrpcChannel() {
  std::unique_lock lock(mutex_);
  for (Subscription* stream : streams_) stream->context().TryCancel();
  streams_gone_.wait(lock, [this] { return streams_.empty(); });
}

MethodMetrics* GrpcChannel::MetricsOf(std::string_view path) {
  if (metrics_ == nullptr) return nullptr;
  std::lock_guard lock(mutex_);
  std::unique_ptr<MethodMetrics>& metrics = by_path_[std::string(path)];
  if (metrics == nullptr) {
    const size_t slash = path.rfind('/');
    metrics = metrics_->ForMethod(std::string(path.substr(1, slash - 1)), std::string(path.substr(slash + 1)));
  }
  return metrics.get();
}

absl::Status GrpcChannel::CallRaw(base::OpContext& ctx, std::string_view path, const Message& request,
                                  Message* response, const CallOptions& options) {
  if (ctx.in_transaction) return base::Internal("call of " + std::string(path) + " from inside a transaction");
  RETURN_IF_ERROR(ctx.Check());
  const auto begin = clock_.Steady();
  MethodMetrics* metrics = MetricsOf(path);
  if (metrics != nullptr) metrics->Started();
  grpc::ClientContext client;
  client.set_deadline(WallDeadline(ctx));
  client.AddMetadata(kServiceKey, options_.service);
  if (!ctx.trace.trace_id.empty()) client.AddMetadata(kTraceparentKey, telemetry::FormatTraceparent(ctx.trace));
  if (!options.request_id.empty()) client.AddMetadata(kRequestIdKey, options.request_id);
  if (options.as_user != nullptr) {
    const auto* call = dynamic_cast<const Context*>(&ctx);
    if (call == nullptr || call->bearer.empty())
      return base::Internal("a call in a user's name without the user's token");
    client.AddMetadata(kAuthorizationKey, "Bearer " + call->bearer);
  }
  grpc::ByteBuffer out = SerializeToBuffer(request), in;
  Completion completion;
  stub_->UnaryCall(&client, std::string(path), {}, &out, &in, [&completion](grpc::Status status) {
    // Notified with the lock held: the waiter owns the object and goes as soon as it has the lock.
    std::lock_guard lock(completion.mutex);
    completion.status = std::move(status);
    completion.changed.notify_one();
  });
  {
    std::unique_lock lock(completion.mutex);
    while (!completion.changed.wait_for(lock, kCancelPoll, [&] { return completion.status.has_value(); })) {
      if (ctx.cancelled()->load()) client.TryCancel();
    }
  }
  absl::Status status = Decode(*completion.status, options_.service);
  if (status.ok() && !ParseBuffer(&in, response)) status = base::Internal("unreadable answer to " + std::string(path));
  if (metrics != nullptr) {
    metrics->Handled(status.code(), std::chrono::duration<double>(clock_.Steady() - begin).count());
  }
  return status;
}

absl::Status GrpcChannel::Subscribe(std::string_view path, const Message& request, std::shared_ptr<StreamSink> sink) {
  std::string name(path.substr(1));
  name[name.rfind('/')] = '.';
  const auto* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name);
  if (method == nullptr || !method->server_streaming()) return base::Internal("no server stream " + name);
  auto* stream = new Subscription(*this, *method->output_type(), sink);
  stream->context().AddMetadata(kServiceKey, options_.service);
  {
    std::lock_guard lock(mutex_);
    streams_.insert(stream);
  }
  const std::shared_ptr<Handle> handle = stream->handle();
  stream->Begin(std::string(path), request);
  sink->OnClosed([handle] {
    std::lock_guard lock(handle->mutex);
    if (handle->stream != nullptr) handle->stream->context().TryCancel();
  });
  return absl::OkStatus();
}

std::string ServiceConfig(const std::vector<std::string>& services) {
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  std::string names;
  for (const std::string& service : services) {
    const auto* descriptor = pool->FindServiceByName(service);
    for (int i = 0; descriptor != nullptr && i < descriptor->method_count(); ++i) {
      const auto level = descriptor->method(i)->options().idempotency_level();
      if (level == google::protobuf::MethodOptions::IDEMPOTENCY_UNKNOWN) continue;
      if (!names.empty()) names += ',';
      names += R"({"service":")" + service + R"(","method":")" + descriptor->method(i)->name() + R"("})";
    }
  }
  const std::string balancing = R"("loadBalancingConfig":[{"round_robin":{}}])";
  if (names.empty()) return "{" + balancing + "}";
  return "{" + balancing + R"(,"methodConfig":[{"name":[)" + names +
         R"(],"retryPolicy":{"maxAttempts":3,"initialBackoff":"0.05s","maxBackoff":"1s","backoffMultiplier":2,)" +
         R"("retryableStatusCodes":["UNAVAILABLE"]}}]})";
}

}  // namespace dinh::rpc

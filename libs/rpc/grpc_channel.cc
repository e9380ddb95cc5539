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
#include "libs/rpc/grpc_client_calls.h"
#include "libs/rpc/grpc_convert.h"
#include "libs/rpc/grpc_time.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/status_proto.h"
#include "libs/telemetry/traceparent.h"

namespace dinh::rpc {
namespace {

using google::protobuf::Message;

// A connection on which nothing comes back is given up after the sum of both: a cut network must not hold a feed for
// minutes.
constexpr int kKeepaliveMs = 10'000;
constexpr int kKeepaliveTimeoutMs = 5'000;
// How soon a restarted callee, or a new replica's address, is found.
constexpr int kReconnectMsMin = 100;
constexpr int kReconnectMsMax = 1'000;
constexpr int kConnectTimeoutMs = 2'000;
constexpr int kResolveIntervalMs = 1'000;

constexpr std::chrono::milliseconds kLongestCall = std::chrono::hours(1);

// A context without end (a stream's) must not make it overflow.
gpr_timespec DeadlineOf(const base::OpContext& ctx) { return After(std::min(ctx.Remaining(), kLongestCall)); }

// Text that came from outside, fit for metadata (gRPC aborts on anything else). What is not is replaced by something
// that no token and no request id can be, so that the callee refuses it in its own words.
std::string Sendable(std::string text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7E) return "not ascii";
  }
  return text;
}

// Waits for one completion; owned by both sides, because the waiter may not be there any more.
struct Completion {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<grpc::Status> status;
};

// "ipv4:127.0.0.1:9090" is how gRPC writes a peer, too; SendWatch must tell them apart.
GrpcChannelOptions WithPlainTarget(GrpcChannelOptions options) {
  for (const std::string_view scheme : {"ipv4:", "ipv6:"}) {
    if (options.target.starts_with(scheme) && !options.target.substr(scheme.size()).starts_with("/")) {
      options.target.insert(scheme.size(), "///");
    }
  }
  return options;
}

}  // namespace

GrpcChannel::GrpcChannel(GrpcChannelOptions options, const base::Clock& clock, telemetry::Metrics* metrics)
    : options_(WithPlainTarget(std::move(options))), clock_(clock) {
  KeepGrpc();
  if (metrics != nullptr) metrics_ = std::make_unique<CallMetrics>(*metrics, "grpc_client");
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(ServiceConfig(options_.services));
  arguments.SetMaxReceiveMessageSize(static_cast<int>(base::kGrpcAnswerBytesMax));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // without end: a feed that only listens sends no data
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMsMin);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kReconnectMsMax);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kResolveIntervalMs);
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

absl::Status GrpcChannel::Prepare(const base::OpContext* ctx, const CallOptions& options,
                                  grpc::ClientContext* client) const {
  client->set_wait_for_ready(true);  // within the bounds of SendWatch
  client->AddMetadata(kServiceKey, options_.service);
  if (ctx != nullptr) client->set_deadline(DeadlineOf(*ctx));
  const base::Trace* trace = ctx != nullptr               ? &ctx->trace
                             : options.forward != nullptr ? &options.forward->trace
                                                          : nullptr;
  if (trace != nullptr && !trace->trace_id.empty()) {
    client->AddMetadata(kTraceparentKey, telemetry::FormatTraceparent(*trace));
  }
  if (options.forward != nullptr) {
    const CallHead& head = *options.forward;
    client->AddMetadata(kForwardedKey, Sendable(head.credentials.address));
    client->AddMetadata(kLanguageKey, Sendable(head.language));
    if (!head.request_id.empty()) client->AddMetadata(kRequestIdKey, Sendable(head.request_id));
    if (head.credentials.kind == Credentials::Kind::kBearer) {
      client->AddMetadata(kAuthorizationKey, "Bearer " + Sendable(head.credentials.value));
    }
    return absl::OkStatus();
  }
  if (!options.request_id.empty()) client->AddMetadata(kRequestIdKey, Sendable(options.request_id));
  if (options.as_user == nullptr) return absl::OkStatus();
  const auto* call = dynamic_cast<const Context*>(ctx);
  const std::string& bearer = options.bearer.empty() && call != nullptr ? call->bearer : options.bearer;
  if (bearer.empty()) return base::Internal("a call in a user's name without the user's token");
  // The callee sees whom the token names: that must be who is meant.
  if (call != nullptr &&
      (call->principal().id != options.as_user->id || call->principal().person != options.as_user->person)) {
    return base::Internal("a call in the name of another user than the token's");
  }
  client->AddMetadata(kAuthorizationKey, "Bearer " + Sendable(bearer));
  if (call != nullptr) client->AddMetadata(kLanguageKey, Sendable(call->language));
  return absl::OkStatus();
}

absl::Status GrpcChannel::CallRaw(base::OpContext& ctx, std::string_view path, const Message& request,
                                  Message* response, const CallOptions& options) {
  if (ctx.in_transaction) return base::Internal("call of " + std::string(path) + " from inside a transaction");
  RETURN_IF_ERROR(ctx.Check());
  const auto begin = clock_.Steady();
  grpc::ClientContext client;
  RETURN_IF_ERROR(Prepare(&ctx, options, &client));
  MethodMetrics* metrics = MetricsOf(path);
  if (metrics != nullptr) metrics->Started();
  grpc::ByteBuffer out = SerializeToBuffer(request), in;
  Completion completion;
  stub_->UnaryCall(&client, std::string(path), {}, &out, &in, [&completion](grpc::Status status) {
    // Notified with the lock held: the waiter owns the object and goes as soon as it has the lock.
    std::lock_guard lock(completion.mutex);
    completion.status = std::move(status);
    completion.changed.notify_one();
  });
  SendWatch watch(*this, ctx, client);
  {
    std::unique_lock lock(completion.mutex);
    while (!completion.changed.wait_for(lock, kCancelPoll, [&] { return completion.status.has_value(); })) watch.Tick();
  }
  absl::Status status = watch.gave_up() ? PeerUnavailable() : FromCallee(*completion.status, options_.service);
  if (status.ok() && !ParseBuffer(&in, response)) status = base::Internal("unreadable answer to " + std::string(path));
  if (options.forward != nullptr) options.forward->replayed = Replayed(client);
  if (metrics != nullptr) {
    metrics->Handled(status.code(), std::chrono::duration<double>(clock_.Steady() - begin).count());
  }
  return status;
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
  // Replicas that say they are draining get no more calls.
  const std::string balancing = R"("loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""})";
  if (names.empty()) return "{" + balancing + "}";
  // The budget: each call that fails takes 1 of 100, each that succeeds gives 0.1 back, and below half of them nothing
  // is sent again: an overloaded callee sees at most a tenth more calls.
  return "{" + balancing + R"(,"retryThrottling":{"maxTokens":100,"tokenRatio":0.1},"methodConfig":[{"name":[)" +
         names +
         R"(],"retryPolicy":{"maxAttempts":3,"initialBackoff":"0.05s","maxBackoff":"1s","backoffMultiplier":2,)" +
         R"("retryableStatusCodes":["UNAVAILABLE"]}}]})";
}

}  // namespace dinh::rpc

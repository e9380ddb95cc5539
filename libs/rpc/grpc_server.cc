#include "libs/rpc/grpc_server.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "libs/base/status.h"
#include "libs/rpc/grpc_convert.h"
#include "libs/rpc/grpc_reactors.h"
#include "libs/rpc/grpc_reflection.h"
#include "libs/rpc/grpc_time.h"
#include "libs/rpc/health_server.h"

namespace dinh::rpc {
namespace {

constexpr char kHealthService[] = "grpc.health.v1.Health";
constexpr int kConnectionAgeGraceMs = 30'000;
constexpr int kPingIntervalMinMs = 5'000;
constexpr int kConcurrentStreamsMax = 1024;  // per connection
constexpr size_t kMemoryQuotaBytes = 256u << 20;
// A gateway passes on what may stand in an HTTP header; gRPC's own default is less.
constexpr int kMetadataBytesMax = 2 * static_cast<int>(base::kHttpHeaderBytesMax);

GrpcTarget TargetOf(Pipeline& pipeline, const BoundMethod& method) {
  GrpcTarget target;
  target.request_prototype = method.entry->request_prototype;
  target.response_prototype = method.entry->response_prototype;
  target.on_io_thread = method.light();
  if (method.entry->unary) {
    if (method.entry->rule.deadline_s == 0) target.default_deadline = base::kGrpcDeadlineDefault;
    target.unary = [&](CallHead& head, Message& request, Message* response) {
      return pipeline.Unary(method, head, request, response);
    };
  } else if (method.entry->client_stream) {
    target.client_stream = [&](CallHead& head, MessageReader& reader, Message* response) {
      return pipeline.ClientStream(method, head, reader, response);
    };
  } else {
    target.server_stream = [&](CallHead& head, Message& request, std::shared_ptr<StreamSink> sink) {
      return pipeline.ServerStream(method, head, request, std::move(sink));
    };
  }
  return target;
}

}  // namespace

class GrpcServer::Impl final : public grpc::CallbackGenericService {
 public:
  Impl(const GrpcServerOptions& options, Pipeline& pipeline, HandlerPool& pool)
      : options_(options),
        trust_{options.peer_domain, options.forwarders, options.insecure_forwarding && options.credentials == nullptr},
        pipeline_(pipeline),
        shared_{pool, streams_},
        reflection_(ServiceNames(pipeline)) {
    for (const auto& method : pipeline.methods()) {
      // A path that several modules serve is found only with the module's name.
      if (pipeline.Find(method->entry->path) != nullptr) {
        targets_.emplace(method->entry->path, TargetOf(pipeline, *method));
      } else {
        targets_.emplace(method->service + method->entry->path, TargetOf(pipeline, *method));
      }
      health_.Set(method->entry->descriptor->service()->full_name(), true);
    }
    health_.Set("", true);
    targets_.merge(HealthTargets(health_));
  }

  static std::vector<std::string> ServiceNames(const Pipeline& pipeline) {
    std::set<std::string> names = {kHealthService, kReflectionV1, kReflectionV1Alpha};
    for (const auto& method : pipeline.methods()) names.insert(method->entry->descriptor->service()->full_name());
    return {names.begin(), names.end()};
  }

  absl::Status Listen() {
    KeepGrpc();
    grpc::ServerBuilder builder;
    const auto credentials = options_.credentials != nullptr ? options_.credentials : grpc::InsecureServerCredentials();
    builder.AddListeningPort(options_.address, credentials, &port_);
    builder.RegisterCallbackGenericService(this);
    builder.SetMaxReceiveMessageSize(static_cast<int>(options_.message_bytes_max));
    builder.SetMaxSendMessageSize(static_cast<int>(base::kGrpcAnswerBytesMax));
    builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
    // Without this a second server on the same port would start and take half of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS, static_cast<int>(options_.connection_age_max.count()));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, kConnectionAgeGraceMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(options_.keepalive.count()));
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingIntervalMinMs);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kConcurrentStreamsMax);
    grpc::ResourceQuota quota("dinh");
    quota.Resize(kMemoryQuotaBytes);
    builder.SetResourceQuota(quota);
    server_ = builder.BuildAndStart();
    if (server_ != nullptr && port_ != 0) return absl::OkStatus();
    return AddressInUse(options_.address);
  }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    const std::string& path = context->method();
    auto found = targets_.find(path);
    if (found == targets_.end()) found = targets_.find(MetadataOf(*context, kServiceKey) + path);
    if (found != targets_.end()) {
      const GrpcTarget& target = found->second;
      absl::StatusOr<CallHead> head = HeadOf(*context, pipeline_.clock(), trust_);
      if (!head.ok()) return NewRefusal(head.status());
      if (!head->deadline && target.default_deadline.count() > 0) {
        head->deadline = pipeline_.clock().Steady() + target.default_deadline;
      }
      return NewReactor(shared_, target, *std::move(head), context);
    }
    if (options_.reflection && IsReflection(path)) return reflection_.NewReactor();
    return NewRefusal(MethodUnknown());
  }

  void Drain(std::chrono::milliseconds limit) {
    if (server_ == nullptr) return;
    health_.Drain();
    // Who watches sends his next calls elsewhere; what is under way to here meanwhile still finds the door open.
    if (limit > options_.drain_notice && health_.watched()) std::this_thread::sleep_for(options_.drain_notice);
    streams_.EndAll();
    server_->Shutdown(After(limit));
    server_->Wait();
    server_.reset();
  }

  int port() const { return port_; }
  Health& health() { return health_; }

 private:
  static bool IsReflection(const std::string& path) {
    return path == std::string("/") + kReflectionV1 + "/ServerReflectionInfo" ||
           path == std::string("/") + kReflectionV1Alpha + "/ServerReflectionInfo";
  }
  const GrpcServerOptions options_;
  const TrustRules trust_;
  Pipeline& pipeline_;
  OpenStreams streams_;
  const GrpcShared shared_;
  Health health_;
  const Reflection reflection_;
  std::unordered_map<std::string, GrpcTarget> targets_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() { impl_->Drain(std::chrono::milliseconds(0)); }

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(const GrpcServerOptions& options, Pipeline& pipeline,
                                                              HandlerPool& pool) {
  auto impl = std::make_unique<Impl>(options, pipeline, pool);
  RETURN_IF_ERROR(impl->Listen());
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

int GrpcServer::port() const { return impl_->port(); }
Health& GrpcServer::health() { return impl_->health(); }
void GrpcServer::Drain(std::chrono::milliseconds limit) { impl_->Drain(limit); }

}  // namespace dinh::rpc

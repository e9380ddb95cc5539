#include "libs/rpc/health_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "libs/base/status.h"
#include "libs/rpc/grpc_convert.h"
#include "libs/rpc/grpc_time.h"

namespace dinh::rpc {
namespace {

constexpr char kCheckPath[] = "/grpc.health.v1.Health/Check";
constexpr char kWatchPath[] = "/grpc.health.v1.Health/Watch";

GrpcTarget HealthTarget() {
  GrpcTarget target;
  target.request_prototype = &grpc::health::v1::HealthCheckRequest::default_instance();
  target.response_prototype = &grpc::health::v1::HealthCheckResponse::default_instance();
  target.on_io_thread = true;
  return target;
}

}  // namespace

std::unordered_map<std::string, GrpcTarget> HealthTargets(Health& health) {
  std::unordered_map<std::string, GrpcTarget> targets;
  GrpcTarget check = HealthTarget();
  check.unary = [&health](CallHead&, Message& request, Message* response) { return health.Check(request, response); };
  targets.emplace(kCheckPath, std::move(check));
  GrpcTarget watch = HealthTarget();
  watch.server_stream = [&health](CallHead&, Message& request, const std::shared_ptr<StreamSink>& sink) {
    return health.Watch(request, sink);
  };
  targets.emplace(kWatchPath, std::move(watch));
  return targets;
}

class HealthServer::Impl final : public grpc::CallbackGenericService {
 public:
  explicit Impl(Health& health) : targets_(HealthTargets(health)) { targets_.erase(kWatchPath); }
  ~Impl() override {
    if (server_ == nullptr) return;
    server_->Shutdown(After(std::chrono::nanoseconds(0)));
    server_->Wait();
  }

  absl::Status Listen(const std::string& address) {
    KeepGrpc();
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port_);
    builder.RegisterCallbackGenericService(this);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    server_ = builder.BuildAndStart();
    return server_ != nullptr && port_ != 0 ? absl::OkStatus() : AddressInUse(address);
  }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    const auto found = targets_.find(context->method());
    if (found == targets_.end()) return NewRefusal(MethodUnknown());
    CallHead head;
    head.cancelled = std::make_shared<std::atomic<bool>>(false);
    return NewReactor(shared_, found->second, std::move(head), context);
  }

  int port() const { return port_; }

 private:
  std::unordered_map<std::string, GrpcTarget> targets_;
  HandlerPool no_pool_{{.name = "health", .max_threads = 1}, nullptr};  // everything is answered at once
  OpenStreams streams_;
  const GrpcShared shared_{no_pool_, streams_};
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

HealthServer::HealthServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HealthServer::~HealthServer() = default;

absl::StatusOr<std::unique_ptr<HealthServer>> HealthServer::Start(const std::string& address, Health& health) {
  auto impl = std::make_unique<Impl>(health);
  RETURN_IF_ERROR(impl->Listen(address));
  return std::unique_ptr<HealthServer>(new HealthServer(std::move(impl)));
}

int HealthServer::port() const { return impl_->port(); }

}  // namespace dinh::rpc

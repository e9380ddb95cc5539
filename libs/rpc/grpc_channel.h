// A service in another process: gRPC, with the caller's deadline, trace and user token passed on, errors with their
// details, and retries (by service config) for idempotent methods only.
//
// Blocks the calling thread (a handler's, from the pool) until the answer, the deadline or the cancellation of its own
// call. Thread safety: thread-safe.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/base/clock.h"
#include "libs/rpc/call_metrics.h"
#include "libs/rpc/channel.h"
#include "libs/telemetry/metrics.h"

namespace grpc {
class ChannelCredentials;
}

namespace dinh::rpc {

struct GrpcChannelOptions {
  std::string target;   // "dns:///territory:9090"
  std::string service;  // the callee's module name: tells whose feed is meant where a process holds several
  std::vector<std::string> services;                      // full names of its proto services, for the retry rules
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // null: plain text
};

class GrpcChannel final : public Channel {
 public:
  // `metrics` may be null.
  GrpcChannel(GrpcChannelOptions options, const base::Clock& clock, telemetry::Metrics* metrics);
  ~GrpcChannel() override;  // ends its streams and waits for them

  absl::Status CallRaw(base::OpContext& ctx, std::string_view path, const google::protobuf::Message& request,
                       google::protobuf::Message* response, const CallOptions& options) override;
  absl::Status Subscribe(std::string_view path, const google::protobuf::Message& request,
                         std::shared_ptr<StreamSink> sink) override;

 private:
  class Subscription;
  struct Handle;
  MethodMetrics* MetricsOf(std::string_view path);

  const GrpcChannelOptions options_;
  const base::Clock& clock_;
  std::unique_ptr<CallMetrics> metrics_;
  std::mutex mutex_;
  std::condition_variable streams_gone_;
  std::unordered_map<std::string, std::unique_ptr<MethodMetrics>> by_path_;
  std::set<Subscription*> streams_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<grpc::GenericStub> stub_;
};

// The JSON that tells gRPC which methods of these services may be sent again (idempotency_level), and to spread calls
// over all replicas.
std::string ServiceConfig(const std::vector<std::string>& services);

}  // namespace dinh::rpc

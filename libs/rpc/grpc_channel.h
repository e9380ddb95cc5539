// A service in another process: gRPC, with the caller's deadline, trace and user token passed on, errors with their
// details, and retries (by service config) for idempotent methods only, with a budget.
//
// While the callee restarts, a call waits for a connection rather than fail: one that nobody has got yet at most
// `connect_wait`, then it is UNAVAILABLE and has had no effect; one that is sent again at most its own deadline. A
// server stream of this service's own waits as long as it takes.
//
// Blocks the calling thread (a handler's, from the pool) until the answer, the deadline or the cancellation of its own
// call. Thread safety: thread-safe.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>
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
class ClientContext;
}  // namespace grpc

namespace dinh::rpc {

struct GrpcChannelOptions {
  std::string target;   // "dns:///territory:9090"
  std::string service;  // the callee's module name: tells whose feed is meant where a process holds several
  std::vector<std::string> services;                      // full names of its proto services, for the retry rules
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // null: plain text
  std::chrono::milliseconds connect_wait{2'000};
};

class GrpcChannel final : public Channel {
 public:
  // `metrics` may be null.
  GrpcChannel(GrpcChannelOptions options, const base::Clock& clock, telemetry::Metrics* metrics);
  ~GrpcChannel() override;  // ends its streams and waits for them

  absl::Status CallRaw(base::OpContext& ctx, std::string_view path, const google::protobuf::Message& request,
                       google::protobuf::Message* response, const CallOptions& options) override;
  absl::Status ClientStream(base::OpContext& ctx, std::string_view path, MessageReader& reader,
                            google::protobuf::Message* response, const CallOptions& options) override;
  using Channel::Subscribe;
  absl::Status Subscribe(std::string_view path, const google::protobuf::Message& request,
                         std::shared_ptr<StreamSink> sink, const CallOptions& options) override;

 private:
  class SendWatch;
  class Subscription;
  class Upload;
  struct Handle;
  MethodMetrics* MetricsOf(std::string_view path);
  // Metadata and deadline of a call. `ctx` is null for a server stream.
  absl::Status Prepare(const base::OpContext* ctx, const CallOptions& options, grpc::ClientContext* client) const;
  static absl::Status AwaitStart(Handle& handle, const GrpcChannelOptions& options);
  absl::Status RunUpload(base::OpContext& ctx, std::string_view path, MessageReader& reader,
                         google::protobuf::Message* response, const CallOptions& options);

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

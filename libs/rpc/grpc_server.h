// The gRPC side of a process: one adapter over the callback API serves every method of the pipeline, health and
// reflection; no generated stubs. Handlers run on the pool (light ones at once), so a handler that waits stops nobody
// else.
//
//   ASSIGN_OR_RETURN(auto server, GrpcServer::Start(options, pipeline, pool));
//   server->health().Set("dinh.territory.v1.TerritoryService", true);
//   … server->Drain(std::chrono::seconds(30));
//
// Thread safety: thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/limits.h"
#include "libs/rpc/health.h"
#include "libs/rpc/pipeline.h"
#include "libs/rpc/pool.h"

namespace grpc {
class ServerCredentials;
}

namespace dinh::rpc {

struct GrpcServerOptions {
  std::string address = "127.0.0.1:9090";  // port 0: any free one
  // Null: plain text, for the loopback address only; then nobody is a peer.
  std::shared_ptr<grpc::ServerCredentials> credentials;
  // SPIFFE trust domain whose client certificates name services ("spiffe://dinh/payments"); "" accepts none.
  std::string peer_domain;
  // Services (by certificate) that may pass on clients' calls with the clients' own credentials and addresses. The same
  // from anybody else is PERMISSION_DENIED.
  std::set<std::string> forwarders = {"gateway"};
  // Without `credentials`: believe everybody in that. Only where nobody else reaches the port (tests).
  bool insecure_forwarding = false;
  bool reflection = true;
  size_t message_bytes_max = base::kGrpcMessageBytesMax;
  std::chrono::milliseconds connection_age_max = base::kConnectionAgeMax;
  std::chrono::milliseconds keepalive{60'000};
  // Of a drain, between NOT_SERVING and the end of new calls: clients that watch this server's health need it to turn
  // to others. Skipped when nobody watches.
  std::chrono::milliseconds drain_notice{200};
};

class GrpcServer {
 public:
  // UNAVAILABLE (reason ADDRESS_IN_USE) when the address cannot be had. `pipeline` and `pool` outlive the server; the
  // pipeline takes no more methods. All services of the pipeline and "" are SERVING at once.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options, Pipeline& pipeline,
                                                           HandlerPool& pool);
  ~GrpcServer();  // Drain without waiting

  int port() const;
  Health& health();
  // NOT_SERVING → no new calls, streams told to come back → what runs may finish within `limit`, then it is cancelled →
  // closed. Returns when the last handler has returned. Once.
  void Drain(std::chrono::milliseconds limit);

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dinh::rpc

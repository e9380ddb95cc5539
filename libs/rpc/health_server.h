// grpc.health.v1's Check on a port of its own, in plain text: probes have no certificate, and the port of a service
// asks for one. Nothing else is served there; Watch is not, because strangers must not use up the watchers that clients
// need.
//
//   ASSIGN_OR_RETURN(auto probes, HealthServer::Start("0.0.0.0:9091", server->health()));
//
// Thread safety: thread-safe.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "libs/rpc/grpc_reactors.h"
#include "libs/rpc/health.h"

namespace dinh::rpc {

// The two methods by path. `health` outlives them.
std::unordered_map<std::string, GrpcTarget> HealthTargets(Health& health);

class HealthServer {
 public:
  // UNAVAILABLE (reason ADDRESS_IN_USE) when the address cannot be had. `health` outlives the server.
  static absl::StatusOr<std::unique_ptr<HealthServer>> Start(const std::string& address, Health& health);
  ~HealthServer();

  int port() const;

 private:
  class Impl;
  explicit HealthServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dinh::rpc

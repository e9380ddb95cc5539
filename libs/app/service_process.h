// One service in a process of its own: what territoryd, identityd … gatewayd are.
//
//   int main(int argc, char** argv) {
//     return dinh::app::RunService(argc, argv, "territoryd", "…", dinh::territory::MakeTerritoryModule);
//   }
//
// Commands: `serve` until a signal; `migrate` the service's schema and end; `check` that configuration, keys,
// certificates, schema and peers are as serving needs them. Each takes --print-config. Exit codes: 0 done, 1 check
// found something, 2 wrong usage or configuration, 3 could not run.
//
// * `serve` never changes a schema: a cluster migrates once, before the new processes start.
// * Order of the end (SIGTERM): /readyz and health say no → drain_notice → no new calls, what is in flight may finish →
//   workers stop → stores close.
// * SIGHUP reads log level and the edge's certificate again; the certificates between services are read again by
//   themselves when their files change.
//
// Thread safety: one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/app/audit.h"
#include "libs/app/database_config.h"
#include "libs/app/host.h"
#include "libs/app/metrics_server.h"
#include "libs/app/process_config.h"
#include "libs/app/rate_limits.h"
#include "libs/app/remote_principals.h"
#include "libs/app/service_module.h"
#include "libs/app/shared_state.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/cache/redis_config.h"
#include "libs/config/registry.h"
#include "libs/rpc/grpc_server.h"
#include "libs/rpc/health_server.h"
#include "libs/telemetry/config.h"

namespace CLI {
class App;
}

namespace dinh::app {

class ServiceProcess {
 public:
  explicit ServiceProcess(const ModuleFactory& make);
  ~ServiceProcess();

  void Bind(CLI::App& app);
  absl::Status Configure(const std::vector<std::string>& environment);
  config::Registry& registry() { return registry_; }
  const std::string& service() const { return service_; }
  const ProcessConfig& config() const { return config_; }

  // Everything up to answering calls. An error leaves nothing running.
  absl::Status Start();
  void Stop();
  void Reload();
  // Brings the schema to what this binary needs.
  absl::Status Migrate();
  // The first thing that would keep it from serving; besides what Start finds, that every peer answers.
  absl::Status Check();

  int grpc_port() const { return grpc_ ? grpc_->port() : 0; }
  int metrics_port() const { return metrics_server_ ? metrics_server_->port() : 0; }
  int health_port() const { return health_ ? health_->port() : 0; }
  int edge_port() const { return module_->port(); }

 private:
  absl::Status OpenParts(bool migrate);
  absl::Status OpenServers();
  absl::Status CheckPeers();
  std::unique_ptr<rpc::Channel> ChannelTo(const std::string& callee);
  absl::Status OpenKeys();
  // The edge has neither data nor secrets: it forwards.
  bool is_edge() const { return module_->is_edge(); }

  config::Registry registry_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  base::IdGenerator ids_{clock_, random_};
  std::unique_ptr<ServiceModule> owned_;  // until the host has it
  ServiceModule* module_;
  const std::string service_;
  ProcessConfig config_;
  TlsConfig tls_;
  PeersConfig peers_;
  DatabaseConfig database_;
  telemetry::LogConfig log_config_;
  std::unique_ptr<telemetry::Logger> logger_;
  telemetry::Metrics metrics_;
  std::unique_ptr<auth::KeyRing> keys_;
  cache::RedisConfig redis_;
  std::unique_ptr<SharedState> shared_;
  std::unique_ptr<RateLimits> rate_limits_;
  std::unique_ptr<Audit> audit_;
  std::unique_ptr<RemotePrincipals> principals_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<rpc::GrpcServer> grpc_;
  std::unique_ptr<rpc::HealthServer> health_;
  std::unique_ptr<MetricsServer> metrics_server_;
  bool running_ = false;
};

// The whole program.
int RunService(int argc, char** argv, const std::string& program, const std::string& description,
               const ModuleFactory& make);

}  // namespace dinh::app

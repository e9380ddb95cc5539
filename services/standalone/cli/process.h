// The parts of one running platform, put together in order and taken down in reverse. `dinh serve` runs it until a
// signal; `dinh demo` runs one of its own in a temporary folder.
//
// Thread safety: one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/app/audit.h"
#include "libs/app/host.h"
#include "libs/app/metrics_server.h"
#include "libs/app/rate_limits.h"
#include "libs/app/shared_state.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/cache/redis_config.h"
#include "libs/config/registry.h"
#include "libs/rpc/grpc_server.h"
#include "libs/telemetry/config.h"
#include "services/gateway/module.h"
#include "services/standalone/cli/data_dir.h"
#include "services/standalone/cli/settings.h"

namespace dinh::standalone {

class Process {
 public:
  Process();
  ~Process();

  // Flags of every setting; before parsing.
  void Bind(CLI::App& app);
  // Reads the configuration; then values may be printed.
  absl::Status Configure(const std::vector<std::string>& environment);
  config::Registry& registry() { return registry_; }
  Settings& settings() { return settings_; }
  // true: the services' data is in PostgreSQL, not in the data folder.
  bool postgres() const { return database_config_.postgres(); }

  // Everything up to answering calls. An error leaves nothing running.
  absl::Status Start();
  // Drains: not ready → servers finish what is in flight → services stop → stores close.
  void Stop();
  // After SIGHUP: TLS certificates and the log level.
  void Reload();

  int http_port() const;
  // Where somebody on this machine reaches it: "https://127.0.0.1:8443", "127.0.0.1:9090"; empty: it does not listen.
  std::string HttpUrl() const;
  std::string GrpcAddress() const;
  std::string MetricsAddress() const;
  int grpc_port() const { return grpc_ ? grpc_->port() : 0; }
  int metrics_port() const { return metrics_server_ ? metrics_server_->port() : 0; }
  const DataDir& data_dir() const { return *data_dir_; }
  const std::string& resources() const { return resources_; }

 private:
  absl::Status OpenStores();
  absl::Status StartServers();

  config::Registry registry_;
  Settings settings_;
  telemetry::LogConfig log_config_;
  app::DatabaseConfig database_config_;
  cache::RedisConfig redis_config_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  base::IdGenerator ids_{clock_, random_};
  std::string resources_;
  std::unique_ptr<DataDir> data_dir_;
  std::unique_ptr<telemetry::Logger> logger_;
  telemetry::Metrics metrics_;
  std::unique_ptr<auth::KeyRing> keys_;
  std::unique_ptr<app::SharedState> shared_;
  std::unique_ptr<app::RateLimits> rate_limits_;
  std::unique_ptr<app::Audit> audit_;
  std::vector<std::unique_ptr<app::ServiceModule>> modules_;
  gateway::GatewayModule* gateway_ = nullptr;
  std::unique_ptr<app::Host> host_;
  std::unique_ptr<rpc::GrpcServer> grpc_;
  std::unique_ptr<app::MetricsServer> metrics_server_;
  bool started_ = false;
};

}  // namespace dinh::standalone

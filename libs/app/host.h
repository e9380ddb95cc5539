// Runs a set of service modules in one process: all of them (standalone), one (cluster), or some with fakes (tests).
//
//   Host host(parts, std::move(modules));
//   RETURN_IF_ERROR(host.Prepare());           // order of the graph; before the configuration is read
//   host.BindConfig(registry);  … registry.Load …
//   RETURN_IF_ERROR(host.Start());             // Init all, tables, Start all
//   … servers over host.pipeline() and host.pool() …
//   host.Drain();                              // readiness off
//   host.Stop();                               // modules in reverse order, databases closed
//
// Thread safety: pipeline(), pool(), ready() from any thread; everything else on one.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/app/database_config.h"
#include "libs/app/service_module.h"
#include "libs/auth/tokens.h"
#include "libs/cache/revoked_tokens.h"
#include "libs/rpc/token_authenticator.h"

namespace dinh::app {

// What the process gives its modules. References outlive the host.
struct HostParts {
  std::string data_dir;
  std::string resource_dir;
  bool dev = false;
  DatabaseConfig database = {};
  const base::Clock& clock;
  base::Random& random;
  base::IdGenerator& ids;
  telemetry::Logger& logger;
  telemetry::Metrics& metrics;
  const auth::KeyRing& keys;

  rpc::RateLimiter* limiter = nullptr;
  // Shared with other processes (SharedState); null: nothing is.
  cache::RevokedTokens* revoked = nullptr;
  cache::Fanout* fanout = nullptr;
  cache::Cache* cache = nullptr;
  // Where the audit rows of a service go; called once per service when its tables are complete. Empty or null: nowhere.
  std::function<rpc::AuditSink*(const std::string& service, db::Database* database)> audit;
  // Brings tables of libraries (outbox, audit) into a fresh database before the service's own. May be empty.
  std::function<absl::Status(db::Database&)> prepare_database;
  // Replaces base's token authenticator (tests). May be null.
  rpc::Authenticator* authenticator = nullptr;
  // Services that run in other processes: name -> channel for a caller of this process.
  std::function<std::unique_ptr<rpc::Channel>(const std::string& caller, const std::string& callee)> remote_channel;
  std::set<std::string> elsewhere;

  rpc::PoolOptions pool;
  std::chrono::milliseconds max_deadline = base::kUnaryDeadlineMax;
};

class Host {
 public:
  Host(HostParts parts, std::vector<std::unique_ptr<ServiceModule>> modules);
  ~Host();  // Stop

  absl::Status Prepare();
  void BindConfig(config::Registry& registry);
  // The first part of Start, for tools: stores are opened, methods checked, nothing runs. Stop as after Start.
  absl::Status PrepareStores();
  // An error names the module; what had started was stopped again.
  absl::Status Start();
  void Drain() { draining_ = true; }
  void Stop();

  bool ready() const { return ready_ && !draining_; }
  bool draining() const { return draining_; }
  rpc::Pipeline& pipeline() { return *pipeline_; }
  rpc::HandlerPool& pool() { return *pool_; }
  rpc::TokenAuthenticator& tokens() { return *tokens_; }
  // Each module's methods, in start order.
  const std::map<std::string, std::unique_ptr<rpc::MethodTable>>& tables() const { return tables_; }
  // The databases a service has opened; nullptr when it has none.
  db::Database* database(std::string_view service, std::string_view name = "main") const;
  db::BlobStore* blobs(std::string_view service, std::string_view name = "files") const;
  // Channel in the name of `caller` without regard to declared dependencies: for servers and tests.
  std::unique_ptr<rpc::Channel> ChannelFor(const std::string& caller, const std::string& callee);
  const HostParts& parts() const { return parts_; }

 private:
  class ServicePlatform;

  absl::Status InitModules();
  absl::Status RegisterTables();
  // The edge: methods of services that run elsewhere.
  absl::Status RegisterForwarded(const std::string& edge);
  absl::Status StartModules();
  absl::StatusOr<db::Database*> OpenDatabase(const std::string& service, std::string_view name,
                                             const std::vector<db::Migration>& migrations);
  absl::StatusOr<std::unique_ptr<db::Database>> OpenEngine(const std::string& service, std::string_view name) const;
  absl::StatusOr<db::BlobStore*> OpenBlobs(const std::string& service, std::string_view name);
  rpc::PipelineOptions MakePipelineOptions();

  HostParts parts_;
  std::set<std::string> names_;
  auth::Sealer sealer_;
  auth::PageTokens page_tokens_;
  auth::TokenVerifier verifier_;
  std::unique_ptr<rpc::TokenAuthenticator> tokens_;
  std::unique_ptr<rpc::Pipeline> pipeline_;
  std::unique_ptr<rpc::HandlerPool> pool_;
  std::map<std::string, std::unique_ptr<rpc::MethodTable>> tables_;
  std::vector<std::unique_ptr<rpc::MethodTable>> forwarded_;
  std::vector<std::unique_ptr<rpc::Channel>> forwarding_;           // where forwarded_ lead
  std::map<std::string, std::unique_ptr<db::Database>> databases_;  // "territory/main"
  std::vector<telemetry::Metrics::Subscription> database_metrics_;  // read the databases: gone before them
  std::map<std::string, std::unique_ptr<db::BlobStore>> blobs_;     // "procedures/files"
  std::vector<std::unique_ptr<ServicePlatform>> platforms_;
  std::vector<std::unique_ptr<ServiceModule>> modules_;  // in start order after Prepare; the first to be destroyed
  size_t started_ = 0;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> draining_ = false;
};

}  // namespace dinh::app

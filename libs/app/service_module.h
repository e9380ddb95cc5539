// What a service's module.cc is written against: one class per service, the only wiring the service has.
//
//   class TerritoryModule final : public app::ServiceModule {
//    public:
//     std::string_view name() const override { return "territory"; }
//     std::vector<std::string> depends_on() const override { return {}; }
//     absl::Status Init(app::Platform& platform) override {
//       ASSIGN_OR_RETURN(db::Database * db, platform.OpenDatabase(kMigrations));
//       store_.emplace(*db);
//       handlers_.emplace(*store_, platform.clock());
//       return absl::OkStatus();
//     }
//     void RegisterMethods(rpc::MethodTable& table) override {
//       table.Unary("dinh.territory.v1.TerritoryService.GetUnit", &*handlers_, &Handlers::GetUnit);
//     }
//   };
//
// The same module runs in the standalone process (with all others), in a process of its own (cluster), and in tests
// (libs/testing/service_harness.h); it cannot tell which.
//
// Order of a start: BindConfig of every module, the configuration is read, Init of every module in dependency order,
// then RegisterMethods of every module, then access rules and completeness are checked (a method without rule or
// handler ends the start), then Start in dependency order, then the servers open. Stop runs in reverse order. All of it
// on one thread, never at the same time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/key_ring.h"
#include "libs/auth/page_token.h"
#include "libs/auth/principal.h"
#include "libs/auth/sealer.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/cache/fanout.h"
#include "libs/cache/local_cache.h"
#include "libs/config/registry.h"
#include "libs/db/blob_store.h"
#include "libs/db/database.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/method_table.h"
#include "libs/rpc/pipeline.h"
#include "libs/rpc/pool.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"

namespace dinh::app {

// What one service gets; lives until after the module's destructor. References may be kept. Thread-safe except the
// calls marked "Init only".
class Platform {
 public:
  virtual ~Platform() = default;

  virtual const std::string& service() const = 0;       // "territory"
  virtual const std::string& data_dir() const = 0;      // of the process; files of this service: data_dir()/<service>
  virtual const std::string& resource_dir() const = 0;  // shipped, read-only: deploy/data in the source tree
  virtual bool dev() const = 0;                         // development mode: demo accounts, file outbox for SMS
  // true once the process drains: workers end their round and open no new one.
  virtual bool draining() const = 0;

  virtual const base::Clock& clock() const = 0;
  virtual base::Random& random() = 0;
  virtual base::IdGenerator& ids() = 0;
  virtual telemetry::Logger& logger() = 0;
  virtual telemetry::Metrics& metrics() = 0;

  // Opens (creates) and migrates this service's store, on the engine that the process is configured for; its own tables
  // stand beside those of the platform (idempotency, outbox, audit). `name` tells several stores of one service apart.
  // Init only. Owned by the platform.
  virtual absl::StatusOr<db::Database*> OpenDatabase(const std::vector<db::Migration>& migrations,
                                                     std::string_view name = "main") = 0;

  // Files of this service, sealed with a key per file: data_dir()/<service>/<name>, or tables <name>_blob* of the main
  // store where that is PostgreSQL: opened before. Init only. Owned by the platform.
  virtual absl::StatusOr<db::BlobStore*> OpenBlobs(std::string_view name = "files") = 0;
  // Personal data in columns; page tokens of lists; the ring itself for who issues tokens or publishes public keys.
  virtual const auth::Sealer& sealer() = 0;
  virtual const auth::PageTokens& page_tokens() = 0;
  virtual const auth::KeyRing& keys() = 0;

  // Another service, which must stand in depends_on(): anything else ends the process at start (the call graph is
  // acyclic and known). The reference may be taken in Init; calls work from Start on.
  virtual rpc::Channel& To(std::string_view service) = 0;

  // The edge (gateway) only: the way of calls from outside, and where their handlers run.
  virtual rpc::Pipeline& pipeline() = 0;
  virtual rpc::HandlerPool& pool() = 0;

  // What many ask for at the same time (libs/cache/local_cache.h); null: nothing is kept.
  virtual cache::Cache* cache() = 0;
  // Replicas of a service wake each other by it; null where a process has nobody to share with.
  virtual cache::Fanout* fanout() = 0;
  // Identity only: the login has ended. Every process learns of it at once where they share a Redis, else when it asks
  // for the login's rights again. After the commit; never blocks for long.
  virtual void LoginEnded(std::string_view session) = 0;
  // Identity only: who resolves access tokens to principals for the whole process. Init only.
  virtual void ProvidePrincipals(auth::PrincipalSource* source) = 0;
};

class ServiceModule {
 public:
  virtual ~ServiceModule() = default;
  virtual std::string_view name() const = 0;
  // Services this one calls. A cycle ends the start.
  virtual std::vector<std::string> depends_on() const { return {}; }
  // Binds the fields of the module's config struct (component = name()); they hold their values when Init runs.
  virtual void BindConfig(config::Registry& registry) {}
  // Stores, handlers. Nothing runs yet; other services may not be called.
  virtual absl::Status Init(Platform& platform) = 0;
  // Each RPC of the service once. `table` outlives the module. The edge has none.
  virtual void RegisterMethods(rpc::MethodTable& table) {}
  // First data (loading deploy/data), workers, consumers. Services this one depends on have started and can be called.
  virtual absl::Status Start() { return absl::OkStatus(); }
  // Ends workers and waits for them. No handler runs any more. Called once after Start was called, also if it failed.
  virtual void Stop() {}

  // The edge only: it serves the methods of every service; those that run elsewhere are forwarded to them.
  virtual bool is_edge() const { return false; }
  // A server of the module's own, beside the process' gRPC server: opened when everything has started (services
  // elsewhere need not be up), closed first, with `drain` for what is in flight.
  virtual absl::Status Open() { return absl::OkStatus(); }
  virtual void Close(std::chrono::milliseconds drain) {}
  // Its certificate, read again. What was in force stays after an error.
  virtual absl::Status ReloadTls() { return absl::OkStatus(); }
  // Where that server listens; 0: there is none.
  virtual int port() const { return 0; }
};

// services/<name>/module.h has `std::unique_ptr<app::ServiceModule> Make<Name>Module();`
using ModuleFactory = std::function<std::unique_ptr<ServiceModule>()>;

}  // namespace dinh::app

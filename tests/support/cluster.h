// The cluster shape on one machine: PostgreSQL, Redis and, when asked, Prometheus from Debian's packages, and N
// replicas of every process on loopback, with certificates, keys, roles and schemas of their own in one folder. Nothing
// of it outlives the object. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libs/cache/test_support.h"
#include "libs/testing/postgres_server.h"
#include "services/standalone/demo/story.h"
#include "tests/support/child_process.h"

namespace dinh::testing {

inline constexpr const char* kClusterServices[] = {"territory", "identity", "payments", "procedures", "feedback"};

// One replica of one service: `<service>d serve`, on ports that stay the same over restarts.
class Replica {
 public:
  Replica(std::string service, int number, std::string folder);

  void SetEnvironment(std::vector<std::string> environment) { environment_ = std::move(environment); }
  // What stands before the program on its command line ({"faketime", …}).
  void SetWrapper(std::vector<std::string> wrapper) { wrapper_ = std::move(wrapper); }
  // Starts it and waits (≤ 60 s) until /readyz says yes. An error carries the end of its log.
  absl::Status Start();
  absl::Status WaitReady();
  void Kill() { child_.Kill(); }
  int Terminate() { return child_.Terminate(); }
  bool Ready() const;
  // The exit code of `<service>d <command>` with the same environment, and what it printed.
  int Run(const std::string& command, std::string* output);

  const std::string& service() const { return service_; }
  ChildProcess& child() { return child_; }
  std::string name() const { return service_ + std::to_string(number_); }
  uint16_t grpc_port() const { return grpc_; }
  uint16_t health_port() const { return health_; }
  uint16_t metrics_port() const { return metrics_; }
  uint16_t http_port() const { return http_; }

 private:
  const std::string service_;
  const int number_;
  const std::string folder_;
  const uint16_t grpc_, health_, metrics_, http_;
  std::vector<std::string> environment_, wrapper_;
  ChildProcess child_;
};

class Cluster {
 public:
  struct Options {
    std::string folder;  // exists, empty
    int replicas = 2;
    bool redis = true;
    bool prometheus = false;
    bool durable = false;  // PostgreSQL with fsync
    bool standby = false;  // a streaming replica that every commit waits for, and that takes over
    std::vector<std::string> postgres_settings = {};                           // "shared_buffers=1GB"
    std::vector<std::string> environment = {};                                 // of every process, "NAME=value"
    std::map<std::string, std::vector<std::string>> service_environment = {};  // of one service's
    bool dev = true;
  };
  explicit Cluster(Options options);
  ~Cluster();

  // Servers, roles and schemas, keys, certificates, migrations, then every process.
  absl::Status Start();
  // Terminates the processes in reverse order; an error names who did not end with 0.
  absl::Status Stop();

  std::vector<Replica*> replicas();
  std::vector<Replica*> replicas(const std::string& service);
  Replica& replica(const std::string& service, int number) { return *replicas(service).at(number); }
  uint16_t http_port(int gateway = 0) { return replica("gateway", gateway).http_port(); }
  postgres_test::PostgresServer& postgres() { return *postgres_; }
  // Another server than the one it began with, as the processes shall see it: libpq's hosts, tried in turn.
  void SetPostgresHosts(std::vector<std::string> folders);
  // With Options::standby: the primary crashes, the replica takes over and is postgres() from now on, alone.
  void FailOver();
  // The one that crashed comes back as the replica.
  void RestoreStandby();
  // Before Start: who calls `callee` from `caller` goes to these ports of 127.0.0.1 instead of the replicas'.
  void SetRoute(const std::string& caller, const std::string& callee, std::vector<uint16_t> ports) {
    routes_[{caller, callee}] = std::move(ports);
  }
  cache::TestRedis* redis() { return redis_.get(); }
  std::string outbox() const { return options_.folder + "/outbox"; }
  std::string certificates() const { return options_.folder + "/tls"; }
  std::string keys() const { return options_.folder + "/keys"; }
  // The same without the secrets that sign tokens: what all but identity mount.
  std::string shared_keys() const { return options_.folder + "/shared-keys"; }
  uint16_t prometheus_port() const { return prometheus_port_; }
  // Puts a fresh certificate in place of the service's.
  absl::Status IssueCertificate(const std::string& service) const;
  std::string DsnOf(const std::string& service) const;
  demo::StoryOptions StoryOptionsFor(int gateway = 0);

 private:
  absl::Status Provision();
  absl::Status MakeSecrets();
  absl::Status MigrateAll();
  absl::Status StartPrometheus();
  std::vector<std::string> EnvironmentOf(const Replica& replica);
  std::string TargetOf(const std::string& caller, const std::string& service);

  const Options options_;
  std::vector<std::string> postgres_hosts_;
  std::unique_ptr<postgres_test::PostgresServer> postgres_, standby_;
  std::map<std::pair<std::string, std::string>, std::vector<uint16_t>> routes_;
  std::unique_ptr<cache::TestRedis> redis_;
  std::vector<std::unique_ptr<Replica>> replicas_;  // in the order of their start
  ChildProcess prometheus_;
  uint16_t prometheus_port_ = 0;
};

}  // namespace dinh::testing

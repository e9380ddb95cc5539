// What an operator sets for a service in a process of its own (cluster). The standalone process has settings of its own
// (services/standalone/cli/settings.h) with the same names where they mean the same.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "libs/config/registry.h"
#include "libs/rpc/tls_credentials.h"

namespace dinh::app {

// Component "dinh".
struct ProcessConfig {
  std::string data_dir;  // only development mode and file stores need one
  std::string resource_dir;
  std::string keys;
  std::string grpc = "127.0.0.1:9090";
  bool grpc_reflection = false;
  std::string health = "127.0.0.1:9091";
  std::string metrics = "127.0.0.1:9464";
  bool dev = false;
  bool rate_limits = true;
  int64_t rate_factor_percent = 100;
  int64_t handler_threads = 64;
  std::chrono::milliseconds drain_notice{1'000};
  std::chrono::milliseconds drain{10'000};

  void Bind(config::Registry& registry) {
    registry.Bind("dinh", "data_dir", &data_dir, "folder for what is no database; empty: none is needed",
                  {.flag = "data-dir"});
    registry.Bind("dinh", "resource_dir", &resource_dir, "shipped data (deploy/data); found by itself when empty");
    registry.Bind("dinh", "keys", &keys, "folder with the installation's keys, the same for all processes",
                  {.flag = "keys"});
    registry.Bind("dinh", "grpc", &grpc, "address of the gRPC server (mTLS)", {.flag = "grpc"});
    registry.Bind("dinh", "grpc_reflection", &grpc_reflection, "answer gRPC server reflection");
    registry.Bind("dinh", "health", &health, "address of gRPC health for probes, without TLS; empty: none",
                  {.flag = "health"});
    registry.Bind("dinh", "metrics", &metrics, "address of /metrics, /healthz and /readyz; empty: none",
                  {.flag = "metrics"});
    registry.Bind("dinh", "dev", &dev, "development mode: demo accounts, SMS written to a file outbox",
                  {.flag = "dev"});
    registry.Bind("dinh", "rate_limits", &rate_limits, "limit calls by principal and address");
    registry.Bind("dinh", "rate_factor_percent", &rate_factor_percent, "scale of all rate limits, for load tests",
                  {.min = 1, .max = 1'000'000'000});
    registry.Bind("dinh", "handler_threads", &handler_threads, "calls worked on at the same time",
                  {.min = 1, .max = 4096});
    registry.Bind("dinh", "drain_notice", &drain_notice,
                  "how long the process says that it is not ready before it takes no more calls");
    registry.Bind("dinh", "drain", &drain, "how long calls in flight may take to end");
  }
};

// Component "mtls": the process' own certificate towards other services, and whom it believes.
struct TlsConfig {
  rpc::TlsFiles files{.trust_domain = "dinh", .settings = "mtls."};

  void Bind(config::Registry& registry) {
    registry.Bind("mtls", "certificate", &files.certificate,
                  "PEM file with this service's certificate (URI spiffe://<trust domain>/<service>)");
    registry.Bind("mtls", "key", &files.key, "PEM file with the certificate's key");
    registry.Bind("mtls", "ca", &files.ca, "PEM file with the issuers of the other services' certificates");
    registry.Bind("mtls", "trust_domain", &files.trust_domain, "SPIFFE trust domain of the installation");
  }
};

// Component "peers": where the other services are, as gRPC names them.
struct PeersConfig {
  std::map<std::string, std::string> targets;  // "identity" -> "dns:///identity:9090"

  explicit PeersConfig(const std::string& self) {
    for (const char* name : {"territory", "identity", "payments", "procedures", "feedback"}) {
      if (name != self) targets[name] = std::string("dns:///") + name + ":9090";
    }
  }
  void Bind(config::Registry& registry) {
    for (auto& [name, target] : targets) {
      registry.Bind("peers", name, &target, "where the " + name + " service is, as gRPC names it");
    }
  }
};

}  // namespace dinh::app

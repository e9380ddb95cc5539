// The settings of the process itself (component "dinh"); services and servers bind their own.
#pragma once

#include <string>

#include "libs/config/registry.h"

namespace dinh::standalone {

struct Settings {
  std::string data_dir = "var";
  std::string resource_dir;  // empty: beside the sources or the binary
  std::string grpc = "127.0.0.1:9090";
  bool grpc_reflection = true;
  std::string metrics = "127.0.0.1:9464";
  bool dev = false;
  bool rate_limits = true;
  int64_t rate_factor_percent = 100;
  int64_t handler_threads = 64;
  std::chrono::milliseconds drain{10'000};

  void Bind(config::Registry& registry) {
    registry.Bind("dinh", "data_dir", &data_dir, "where the platform keeps its data and keys", {.flag = "data-dir"});
    registry.Bind("dinh", "resource_dir", &resource_dir, "shipped data (deploy/data); found by itself when empty");
    registry.Bind("dinh", "grpc", &grpc, "address of the gRPC server; empty: none", {.flag = "grpc"});
    registry.Bind("dinh", "grpc_reflection", &grpc_reflection, "answer gRPC server reflection");
    registry.Bind("dinh", "metrics", &metrics, "address of /metrics; empty: none", {.flag = "metrics"});
    registry.Bind("dinh", "dev", &dev, "development mode: demo accounts, SMS written to a file outbox",
                  {.flag = "dev"});
    registry.Bind("dinh", "rate_limits", &rate_limits, "limit calls by principal and address");
    registry.Bind("dinh", "rate_factor_percent", &rate_factor_percent, "scale of all rate limits, for load tests",
                  {.min = 1, .max = 1'000'000'000});
    registry.Bind("dinh", "handler_threads", &handler_threads, "calls worked on at the same time",
                  {.min = 1, .max = 4096});
    registry.Bind("dinh", "drain", &drain, "how long calls in flight may take to end");
  }
};

}  // namespace dinh::standalone

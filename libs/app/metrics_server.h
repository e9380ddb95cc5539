// GET /metrics, /healthz and /readyz on an address of its own (loopback or the pod's network, never the public one).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/http/server.h"
#include "libs/telemetry/metrics.h"

namespace dinh::app {

// "127.0.0.1:9464", "[::1]:0" -> host and port. INVALID_ARGUMENT.
absl::StatusOr<std::pair<std::string, uint16_t>> SplitAddress(const std::string& address);

class MetricsServer {
 public:
  // `ready`: whether /readyz says yes; called from any thread. Empty: neither probe is served.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address, telemetry::Metrics& metrics,
                                                              const base::Clock& clock,
                                                              std::function<bool()> ready = nullptr);
  ~MetricsServer();
  int port() const { return server_->port(); }

 private:
  class Handler;
  MetricsServer() = default;
  std::unique_ptr<Handler> handler_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace dinh::app

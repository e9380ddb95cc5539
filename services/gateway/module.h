// The gateway as a module: the only wiring of the HTTP edge.
//
//   auto gateway = MakeGatewayModule();      // among the host's modules
//   host.Start();
//   gateway->Open();                         // when everything it serves has started
//   …
//   gateway->Close(drain);                   // before the host stops
//
// Thread safety: one thread, except port() and ready().
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/app/service_module.h"
#include "libs/base/limits.h"
#include "libs/http/server.h"
#include "services/gateway/edge.h"

namespace dinh::gateway {

struct GatewayConfig {
  std::string address = "127.0.0.1:8080";
  int io_threads = 2;
  std::string tls_certificate;  // PEM files; both or none
  std::string tls_key;
  std::vector<std::string> trusted_proxies;
  std::vector<std::string> cors_origins;
  std::string public_url;  // "https://dinh.example.vn": before paths in answers that leave for other programs
  std::string app_dir;     // the built web app; empty: <resource_dir>/app when it exists
  int connections_max = static_cast<int>(base::kHttpConnectionsMax);
  int connections_per_address_max = 1024;
  std::chrono::milliseconds idle = base::kHttpIdle;

  void Bind(config::Registry& registry);
};

class GatewayModule final : public app::ServiceModule {
 public:
  GatewayModule();
  ~GatewayModule() override;

  std::string_view name() const override { return "gateway"; }
  void BindConfig(config::Registry& registry) override { config_.Bind(registry); }
  absl::Status Init(app::Platform& platform) override;
  // Close(0), should nobody have closed before.
  void Stop() override;

  bool is_edge() const override { return true; }
  // Reads every method of the process' pipeline and listens. FAILED_PRECONDITION: a bad route, a taken address.
  absl::Status Open() override;
  // Not ready any more; lets requests in flight end, at most `drain`.
  void Close(std::chrono::milliseconds drain) override;
  // Certificate and key are read again; the old ones stay after an error.
  absl::Status ReloadTls() override;
  int port() const override { return server_ ? server_->port() : 0; }
  GatewayConfig& config() { return config_; }  // before Init, for tests

 private:
  absl::Status AddPages();

  GatewayConfig config_;
  app::Platform* platform_ = nullptr;
  std::unique_ptr<HttpMetrics> metrics_;
  std::unique_ptr<Edge> edge_;
  std::unique_ptr<http::Server> server_;
  telemetry::Metrics::Subscription collect_;
  std::atomic<bool> open_ = false;
};

std::unique_ptr<GatewayModule> MakeGatewayModule();

}  // namespace dinh::gateway

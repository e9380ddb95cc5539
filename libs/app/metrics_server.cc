#include "libs/app/metrics_server.h"

#include <charconv>
#include <utility>

#include "libs/base/status.h"

namespace dinh::app {

absl::StatusOr<std::pair<std::string, uint16_t>> SplitAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon != std::string::npos) {
    const char* end = address.data() + address.size();
    auto [at, error] = std::from_chars(address.data() + colon + 1, end, port);
    if (error != std::errc() || at != end) port = -1;
  }
  if (port < 0 || port > 65535) {
    return base::InvalidField("address",
                              {"Địa chỉ phải có dạng máy:cổng, ví dụ 127.0.0.1:8080.",
                               "An address has the form host:port, e.g. 127.0.0.1:8080."},
                              "ADDRESS_INVALID");
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return std::pair(std::move(host), static_cast<uint16_t>(port));
}

class MetricsServer::Handler final : public http::Handler {
 public:
  Handler(telemetry::Metrics& metrics, std::function<bool()> ready) : metrics_(metrics), ready_(std::move(ready)) {}
  void OnRequest(http::ExchangePtr exchange) override {
    const http::Request& request = exchange->request();
    const bool probe = ready_ && (request.path == "/healthz" || request.path == "/readyz");
    http::Response response;
    if (!probe && request.path != "/metrics") {
      response.status = 404;
    } else if (request.method != http::Method::kGet && request.method != http::Method::kHead) {
      response.status = 405;
      response.headers.Add("Allow", "GET, HEAD");
    } else if (probe) {
      const bool good = request.path == "/healthz" || ready_();
      response.status = good ? 200 : 503;
      response.headers.Add("Content-Type", "application/json");
      response.body = good ? R"({"status":"ok"})" : R"({"status":"not_ready"})";
    } else {
      response.headers.Add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      response.body = metrics_.Exposition();
    }
    exchange->Respond(std::move(response));
  }

 private:
  telemetry::Metrics& metrics_;
  const std::function<bool()> ready_;
};

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    telemetry::Metrics& metrics,
                                                                    const base::Clock& clock,
                                                                    std::function<bool()> ready) {
  ASSIGN_OR_RETURN(auto host_port, SplitAddress(address));
  std::unique_ptr<MetricsServer> result(new MetricsServer());
  result->handler_ = std::make_unique<Handler>(metrics, std::move(ready));
  http::ServerOptions options;
  options.host = host_port.first;
  options.port = host_port.second;
  options.io_threads = 1;
  ASSIGN_OR_RETURN(result->server_, http::Server::Start(options, *result->handler_, clock));
  return result;
}

MetricsServer::~MetricsServer() = default;

}  // namespace dinh::app

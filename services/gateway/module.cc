#include "services/gateway/module.h"

#include <charconv>
#include <filesystem>
#include <utility>

#include "libs/base/status.h"
#include "libs/http/url.h"
#include "services/gateway/app_files.h"
#include "services/gateway/open311/operations.h"
#include "services/gateway/openapi/openapi.h"

namespace dinh::gateway {
namespace {

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

// "127.0.0.1:8080", "[::1]:8080", ":8080" (every address).
absl::StatusOr<HostPort> ParseAddress(std::string_view address) {
  HostPort out;
  const size_t colon = address.rfind(':');
  std::string_view host = address.substr(0, colon == std::string_view::npos ? 0 : colon);
  const std::string_view port = colon == std::string_view::npos ? address : address.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size()) {
    return base::InvalidField("gateway.address", {"cần dạng máy:cổng, ví dụ 127.0.0.1:8080.",
                                                  "host:port is needed, such as 127.0.0.1:8080."});
  }
  out.host = std::string(host);
  return out;
}

// "https://app.example.vn", "http://127.0.0.1:5173": as a browser writes it, without a path.
bool IsOrigin(std::string_view text) {
  const size_t scheme = text.find("://");
  const std::string_view name = text.substr(0, scheme);
  if (scheme == std::string_view::npos || (name != "https" && name != "http")) return false;
  const std::string_view host = text.substr(scheme + 3);
  return !host.empty() && host.find_first_of("/?#@* ") == std::string_view::npos;
}

// Without the slash at its end.
absl::StatusOr<std::string> ParsePublicUrl(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  if (url.empty() || (http::ParseUrl(url).ok() && url.find('?') == std::string_view::npos)) return std::string(url);
  return base::InvalidField("gateway.public_url", {"cần một địa chỉ, ví dụ https://dinh.example.vn.",
                                                   "an address is needed, such as https://dinh.example.vn."});
}

Page TextPage(std::string_view content_type, std::string body, bool html = false) {
  return {std::string(content_type), std::make_shared<const std::string>(std::move(body)), "", html};
}

std::vector<SpecifiedRoute> Open311Routes() {
  std::vector<SpecifiedRoute> routes;
  for (const open311::Operation& operation : open311::Operations()) {
    std::string method(operation.rpc.substr(1));
    method[method.find('/')] = '.';
    routes.push_back({operation.method == http::Method::kPost ? "post" : "get", std::string(operation.label), method,
                      std::string(open311::kSpecification)});
  }
  return routes;
}

}  // namespace

void GatewayConfig::Bind(config::Registry& registry) {
  registry.Bind("gateway", "address", &address, "address of the HTTP server", {.flag = "http"});
  registry.Bind("gateway", "io_threads", &io_threads, "threads that read and write HTTP", {.min = 1, .max = 64});
  registry.Bind("gateway", "tls_certificate", &tls_certificate, "PEM file with the certificate chain; empty: no TLS",
                {.flag = "tls-cert"});
  registry.Bind("gateway", "tls_key", &tls_key, "PEM file with the certificate's key", {.flag = "tls-key"});
  registry.Bind("gateway", "trusted_proxies", &trusted_proxies, "addresses whose X-Forwarded-For is believed");
  registry.Bind("gateway", "cors_origins", &cors_origins, "exact origins of other web apps; empty: CORS is off");
  registry.Bind("gateway", "public_url", &public_url,
                "address of this server as the public knows it, before photos' paths in Open311; empty: paths only");
  registry.Bind("gateway", "app_dir", &app_dir, "folder of the built web app; found by itself when empty");
  registry.Bind("gateway", "connections_max", &connections_max, "open connections; more are refused", {.min = 1});
  registry.Bind("gateway", "connections_per_address_max", &connections_per_address_max,
                "open connections of one address; a carrier's NAT is one address", {.min = 1});
  registry.Bind("gateway", "idle", &idle, "how long a connection may stay without a request");
}

GatewayModule::GatewayModule() = default;
GatewayModule::~GatewayModule() { Close(std::chrono::milliseconds(0)); }

absl::Status GatewayModule::Init(app::Platform& platform) {
  platform_ = &platform;
  metrics_ = std::make_unique<HttpMetrics>(platform.metrics());
  return absl::OkStatus();
}

absl::Status GatewayModule::Open() {
  ASSIGN_OR_RETURN(const HostPort address, ParseAddress(config_.address));
  ASSIGN_OR_RETURN(std::unique_ptr<RouteTable> routes, RouteTable::Build(platform_->pipeline().methods()));
  for (const std::string& origin : config_.cors_origins) {
    if (IsOrigin(origin)) continue;
    return base::InvalidField("gateway.cors_origins",
                              {"mỗi nguồn cần dạng https://máy hoặc https://máy:cổng, không có đường dẫn.",
                               "each origin has the form https://host or https://host:port, without a path."},
                              "INVALID_CONFIG");
  }
  EdgeOptions options;
  options.cors_origins = config_.cors_origins;
  ASSIGN_OR_RETURN(options.public_url, ParsePublicUrl(config_.public_url));
  options.hsts = !config_.tls_certificate.empty() || !config_.trusted_proxies.empty();
  options.ready = [this] { return open_ && !platform_->draining(); };
  edge_ = std::make_unique<Edge>(
      EdgeParts{platform_->pipeline(), platform_->pool(), platform_->random(), platform_->logger(), *metrics_},
      std::move(options), std::move(routes));
  RETURN_IF_ERROR(AddPages());
  http::ServerOptions server;
  server.host = address.host;
  server.port = address.port;
  server.io_threads = config_.io_threads;
  server.connections_max = static_cast<size_t>(config_.connections_max);
  server.connections_per_address_max = static_cast<size_t>(config_.connections_per_address_max);
  server.idle_timeout = config_.idle;
  server.trusted_proxies = config_.trusted_proxies;
  server.tls_certificate_file = config_.tls_certificate;
  server.tls_key_file = config_.tls_key;
  ASSIGN_OR_RETURN(server_, http::Server::Start(server, *edge_, platform_->clock()));
  auto& connections = platform_->metrics().AddGauge("http_server_connections", "Open HTTP connections.").With({});
  collect_ = platform_->metrics().OnCollect(
      [this, &connections] { connections.Set(static_cast<double>(server_->stats().connections_open)); });
  open_ = true;
  return absl::OkStatus();
}

absl::Status GatewayModule::AddPages() {
  std::vector<const rpc::MethodEntry*> methods;
  for (const auto& endpoint : edge_->routes().endpoints()) methods.push_back(&endpoint->entry());
  OpenApiInfo info = {.version = "v1"};
  if (edge_->has_open311()) info.others = Open311Routes();
  edge_->AddPage("/openapi.json", TextPage("application/json", BuildOpenApi(methods, info)));
  edge_->AddPage("/docs", TextPage("text/html; charset=utf-8", std::string(DocsHtml()), true));
  // Without the web app's files a visitor of the bare address finds the API.
  edge_->AddPage("/", TextPage("text/html; charset=utf-8", std::string(DocsHtml()), true));
  edge_->AddPage("/docs/docs.js", TextPage("text/javascript; charset=utf-8", std::string(DocsScript()), true));
  edge_->AddPage("/docs/docs.css", TextPage("text/css; charset=utf-8", std::string(DocsStyle()), true));
  std::filesystem::path folder = config_.app_dir;
  if (config_.app_dir.empty()) {
    // Beside the shipped data of an installation, else where the source tree has it.
    const std::filesystem::path resources = platform_->resource_dir();
    std::error_code error;
    folder = resources / "app";
    if (!std::filesystem::exists(folder, error)) folder = resources / "../../services/gateway/app";
  }
  return AddAppFiles(folder, /*required=*/!config_.app_dir.empty(), *edge_);
}

void GatewayModule::Close(std::chrono::milliseconds drain) {
  open_ = false;
  if (server_ == nullptr) return;
  server_->Stop(drain);
  collect_.Reset();
}

void GatewayModule::Stop() { Close(std::chrono::milliseconds(0)); }

absl::Status GatewayModule::ReloadTls() {
  if (server_ == nullptr || config_.tls_certificate.empty()) return absl::OkStatus();
  return server_->ReloadTls();
}

std::unique_ptr<GatewayModule> MakeGatewayModule() { return std::make_unique<GatewayModule>(); }

}  // namespace dinh::gateway

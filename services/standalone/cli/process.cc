#include "services/standalone/cli/process.h"

#include <malloc.h>

#include <filesystem>
#include <utility>

#include "CLI/CLI.hpp"
#include "libs/app/resources.h"
#include "libs/base/status.h"
#include "services/standalone/modules.h"

namespace dinh::standalone {
namespace {

// "0.0.0.0:0" and the port that the system gave -> "127.0.0.1:41234".
std::string Reachable(std::string_view address, int port) {
  const size_t colon = address.rfind(':');
  std::string_view host = colon == std::string_view::npos ? std::string_view() : address.substr(0, colon);
  if (host.empty() || host == "0.0.0.0") host = "127.0.0.1";
  if (host == "[::]") host = "[::1]";
  return std::string(host) + ":" + std::to_string(port);
}

}  // namespace

Process::Process() : modules_(MakeServices()) {
  auto gateway = gateway::MakeGatewayModule();
  gateway_ = gateway.get();
  modules_.push_back(std::move(gateway));
}

Process::~Process() { Stop(); }

void Process::Bind(CLI::App& app) {
  settings_.Bind(registry_);
  log_config_.Bind(registry_);
  database_config_.Bind(registry_);
  redis_config_.Bind(registry_);
  for (const auto& module : modules_) module->BindConfig(registry_);
  registry_.AddFlags(app);
}

absl::Status Process::Configure(const std::vector<std::string>& environment) { return registry_.Load("", environment); }

absl::Status Process::Start() {
  // Many threads allocate a little each: one arena per core keeps the idle platform small.
  mallopt(M_ARENA_MAX, 2);
  started_ = true;
  absl::Status status = OpenStores();
  if (status.ok()) status = StartServers();
  if (!status.ok()) Stop();
  return status;
}

absl::Status Process::OpenStores() {
  ASSIGN_OR_RETURN(resources_, app::FindResources(settings_.resource_dir));
  ASSIGN_OR_RETURN(data_dir_, DataDir::Lock(settings_.data_dir));
  ASSIGN_OR_RETURN(logger_, telemetry::OpenLogger(clock_, "dinh", log_config_));
  bool has_data = data_dir_->HasData();
  if (database_config_.postgres()) {
    ASSIGN_OR_RETURN(const bool elsewhere, db::PostgresHoldsData(database_config_.Postgres("")));
    has_data = has_data || elsewhere;
  }
  ASSIGN_OR_RETURN(keys_, auth::KeyRing::OpenOrCreate({.folder = data_dir_->keys()}, has_data, clock_, random_));
  ASSIGN_OR_RETURN(shared_, app::SharedState::Open(redis_config_, *keys_, clock_, random_, *logger_, metrics_));
  rate_limits_ = std::make_unique<app::RateLimits>(shared_->limiter(), settings_.rate_factor_percent);
  audit_ = std::make_unique<app::Audit>(clock_, ids_, *keys_, *logger_);
  app::HostParts parts{.data_dir = data_dir_->path(),
                       .resource_dir = resources_,
                       .dev = settings_.dev,
                       .database = database_config_,
                       .clock = clock_,
                       .random = random_,
                       .ids = ids_,
                       .logger = *logger_,
                       .metrics = metrics_,
                       .keys = *keys_};
  if (settings_.rate_limits) parts.limiter = rate_limits_.get();
  parts.revoked = shared_->revoked();
  parts.fanout = shared_->fanout();
  parts.cache = &shared_->cache();
  parts.audit = audit_->Provider();
  parts.pool.max_threads = static_cast<int>(settings_.handler_threads);
  host_ = std::make_unique<app::Host>(std::move(parts), std::move(modules_));
  RETURN_IF_ERROR(host_->Prepare());
  shared_->Start();
  RETURN_IF_ERROR(host_->Start());
  audit_->StartForwarding(*host_);
  return absl::OkStatus();
}

absl::Status Process::StartServers() {
  if (!settings_.grpc.empty()) {
    rpc::GrpcServerOptions options;
    options.address = settings_.grpc;
    options.reflection = settings_.grpc_reflection;
    ASSIGN_OR_RETURN(grpc_, rpc::GrpcServer::Start(options, host_->pipeline(), host_->pool()));
  }
  if (!settings_.metrics.empty()) {
    ASSIGN_OR_RETURN(metrics_server_, app::MetricsServer::Start(settings_.metrics, metrics_, clock_));
  }
  RETURN_IF_ERROR(gateway_->Open());
  RETURN_IF_ERROR(data_dir_->WriteAddresses(http_port(), grpc_port(), metrics_port()));
  logger_->Info("started", {{"http", http_port()}, {"grpc", grpc_port()}, {"dev", settings_.dev}});
  return absl::OkStatus();
}

void Process::Stop() {
  if (!started_) return;
  started_ = false;
  if (host_ != nullptr) {
    host_->Drain();
    gateway_->Close(settings_.drain);
    if (grpc_ != nullptr) grpc_->Drain(settings_.drain);
    if (audit_ != nullptr) audit_->Stop();
    host_->Stop();
  }
  if (shared_ != nullptr) shared_->Stop();
  metrics_server_.reset();
  grpc_.reset();
  if (logger_ != nullptr) logger_->Info("stopped");
  host_.reset();
  audit_.reset();
  shared_.reset();
  data_dir_.reset();
}

void Process::Reload() {
  if (absl::StatusOr<std::string> text = registry_.Reread("log.level"); !text.ok()) {
    logger_->Error("reload", {{"cause", std::string(text.status().ToString())}});
  } else if (auto level = telemetry::ParseLevel(*text)) {
    logger_->SetLevel(*level);
  }
  if (absl::Status status = gateway_->ReloadTls(); !status.ok()) {
    logger_->Error("reload", {{"cause", std::string(status.ToString())}});
  }
}

int Process::http_port() const { return gateway_->port(); }

std::string Process::HttpUrl() const {
  const gateway::GatewayConfig& config = gateway_->config();
  return (config.tls_certificate.empty() ? "http://" : "https://") + Reachable(config.address, http_port());
}

std::string Process::GrpcAddress() const { return grpc_port() == 0 ? "" : Reachable(settings_.grpc, grpc_port()); }

std::string Process::MetricsAddress() const {
  return metrics_port() == 0 ? "" : Reachable(settings_.metrics, metrics_port());
}

}  // namespace dinh::standalone

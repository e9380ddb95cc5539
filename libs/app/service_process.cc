#include "libs/app/service_process.h"

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "CLI/CLI.hpp"
#include "grpc/health/v1/health.pb.h"
#include "libs/app/lifecycle.h"
#include "libs/app/platform_services.h"
#include "libs/app/print_error.h"
#include "libs/app/resources.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/tls_credentials.h"

namespace dinh::app {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFound = 1;
constexpr int kExitUsage = 2;
constexpr int kExitCannotRun = 3;
constexpr std::chrono::seconds kPeerCheck{3};

absl::Status SettingMissing(const std::string& name) {
  return base::InvalidField(name, {"phải được đặt.", "must be set."}, "INVALID_CONFIG");
}

int ExitCodeOf(const absl::Status& status) { return absl::IsInvalidArgument(status) ? kExitUsage : kExitCannotRun; }

}  // namespace

ServiceProcess::ServiceProcess(const ModuleFactory& make)
    : owned_(make()), module_(owned_.get()), service_(module_->name()), peers_(service_) {}

ServiceProcess::~ServiceProcess() { Stop(); }

void ServiceProcess::Bind(CLI::App& app) {
  config_.Bind(registry_);
  tls_.Bind(registry_);
  peers_.Bind(registry_);
  if (!is_edge()) {
    database_.Bind(registry_);
    redis_.Bind(registry_);
  }
  log_config_.Bind(registry_);
  module_->BindConfig(registry_);
  registry_.AddFlags(app);
}

absl::Status ServiceProcess::Configure(const std::vector<std::string>& environment) {
  return registry_.Load("", environment);
}

std::unique_ptr<rpc::Channel> ServiceProcess::ChannelTo(const std::string& callee) {
  const auto target = peers_.targets.find(callee);
  if (target == peers_.targets.end()) return nullptr;
  rpc::GrpcChannelOptions options;
  options.target = target->second;
  options.service = callee;
  for (const PlatformService& service : PlatformServices()) {
    if (service.name == callee) options.services = service.proto_services;
  }
  absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> credentials = rpc::ChannelCredentialsOf(tls_.files, callee);
  if (!credentials.ok()) return nullptr;  // OpenParts has read the same files
  options.credentials = *credentials;
  return std::make_unique<rpc::GrpcChannel>(std::move(options), clock_, &metrics_);
}

absl::Status ServiceProcess::OpenKeys() {
  if (is_edge()) {
    keys_ = auth::KeyRing::Ephemeral(clock_, random_);
    return absl::OkStatus();
  }
  if (config_.keys.empty()) return SettingMissing("dinh.keys");
  ASSIGN_OR_RETURN(
      keys_, auth::KeyRing::Open({.folder = config_.keys, .custody = auth::KeyCustody::kMounted}, clock_, random_));
  return absl::OkStatus();
}

absl::Status ServiceProcess::OpenParts(bool migrate) {
  if (!is_edge() && !database_.postgres()) return SettingMissing("db.dsn");
  ASSIGN_OR_RETURN(const std::string resources, FindResources(config_.resource_dir));
  ASSIGN_OR_RETURN(logger_, telemetry::OpenLogger(clock_, service_ + "d", log_config_));
  RETURN_IF_ERROR(OpenKeys());
  RETURN_IF_ERROR(rpc::CheckTlsFiles(tls_.files));
  ASSIGN_OR_RETURN(shared_, SharedState::Open(redis_, *keys_, clock_, random_, *logger_, metrics_));
  rate_limits_ = std::make_unique<RateLimits>(shared_->limiter(), config_.rate_factor_percent);
  audit_ = std::make_unique<Audit>(clock_, ids_, *keys_, *logger_);
  database_.migrate = migrate;
  HostParts parts{.data_dir = config_.data_dir,
                  .resource_dir = resources,
                  .dev = config_.dev,
                  .database = database_,
                  .clock = clock_,
                  .random = random_,
                  .ids = ids_,
                  .logger = *logger_,
                  .metrics = metrics_,
                  .keys = *keys_};
  if (config_.rate_limits) parts.limiter = rate_limits_.get();
  parts.revoked = shared_->revoked();
  parts.fanout = shared_->fanout();
  parts.cache = &shared_->cache();
  parts.audit = audit_->Provider();
  parts.remote_channel = [this](const std::string&, const std::string& callee) { return ChannelTo(callee); };
  for (const auto& [name, target] : peers_.targets) parts.elsewhere.insert(name);
  parts.pool.max_threads = static_cast<int>(config_.handler_threads);
  std::vector<std::unique_ptr<ServiceModule>> modules;
  modules.push_back(std::move(owned_));
  host_ = std::make_unique<Host>(std::move(parts), std::move(modules));
  if (service_ != "identity") {
    principals_ = std::make_unique<RemotePrincipals>(ChannelTo("identity"), clock_);
    host_->tokens().SetSource(principals_.get());
  }
  return host_->Prepare();
}

absl::Status ServiceProcess::Start() {
  // Many threads allocate a little each: one arena per core keeps the idle process small.
  mallopt(M_ARENA_MAX, 2);
  running_ = true;
  absl::Status status = OpenParts(/*migrate=*/false);
  if (status.ok()) shared_->Start();
  if (status.ok()) status = host_->Start();
  if (status.ok()) status = OpenServers();
  if (!status.ok()) Stop();
  return status;
}

absl::Status ServiceProcess::OpenServers() {
  audit_->StartForwarding(*host_);
  if (!is_edge()) {
    rpc::GrpcServerOptions options;
    options.address = config_.grpc;
    options.reflection = config_.grpc_reflection;
    options.peer_domain = tls_.files.trust_domain;
    options.drain_notice = config_.drain_notice;
    ASSIGN_OR_RETURN(options.credentials, rpc::ServerCredentialsOf(tls_.files));
    ASSIGN_OR_RETURN(grpc_, rpc::GrpcServer::Start(options, host_->pipeline(), host_->pool()));
    if (!config_.health.empty()) {
      ASSIGN_OR_RETURN(health_, rpc::HealthServer::Start(config_.health, grpc_->health()));
    }
  }
  RETURN_IF_ERROR(module_->Open());
  if (!config_.metrics.empty()) {
    ASSIGN_OR_RETURN(metrics_server_,
                     MetricsServer::Start(config_.metrics, metrics_, clock_, [this] { return host_->ready(); }));
  }
  logger_->Info("started", {{"service", service_}, {"grpc", grpc_port()}, {"dev", config_.dev}});
  return absl::OkStatus();
}

void ServiceProcess::Stop() {
  if (!running_) return;
  running_ = false;
  if (host_ != nullptr) {
    const bool served = host_->ready();
    host_->Drain();
    // Whoever balances load finds out by probing /readyz; until then calls are still answered. (The gRPC server waits
    // in the same way for those who watch its health.)
    if (served && is_edge()) std::this_thread::sleep_for(config_.drain_notice);
    module_->Close(config_.drain);
    if (grpc_ != nullptr) grpc_->Drain(config_.drain);
    if (audit_ != nullptr) audit_->Stop();
    host_->Stop();
  }
  if (shared_ != nullptr) shared_->Stop();
  metrics_server_.reset();
  health_.reset();
  grpc_.reset();
  if (logger_ != nullptr) logger_->Info("stopped");
  host_.reset();
  audit_.reset();
  shared_.reset();
}

void ServiceProcess::Reload() {
  if (absl::StatusOr<std::string> text = registry_.Reread("log.level"); !text.ok()) {
    logger_->Error("reload", {{"cause", std::string(text.status().ToString())}});
  } else if (auto level = telemetry::ParseLevel(*text)) {
    logger_->SetLevel(*level);
  }
  if (absl::Status status = module_->ReloadTls(); !status.ok()) {
    logger_->Error("reload", {{"cause", std::string(status.ToString())}});
  }
}

absl::Status ServiceProcess::Migrate() {
  running_ = true;
  absl::Status status = OpenParts(/*migrate=*/true);
  if (status.ok()) status = host_->PrepareStores();
  Stop();
  return status;
}

absl::Status ServiceProcess::Check() {
  running_ = true;
  absl::Status status = OpenParts(/*migrate=*/false);
  if (status.ok()) status = host_->PrepareStores();
  if (status.ok()) status = CheckPeers();
  Stop();
  return status;
}

absl::Status ServiceProcess::CheckPeers() {
  for (const auto& [name, target] : peers_.targets) {
    const std::vector<std::string> callees = module_->depends_on();
    const bool needed =
        is_edge() || name == "identity" || std::find(callees.begin(), callees.end(), name) != callees.end();
    if (!needed) continue;
    base::OpContext ctx(clock_, clock_.Steady() + kPeerCheck);
    const auto answer = ChannelTo(name)->Call<grpc::health::v1::HealthCheckResponse>(
        ctx, "/grpc.health.v1.Health/Check", grpc::health::v1::HealthCheckRequest());
    if (answer.ok() && answer->status() == grpc::health::v1::HealthCheckResponse::SERVING) continue;
    std::string who = name;
    who.append(" (").append(target).append(")");
    return base::Unavailable("PEER_UNAVAILABLE",
                             {"Dịch vụ " + who + " không trả lời. Hãy kiểm tra địa chỉ và chứng thư.",
                              "The service " + who + " does not answer. Check its address and the certificates."});
  }
  return absl::OkStatus();
}

namespace {

int Serve(ServiceProcess& process, const std::string& program) {
  Lifecycle lifecycle;
  if (absl::Status status = process.Start(); !status.ok()) {
    PrintError(status, program);
    return ExitCodeOf(status);
  }
  std::printf("%s", program.c_str());
  if (process.edge_port() != 0) std::printf(" http=%d", process.edge_port());
  if (process.grpc_port() != 0) std::printf(" grpc=%d", process.grpc_port());
  if (process.health_port() != 0) std::printf(" health=%d", process.health_port());
  if (process.metrics_port() != 0) std::printf(" metrics=%d", process.metrics_port());
  std::printf("\n");
  std::fflush(stdout);
  lifecycle.WaitForStop([&process] { process.Reload(); });
  process.Stop();
  return kExitOk;
}

int Migrate(ServiceProcess& process, const std::string& program) {
  if (absl::Status status = process.Migrate(); !status.ok()) {
    PrintError(status, program);
    return ExitCodeOf(status);
  }
  std::printf("%s: lược đồ đã sẵn sàng / the schema is ready\n", program.c_str());
  return kExitOk;
}

int Check(ServiceProcess& process, const std::string& program) {
  if (absl::Status status = process.Check(); !status.ok()) {
    PrintError(status, program);
    return absl::IsInvalidArgument(status) ? kExitUsage : kExitFound;
  }
  std::printf("%s: sẵn sàng phục vụ / ready to serve\n", program.c_str());
  return kExitOk;
}

using Command = int (*)(ServiceProcess&, const std::string&);

}  // namespace

int RunService(int argc, char** argv, const std::string& program, const std::string& description,
               const ModuleFactory& make) {
  CLI::App app(description, program);
  app.require_subcommand(1);
  int exit_code = kExitOk;
  const auto add = [&](const char* name, const char* help, Command run) {
    auto process = std::make_shared<ServiceProcess>(make);
    CLI::App* command = app.add_subcommand(name, help);
    process->Bind(*command);
    command->callback([process, run, program, &exit_code] {
      if (absl::Status status = process->Configure(config::ProcessEnvironment()); !status.ok()) {
        PrintError(status, program);
        exit_code = kExitUsage;
      } else if (process->registry().print_requested()) {
        std::printf("%s", process->registry().Print().c_str());
      } else {
        exit_code = run(*process, program);
      }
    });
  };
  add("serve", "Serve until a signal", Serve);
  add("migrate", "Bring the service's schema to what this binary needs, then end", Migrate);
  add("check", "Look whether everything that serving needs is there, then end", Check);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return exit_code;
}

}  // namespace dinh::app

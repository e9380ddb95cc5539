#include "tests/support/cluster.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/base/status.h"
#include "libs/db/postgres.h"
#include "libs/http/client.h"
#include "tests/support/server_process.h"

namespace dinh::testing {
namespace {

constexpr std::chrono::seconds kReadyMax{60};

bool AnswersOk(uint16_t port, const std::string& path) {
  http::ClientOptions options;
  options.port = port;
  http::Client client(options);
  const absl::StatusOr<http::ClientResponse> answer = client.Get(path);
  return answer.ok() && answer->status == 200;
}

std::string Local(uint16_t port) { return "127.0.0.1:" + std::to_string(port); }
std::string PasswordOf(const std::string& role) { return "pw-" + role; }

}  // namespace

Replica::Replica(std::string service, int number, std::string folder)
    : service_(std::move(service)),
      number_(number),
      folder_(std::move(folder)),
      grpc_(cache::FreePort()),
      health_(cache::FreePort()),
      metrics_(cache::FreePort()),
      http_(service_ == "gateway" ? cache::FreePort() : 0) {}

absl::Status Replica::Start() {
  std::vector<std::string> args = wrapper_;
  args.push_back(DINH_BINARY_DIR "/bin/" + service_ + "d");
  args.emplace_back("serve");
  child_.Start(args, environment_, folder_ + "/" + name() + ".log");
  return WaitReady();
}

bool Replica::Ready() const { return AnswersOk(metrics_, "/readyz"); }

absl::Status Replica::WaitReady() {
  const auto until = std::chrono::steady_clock::now() + kReadyMax;
  while (std::chrono::steady_clock::now() < until) {
    if (!child_.Running()) return absl::UnavailableError(name() + " ended at start: " + child_.LogTail());
    if (Ready()) return absl::OkStatus();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return absl::DeadlineExceededError(name() + " did not become ready: " + child_.LogTail());
}

int Replica::Run(const std::string& command, std::string* output) {
  const std::string log = folder_ + "/" + name() + "-" + command + ".log";
  std::filesystem::remove(log);
  ChildProcess child;
  child.Start({DINH_BINARY_DIR "/bin/" + service_ + "d", command}, environment_, log);
  const int code = child.Wait();
  if (output != nullptr) *output = child.LogTail();
  return code;
}

Cluster::Cluster(Options options) : options_(std::move(options)) {
  for (const char* service : kClusterServices) {
    for (int i = 0; i < options_.replicas; ++i) {
      replicas_.push_back(std::make_unique<Replica>(service, i, options_.folder));
    }
  }
  for (int i = 0; i < options_.replicas; ++i) {
    replicas_.push_back(std::make_unique<Replica>("gateway", i, options_.folder));
  }
}

Cluster::~Cluster() {
  for (const auto& replica : replicas_) replica->Kill();
}

std::vector<Replica*> Cluster::replicas() {
  std::vector<Replica*> out;
  for (const auto& replica : replicas_) out.push_back(replica.get());
  return out;
}

std::vector<Replica*> Cluster::replicas(const std::string& service) {
  std::vector<Replica*> out;
  for (const auto& replica : replicas_) {
    if (replica->service() == service) out.push_back(replica.get());
  }
  return out;
}

absl::Status Cluster::Start() {
  postgres_test::PostgresServerOptions postgres;
  postgres.durable = options_.durable;
  // A standby that lost its primary looks for it again at once.
  postgres.settings = {"max_connections=300", "wal_retrieve_retry_interval=100ms"};
  postgres.settings.insert(postgres.settings.end(), options_.postgres_settings.begin(),
                           options_.postgres_settings.end());
  postgres_ = std::make_unique<postgres_test::PostgresServer>(postgres);
  postgres_hosts_ = {postgres_->folder()};
  if (options_.redis) redis_ = std::make_unique<cache::TestRedis>(cache::TestRedisOptions{.tcp = true});
  RETURN_IF_ERROR(Provision());
  if (options_.standby) {
    standby_ = std::make_unique<postgres_test::PostgresServer>(postgres_.get(), postgres);
    postgres_hosts_.push_back(standby_->folder());
    postgres_->SetSynchronous(true);
  }
  RETURN_IF_ERROR(MakeSecrets());
  std::filesystem::create_directories(outbox());
  for (const auto& replica : replicas_) replica->SetEnvironment(EnvironmentOf(*replica));
  RETURN_IF_ERROR(MigrateAll());
  for (const auto& replica : replicas_) RETURN_IF_ERROR(replica->Start());
  return options_.prometheus ? StartPrometheus() : absl::OkStatus();
}

absl::Status Cluster::Stop() {
  absl::Status status;
  prometheus_.Terminate();
  for (auto it = replicas_.rbegin(); it != replicas_.rend(); ++it) {
    if (!(*it)->child().Running()) continue;
    if (const int code = (*it)->Terminate(); code != 0) {
      status =
          absl::InternalError((*it)->name() + " ended with " + std::to_string(code) + ": " + (*it)->child().LogTail());
    }
  }
  return status;
}

absl::Status Cluster::Provision() {
  std::vector<db::PostgresService> services;
  for (const char* service : kClusterServices) services.push_back({service, service, PasswordOf(service)});
  return db::ProvisionPostgres(postgres_->Dsn(), services);
}

absl::Status Cluster::MakeSecrets() {
  base::SystemClock clock;
  base::SystemRandom random;
  ASSIGN_OR_RETURN(const auto ring, auth::KeyRing::OpenOrCreate({.folder = keys()}, false, clock, random));
  RETURN_IF_ERROR(ring->Share(shared_keys()));
  ChildProcess issuer;
  issuer.Start({DINH_SOURCE_DIR "/deploy/scripts/certificates.sh", "ca", certificates()}, {},
               options_.folder + "/certificates.log");
  if (issuer.Wait() != 0) return absl::InternalError("no issuer: " + issuer.LogTail());
  for (const char* service : kClusterServices) RETURN_IF_ERROR(IssueCertificate(service));
  return IssueCertificate("gateway");
}

absl::Status Cluster::IssueCertificate(const std::string& service) const {
  ChildProcess issue;
  issue.Start({DINH_SOURCE_DIR "/deploy/scripts/certificates.sh", "issue", certificates(), service}, {},
              options_.folder + "/certificates.log");
  if (issue.Wait() != 0) return absl::InternalError("no certificate: " + issue.LogTail());
  return absl::OkStatus();
}

absl::Status Cluster::MigrateAll() {
  for (const char* service : kClusterServices) {
    std::string output;
    if (replica(service, 0).Run("migrate", &output) != 0) return absl::InternalError("migrate: " + output);
  }
  return absl::OkStatus();
}

std::string Cluster::DsnOf(const std::string& service) const {
  std::string hosts, ports;
  for (const std::string& host : postgres_hosts_) {
    hosts += (hosts.empty() ? "" : ",") + host;
    ports += ports.empty() ? "5432" : ",5432";
  }
  return "host=" + hosts + " port=" + ports + " dbname=postgres user=" + service + " password=" + PasswordOf(service);
}

void Cluster::SetPostgresHosts(std::vector<std::string> folders) {
  postgres_hosts_ = std::move(folders);
  for (const auto& replica : replicas_) replica->SetEnvironment(EnvironmentOf(*replica));
}

void Cluster::FailOver() {
  postgres_->Crash();
  standby_->Promote();
  std::swap(postgres_, standby_);
}

void Cluster::RestoreStandby() {
  standby_->Follow(*postgres_);
  postgres_->SetSynchronous(true);
}

std::string Cluster::TargetOf(const std::string& caller, const std::string& service) {
  std::string target = "ipv4:";
  if (const auto route = routes_.find({caller, service}); route != routes_.end()) {
    for (const uint16_t port : route->second) target += (target.back() == ':' ? "" : ",") + Local(port);
    return target;
  }
  for (const Replica* replica : replicas(service)) {
    if (target.back() != ':') target += ',';
    target += Local(replica->grpc_port());
  }
  return target;
}

std::vector<std::string> Cluster::EnvironmentOf(const Replica& replica) {
  const std::string& service = replica.service();
  std::vector<std::string> out = {
      "DINH_DINH_METRICS=" + Local(replica.metrics_port()),
      "DINH_DINH_RESOURCE_DIR=" + ServerProcess::Resources(),
      "DINH_DINH_RATE_FACTOR_PERCENT=10000",  // limits stay on, but one machine plays a whole district
      "DINH_DINH_DRAIN_NOTICE=300ms",
      "DINH_MTLS_CERTIFICATE=" + certificates() + "/" + service + ".pem",
      "DINH_MTLS_KEY=" + certificates() + "/" + service + ".key",
      "DINH_MTLS_CA=" + certificates() + "/issuer.pem",
  };
  if (options_.dev) out.emplace_back("DINH_DINH_DEV=true");
  for (const char* peer : kClusterServices) {
    if (service == peer) continue;
    std::string name = peer;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    out.push_back("DINH_PEERS_" + name + "=" + TargetOf(service, peer));
  }
  if (service == "gateway") {
    out.push_back("DINH_GATEWAY_ADDRESS=" + Local(replica.http_port()));
  } else {
    out.push_back("DINH_DB_DSN=" + DsnOf(service));
    out.push_back("DINH_DINH_KEYS=" + (service == "identity" ? keys() : shared_keys()));
    if (redis_ != nullptr) out.push_back("DINH_CACHE_REDIS=redis://" + Local(redis_->endpoint().port));
    out.push_back("DINH_DINH_GRPC=" + Local(replica.grpc_port()));
    out.push_back("DINH_DINH_HEALTH=" + Local(replica.health_port()));
  }
  if (service == "identity") out.push_back("DINH_IDENTITY_SMS_OUTBOX=" + outbox());
  out.insert(out.end(), options_.environment.begin(), options_.environment.end());
  if (const auto own = options_.service_environment.find(service); own != options_.service_environment.end()) {
    out.insert(out.end(), own->second.begin(), own->second.end());
  }
  return out;
}

absl::Status Cluster::StartPrometheus() {
  prometheus_port_ = cache::FreePort();
  const std::string file = options_.folder + "/prometheus.yml";
  std::ofstream config(file);
  config << "global: {scrape_interval: 1s}\nscrape_configs:\n";
  for (const auto& replica : replicas_) {
    config << "  - {job_name: " << replica->name() << ", static_configs: [{targets: ['"
           << Local(replica->metrics_port()) << "'], labels: {service: " << replica->service() << "}}]}\n";
  }
  config.close();
  prometheus_.Start({"prometheus", "--config.file=" + file, "--storage.tsdb.path=" + options_.folder + "/prometheus",
                     "--web.listen-address=" + Local(prometheus_port_), "--log.level=warn"},
                    {}, options_.folder + "/prometheus.log");
  const auto until = std::chrono::steady_clock::now() + kReadyMax;
  while (!AnswersOk(prometheus_port_, "/-/ready")) {
    if (!prometheus_.Running()) return absl::UnavailableError("prometheus ended: " + prometheus_.LogTail());
    if (std::chrono::steady_clock::now() > until) return absl::DeadlineExceededError("prometheus is not ready");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return absl::OkStatus();
}

demo::StoryOptions Cluster::StoryOptionsFor(int gateway) {
  demo::StoryOptions options;
  options.port = http_port(gateway);
  options.outbox_dir = outbox();
  std::ifstream in(ServerProcess::Resources() + "/demo.json");
  options.demo = demo::Json::parse(in, nullptr, false);
  return options;
}

}  // namespace dinh::testing

// `make bench-cluster`: gateway, services, PostgreSQL (fsync on) and Redis on this machine, one of each process, each
// figure beside its floor in the same run, alternating with it. Lines `name: value`. Prints what it finds; judges
// nothing. DINH_BENCH_REPORTS sets how many reports the full store of feedback has (default 1,000,000). Arguments name
// the parts to run (submit, read, hop, lifecycles, restart, memory); none: all.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include "libs/http/client.h"
#include "libs/testing/temp_dir.h"
#include "services/standalone/demo/story.h"
#include "tests/bench/by_hand.h"
#include "tests/bench/lifecycles.h"
#include "tests/bench/measure.h"
#include "tests/bench/submitters.h"
#include "tests/support/cluster.h"
#include "tests/support/server_process.h"

namespace dinh::bench {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using testing::Cluster;
using testing::Replica;
using SteadyClock = std::chrono::steady_clock;

constexpr int kRounds = 3;
constexpr int kSubmitters = 32;
constexpr int kPapers = 8;
constexpr int kPgbenchSeconds = 4;
constexpr int kByHandClients = 8;
constexpr int kReaders = 64;
constexpr std::chrono::seconds kReadTime{4};
constexpr int kLifecycleClients = 50;
constexpr std::chrono::seconds kLifecycleRound{8};
constexpr std::chrono::seconds kSeedMax{1800};
constexpr int64_t kReportsDefault = 1'000'000;
constexpr int kHopConnections = 16;
constexpr int kHopSeconds = 4;

const std::vector<std::string> kEnvironment = {"DINH_DINH_RATE_FACTOR_PERCENT=100000000", "DINH_LOG_LEVEL=warn"};

std::unique_ptr<Cluster> StartCluster(const std::string& folder, int replicas) {
  auto cluster = std::make_unique<Cluster>(
      Cluster::Options{.folder = folder,
                       .replicas = replicas,
                       .durable = true,
                       .postgres_settings = {"shared_buffers=1GB", "max_wal_size=8GB", "autovacuum_naptime=1min"},
                       .environment = kEnvironment,
                       .service_environment = {{"feedback", {"DINH_FEEDBACK_REPORTS_PER_LOGIN=1000000"}}}});
  if (absl::Status status = cluster->Start(); !status.ok()) Fail(std::string(status.ToString()));
  return cluster;
}

std::vector<uint16_t> PortsOf(Cluster& cluster) {
  std::vector<uint16_t> ports;
  for (Replica* gateway : cluster.replicas("gateway")) ports.push_back(gateway->http_port());
  return ports;
}

double CpuSecondsOf(Cluster& cluster, const std::set<std::string>& services = {}) {
  double total = 0;
  for (Replica* replica : cluster.replicas()) {
    if (services.empty() || services.count(replica->service()) > 0) total += replica->child().CpuSeconds();
  }
  return total;
}

// Of the server and what it has forked, as far as that still runs.
double PostgresCpuSeconds(Cluster& cluster) {
  const pid_t server = cluster.postgres().pid();
  int64_t micros = CpuMicros(server);
  for (const pid_t child : ChildrenOf(server)) micros += CpuMicros(child);
  return static_cast<double>(micros) / 1e6;
}

void BenchSubmit(Cluster& cluster, const std::string& folder, std::string* token, std::string* code) {
  Submitters submitters(PortsOf(cluster), cluster.StoryOptionsFor(), kSubmitters);
  ByHand by_hand(cluster.DsnOf("procedures"), folder);
  submitters.Upload(2);
  submitters.Submit();  // warm
  std::vector<double> ours, floors, ratios;
  double cpu = 0;
  int64_t counted = 0;
  for (int round = 0; round < kRounds; ++round) {
    submitters.Upload(kPapers);
    const int64_t before = submitters.submitted();
    const double cpu_before = CpuSecondsOf(cluster);
    const double seconds = submitters.Submit();
    cpu += CpuSecondsOf(cluster) - cpu_before;
    counted += submitters.submitted() - before;
    ours.push_back(static_cast<double>(submitters.submitted() - before) / seconds);
    floors.push_back(by_hand.Submit(kByHandClients, kPgbenchSeconds).per_s);
    ratios.push_back(ours.back() / floors.back());
  }
  Print("submits_per_s", Median(ours));
  Print("submits_by_hand_per_s", Median(floors));
  Print("submit_vs_pgbench", Median(ratios));
  Print("submit_cpu_us", cpu * 1e6 / static_cast<double>(counted));
  Print("submit_p50_ms", Percentile(submitters.latencies_ms(), 0.5));
  Print("submit_p99_ms", Percentile(submitters.latencies_ms(), 0.99));
  *token = submitters.all().front()->client.token();
  *code = submitters.all().front()->dossiers.front();
}

// `path` again and again by `clients` at once: requests per second; latencies are added to `ms`.
double ReadRate(const std::vector<uint16_t>& ports, const std::string& token, const std::string& path, int clients,
                std::vector<double>* ms) {
  std::atomic<int64_t> done{0};
  std::mutex mutex;
  const auto begin = SteadyClock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&, i] {
      ApiClient client("127.0.0.1", ports[static_cast<size_t>(i) % ports.size()]);
      client.set_token(token);
      std::vector<double> mine;
      while (SteadyClock::now() - begin < kReadTime) {
        const auto at = SteadyClock::now();
        const ApiAnswer answer = client.Get(path);
        if (!answer.ok()) Fail(path + " " + answer.raw + answer.error);
        mine.push_back(MsSince(at));
      }
      done += static_cast<int64_t>(mine.size());
      std::lock_guard lock(mutex);
      ms->insert(ms->end(), mine.begin(), mine.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(done) / (MsSince(begin) / 1000);
}

void BenchRead(Cluster& cluster, const std::string& folder, const std::string& token, const std::string& code) {
  ByHand by_hand(cluster.DsnOf("procedures"), folder);
  std::vector<double> ours, floors, ratios, ms;
  const double cpu_before = CpuSecondsOf(cluster);
  for (int round = 0; round < kRounds; ++round) {
    ours.push_back(ReadRate(PortsOf(cluster), token, "/v1/dossiers/" + code, kReaders, &ms));
    floors.push_back(by_hand.Read(kByHandClients, kPgbenchSeconds, code).per_s);
    ratios.push_back(ours.back() / floors.back());
  }
  Print("reads_per_s", Median(ours));
  Print("read_cpu_us", (CpuSecondsOf(cluster) - cpu_before) * 1e6 / static_cast<double>(ms.size()));
  Print("reads_by_hand_per_s", Median(floors));
  Print("read_vs_pgbench", Median(ratios));
  Print("read_p50_ms", Percentile(ms, 0.5));
  Print("read_p99_ms", Percentile(ms, 0.99));
}

// A read that costs a service next to nothing, through the cluster (one hop between gateway and service) and through
// the standalone process (none): the difference of the servers' CPU is the hop's.
void BenchHop(Cluster& cluster, const std::string& folder) {
  testing::ServerProcess standalone({.data_dir = folder + "/standalone", .environment = kEnvironment});
  if (absl::Status status = standalone.Start(); !status.ok()) Fail(std::string(status.ToString()));
  const auto drive = [](uint16_t port) {
    const WrkResult result =
        RunWrk("http://127.0.0.1:" + std::to_string(port) + "/v1/units/15865", kHopConnections, kHopSeconds);
    if (result.requests == 0 || result.errors != 0) Fail("wrk");
    return static_cast<double>(result.requests);
  };
  std::vector<double> hops, with, without, rates;
  for (int round = 0; round < kRounds; ++round) {
    const double cluster_before = CpuSecondsOf(cluster, {"gateway", "territory"});
    const double through = drive(cluster.http_port());
    with.push_back((CpuSecondsOf(cluster, {"gateway", "territory"}) - cluster_before) * 1e6 / through);
    rates.push_back(through / kHopSeconds);
    const int64_t before = CpuMicros(standalone.pid());
    const double direct = drive(standalone.http_port());
    without.push_back(static_cast<double>(CpuMicros(standalone.pid()) - before) / direct);
    hops.push_back(with.back() - without.back());
  }
  Print("unit_reads_per_s_cluster", Median(rates));
  Print("unit_read_cpu_us_cluster", Median(with));
  Print("unit_read_cpu_us_standalone", Median(without));
  Print("hop_cpu_us", Median(hops));
  standalone.Terminate();
}

void SeedReports(Cluster& cluster, int64_t reports, const std::string& folder) {
  const auto begin = SteadyClock::now();
  testing::ChildProcess seed;
  seed.Start({testing::ServerProcess::Binary(), "seed-load", "--reports", std::to_string(reports), "--data-dir", folder,
              "--resource-dir", testing::ServerProcess::Resources()},
             {"DINH_DB_DSN=" + cluster.DsnOf("feedback")}, folder + "/seed.log");
  // The folder has the cluster's keys where an installation has them.
  if (seed.WaitFor(kSeedMax) != 0) Fail("seed-load: " + seed.LogTail());
  Print("seed_reports", static_cast<double>(reports));
  Print("seed_s", MsSince(begin) / 1000);
}

// A figure of the service's /metrics, all its series together.
double MetricOf(Cluster& cluster, const std::string& service, const std::string& name) {
  double sum = 0;
  for (Replica* replica : cluster.replicas(service)) {
    ApiClient scraper("127.0.0.1", replica->metrics_port());
    std::istringstream lines(scraper.Get("/metrics").raw);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(name + " ") || line.starts_with(name + "{")) {
        sum += std::strtod(line.c_str() + line.rfind(' '), nullptr);
      }
    }
  }
  return sum;
}

double BenchLifecycles(Cluster& cluster, const std::string& suffix) {
  Office office;
  office.LogIn(PortsOf(cluster), cluster.StoryOptionsFor(), kLifecycleClients);
  Tally warm, tally;
  Drive(office, warm, kLifecycleClients, std::chrono::seconds(2));
  std::vector<double> rates;
  const double cpu_before = CpuSecondsOf(cluster), feedback_before = CpuSecondsOf(cluster, {"feedback"});
  const double postgres_before = PostgresCpuSeconds(cluster);
  const double retries_before = MetricOf(cluster, "feedback", "db_retries_total");
  const int64_t deadlocks_before = Deadlocks(cluster.postgres().Dsn());
  for (int round = 0; round < kRounds; ++round) {
    rates.push_back(Drive(office, tally, kLifecycleClients, kLifecycleRound));
  }
  const auto counted = static_cast<double>(tally.lifecycles);
  Print("lifecycles_per_s" + suffix, Median(rates));
  PrintCalls(suffix, tally);
  Print("lifecycle_cpu_us" + suffix, (CpuSecondsOf(cluster) - cpu_before) * 1e6 / counted);
  Print("lifecycle_cpu_us_feedback" + suffix, (CpuSecondsOf(cluster, {"feedback"}) - feedback_before) * 1e6 / counted);
  Print("lifecycle_cpu_us_postgres" + suffix, (PostgresCpuSeconds(cluster) - postgres_before) * 1e6 / counted);
  Print("lifecycle_retries" + suffix, MetricOf(cluster, "feedback", "db_retries_total") - retries_before);
  Print("lifecycle_deadlocks" + suffix, static_cast<double>(Deadlocks(cluster.postgres().Dsn()) - deadlocks_before));
  for (const auto& [status, count] : tally.statuses) {
    if (status != 200) Print("lifecycle_status_" + std::to_string(status) + suffix, static_cast<double>(count));
  }
  return Median(rates);
}

// What a balancer does for clients: only gateways whose /readyz says yes get new requests.
class Balancer {
 public:
  explicit Balancer(Cluster& cluster) : cluster_(cluster) {
    for (Replica* gateway : cluster_.replicas("gateway")) up_.push_back(gateway->Ready());
    watcher_ = std::thread([this] {
      while (!stop_) {
        const std::vector<Replica*> gateways = cluster_.replicas("gateway");
        for (size_t i = 0; i < gateways.size(); ++i) {
          const bool ready = gateways[i]->Ready();
          std::lock_guard lock(mutex_);
          up_[i] = ready;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
    });
  }
  ~Balancer() {
    stop_ = true;
    watcher_.join();
  }
  size_t Pick(size_t wish) {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < up_.size(); ++i) {
      if (up_[(wish + i) % up_.size()]) return (wish + i) % up_.size();
    }
    return wish % up_.size();
  }

 private:
  Cluster& cluster_;
  std::mutex mutex_;
  std::vector<bool> up_;  // guarded by mutex_
  std::atomic<bool> stop_ = false;
  std::thread watcher_;
};

// Every process in turn, while citizens read and report through both gateways.
void BenchRestart(const std::string& folder) {
  const std::unique_ptr<Cluster> cluster = StartCluster(folder, 2);
  Office office;
  office.LogIn(PortsOf(*cluster), cluster->StoryOptionsFor(), 8);
  std::atomic<bool> stop = false;
  std::atomic<int64_t> requests{0}, failed{0};
  std::mutex mutex;
  std::string first_failure;
  {
    Balancer balancer(*cluster);
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i) {
      clients.emplace_back([&, i] {
        std::vector<ApiClient> ways;
        for (const uint16_t port : office.ports) ways.emplace_back("127.0.0.1", port);
        for (int64_t n = 0; !stop; ++n) {
          ApiClient& client = ways[balancer.Pick(static_cast<size_t>(n))];
          client.set_token(office.citizens[static_cast<size_t>(i)]);
          const ApiAnswer answer =
              n % 3 == 0 ? client.Post("/v1/reports",
                                       {{"category", "road.pothole"},
                                        {"description", "Ổ gà giữa đường liên thôn"},
                                        {"answers", {{"size", "medium"}, {"danger", "false"}}},
                                        {"place", {{"point", {{"lat", 19.85}, {"lng", 105.87}}}, {"unit", "15865"}}}},
                                       {{"Idempotency-Key", "r" + std::to_string(i) + "-" + std::to_string(n)}})
                         : client.Get(n % 3 == 1 ? "/v1/me" : "/v1/reports?of=OF_MINE");
          ++requests;
          if (answer.ok()) continue;
          ++failed;
          std::lock_guard lock(mutex);
          if (first_failure.empty()) first_failure = std::to_string(answer.status) + " " + answer.raw + answer.error;
        }
      });
    }
    for (Replica* replica : cluster->replicas()) {
      if (replica->Terminate() != 0) Fail(replica->name() + " did not end well");
      if (absl::Status status = replica->Start(); !status.ok()) Fail(std::string(status.ToString()));
    }
    stop = true;
    for (std::thread& client : clients) client.join();
  }
  Print("restart_requests", static_cast<double>(requests));
  Print("failed_requests", static_cast<double>(failed));
  if (!first_failure.empty()) Print("first_failure", first_failure);
  if (absl::Status status = cluster->Stop(); !status.ok()) Fail(std::string(status.ToString()));
}

void PrintMemory(Cluster& cluster) {
  for (Replica* replica : cluster.replicas()) {
    Print("rss_mb_" + replica->service(), static_cast<double>(replica->child().RssKib()) / 1024);
  }
}

int Run(const std::set<std::string>& parts) {
  const auto wanted = [&](const std::string& part) { return parts.empty() || parts.count(part) > 0; };
  const char* count = std::getenv("DINH_BENCH_REPORTS");
  const int64_t reports = count != nullptr ? std::atoll(count) : kReportsDefault;
  testing::TempDir dir, restart_dir;
  Print("machine", MachineName() + "; clients, processes, PostgreSQL and Redis share them");
  Print("fdatasync_us", FdatasyncMicros(dir.path(), 500));
  const std::unique_ptr<Cluster> cluster = StartCluster(dir.path(), 1);
  if (wanted("memory")) PrintMemory(*cluster);
  std::string token, code;
  if (wanted("submit") || wanted("read")) BenchSubmit(*cluster, dir.path(), &token, &code);
  if (wanted("read")) BenchRead(*cluster, dir.path(), token, code);
  if (wanted("hop")) BenchHop(*cluster, dir.path());
  if (wanted("lifecycles")) {
    const double empty = BenchLifecycles(*cluster, "_empty");
    SeedReports(*cluster, reports, dir.path());
    const double full = BenchLifecycles(*cluster, "");
    Print("lifecycles_ratio_full_vs_empty", full / empty);
  }
  if (wanted("memory")) PrintMemory(*cluster);
  if (absl::Status status = cluster->Stop(); !status.ok()) Fail(std::string(status.ToString()));
  if (wanted("restart")) BenchRestart(restart_dir.path());
  return 0;
}

}  // namespace
}  // namespace dinh::bench

int main(int argc, char** argv) { return dinh::bench::Run(std::set<std::string>(argv + 1, argv + argc)); }

// `make bench-feedback`: the lifecycle of a report (create → assign → resolve → search) through HTTP with real tokens,
// on an empty store and on one with a million reports, in turns; the public board's reads; spikes. Lines `name: value`.
// Prints what it finds; judges nothing. DINH_BENCH_REPORTS sets how many reports the full store has.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "libs/testing/temp_dir.h"
#include "services/standalone/demo/story.h"
#include "tests/bench/lifecycles.h"
#include "tests/bench/measure.h"
#include "tests/support/server_process.h"

namespace dinh::bench {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using SteadyClock = std::chrono::steady_clock;

constexpr int kClients = 50;
constexpr int kRounds = 3;
constexpr std::chrono::seconds kWarmUp{2};
constexpr std::chrono::seconds kRound{8};
constexpr int kReads = 2000;
constexpr int64_t kReportsDefault = 1'000'000;
constexpr std::array kWords = {"o ga", "den duong", "rac thai", "nuoc", "duong", "cho", "truong", "mua", "xu ly som"};

// A platform with everybody logged in.
struct Platform : Office {
  explicit Platform(const std::string& data_dir)
      : server({.data_dir = data_dir,
                .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=100000000", "DINH_LOG_LEVEL=warn",
                                "DINH_FEEDBACK_REPORTS_PER_LOGIN=1000000"}}) {}

  void Start() {
    if (absl::Status status = server.Start(); !status.ok()) Fail(std::string(status.ToString()));
    demo::StoryOptions options;
    options.outbox_dir = server.outbox();
    std::ifstream in(testing::ServerProcess::Resources() + "/demo.json");
    options.demo = Json::parse(in, nullptr, false);
    LogIn({server.http_port()}, options, kClients);
  }

  testing::ServerProcess server;
};

// How many acknowledged reports the office no longer finds (of a sample of two thousand).
int64_t Lost(const Platform& platform, const std::vector<std::string>& acknowledged) {
  ApiClient http("127.0.0.1", platform.server.http_port());
  http.set_token(platform.desk);
  int64_t lost = 0;
  const size_t step = std::max<size_t>(1, acknowledged.size() / 2000);
  for (size_t i = 0; i < acknowledged.size(); i += step)
    lost += http.Get("/v1/reports/" + acknowledged[i]).ok() ? 0 : 1;
  return lost;
}

void Seed(const std::string& data_dir, int64_t reports) {
  const auto begin = SteadyClock::now();
  const std::string count = std::to_string(reports);
  const pid_t pid = fork();
  if (pid == 0) {
    execl(testing::ServerProcess::Binary().c_str(), "dinh", "seed-load", "--data-dir", data_dir.c_str(), "--reports",
          count.c_str(), "--resource-dir", testing::ServerProcess::Resources().c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) Fail("seed-load");
  std::printf("\n");
  Print("seed_reports", static_cast<double>(reports));
  Print("seed_s", MsSince(begin) / 1000);
}

void BenchLifecycles(const Platform& empty, const Platform& full) {
  Tally warm, of_empty, of_full;
  Drive(empty, warm, kClients, kWarmUp);
  Drive(full, warm, kClients, kWarmUp);
  std::vector<double> at_empty, at_full, ratios;
  const int64_t cpu_before = CpuMicros(full.server.pid());
  for (int i = 0; i < kRounds; ++i) {
    at_empty.push_back(Drive(empty, of_empty, kClients, kRound));
    at_full.push_back(Drive(full, of_full, kClients, kRound));
    ratios.push_back(at_full.back() / at_empty.back());
  }
  Print("lifecycles_per_s_empty", Median(at_empty));
  PrintCalls("_empty", of_empty);
  Print("lifecycles_per_s", Median(at_full));
  PrintCalls("", of_full);
  Print("lifecycle_cpu_us",
        static_cast<double>(CpuMicros(full.server.pid()) - cpu_before) / static_cast<double>(of_full.lifecycles));
  Print("ratio_1M_vs_empty", Median(ratios));
}

template <typename F>
void BenchRead(const Platform& platform, const std::string& name, F&& path) {
  ApiClient http("127.0.0.1", platform.server.http_port());
  std::mt19937_64 dice(7);
  std::vector<double> ms;
  for (int i = 0; i < kReads; ++i) {
    const std::string target = path(dice);
    const auto begin = SteadyClock::now();
    const ApiAnswer answer = http.Get(target);
    ms.push_back(MsSince(begin));
    if (!answer.ok()) Fail(target + " " + answer.raw);
  }
  Print(name + "_p50_ms", Percentile(ms, 0.5));
  Print(name + "_p99_ms", Percentile(ms, 0.99));
}

double Between(std::mt19937_64& dice, double low, double high) {
  return low + (high - low) * (static_cast<double>(dice() >> 11) / 9007199254740992.0);
}

void BenchBoard(const Platform& full) {
  BenchRead(full, "board", [](std::mt19937_64& dice) {
    const int zoom = 10 + static_cast<int>(dice() % 9);  // 10 … 18
    const double width = 360.0 / static_cast<double>(1 << zoom) * 4, height = width * 0.75;
    const double west = Between(dice, kWest, kEast - width / 2), south = Between(dice, kSouth, kNorth - height / 2);
    char path[256];
    std::snprintf(path, sizeof path, "/v1/reports:board?bbox=%.5f,%.5f,%.5f,%.5f&zoom=%d%s", west, south, west + width,
                  south + height, zoom, dice() % 2 == 0 ? "" : "&category=road");
    return std::string(path);
  });
  BenchRead(full, "nearby", [](std::mt19937_64& dice) {
    char path[256];
    std::snprintf(path, sizeof path, "/v1/reports:nearby?lat=%.5f&lng=%.5f&radius_m=%d&category=%s",
                  Between(dice, kSouth, kNorth), Between(dice, kWest, kEast), 50 + static_cast<int>(dice() % 950),
                  dice() % 2 == 0 ? "road.pothole" : "");
    return std::string(path);
  });
  BenchRead(full, "search", [](std::mt19937_64& dice) {
    std::string words = kWords[dice() % kWords.size()];
    if (dice() % 2 == 0) words += std::string(" ") + kWords[dice() % kWords.size()];
    std::replace(words.begin(), words.end(), ' ', '+');
    return "/v1/reports?query=" + words;
  });
  BenchRead(full, "list", [](std::mt19937_64& dice) {
    static constexpr std::array kFilters = {"",
                                            "unit=15865",
                                            "category=road",
                                            "states=STATE_RECEIVED",
                                            "unit=15889&category=waste",
                                            "unit=15865&states=STATE_REJECTED"};
    return "/v1/reports?" + std::string(kFilters[dice() % kFilters.size()]);
  });
}

int64_t Bad(const Tally& tally) {
  int64_t bad = 0;
  for (const auto& [status, count] : tally.statuses) {
    if (status == 0 || status == 500 || status == 502 || status == 504) bad += count;
  }
  return bad;
}

// 10 clients, a thousand, and back; then valleys and peaks. Throughput before and after tells whether it recovers.
void BenchSpikes(const Platform& platform) {
  Tally tally;
  const double before = Drive(platform, tally, 10, std::chrono::seconds(5));
  const double spike = Drive(platform, tally, 1000, std::chrono::seconds(10));
  const double after = Drive(platform, tally, 10, std::chrono::seconds(5));
  for (const int clients : {10, 150, 10, 250, 20, 350, 100}) Drive(platform, tally, clients, std::chrono::seconds(3));
  Print("spike_lifecycles_per_s_before", before);
  Print("spike_lifecycles_per_s_at_1000_clients", spike);
  Print("spike_lifecycles_per_s_within_5s_after", after);
  for (const auto& [status, count] : tally.statuses)
    Print("spike_status_" + std::to_string(status), static_cast<double>(count));
  Print("spike_bad_answers", static_cast<double>(Bad(tally)));
  Print("spike_refused_without_retry_after", static_cast<double>(tally.refused_without_retry_after));
  Print("spike_lost_acknowledged", static_cast<double>(Lost(platform, tally.acknowledged)));
}

int Run() {
  const char* wanted = std::getenv("DINH_BENCH_REPORTS");
  const int64_t reports = wanted != nullptr ? std::atoll(wanted) : kReportsDefault;
  testing::TempDir dir;
  Print("machine", MachineName() + "; clients and server share them");
  Print("fdatasync_us", FdatasyncMicros(dir.path(), 500));
  Seed(dir.File("full"), reports);
  Platform empty(dir.File("empty")), full(dir.File("full"));
  empty.Start();
  full.Start();
  Print("start_ms_full", static_cast<double>(full.server.start_ms()));
  BenchLifecycles(empty, full);
  BenchBoard(full);
  BenchSpikes(full);
  Print("rss_mb_full", static_cast<double>(full.server.RssKib()) / 1024);
  return empty.server.Terminate() == 0 && full.server.Terminate() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace dinh::bench

int main() { return dinh::bench::Run(); }

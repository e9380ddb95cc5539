// `make bench-feedback`: the lifecycle of a report (create → assign → resolve → search) through HTTP with real tokens,
// on an empty store and on one with a million reports, in turns; the public board's reads; spikes. Lines `name: value`.
// Prints what it finds; judges nothing. DINH_BENCH_REPORTS sets how many reports the full store has.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "libs/testing/temp_dir.h"
#include "services/standalone/demo/story.h"
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
constexpr std::array kCalls = {"create", "assign", "resolve", "search"};
constexpr std::array kWords = {"o ga", "den duong", "rac thai", "nuoc", "duong", "cho", "truong", "mua", "xu ly som"};
constexpr double kWest = 105.80, kEast = 105.95, kSouth = 19.75, kNorth = 19.93;

void Fail(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

double Percentile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(static_cast<double>(values.size()) * q))];
}

double MsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

// A platform with everybody logged in.
struct Platform {
  Platform(const std::string& data_dir, const std::string& about)
      : name(about),
        server({.data_dir = data_dir,
                .environment = {"DINH_DINH_RATE_FACTOR_PERCENT=100000000", "DINH_LOG_LEVEL=warn",
                                "DINH_FEEDBACK_REPORTS_PER_LOGIN=1000000"}}) {}

  void Start() {
    if (absl::Status status = server.Start(); !status.ok()) Fail(std::string(status.ToString()));
    options.port = server.http_port();
    options.outbox_dir = server.outbox();
    std::ifstream in(testing::ServerProcess::Resources() + "/demo.json");
    options.demo = Json::parse(in, nullptr, false);
    demo::Story story(options);
    for (const auto& [key, token] : {std::pair{"desk", &desk}, {"specialist", &worker}}) {
      ApiClient client("127.0.0.1", server.http_port());
      if (absl::Status status = story.LoginOfficer(client, key); !status.ok()) Fail(std::string(status.ToString()));
      *token = client.token();
      if (token == &worker) worker_account = client.Get("/v1/me").Text("account");
    }
    for (int i = 0; i < kClients; ++i) citizens.push_back(LogIn(i));
  }

  std::string LogIn(int index) {
    ApiClient client("127.0.0.1", server.http_port());
    char phone[16];
    std::snprintf(phone, sizeof phone, "09020%05d", index);
    const ApiAnswer sent = client.Post("/v1/auth/otp:send", {{"phone", phone}});
    if (!sent.ok()) Fail("otp:send " + sent.raw);
    const std::string code = demo::ReadOtp(options.outbox_dir, phone);
    const ApiAnswer tokens =
        client.Post("/v1/auth/otp:verify", {{"challenge", sent.Text("challenge")}, {"code", code}});
    if (!tokens.ok()) Fail("otp:verify " + tokens.raw);
    return tokens.Text("access_token");
  }

  const std::string name;
  testing::ServerProcess server;
  demo::StoryOptions options;
  std::string desk, worker, worker_account;
  std::vector<std::string> citizens;
};

// What the clients of one run saw.
struct Tally {
  std::mutex mutex;
  std::map<std::string, std::vector<double>> ms;  // by call
  std::map<int, int64_t> statuses;
  std::vector<std::string> acknowledged;
  std::atomic<int64_t> lifecycles{0};
  std::atomic<int64_t> refused_without_retry_after{0};
};

// One client: its connection, its dice, and what it saw until it is added to the tally.
class Client {
 public:
  Client(const Platform& platform, Tally& tally, int index)
      : platform_(platform),
        tally_(tally),
        http_("127.0.0.1", platform.server.http_port()),
        dice_(index),
        index_(index) {}
  ~Client() {
    std::lock_guard lock(tally_.mutex);
    for (auto& [call, values] : ms_) {
      auto& all = tally_.ms[call];
      all.insert(all.end(), values.begin(), values.end());
    }
    for (const auto& [status, count] : statuses_) tally_.statuses[status] += count;
    tally_.acknowledged.insert(tally_.acknowledged.end(), acknowledged_.begin(), acknowledged_.end());
  }

  // false: a call was refused or failed; the lifecycle ends there.
  bool Lifecycle() {
    const double lat = kSouth + (kNorth - kSouth) * Draw(), lng = kWest + (kEast - kWest) * Draw();
    ApiAnswer made = Call("create", platform_.citizens[static_cast<size_t>(index_) % platform_.citizens.size()], [&] {
      return http_.Post("/v1/reports",
                        {{"category", "road.pothole"},
                         {"description", "Ổ gà giữa đường liên thôn, trời mưa đọng nước rất khó đi"},
                         {"answers", {{"size", "medium"}, {"danger", "false"}}},
                         {"place", {{"point", {{"lat", lat}, {"lng", lng}}}, {"unit", "15865"}}}},
                        {{"Idempotency-Key", "k" + std::to_string(getpid()) + "-" + std::to_string(++keys_)}});
    });
    if (!made.ok()) return false;
    const std::string id = made.Text("id");
    acknowledged_.push_back(id);
    if (!Call("assign", platform_.desk, [&] {
           return http_.Post("/v1/reports/" + id + ":assign", {{"officer", platform_.worker_account}});
         }).ok()) {
      return false;
    }
    if (!Call("resolve", platform_.worker, [&] {
           return http_.Post("/v1/reports/" + id + ":resolve", {{"text", "Đã vá xong ổ gà."}});
         }).ok()) {
      return false;
    }
    if (!Call("search", platform_.desk, [&] {
           return http_.Get("/v1/reports?of=OF_OFFICE&states=STATE_RESOLVED&category=road&page_size=10");
         }).ok()) {
      return false;
    }
    ++tally_.lifecycles;
    return true;
  }

 private:
  double Draw() { return static_cast<double>(dice_() >> 11) / 9007199254740992.0; }
  template <typename F>
  ApiAnswer Call(const char* name, const std::string& token, F&& call) {
    http_.set_token(token);
    const auto begin = SteadyClock::now();
    ApiAnswer answer = call();
    ms_[name].push_back(MsSince(begin));
    ++statuses_[answer.status];
    const bool refused = answer.status == 429 || answer.status == 503;
    if (refused && answer.Header("Retry-After").empty()) ++tally_.refused_without_retry_after;
    if (refused) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return answer;
  }

  const Platform& platform_;
  Tally& tally_;
  ApiClient http_;
  std::mt19937_64 dice_;
  const int index_;
  static inline std::atomic<int64_t> keys_{0};  // of all clients: a key is used once
  std::map<std::string, std::vector<double>> ms_;
  std::map<int, int64_t> statuses_;
  std::vector<std::string> acknowledged_;
};

// `clients` at once for a time; lifecycles per second.
double Drive(const Platform& platform, Tally& tally, int clients, std::chrono::milliseconds time) {
  const int64_t before = tally.lifecycles;
  const auto begin = SteadyClock::now();
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(clients));
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&, i] {
      Client client(platform, tally, i);
      while (SteadyClock::now() - begin < time) client.Lifecycle();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(tally.lifecycles - before) / (MsSince(begin) / 1000);
}

void PrintCalls(const std::string& suffix, const Tally& tally) {
  for (const char* call : kCalls) {
    const auto found = tally.ms.find(call);
    if (found != tally.ms.end()) Print(std::string(call) + "_p95_ms" + suffix, Percentile(found->second, 0.95));
  }
}

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
  Platform empty(dir.File("empty"), "empty"), full(dir.File("full"), "full");
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

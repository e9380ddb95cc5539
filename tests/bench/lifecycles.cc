#include "tests/bench/lifecycles.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <thread>
#include <utility>

#include "tests/bench/measure.h"

namespace dinh::bench {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using SteadyClock = std::chrono::steady_clock;

constexpr std::array kCalls = {"create", "assign", "resolve", "search"};

std::string LogInCitizen(uint16_t port, const std::string& outbox, int index) {
  ApiClient client("127.0.0.1", port);
  char phone[32];
  std::snprintf(phone, sizeof phone, "09020%05d", index % 100'000);
  const ApiAnswer sent = client.Post("/v1/auth/otp:send", {{"phone", phone}});
  if (!sent.ok()) Fail("otp:send " + sent.raw);
  const std::string code = demo::ReadOtp(outbox, phone);
  const ApiAnswer tokens = client.Post("/v1/auth/otp:verify", {{"challenge", sent.Text("challenge")}, {"code", code}});
  if (!tokens.ok()) Fail("otp:verify " + tokens.raw);
  return tokens.Text("access_token");
}

// One client: its connection, its dice, and what it saw until it is added to the tally.
class Client {
 public:
  Client(const Office& office, Tally& tally, int index)
      : office_(office),
        tally_(tally),
        http_("127.0.0.1", office.ports[static_cast<size_t>(index) % office.ports.size()]),
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
    ApiAnswer made = Call("create", office_.citizens[static_cast<size_t>(index_) % office_.citizens.size()], [&] {
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
    if (!Call("assign", office_.desk, [&] {
           return http_.Post("/v1/reports/" + id + ":assign", {{"officer", office_.worker_account}});
         }).ok()) {
      return false;
    }
    if (!Call("resolve", office_.worker, [&] {
           return http_.Post("/v1/reports/" + id + ":resolve", {{"text", "Đã vá xong ổ gà."}});
         }).ok()) {
      return false;
    }
    if (!Call("search", office_.desk, [&] {
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

  const Office& office_;
  Tally& tally_;
  ApiClient http_;
  std::mt19937_64 dice_;
  const int index_;
  static inline std::atomic<int64_t> keys_{0};  // of all clients: a key is used once
  std::map<std::string, std::vector<double>> ms_;
  std::map<int, int64_t> statuses_;
  std::vector<std::string> acknowledged_;
};

}  // namespace

double Percentile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(static_cast<double>(values.size()) * q))];
}

double MsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - begin).count();
}

void Office::LogIn(const std::vector<uint16_t>& gateways, const demo::StoryOptions& options, int citizens_count) {
  ports = gateways;
  demo::StoryOptions here = options;
  here.port = ports.front();
  demo::Story story(here);
  for (const auto& [key, token] : {std::pair{"desk", &desk}, {"specialist", &worker}}) {
    ApiClient client = story.NewClient();
    if (absl::Status status = story.LoginOfficer(client, key); !status.ok()) Fail(std::string(status.ToString()));
    *token = client.token();
    if (token == &worker) worker_account = client.Get("/v1/me").Text("account");
  }
  // Others than before: the codes that a phone was sent lie in the outbox one beside the other.
  static std::atomic<int> index{0};
  for (int i = 0; i < citizens_count; ++i) {
    citizens.push_back(LogInCitizen(ports.front(), options.outbox_dir, index++));
  }
}

double Drive(const Office& office, Tally& tally, int clients, std::chrono::milliseconds time) {
  const int64_t before = tally.lifecycles;
  const auto begin = SteadyClock::now();
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(clients));
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&, i] {
      Client client(office, tally, i);
      while (SteadyClock::now() - begin < time) client.Lifecycle();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(tally.lifecycles - before) / (MsSince(begin) / 1000);
}

void PrintCalls(const std::string& suffix, const Tally& tally) {
  for (const char* call : kCalls) {
    const auto found = tally.ms.find(call);
    if (found == tally.ms.end()) continue;
    Print(std::string(call) + "_p50_ms" + suffix, Percentile(found->second, 0.5));
    Print(std::string(call) + "_p95_ms" + suffix, Percentile(found->second, 0.95));
  }
}

}  // namespace dinh::bench

// Lifecycles of reports (create → assign → resolve → search) over HTTP with real tokens, for the benches. A failure of
// the preparation ends the bench.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "services/standalone/demo/story.h"
#include "tests/bench/submitters.h"

namespace dinh::bench {

// Where the made-up reports lie.
inline constexpr double kWest = 105.80, kEast = 105.95, kSouth = 19.75, kNorth = 19.93;

double Percentile(std::vector<double> values, double q);
double MsSince(std::chrono::steady_clock::time_point begin);

// The people of a running platform, logged in.
struct Office {
  // `ports`: of its gateways; clients are spread over them.
  void LogIn(const std::vector<uint16_t>& gateways, const demo::StoryOptions& options, int citizens_count);

  std::vector<uint16_t> ports;
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

// `clients` at once for a time; lifecycles per second.
double Drive(const Office& office, Tally& tally, int clients, std::chrono::milliseconds time);
// "create_p50_ms<suffix>: …", "create_p95_ms<suffix>: …" and so on.
void PrintCalls(const std::string& suffix, const Tally& tally);

}  // namespace dinh::bench

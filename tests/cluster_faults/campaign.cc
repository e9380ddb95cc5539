#include "tests/cluster_faults/campaign.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "libs/base/status.h"
#include "tests/cluster_faults/final_state.h"

namespace dinh::testing {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kRecoverMax{60};
constexpr std::chrono::milliseconds kBetweenRounds{50};  // when one has failed
constexpr std::chrono::milliseconds kBetweenLives{200};  // of a client

int64_t MillisecondsSince(steady_clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - since).count();
}

// To the width of the table's first column, in letters.
std::string Padded(std::string text) {
  constexpr size_t kWidth = 44;
  const auto letters =
      static_cast<size_t>(std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; }));
  if (letters < kWidth) text.append(kWidth - letters, ' ');
  return text;
}

std::vector<int64_t> Sorted(const std::map<std::string, std::vector<int64_t>>& times, const std::string& name) {
  const auto found = times.find(name);
  std::vector<int64_t> out = found == times.end() ? std::vector<int64_t>() : found->second;
  std::sort(out.begin(), out.end());
  return out;
}

// What the processes logged about one call.
std::string LogLines(const std::string& folder, const std::string& trace) {
  std::string found;
  if (trace.empty()) return found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".log") continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      if (line.find(trace) != std::string::npos) found += "    " + entry.path().stem().string() + ": " + line + "\n";
    }
  }
  return found;
}

}  // namespace

Campaign::Campaign(CampaignOptions options)
    : options_(std::move(options)),
      cluster_({.folder = options_.folder,
                .standby = true,
                // One login reports all day.
                .service_environment = {{"feedback", {"DINH_FEEDBACK_REPORTS_PER_LOGIN=1000000"}}}}) {
  for (Replica* replica : cluster_.replicas("procedures")) {
    to_procedures_.push_back(std::make_unique<TcpProxy>(replica->grpc_port()));
  }
  for (Replica* replica : cluster_.replicas("payments")) {
    to_payments_.push_back(std::make_unique<TcpProxy>(replica->grpc_port()));
  }
  const auto ports = [](const std::vector<std::unique_ptr<TcpProxy>>& proxies) {
    std::vector<uint16_t> out;
    for (const auto& proxy : proxies) out.push_back(proxy->port());
    return out;
  };
  cluster_.SetRoute("gateway", "procedures", ports(to_procedures_));
  cluster_.SetRoute("procedures", "payments", ports(to_payments_));
}

Campaign::~Campaign() {
  if (load_ != nullptr) load_->Stop();
}

absl::Status Campaign::Start() {
  RETURN_IF_ERROR(cluster_.Start());
  LoadOptions load;
  load.gateways = {cluster_.StoryOptionsFor(0), cluster_.StoryOptionsFor(1)};
  load.clients = options_.clients;
  load.seed = options_.seed;
  load.pause = kBetweenLives;
  load_ = std::make_unique<Load>(std::move(load), recorder_);
  RETURN_IF_ERROR(load_->LogIn());
  load_->Start();
  if (Recover(steady_clock::now()) < 0)
    return base::Internal("the cluster does not work to begin with: " + violations_.back());
  return absl::OkStatus();
}

void Campaign::Say(const std::string& line) const {
  if (options_.say) options_.say(line);
}

void Campaign::Violation(const std::string& text) {
  Say("VIOLATION: " + text);
  violations_.push_back(text);
}

void Campaign::Hold(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);  // how long a fault lasts, not a wait for something
}

int64_t Campaign::Recover(steady_clock::time_point since) {
  std::string why;
  while (steady_clock::now() - since < kRecoverMax) {
    why.clear();
    for (size_t i = 0; i < 2 && why.empty(); ++i) {
      if (cluster_.replica("gateway", static_cast<int>(i)).child().Running()) why = load_->Round(i);
    }
    if (why.empty()) return MillisecondsSince(since);
    Hold(kBetweenRounds);
  }
  Violation("no round succeeds: " + why);
  return -1;
}

void Campaign::Run(const Fault& fault) {
  const int64_t failed = load_->failed();
  auto since = steady_clock::now();
  int64_t recovered = 0;
  absl::Status status = fault.begin();
  if (fault.survivable && status.ok()) recovered = Recover(since);
  if (status.ok()) Hold(fault.lasts);
  since = steady_clock::now();
  if (fault.end) status.Update(fault.end());
  if (!status.ok()) Violation(fault.name + " could not be carried out: " + status.ToString());
  const int64_t repaired = Recover(since);
  if (!fault.survivable) recovered = repaired;
  if (std::find(names_.begin(), names_.end(), fault.name) == names_.end()) names_.push_back(fault.name);
  if (recovered >= 0) recovered_ms_[fault.name].push_back(recovered);
  if (repaired >= 0) repaired_ms_[fault.name].push_back(repaired);
  failed_[fault.name] += load_->failed() - failed;
  Say(fault.name + ": " + std::to_string(load_->failed() - failed) + " failed requests, works after " +
      std::to_string(recovered) + " ms, " + std::to_string(repaired) + " ms after the repair");
}

void Campaign::Finish() {
  load_->Stop();
  for (const auto& [text, trace] : load_->surprises()) {
    Violation("unexpected answer: " + text + "\n" + LogLines(options_.folder, trace));
  }
  const absl::StatusOr<FinalState> state = ReadFinalState(StoresOf(cluster_));
  if (!state.ok()) return Violation("the stores cannot be read: " + state.status().ToString());
  for (const auto& violation : Check(recorder_.all(), *state)) Violation(Format(violation));
  const absl::Status stopped = cluster_.Stop();
  if (!stopped.ok()) Violation(stopped.ToString());
}

std::string Campaign::Table() const {
  std::array<char, 200> line;
  std::snprintf(line.data(), line.size(), "%s %5s %8s %10s %10s %16s\n", Padded("fault").c_str(), "times", "failed",
                "p50 ms", "max ms", "repaired max ms");
  std::string text = line.data();
  for (const std::string& name : names_) {
    const std::vector<int64_t> times = Sorted(recovered_ms_, name), repaired = Sorted(repaired_ms_, name);
    const int64_t middle = times.empty() ? -1 : times[times.size() / 2], longest = times.empty() ? -1 : times.back();
    std::snprintf(line.data(), line.size(), "%s %5zu %8ld %10ld %10ld %16ld\n", Padded(name).c_str(), times.size(),
                  static_cast<long>(failed_.at(name)), static_cast<long>(middle), static_cast<long>(longest),
                  static_cast<long>(repaired.empty() ? -1 : repaired.back()));
    text += line.data();
  }
  std::snprintf(line.data(), line.size(), "operations = %ld, attempts = %ld, failed attempts = %ld, violations = %zu\n",
                static_cast<long>(operations()), static_cast<long>(load_->attempts()),
                static_cast<long>(load_->failed()), violations_.size());
  text += line.data();
  const Load::Wait wait = load_->longest_wait();
  return text + "longest wait of a client = " + std::to_string(wait.time.count()) + " ms (" + wait.what + ")\n";
}

}  // namespace dinh::testing

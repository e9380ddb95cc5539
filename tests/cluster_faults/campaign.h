// A cluster under load, broken in one way after another. For each fault: what failed, how long until everything works
// again; at the end the history is held against the stores. Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/random.h"
#include "tests/cluster_faults/load.h"
#include "tests/support/cluster.h"
#include "tests/support/tcp_proxy.h"

namespace dinh::testing {

struct CampaignOptions {
  std::string folder;  // exists, empty
  uint64_t seed = 1;
  int clients = 4;
  std::function<void(const std::string& line)> say;
};

// One way to break a cluster.
struct Fault {
  std::string name;
  std::function<absl::Status()> begin;
  std::function<absl::Status()> end;
  // The cluster is to work again while the fault lasts: the time to recover counts from its beginning, else from the
  // beginning of the repair.
  bool survivable = false;
  std::chrono::milliseconds lasts{1'000};
};

class Campaign {
 public:
  explicit Campaign(CampaignOptions options);
  ~Campaign();

  absl::Status Start();
  // Every fault there is, in a fixed order. What cannot be done on this machine is left out, with a line that says why.
  std::vector<Fault> Faults();
  // Breaks, waits, repairs, and measures until a round through every gateway succeeds.
  void Run(const Fault& fault);
  // Ends the load and reads the stores.
  void Finish();

  // Fault, times, failed requests, time to recover.
  std::string Table() const;
  // Readable, each with the history of its object. Complete after Finish.
  const std::vector<std::string>& violations() const { return violations_; }
  int64_t operations() const { return static_cast<int64_t>(recorder_.size()); }
  // Fault → milliseconds until everything worked.
  const std::map<std::string, std::vector<int64_t>>& recovered_ms() const { return recovered_ms_; }
  // The same from the beginning of the repair: what a fault leaves behind may hurt when it is over.
  const std::map<std::string, std::vector<int64_t>>& repaired_ms() const { return repaired_ms_; }

 private:
  void AddKills(std::vector<Fault>& out);
  void AddPostgres(std::vector<Fault>& out);
  void AddRedis(std::vector<Fault>& out);
  void AddNetwork(std::vector<Fault>& out);
  void AddCertificates(std::vector<Fault>& out);
  void AddClocks(std::vector<Fault>& out);
  void AddBank(std::vector<Fault>& out);
  absl::Status SkewClock(Replica& replica, const std::string& seconds);

  // Rounds through every living gateway until one succeeds whole; ms since `since`, -1: not within a minute.
  int64_t Recover(std::chrono::steady_clock::time_point since);
  void Hold(std::chrono::milliseconds time);
  void Violation(const std::string& text);
  void Say(const std::string& line) const;

  const CampaignOptions options_;
  Cluster cluster_;
  Recorder recorder_;
  std::unique_ptr<Load> load_;
  std::vector<std::unique_ptr<TcpProxy>> to_procedures_, to_payments_;  // gateway → procedures, procedures → payments
  std::vector<std::string> names_;                                      // of faults, in the order of their first run
  std::map<std::string, std::vector<int64_t>> recovered_ms_, repaired_ms_;
  std::map<std::string, int64_t> failed_;
  std::vector<std::string> violations_;
};

}  // namespace dinh::testing

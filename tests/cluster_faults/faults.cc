// The faults of a campaign.
#include <signal.h>
#include <unistd.h>

#include "libs/base/status.h"
#include "tests/cluster_faults/campaign.h"

namespace dinh::testing {
namespace {

using std::chrono::milliseconds;

constexpr const char* kAllServices[] = {"territory", "identity", "payments", "procedures", "feedback", "gateway"};
constexpr const char* kFaketime = "/usr/bin/faketime";

absl::Status Nothing() { return absl::OkStatus(); }

}  // namespace

std::vector<Fault> Campaign::Faults() {
  std::vector<Fault> out;
  AddKills(out);
  AddPostgres(out);
  AddRedis(out);
  AddNetwork(out);
  AddCertificates(out);
  AddClocks(out);
  AddBank(out);
  return out;
}

void Campaign::AddKills(std::vector<Fault>& out) {
  for (const char* name : kAllServices) {
    const std::string service = name;
    for (int i = 0; i < 2; ++i) {
      Replica& replica = cluster_.replica(service, i);
      const auto kill = [&replica] {
        replica.Kill();
        return absl::OkStatus();
      };
      out.push_back({"kill -9 one " + service, kill, [&replica] { return replica.Start(); }, true});
    }
    const auto kill_both = [this, service] {
      for (Replica* replica : cluster_.replicas(service)) replica->Kill();
      return absl::OkStatus();
    };
    const auto start_both = [this, service] {
      absl::Status status;
      for (Replica* replica : cluster_.replicas(service)) status.Update(replica->Start());
      return status;
    };
    out.push_back({"kill -9 both " + service, kill_both, start_both, false});
  }
}

void Campaign::AddPostgres(std::vector<Fault>& out) {
  const auto start = [this] {
    cluster_.postgres().Start();
    return absl::OkStatus();
  };
  const auto stop = [this] {
    cluster_.postgres().Stop();
    return absl::OkStatus();
  };
  const auto crash = [this] {
    cluster_.postgres().Crash();
    return absl::OkStatus();
  };
  out.push_back({"PostgreSQL stopped and started", stop, start, false});
  out.push_back({"PostgreSQL crashed (SIGQUIT) and started", crash, start, false});
  const auto fail_over = [this] {
    cluster_.FailOver();
    return absl::OkStatus();
  };
  const auto restore = [this] {
    cluster_.RestoreStandby();
    return absl::OkStatus();
  };
  out.push_back({"PostgreSQL failed over to the replica", fail_over, restore, true});
}

void Campaign::AddRedis(std::vector<Fault>& out) {
  const auto kill = [this] {
    cluster_.redis()->Kill();
    return absl::OkStatus();
  };
  const auto start = [this] {
    cluster_.redis()->Start();
    return absl::OkStatus();
  };
  const auto flush = [this] {
    cluster_.redis()->Admin({"FLUSHALL"});
    return absl::OkStatus();
  };
  const auto freeze = [this] {
    cluster_.redis()->Freeze();
    return absl::OkStatus();
  };
  const auto thaw = [this] {
    cluster_.redis()->Thaw();
    return absl::OkStatus();
  };
  out.push_back({"Redis killed and started", kill, start, true});
  out.push_back({"Redis flushed", flush, Nothing, true});
  out.push_back({"Redis frozen (SIGSTOP)", freeze, thaw, true});
}

void Campaign::AddNetwork(std::vector<Fault>& out) {
  using Mode = TcpProxy::Mode;
  const auto set = [](std::vector<std::unique_ptr<TcpProxy>>& proxies, size_t count, Mode mode) {
    return [&proxies, count, mode] {
      for (size_t i = 0; i < count; ++i) proxies[i]->Set(mode);
      return absl::OkStatus();
    };
  };
  const std::pair<const char*, std::vector<std::unique_ptr<TcpProxy>>&> lines[] = {
      {"gateway → procedures", to_procedures_}, {"procedures → payments", to_payments_}};
  for (const auto& [from_to, proxies] : lines) {
    const std::string name = from_to;
    const auto mend = set(proxies, 2, Mode::kPass);
    out.push_back({name + " 200 ms late", set(proxies, 2, Mode::kLate), mend, true});
    out.push_back({name + " reset", set(proxies, 2, Mode::kReset), mend, false});
    out.push_back({name + " silent, one replica", set(proxies, 1, Mode::kHole), mend, true});
    out.push_back({name + " silent, both", set(proxies, 2, Mode::kHole), mend, false, milliseconds(3'000)});
  }
}

void Campaign::AddCertificates(std::vector<Fault>& out) {
  if (access(kFaketime, X_OK) != 0) return Say("left out: an expired certificate needs the package faketime");
  // Issued two months ago for a month. Open connections go on: the lines to the services are cut, so that they matter.
  const auto expire = [this] {
    ChildProcess issue;
    issue.Start({kFaketime, "-f", "-60d", DINH_SOURCE_DIR "/deploy/scripts/certificates.sh", "issue",
                 cluster_.certificates(), "procedures"},
                {}, options_.folder + "/certificates.log");
    if (issue.Wait() != 0) return base::Internal("no expired certificate: " + issue.LogTail());
    Hold(milliseconds(2'500));  // longer than it takes a process to look at its files
    for (const auto& proxy : to_procedures_) proxy->CutOnce();
    Hold(milliseconds(500));
    const std::string refused = load_->Round(0);
    if (refused.empty()) return base::Internal("calls succeed with an expired certificate");
    Say("  refused as it should be: " + refused);
    return absl::OkStatus();
  };
  const auto renew = [this] { return cluster_.IssueCertificate("procedures"); };
  out.push_back({"certificate of procedures expired", expire, renew, false});
}

absl::Status Campaign::SkewClock(Replica& replica, const std::string& seconds) {
  replica.Terminate();
  replica.SetWrapper({});
  if (!seconds.empty()) {
    replica.SetWrapper(
        {"env", "LD_PRELOAD=" DINH_BINARY_DIR "/lib/libdinh_skewed_clock.so", "CLOCK_SKEW_SECONDS=" + seconds});
  }
  return replica.Start();
}

void Campaign::AddClocks(std::vector<Fault>& out) {
  for (const auto& [service, seconds] :
       {std::pair("payments", "45"), std::pair("procedures", "-4"), std::pair("identity", "4")}) {
    Replica& replica = cluster_.replica(service, 0);
    out.push_back({std::string("clock of one ") + service + " wrong by " + seconds + " s",
                   [this, &replica, seconds = std::string(seconds)] { return SkewClock(replica, seconds); },
                   [this, &replica] { return SkewClock(replica, ""); }, true, milliseconds(3'000)});
  }
}

void Campaign::AddBank(std::vector<Fault>& out) {
  const auto scramble = [this](bool on) {
    return [this, on] {
      load_->ScrambleBank(on);
      return absl::OkStatus();
    };
  };
  out.push_back({"bank notifications twice, out of order", scramble(true), scramble(false), true, milliseconds(5'000)});
}

}  // namespace dinh::testing

// `make faults`: every fault, again and again in an order drawn by a seed, for as long as asked.
//
//   dinh_faults --minutes 60 --seed 1 [--only "kill -9"]     exit code 1: a violation; 2: it could not run
#include <chrono>
#include <cstdio>

#include "CLI/CLI.hpp"
#include "libs/testing/temp_dir.h"
#include "tests/cluster_faults/campaign.h"
#include "tests/cluster_faults/full_disk.h"

namespace {

using dinh::testing::Fault;

// Once: it is another platform than the cluster. true: no violation.
bool FullDisk(uint64_t seed) {
  dinh::testing::TempDir dir;
  const dinh::testing::FullDiskResult result = dinh::testing::FillDisk(dir.path(), seed);
  if (!result.skipped.empty()) {
    std::printf("left out: the full disk of a standalone: %s\n", result.skipped.c_str());
    return true;
  }
  std::printf(
      "full disk of a standalone: %ld refused requests of %ld operations, works after %ld ms, violations = %zu\n",
      static_cast<long>(result.refused), static_cast<long>(result.operations), static_cast<long>(result.recovered_ms),
      result.violations.size());
  for (const std::string& violation : result.violations) std::printf("VIOLATION: %s\n", violation.c_str());
  return result.violations.empty();
}

void Print(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

void Shuffle(std::vector<Fault>& faults, dinh::base::Random& random) {
  for (size_t i = faults.size(); i > 1; --i) std::swap(faults[i - 1], faults[random.Below(i)]);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Breaks a cluster under load and holds what was acknowledged against what is left");
  double minutes = 60;
  uint64_t seed = 1;
  std::string only;
  app.add_option("--minutes", minutes, "how long")->capture_default_str();
  app.add_option("--seed", seed, "of the load and of the order")->capture_default_str();
  app.add_option("--only", only, "faults whose name holds this text");
  CLI11_PARSE(app, argc, argv);

  dinh::testing::TempDir dir;
  dinh::testing::Campaign campaign({.folder = dir.path(), .seed = seed, .say = Print});
  if (const absl::Status started = campaign.Start(); !started.ok()) {
    std::fprintf(stderr, "dinh_faults: %s\n", started.ToString().c_str());
    return 2;
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double, std::ratio<60>>(minutes);
  dinh::base::SeededRandom random(seed);
  std::vector<Fault> faults = campaign.Faults();
  std::erase_if(faults, [&](const Fault& fault) { return fault.name.find(only) == std::string::npos; });
  for (bool first = true; first || std::chrono::steady_clock::now() < until; first = false) {
    if (!first) Shuffle(faults, random);
    for (const Fault& fault : faults) {
      if (!first && std::chrono::steady_clock::now() > until) break;
      campaign.Run(fault);
    }
  }
  campaign.Finish();
  std::printf("%s", campaign.Table().c_str());
  const bool disk_good = FullDisk(seed);
  return campaign.violations().empty() && disk_good ? 0 : 1;
}

// The short part of the faults: some of each kind, drawn by a seed. `make faults` plays all of them for an hour.
#include <cstdio>

#include "gmock/gmock.h"
#include "libs/testing/temp_dir.h"
#include "tests/cluster_faults/campaign.h"

namespace dinh::testing {
namespace {

constexpr uint64_t kSeed = 20260213;

// The first fault whose name begins so.
const Fault& Named(const std::vector<Fault>& faults, const std::string& prefix, uint64_t skip = 0) {
  const Fault* last = nullptr;
  for (const Fault& fault : faults) {
    if (!fault.name.starts_with(prefix)) continue;
    last = &fault;
    if (skip-- == 0) break;
  }
  EXPECT_TRUE(last != nullptr) << prefix;
  return last == nullptr ? faults.front() : *last;
}

TEST(ClusterFaultsTest, NothingAcknowledgedIsLostAndNothingHappensTwice) {
  TempDir dir;
  Campaign campaign({.folder = dir.path(), .seed = kSeed, .say = [](const std::string& line) {
                       std::printf("%s\n", line.c_str());
                       std::fflush(stdout);
                     }});
  const absl::Status started = campaign.Start();
  ASSERT_TRUE(started.ok()) << started;
  const std::vector<Fault> faults = campaign.Faults();
  base::SeededRandom random(kSeed);
  campaign.Run(Named(faults, "kill -9 one", random.Below(12)));
  campaign.Run(Named(faults, "kill -9 both", random.Below(6)));
  campaign.Run(Named(faults, "PostgreSQL crashed"));
  campaign.Run(Named(faults, "PostgreSQL failed over"));
  campaign.Run(Named(faults, "Redis", random.Below(3)));
  campaign.Run(Named(faults, "gateway → procedures reset"));
  campaign.Run(Named(faults, "bank notifications"));
  campaign.Finish();
  std::printf("%s", campaign.Table().c_str());
  EXPECT_THAT(campaign.violations(), ::testing::IsEmpty());
  EXPECT_GE(campaign.operations(), 200);
}

}  // namespace
}  // namespace dinh::testing

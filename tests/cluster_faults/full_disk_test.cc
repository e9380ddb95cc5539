#include "tests/cluster_faults/full_disk.h"

#include "gmock/gmock.h"
#include "libs/testing/temp_dir.h"

namespace dinh::testing {
namespace {

TEST(FullDiskTest, RefusesClearlyLosesNothingAndGoesOn) {
  TempDir dir;
  const FullDiskResult result = FillDisk(dir.path(), 1);
  if (!result.skipped.empty()) GTEST_SKIP() << result.skipped;
  std::printf("%ld refused (%s), works after %ld ms, %ld operations\n", static_cast<long>(result.refused),
              result.refusal.c_str(), static_cast<long>(result.recovered_ms), static_cast<long>(result.operations));
  EXPECT_THAT(result.violations, ::testing::IsEmpty());
}

}  // namespace
}  // namespace dinh::testing

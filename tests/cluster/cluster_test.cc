// The story and a report's life against two replicas of every process, over PostgreSQL, Redis and mTLS.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "libs/testing/temp_dir.h"
#include "services/standalone/demo/story.h"
#include "tests/support/cluster.h"

namespace dinh::testing {
namespace {

class ClusterTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = std::make_unique<TempDir>();
    cluster_ = std::make_unique<Cluster>(Cluster::Options{.folder = dir_->path()});
    const absl::Status started = cluster_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  static void TearDownTestSuite() {
    const absl::Status stopped = cluster_->Stop();
    EXPECT_TRUE(stopped.ok()) << stopped;
    cluster_.reset();
    dir_.reset();
  }

  static inline std::unique_ptr<TempDir> dir_;
  static inline std::unique_ptr<Cluster> cluster_;
};

TEST_F(ClusterTest, PlaysTheStoryThroughEachGateway) {
  for (int gateway = 0; gateway < 2; ++gateway) {
    demo::Story story(cluster_->StoryOptionsFor(gateway));
    for (const auto& [name, step] : story.Steps()) {
      const absl::Status status = (story.*step)();
      ASSERT_TRUE(status.ok()) << name << ": " << status;
    }
  }
}

}  // namespace
}  // namespace dinh::testing

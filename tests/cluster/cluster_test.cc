// The story and a report's life against two replicas of every process, over PostgreSQL, Redis and mTLS.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "libs/testing/temp_dir.h"
#include "services/standalone/demo/story.h"
#include "tests/support/cluster.h"
#include "tests/support/report_life.h"
#include "tests/support/village.h"

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

// Citizens at one gateway, officers at the other.
TEST_F(ClusterTest, AReportLivesAcrossBothGateways) {
  const auto report = PlayReportLife(cluster_->StoryOptionsFor(0), cluster_->StoryOptionsFor(1), {});
  EXPECT_TRUE(report.ok()) << report.status();
}

// The contents of a paper, stored by one replica, read through another.
TEST_F(ClusterTest, FilesAreReadWhereverTheyWereWritten) {
  Village first(cluster_->StoryOptionsFor(0)), second(cluster_->StoryOptionsFor(1));
  demo::ApiClient writer = first.Citizen("citizen_a");
  const std::string file = first.Upload(writer, "DINH-CLUSTER-FILE");
  demo::ApiClient reader = second.Anonymous();
  reader.set_token(writer.token());
  for (int i = 0; i < 4; ++i) {
    const demo::ApiAnswer answer = reader.Get("/v1/attachments/" + file);
    EXPECT_EQ(answer.status, 200) << answer.raw;
    EXPECT_NE(answer.raw.find("DINH-CLUSTER-FILE"), std::string::npos);
  }
}

TEST_F(ClusterTest, TheKeysOfTokensComeFromIdentity) {
  demo::ApiClient anyone = Village(cluster_->StoryOptionsFor(1)).Anonymous();
  const demo::ApiAnswer keys = anyone.Get("/.well-known/jwks.json");
  EXPECT_EQ(keys.status, 200) << keys.raw;
  EXPECT_TRUE(keys.body.contains("keys")) << keys.raw;
}

TEST_F(ClusterTest, CheckSaysReadyOrNamesWhatIsMissing) {
  std::string output;
  for (Replica* replica : cluster_->replicas()) {
    EXPECT_EQ(replica->Run("check", &output), 0) << replica->name() << ": " << output;
  }
}

}  // namespace
}  // namespace dinh::testing

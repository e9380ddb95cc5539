// The story and a report's life against two replicas of every process, over PostgreSQL, Redis and mTLS.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

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

// A login that ended through one gateway is refused through the other: at once by Redis, within the time that rights
// are remembered without it.
TEST_F(ClusterTest, ALogoutIsKnownEverywhere) {
  Village first(cluster_->StoryOptionsFor(0)), second(cluster_->StoryOptionsFor(1));
  for (const bool redis : {true, false}) {
    if (!redis) cluster_->redis()->Kill();
    demo::ApiClient here = first.Officer("desk"), there = second.Anonymous();
    there.set_token(here.token());
    for (int i = 0; i < 8; ++i) {  // every replica of every service remembers it
      ASSERT_EQ(there.Get("/v1/me").status, 200);
      ASSERT_EQ(there.Get("/v1/reports?of=OF_OFFICE").status, 200);
      ASSERT_EQ(there.Get("/v1/dossiers").status, 200);
    }
    ASSERT_EQ(here.Post("/v1/auth:logout", demo::Json::object()).status, 200);
    const auto begin = std::chrono::steady_clock::now();
    int refused = 0;  // in a row: both replicas of each service
    while (refused < 12 && std::chrono::steady_clock::now() - begin < std::chrono::seconds(10)) {
      for (const char* path : {"/v1/me", "/v1/reports?of=OF_OFFICE", "/v1/dossiers"}) {
        refused = there.Get(path).status == 401 ? refused + 1 : 0;
      }
    }
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_GE(refused, 12);
    EXPECT_LT(took, redis ? std::chrono::milliseconds(2500) : std::chrono::milliseconds(8000)) << redis;
  }
  cluster_->redis()->Start();
}

// The relay that numbers events may be another replica's, and so may the feed that a consumer reads.
TEST_F(ClusterTest, EventsReachTheOtherReplicasAtOnce) {
  Village village(cluster_->StoryOptionsFor(1));
  demo::ApiClient citizen = village.Citizen("citizen_a"), desk = village.Officer("desk");
  std::vector<int64_t> ms;
  for (int i = 0; i < 7; ++i) {
    const Village::Accepted accepted = village.FileAndAccept(citizen, desk);
    ASSERT_EQ(village.Pay(accepted).status, 200);
    const auto begin = std::chrono::steady_clock::now();
    while (citizen.Get("/v1/dossiers/" + accepted.code).body.value("charge_paid", false) == false) {
      ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    }
    ms.push_back(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(ms.begin(), ms.end());
  EXPECT_LT(ms[ms.size() / 2], 400) << "the tick alone takes half a second in the mean, for each of two hops";
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

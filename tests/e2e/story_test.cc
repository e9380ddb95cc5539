// The story of the README against the real binary, step by step as `dinh demo` plays it.
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

class StoryTest : public PlatformTest {};

TEST_F(StoryTest, PlaysToItsEnd) {
  demo::Story story = NewStory();
  for (const auto& [name, step] : story.Steps()) {
    absl::Status status = (story.*step)();
    ASSERT_TRUE(status.ok()) << name << ": " << status;
  }
}

TEST_F(StoryTest, PlaysAgainOnTheSamePlatformAndAfterARestart) {
  demo::Story first = NewStory();
  absl::Status status = first.RunAll();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(server_->Terminate(), 0);
  ASSERT_TRUE(server_->Start().ok());
  demo::ApiClient anyone = Anonymous();
  EXPECT_EQ(anyone.Get("/v1/track/" + first.tracking_token()).Int("national_state"), 10);
  demo::Story second = NewStory();
  status = second.RunAll();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_NE(second.dossier(), first.dossier());
}

}  // namespace
}  // namespace dinh::testing

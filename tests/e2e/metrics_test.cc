// The list of metrics is pinned: a dashboard or an alert must not lose its series unnoticed. A new family belongs into
// tests/e2e/testdata/metrics.txt.
#include <fstream>
#include <set>
#include <sstream>

#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

class MetricsTest : public PlatformTest {};

std::set<std::string> Lines(const std::string& text, const std::string& prefix) {
  std::set<std::string> found;
  std::istringstream in(text);
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind(prefix, 0) != 0) continue;
    std::string rest = line.substr(prefix.size());
    found.insert(rest.substr(0, rest.find(' ')));
  }
  return found;
}

TEST_F(MetricsTest, FamiliesAreThePinnedOnesAndHoldNoPersonalData) {
  demo::Story story = NewStory();
  absl::Status status = story.RunAll();
  ASSERT_TRUE(status.ok()) << status;
  demo::ApiClient scraper("127.0.0.1", server_->metrics_port());
  const demo::ApiAnswer answer = scraper.Get("/metrics");
  ASSERT_EQ(answer.status, 200);
  const std::set<std::string> families = Lines(answer.raw, "# TYPE ");
  std::ifstream in(DINH_SOURCE_DIR "/tests/e2e/testdata/metrics.txt");
  std::stringstream pinned;
  pinned << in.rdbuf();
  std::string list;
  for (const std::string& name : families) list += name + "\n";
  EXPECT_EQ(pinned.str(), list);
  for (const demo::Json& citizen : DemoData()["citizens"]) {
    EXPECT_EQ(answer.raw.find(citizen["phone"].get<std::string>()), std::string::npos);
    for (const demo::Json& person : citizen["persons"]) {
      EXPECT_EQ(answer.raw.find(person["personal_number"].get<std::string>()), std::string::npos);
    }
  }
  EXPECT_EQ(answer.raw.find(story.dossier()), std::string::npos);
}

}  // namespace
}  // namespace dinh::testing

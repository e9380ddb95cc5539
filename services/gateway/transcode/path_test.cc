#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/gateway/transcode/path_router.h"
#include "services/gateway/transcode/path_template.h"

namespace dinh::gateway::transcode {
namespace {

using ::testing::ElementsAre;

TEST(PathTemplate, ParsesTheWholeGrammar) {
  const auto parsed = PathTemplate::Parse("/v1/{name=units/*/files/**}:copy");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->Shape(), "/v1/units/*/files/**:copy");
  EXPECT_EQ(parsed->OpenApiPath(), "/v1/{name}:copy");
  EXPECT_EQ(parsed->verb, "copy");
  ASSERT_EQ(parsed->variables.size(), 1u);
  EXPECT_TRUE(parsed->variables[0].multi());
  EXPECT_EQ(parsed->variables[0].first, 1u);
  const auto nested = PathTemplate::Parse("/v1/*/{a.b_c.d}/x-y.z");
  ASSERT_TRUE(nested.ok());
  EXPECT_EQ(nested->Shape(), "/v1/*/*/x-y.z");
  EXPECT_EQ(nested->variables[0].field_path, "a.b_c.d");
  EXPECT_FALSE(nested->variables[0].multi());
}

TEST(PathTemplate, RefusesWhatIsNone) {
  for (const char* text :
       {"", "v1", "/", "/v1/", "//v1", "/v1/{}", "/v1/{a", "/v1/{a=}", "/v1/{a={b}}", "/v1/**/x", "/v1/{a=**}/x",
        "/v1:", "/v1/{a.}", "/v1/{1a}", "/v1 x", "/v1/{a}/{a}", "/v1/x:y:z", "/v1/***"}) {
    EXPECT_FALSE(PathTemplate::Parse(text).ok()) << text;
  }
}

class RouterTest : public ::testing::Test {
 protected:
  absl::Status Add(std::string_view method, std::string_view text) {
    auto parsed = PathTemplate::Parse(text);
    EXPECT_TRUE(parsed.ok()) << text;
    return router_.Add(method, *parsed, next_++);
  }
  int Find(std::string_view method, std::string_view path) const { return router_.Find(method, path).target; }

  PathRouter router_;
  int next_ = 0;
};

TEST_F(RouterTest, PrefersTheMoreExact) {
  ASSERT_TRUE(Add("GET", "/v1/units/{code}").ok());          // 0
  ASSERT_TRUE(Add("GET", "/v1/units/today").ok());           // 1
  ASSERT_TRUE(Add("GET", "/v1/{rest=**}").ok());             // 2
  ASSERT_TRUE(Add("GET", "/v1/units/{code}:resolve").ok());  // 3
  ASSERT_TRUE(Add("POST", "/v1/auth/otp:send").ok());        // 4
  ASSERT_TRUE(Add("POST", "/v1/auth:logout").ok());          // 5
  ASSERT_TRUE(Add("*", "/v1/any").ok());                     // 6
  ASSERT_TRUE(Add("GET", "/v1/units/{code}/files").ok());    // 7
  EXPECT_EQ(Find("GET", "/v1/units/15865"), 0);
  EXPECT_EQ(Find("GET", "/v1/units/today"), 1);
  EXPECT_EQ(Find("GET", "/v1/units/tod%61y"), 1);
  EXPECT_EQ(Find("GET", "/v1/units/15865/x/y"), 2);
  EXPECT_EQ(Find("GET", "/v1"), 2);
  EXPECT_EQ(Find("GET", "/v1/units/15865:resolve"), 3);
  EXPECT_EQ(Find("GET", "/v1/units/a:b:resolve"), 3);
  EXPECT_EQ(Find("GET", "/v1/units/a:b"), 0);
  EXPECT_EQ(router_.Find("GET", "/v1/units/15865:").segments.at[2], "15865:");  // no verb: the colon is the code's
  EXPECT_EQ(Find("GET", "/v1/units:"), 2);                                      // not /v1/units
  EXPECT_EQ(Find("GET", "/v1/units/today/files"), 7);                           // back from the literal to the variable
  EXPECT_EQ(Find("POST", "/v1/auth/otp:send"), 4);
  EXPECT_EQ(Find("POST", "/v1/auth:logout"), 5);
  EXPECT_EQ(Find("TRACE", "/v1/any"), 6);
  EXPECT_EQ(Find("GET", "/v2"), -1);
  EXPECT_EQ(Find("GET", "*"), -1);
  const auto match = router_.Find("GET", "/v1/units/15865:resolve");
  EXPECT_EQ(match.segments.at[2], "15865");
  EXPECT_THAT(router_.Find("DELETE", "/v1/auth/otp:send").allowed, ElementsAre("GET", "POST"));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "/v1";
  EXPECT_EQ(Find("GET", deep), -1);
}

TEST_F(RouterTest, ConflictsStopTheStart) {
  ASSERT_TRUE(Add("GET", "/v1/units/{code}").ok());
  EXPECT_TRUE(Add("POST", "/v1/units/{code}").ok());
  EXPECT_TRUE(Add("GET", "/v1/units/{code}:x").ok());
  EXPECT_EQ(Add("GET", "/v1/units/{name}").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(Add("*", "/v1/units/{name}").ok());
  EXPECT_FALSE(Add("GET", "/v1/{a=units/*}").ok());
}

}  // namespace
}  // namespace dinh::gateway::transcode

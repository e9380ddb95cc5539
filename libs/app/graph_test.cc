#include "libs/app/graph.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace dinh::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(StartOrder, DependenciesFirst) {
  auto order = StartOrder({{"procedures", {"identity", "payments"}}, {"payments", {}}, {"identity", {"territory"}},
                           {"territory", {}}});
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_THAT(*order, ElementsAre(3, 2, 1, 0));
}

TEST(StartOrder, RefusesCyclesStrangersAndTwins) {
  EXPECT_THAT(StartOrder({{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}}).status().message(), HasSubstr("a -> b -> c -> a"));
  EXPECT_THAT(StartOrder({{"a", {"x"}}}).status().message(), HasSubstr("a depends on x"));
  EXPECT_THAT(StartOrder({{"a", {}}, {"a", {}}}).status().message(), HasSubstr("a twice"));
}

}  // namespace
}  // namespace dinh::app

#include "libs/app/module_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/strings.h"

namespace dinh::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ModuleGraphTest, DependenciesComeFirstOtherwiseTheOrderGiven) {
  const auto order = StartOrder({{"gateway", {"procedures", "identity"}},
                                 {"procedures", {"territory", "identity", "payments"}},
                                 {"identity", {"territory"}},
                                 {"territory", {}},
                                 {"payments", {}}},
                                {});
  ASSERT_TRUE(order.ok()) << order.status();
  EXPECT_THAT(*order, ElementsAre(3, 2, 4, 1, 0));
}

TEST(ModuleGraphTest, ACycleIsRefusedAndNamed) {
  const auto order = StartOrder({{"a", {"b"}}, {"b", {"c"}}, {"c", {"a"}}}, {});
  ASSERT_TRUE(absl::IsFailedPrecondition(order.status()));
  EXPECT_THAT(std::string(base::FromAbsl(order.status().message())), HasSubstr("a → b → c → a"));
  EXPECT_FALSE(StartOrder({{"a", {"a"}}}, {}).ok());
}

TEST(ModuleGraphTest, UnknownAndDoubledNamesAreRefused) {
  EXPECT_FALSE(StartOrder({{"a", {"b"}}}, {}).ok());
  EXPECT_TRUE(StartOrder({{"a", {"b"}}}, {"b"}).ok());
  EXPECT_FALSE(StartOrder({{"a", {}}, {"a", {}}}, {}).ok());
}

}  // namespace
}  // namespace dinh::app

#include "libs/rpc/grpc_time.h"

#include "gtest/gtest.h"

namespace dinh::rpc {
namespace {

TEST(GrpcTimeTest, WhatIsLeftComesBack) {
  for (const std::chrono::nanoseconds left :
       {std::chrono::nanoseconds(std::chrono::hours(1)), std::chrono::nanoseconds(1'500'000'000),
        std::chrono::nanoseconds(0), std::chrono::nanoseconds(-2'300'000'000)}) {
    const auto back = Until(After(left));
    ASSERT_TRUE(back.has_value());
    EXPECT_LE(*back, left);
    EXPECT_GT(*back, left - std::chrono::seconds(1));
  }
  EXPECT_EQ(Until(gpr_inf_future(GPR_CLOCK_MONOTONIC)), std::nullopt);
  EXPECT_EQ(Until(gpr_inf_future(GPR_CLOCK_REALTIME)), std::nullopt);
}

// The point of it: the wall clock has no part in it.
TEST(GrpcTimeTest, IsToldOnTheSteadyClock) {
  EXPECT_EQ(After(std::chrono::seconds(1)).clock_type, GPR_CLOCK_MONOTONIC);
}

}  // namespace
}  // namespace dinh::rpc

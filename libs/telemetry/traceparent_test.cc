#include "libs/telemetry/traceparent.h"

#include <gtest/gtest.h>

namespace dinh::telemetry {
namespace {

const std::string kTraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParentId = "00f067aa0ba902b7";
const std::string kTail = "-" + kTraceId + "-" + kParentId + "-";

TEST(TraceparentTest, ReadsTheExampleOfTheSpecification) {
  const auto trace = ParseTraceparent("00" + kTail + "01");
  ASSERT_TRUE(trace.has_value());
  EXPECT_EQ(trace->trace_id, kTraceId);
  EXPECT_EQ(trace->parent_id, kParentId);
  EXPECT_TRUE(trace->sampled);
  EXPECT_EQ(FormatTraceparent(*trace), "00" + kTail + "01");
}

TEST(TraceparentTest, OnlyTheLowestFlagMeansSampled) {
  EXPECT_FALSE(ParseTraceparent("00" + kTail + "00")->sampled);
  EXPECT_FALSE(ParseTraceparent("00" + kTail + "fe")->sampled);
  EXPECT_TRUE(ParseTraceparent("00" + kTail + "ff")->sampled);
  EXPECT_EQ(FormatTraceparent(*ParseTraceparent("00" + kTail + "fe")), "00" + kTail + "00");
}

TEST(TraceparentTest, LaterVersionsAreReadByTheirPrefix) {
  EXPECT_EQ(ParseTraceparent("01" + kTail + "01")->trace_id, kTraceId);
  EXPECT_EQ(ParseTraceparent("cc" + kTail + "01-what-the-future-brings")->parent_id, kParentId);
  EXPECT_TRUE(ParseTraceparent("fe" + kTail + "01-").has_value());
  EXPECT_FALSE(ParseTraceparent("cc" + kTail + "01.what").has_value());
  EXPECT_FALSE(ParseTraceparent("cc" + kTail + "0").has_value());
}

TEST(TraceparentTest, RefusesWhatTheSpecificationRefuses) {
  const std::string zeros(32, '0');
  for (const std::string& bad :
       {std::string(), "ff" + kTail + "01", "00-" + zeros + "-" + kParentId + "-01",
        "00-" + kTraceId + "-0000000000000000-01", "00" + kTail + "01-", "00" + kTail + "01-extra", "00" + kTail + "1",
        "0" + kTail + "01", "00" + kTail + "0x", "0g" + kTail + "01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kParentId + "-01", "00-" + kTraceId + "-00F067AA0BA902B7-01",
        "00-" + kTraceId + "_" + kParentId + "-01", "00_" + kTraceId + "-" + kParentId + "-01",
        "00-" + kTraceId + "-" + kParentId + "_01", "00-" + kTraceId + "x" + kParentId.substr(1) + "--01",
        " 00" + kTail + "01", "00" + kTail + "01 "}) {
    EXPECT_FALSE(ParseTraceparent(bad).has_value()) << bad;
  }
}

TEST(TraceparentTest, ChildrenStayInTheTraceWithASpanOfTheirOwn) {
  base::SeededRandom random(2);
  const base::Trace root = NewTrace(random, true);
  const base::Trace child = NewChild(root, random);
  EXPECT_EQ(child.trace_id, root.trace_id);
  EXPECT_NE(child.parent_id, root.parent_id);
  EXPECT_TRUE(child.sampled);
  EXPECT_FALSE(NewTrace(random, false).sampled);
  for (const base::Trace& trace : {root, child}) {
    const auto read = ParseTraceparent(FormatTraceparent(trace));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->trace_id, trace.trace_id);
    EXPECT_EQ(read->parent_id, trace.parent_id);
  }
}

// The first bytes are zero, as the worst luck would have it.
class ZeroFirstRandom final : public base::Random {
 public:
  void Fill(void* out, size_t bytes) override {
    for (size_t i = 0; i < bytes; ++i) static_cast<char*>(out)[i] = static_cast<char>(calls_);
    ++calls_;
  }

 private:
  int calls_ = 0;
};

TEST(TraceparentTest, NeverMakesAnIdOfZeros) {
  ZeroFirstRandom random;
  const base::Trace trace = NewTrace(random, true);
  EXPECT_EQ(trace.trace_id, std::string("01010101010101010101010101010101"));
  EXPECT_TRUE(ParseTraceparent(FormatTraceparent(trace)).has_value());
}

}  // namespace
}  // namespace dinh::telemetry

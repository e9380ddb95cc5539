#include "libs/config/units.h"

#include <gtest/gtest.h>

#include "libs/base/random.h"

namespace dinh::config {
namespace {

using std::chrono::milliseconds;

TEST(UnitsTest, Durations) {
  const std::pair<const char*, int64_t> table[] = {{"0", 0},
                                                   {"250ms", 250},
                                                   {"30s", 30'000},
                                                   {"5m", 300'000},
                                                   {"1h30m", 5'400'000},
                                                   {"30d", 2'592'000'000},
                                                   {"1d2h3m4s5ms", 93'784'005}};
  for (const auto& [text, ms] : table) EXPECT_EQ(ParseDuration(text).value(), milliseconds(ms)) << text;
  for (const char* bad : {"", "30", "s", "30 s", " 30s", "30S", "-1s", "+1s", "1.5s", "1s1s", "1s1m", "30sec", "1us",
                          "9999999999999999999s", "9223372036854775807d", "400000d", "1s0", "0s1"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

TEST(UnitsTest, Sizes) {
  const std::pair<const char*, int64_t> table[] = {{"0", 0},
                                                   {"512B", 512},
                                                   {"16KiB", 16'384},
                                                   {"20MiB", 20'971'520},
                                                   {"4GiB", 4'294'967'296},
                                                   {"1MiB512B", 1'049'088}};
  for (const auto& [text, bytes] : table) EXPECT_EQ(ParseByteSize(text).value().bytes, bytes) << text;
  for (const char* bad : {"", "20", "20MB", "20M", "20mib", "1.5MiB", "-1B", "20 MiB", "1B1KiB", "2000000000GiB"}) {
    EXPECT_FALSE(ParseByteSize(bad).ok()) << bad;
  }
}

TEST(UnitsTest, WhatIsPrintedIsReadBack) {
  base::SeededRandom random(5);
  for (int i = 0; i < 2'000; ++i) {
    const auto value = static_cast<int64_t>(random.Below(uint64_t{1} << random.Below(44)));
    EXPECT_EQ(ParseDuration(FormatDuration(milliseconds(value))).value(), milliseconds(value));
    EXPECT_EQ(ParseByteSize(FormatByteSize({value})).value().bytes, value);
  }
  EXPECT_EQ(FormatDuration(milliseconds(90'000)), "1m30s");
  EXPECT_EQ(FormatByteSize({20 << 20}), "20MiB");
  EXPECT_EQ(FormatByteSize({}), "0");
}

}  // namespace
}  // namespace dinh::config

#include "services/feedback/domain/indicators.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace dinh::feedback {
namespace {

TEST(Indicators, BucketsAreWhole) {
  const auto& bounds = BucketBounds();
  EXPECT_EQ(bounds.front(), 0);
  EXPECT_LT(BucketCount(), 80U);
  for (size_t i = 1; i < bounds.size(); ++i) ASSERT_GT(bounds[i], bounds[i - 1]);
  for (int64_t minutes = 0; minutes < 200'000; minutes += minutes < 2000 ? 1 : 37) {
    const size_t bucket = BucketOf(minutes);
    ASSERT_LE(bounds[bucket], minutes);
    if (bucket + 1 < bounds.size()) {
      ASSERT_LT(minutes, bounds[bucket + 1]);
    }
  }
  EXPECT_EQ(BucketOf(-5), 0U);
  EXPECT_EQ(BucketOf(INT64_MAX), BucketCount() - 1);
}

// One value alone is given back with at most a tenth of error, exactly below ten minutes.
TEST(Indicators, QuantileOfOne) {
  for (int64_t minutes = 0; minutes < 500'000; minutes = minutes < 20 ? minutes + 1 : minutes * 21 / 20) {
    std::vector<int64_t> counts(BucketCount(), 0);
    counts[BucketOf(minutes)] = 1;
    const double found = Quantile(counts, 0.5).value();
    if (minutes < 10) {
      ASSERT_DOUBLE_EQ(found, static_cast<double>(minutes));
    } else {
      ASSERT_NEAR(found, static_cast<double>(minutes), 0.1 * static_cast<double>(minutes));
    }
  }
}

TEST(Indicators, QuantilesOfMany) {
  std::mt19937_64 engine(17);
  std::lognormal_distribution<double> draw(6.5, 1.2);
  std::vector<int64_t> values(10'000);
  std::vector<int64_t> counts;
  for (int64_t& value : values) {
    value = static_cast<int64_t>(draw(engine));
    counts.resize(std::max(counts.size(), BucketOf(value) + 1), 0);
    ++counts[BucketOf(value)];
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.01, 0.25, 0.5, 0.9, 0.99, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(q * 10'000)) - 1;
    const auto exact = static_cast<double>(values[rank]);
    EXPECT_NEAR(Quantile(counts, q).value(), exact, 0.1 * exact) << q;
  }
}

TEST(Indicators, NothingCountedIsNoNumber) {
  EXPECT_FALSE(Quantile({}, 0.5));
  EXPECT_FALSE(Quantile(std::vector<int64_t>(10, 0), 0.5));
  const Indicators none = IndicatorsOf({});
  EXPECT_FALSE(none.on_time_rate || none.median_minutes || none.p90_minutes || none.reopen_rate || none.satisfaction ||
               none.satisfied_rate);
}

TEST(Indicators, Rates) {
  Counts counts;
  counts.answered = 8;
  counts.answered_on_time = 6;
  counts.overdue_open = 2;
  counts.reopened = 2;
  counts.stars = {1, 0, 1, 0, 2};
  counts.minutes = {0, 3, 1};
  Counts more;
  more.answered = 2;
  more.reopened = 1;
  more.minutes = {0, 0, 0, 0, 1};
  Add(more, counts);
  EXPECT_EQ(counts.answered, 10);
  EXPECT_EQ(counts.minutes, (std::vector<int64_t>{0, 3, 1, 0, 1}));
  const Indicators out = IndicatorsOf(counts);
  EXPECT_DOUBLE_EQ(*out.on_time_rate, 0.5);  // 6 of 10 answered and 2 still owed
  EXPECT_DOUBLE_EQ(*out.reopen_rate, 0.3);
  EXPECT_DOUBLE_EQ(*out.satisfaction, 3.5);
  EXPECT_DOUBLE_EQ(*out.satisfied_rate, 0.5);
  EXPECT_DOUBLE_EQ(*out.median_minutes, 1);
  EXPECT_DOUBLE_EQ(*out.p90_minutes, 4);
}

}  // namespace
}  // namespace dinh::feedback

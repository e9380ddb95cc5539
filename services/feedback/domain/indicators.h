// Indicators per unit and category, from counts that are kept while reports move, never counted from the reports
// themselves: a histogram of working minutes with log-spaced buckets, and rates.
//
// Pure; thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace dinh::feedback {

// Lower bounds in working minutes: 0, 1, 2, … as long as a step of one is a fifth or more, then each a fifth above the
// one before. The last bucket is open. Stored by index: the bounds never change.
const std::vector<int64_t>& BucketBounds();
size_t BucketCount();
size_t BucketOf(int64_t minutes);  // below 0 counts as 0

// The q-quantile (0 < q <= 1) of a histogram (counts[i] of bucket i; missing ones are 0): the geometric middle of the
// bucket it falls in, at most 10 % off below the last bucket. nullopt: nothing counted.
std::optional<double> Quantile(const std::vector<int64_t>& counts, double q);

struct Counts {
  int64_t received = 0;
  int64_t answered = 0;  // first answers, resolves or rejections
  int64_t answered_on_time = 0;
  int64_t resolved = 0;
  int64_t rejected = 0;
  int64_t reopened = 0;            // reports reopened at least once
  int64_t overdue_open = 0;        // unanswered after their time, now
  std::array<int64_t, 5> stars{};  // ratings of 1..5
  std::vector<int64_t> minutes;    // histogram of working minutes to the first answer
};

struct Indicators {
  std::optional<double> on_time_rate;    // answered_on_time / (answered + overdue_open)
  std::optional<double> median_minutes;  // to the first answer, working minutes
  std::optional<double> p90_minutes;
  std::optional<double> reopen_rate;     // reopened / answered
  std::optional<double> satisfaction;    // mean of the stars, 1..5
  std::optional<double> satisfied_rate;  // 4 and 5 of all ratings
};

// nullopt wherever nothing was counted: no number is better than a made-up 0 or 100 %.
Indicators IndicatorsOf(const Counts& counts);
// Adds b to a: units and categories sum up.
void Add(const Counts& b, Counts& a);

}  // namespace dinh::feedback

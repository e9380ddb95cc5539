#include "services/feedback/domain/indicators.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dinh::feedback {
namespace {

constexpr int64_t kLongestMinutes = 1'000'000;  // over eight years of office time

std::vector<int64_t> MakeBounds() {
  std::vector<int64_t> bounds = {0};
  int64_t next = 1;
  while (next <= kLongestMinutes) {
    bounds.push_back(next);
    next = std::max(next + 1, next * 6 / 5);
  }
  return bounds;
}

std::optional<double> Rate(int64_t part, int64_t whole) {
  if (whole <= 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

const std::vector<int64_t>& BucketBounds() {
  static const std::vector<int64_t> kBounds = MakeBounds();
  return kBounds;
}

size_t BucketCount() { return BucketBounds().size(); }

size_t BucketOf(int64_t minutes) {
  const std::vector<int64_t>& bounds = BucketBounds();
  const auto above = std::upper_bound(bounds.begin(), bounds.end(), std::max<int64_t>(minutes, 0));
  return static_cast<size_t>(above - bounds.begin()) - 1;
}

std::optional<double> Quantile(const std::vector<int64_t>& counts, double q) {
  const int64_t total = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  if (total <= 0) return std::nullopt;
  const auto rank = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(q * static_cast<double>(total))), 1, total);
  const std::vector<int64_t>& bounds = BucketBounds();
  int64_t seen = 0;
  size_t bucket = 0;
  while (bucket + 1 < std::min(counts.size(), bounds.size()) && seen + counts[bucket] < rank) seen += counts[bucket++];
  const auto low = static_cast<double>(bounds[bucket]);
  if (bucket + 1 == bounds.size()) return low;
  return std::sqrt(low * static_cast<double>(bounds[bucket + 1] - 1));
}

Indicators IndicatorsOf(const Counts& counts) {
  Indicators out;
  out.on_time_rate = Rate(counts.answered_on_time, counts.answered + counts.overdue_open);
  out.median_minutes = Quantile(counts.minutes, 0.5);
  out.p90_minutes = Quantile(counts.minutes, 0.9);
  out.reopen_rate = Rate(counts.reopened, counts.answered);
  int64_t ratings = 0;
  int64_t sum = 0;
  for (size_t i = 0; i < counts.stars.size(); ++i) {
    ratings += counts.stars[i];
    sum += counts.stars[i] * static_cast<int64_t>(i + 1);
  }
  out.satisfaction = Rate(sum, ratings);
  out.satisfied_rate = Rate(counts.stars[3] + counts.stars[4], ratings);
  return out;
}

void Add(const Counts& b, Counts& a) {
  a.received += b.received;
  a.answered += b.answered;
  a.answered_on_time += b.answered_on_time;
  a.resolved += b.resolved;
  a.rejected += b.rejected;
  a.reopened += b.reopened;
  a.overdue_open += b.overdue_open;
  for (size_t i = 0; i < a.stars.size(); ++i) a.stars[i] += b.stars[i];
  if (a.minutes.size() < b.minutes.size()) a.minutes.resize(b.minutes.size(), 0);
  for (size_t i = 0; i < b.minutes.size(); ++i) a.minutes[i] += b.minutes[i];
}

}  // namespace dinh::feedback

#include "services/feedback/indicator_book.h"

#include <array>
#include <string>

namespace dinh::feedback {
namespace {

// Working minutes: an hour, half a day, one, two, five, ten, fifteen, thirty days of eight hours.
telemetry::Buckets MinuteBuckets() { return {60, 240, 480, 960, 2400, 4800, 7200, 14400}; }

std::string_view NameOf(Figure figure) {
  static constexpr std::array<std::string_view, 7> kNames = {"received", "answered", "on_time", "overdue",
                                                             "resolved", "rejected", "reopened"};
  return kNames[static_cast<size_t>(figure)];
}

}  // namespace

IndicatorBook::IndicatorBook(const BoardStore& store, telemetry::Metrics& metrics)
    : store_(store),
      reports_(metrics.AddCounter("dinh_feedback_reports_total", "reports, by what happened to them",
                                  {"unit", "category", "what"})),
      ratings_(
          metrics.AddCounter("dinh_feedback_ratings_total", "ratings by reporters", {"unit", "category", "stars"})),
      minutes_(metrics.AddHistogram("dinh_feedback_answer_minutes", "working minutes until the first answer",
                                    {"unit", "category"}, MinuteBuckets())) {}

absl::Status IndicatorBook::Add(db::Tx& tx, const IndicatorKey& key, Figure figure) {
  RETURN_IF_ERROR(store_.Count(tx, key, figure, 1));
  tx.AfterCommit([this, key, figure] { reports_.With({key.unit, key.category, NameOf(figure)}).Increment(); });
  return absl::OkStatus();
}

absl::Status IndicatorBook::Received(db::Tx& tx, const IndicatorKey& key) { return Add(tx, key, Figure::kReceived); }

absl::Status IndicatorBook::Answered(db::Tx& tx, const IndicatorKey& key, int64_t minutes, bool on_time) {
  RETURN_IF_ERROR(Add(tx, key, Figure::kAnswered));
  if (on_time) RETURN_IF_ERROR(Add(tx, key, Figure::kOnTime));
  RETURN_IF_ERROR(store_.CountMinutes(tx, key, BucketOf(minutes)));
  tx.AfterCommit([this, key, minutes] {
    minutes_.With({key.unit, key.category}).Observe(static_cast<double>(minutes));
  });
  return absl::OkStatus();
}

absl::Status IndicatorBook::Overdue(db::Tx& tx, const IndicatorKey& key) { return Add(tx, key, Figure::kOverdue); }
absl::Status IndicatorBook::Resolved(db::Tx& tx, const IndicatorKey& key) { return Add(tx, key, Figure::kResolved); }
absl::Status IndicatorBook::Rejected(db::Tx& tx, const IndicatorKey& key) { return Add(tx, key, Figure::kRejected); }
absl::Status IndicatorBook::Reopened(db::Tx& tx, const IndicatorKey& key) { return Add(tx, key, Figure::kReopened); }

absl::Status IndicatorBook::Rated(db::Tx& tx, const IndicatorKey& key, int stars) {
  RETURN_IF_ERROR(store_.CountStars(tx, key, stars));
  tx.AfterCommit([this, key, stars] { ratings_.With({key.unit, key.category, std::to_string(stars)}).Increment(); });
  return absl::OkStatus();
}

}  // namespace dinh::feedback

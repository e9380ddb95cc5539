#include "services/feedback/indicator_book.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace dinh::feedback {
namespace {

// Working minutes: an hour, half a day, one, two, five, ten, fifteen, thirty days of eight hours.
telemetry::Buckets MinuteBuckets() { return {60, 240, 480, 960, 2400, 4800, 7200, 14400}; }

}  // namespace

IndicatorBook::IndicatorBook(const BoardStore& store, base::IdGenerator& ids, FigureMerger& merger,
                             telemetry::Metrics& metrics)
    : store_(store),
      ids_(ids),
      merger_(merger),
      reports_(metrics.AddCounter("dinh_feedback_reports_total", "reports, by what happened to them",
                                  {"unit", "category", "what"})),
      ratings_(
          metrics.AddCounter("dinh_feedback_ratings_total", "ratings by reporters", {"unit", "category", "stars"})),
      minutes_(metrics.AddHistogram("dinh_feedback_answer_minutes", "working minutes until the first answer",
                                    {"unit", "category"}, MinuteBuckets())) {}

absl::Status IndicatorBook::Add(db::Tx& tx, const IndicatorKey& key, const FigureChange& change) {
  if (change == FigureChange()) return absl::OkStatus();
  RETURN_IF_ERROR(store_.AddFigures(tx, ids_.Next(), key, change));
  tx.AfterCommit([this, key, change] {
    Show(key, change);
    merger_.Wake();
  });
  return absl::OkStatus();
}

void IndicatorBook::Show(const IndicatorKey& key, const FigureChange& change) {
  const std::array<std::pair<bool, std::string_view>, 7> counted = {{{change.received, "received"},
                                                                     {change.answered, "answered"},
                                                                     {change.on_time, "on_time"},
                                                                     {change.overdue, "overdue"},
                                                                     {change.resolved, "resolved"},
                                                                     {change.rejected, "rejected"},
                                                                     {change.reopened, "reopened"}}};
  for (const auto& [counts, name] : counted) {
    if (counts) reports_.With({key.unit, key.category, name}).Increment();
  }
  if (change.stars > 0) ratings_.With({key.unit, key.category, std::to_string(change.stars)}).Increment();
  if (change.minutes) minutes_.With({key.unit, key.category}).Observe(static_cast<double>(*change.minutes));
}

}  // namespace dinh::feedback

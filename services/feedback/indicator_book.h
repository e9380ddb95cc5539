// Keeps the indicators of units while reports move: counts by unit, root category and day of receipt, written in the
// transaction of the change, and the same as metrics of the process once it is committed. Nothing is ever counted from
// the reports themselves.
//
// Thread-safe.
#pragma once

#include "absl/status/status.h"
#include "libs/db/database.h"
#include "libs/telemetry/metrics.h"
#include "services/feedback/board_rows.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

class IndicatorBook {
 public:
  IndicatorBook(const BoardStore& store, telemetry::Metrics& metrics);

  absl::Status Received(db::Tx& tx, const IndicatorKey& key);
  // The first answer, resolve or rejection; `minutes` of working time.
  absl::Status Answered(db::Tx& tx, const IndicatorKey& key, int64_t minutes, bool on_time);
  absl::Status Overdue(db::Tx& tx, const IndicatorKey& key);
  absl::Status Resolved(db::Tx& tx, const IndicatorKey& key);
  absl::Status Rejected(db::Tx& tx, const IndicatorKey& key);
  absl::Status Reopened(db::Tx& tx, const IndicatorKey& key);
  absl::Status Rated(db::Tx& tx, const IndicatorKey& key, int stars);

 private:
  absl::Status Add(db::Tx& tx, const IndicatorKey& key, Figure figure);

  const BoardStore& store_;
  telemetry::CounterFamily& reports_;
  telemetry::CounterFamily& ratings_;
  telemetry::HistogramFamily& minutes_;
};

}  // namespace dinh::feedback

// Keeps the indicators of units while reports move: counts by unit, root category and day of receipt, added in the
// transaction of the change as a row of its own (FigureMerger takes it into the totals), and the same as metrics of the
// process once it is committed. Nothing is ever counted from the reports themselves.
//
// Thread-safe.
#pragma once

#include "absl/status/status.h"
#include "libs/base/ids.h"
#include "libs/db/database.h"
#include "libs/telemetry/metrics.h"
#include "services/feedback/board_rows.h"
#include "services/feedback/figure_merger.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

class IndicatorBook {
 public:
  // `merger` is woken when there is something for it.
  IndicatorBook(const BoardStore& store, base::IdGenerator& ids, FigureMerger& merger, telemetry::Metrics& metrics);

  // Nothing happens for a change that counts nothing.
  absl::Status Add(db::Tx& tx, const IndicatorKey& key, const FigureChange& change);

 private:
  void Show(const IndicatorKey& key, const FigureChange& change);

  const BoardStore& store_;
  base::IdGenerator& ids_;
  FigureMerger& merger_;
  telemetry::CounterFamily& reports_;
  telemetry::CounterFamily& ratings_;
  telemetry::HistogramFamily& minutes_;
};

}  // namespace dinh::feedback

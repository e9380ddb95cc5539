// Takes what changes of reports counted (figure_changes, load_changes) into the totals of indicators and officers'
// load. Changes only add rows, so that none waits for another; readers add what is not merged yet (deploy/adr/0013).
// Each batch is one transaction that removes what it counts: a process that dies in the middle has changed nothing, and
// several processes may merge at once, each its own rows.
//
// Thread safety: Start and Stop from one thread; the rest from any.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"
#include "libs/telemetry/logger.h"
#include "libs/telemetry/metrics.h"
#include "services/feedback/store.h"
#include "services/feedback/store_board.h"

namespace dinh::feedback {

inline constexpr int kMergeBatch = 500;  // changes of each kind a transaction: on SQLite other writers wait for it

class FigureMerger {
 public:
  struct Parts {
    db::Database& database;
    const Store& store;
    const BoardStore& board;
    const base::Clock& clock;
    telemetry::Logger& logger;
    telemetry::Metrics& metrics;
  };
  explicit FigureMerger(const Parts& parts);
  ~FigureMerger();
  FigureMerger(const FigureMerger&) = delete;
  FigureMerger& operator=(const FigureMerger&) = delete;

  void Start();
  void Stop();
  // Something was added: called after its commit. Cheap.
  void Wake();

  // One batch. true: there may be more to do at once. For tests without the thread, too.
  absl::StatusOr<bool> Round();

 private:
  void Loop();

  const Parts p_;
  telemetry::Counter& merged_;
  telemetry::Counter& failures_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = true;      // guarded by mutex_; what an earlier process left is looked for first
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace dinh::feedback

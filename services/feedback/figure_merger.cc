#include "services/feedback/figure_merger.h"

#include <algorithm>
#include <chrono>

namespace dinh::feedback {
namespace {

constexpr std::chrono::seconds kTick{30};          // what a process left that has died
constexpr std::chrono::milliseconds kGather{500};  // changes become one batch; what readers add up is kept small
constexpr std::chrono::seconds kFailurePause{1};
constexpr std::chrono::seconds kRoundLimit{30};

}  // namespace

FigureMerger::FigureMerger(const Parts& parts)
    : p_(parts),
      merged_(
          p_.metrics.AddCounter("dinh_feedback_figures_merged_total", "changes of figures and loads merged").With({})),
      failures_(p_.metrics.AddCounter("dinh_feedback_merge_failures_total", "merges of figures that failed").With({})) {
}

FigureMerger::~FigureMerger() { Stop(); }

void FigureMerger::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void FigureMerger::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void FigureMerger::Wake() {
  {
    std::lock_guard lock(mutex_);
    if (woken_) return;
    woken_ = true;
  }
  wake_.notify_one();
}

void FigureMerger::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kTick, [this] { return stopping_ || woken_; });
    wake_.wait_for(lock, kGather, [this] { return stopping_; });
    woken_ = false;
    for (bool more = true; more && !stopping_;) {
      lock.unlock();
      const absl::StatusOr<bool> round = Round();
      if (!round.ok()) {
        failures_.Increment();
        p_.logger.Warn("merge_failed", {{"error", round.status().ToString()}});
      }
      lock.lock();
      more = round.ok() && *round;
      if (round.ok()) continue;
      woken_ = true;
      wake_.wait_for(lock, kFailurePause, [this] { return stopping_; });
    }
  }
}

absl::StatusOr<bool> FigureMerger::Round() {
  base::OpContext ctx(p_.clock, p_.clock.Steady() + kRoundLimit);
  ASSIGN_OR_RETURN(const bool any, p_.database.Read(ctx, [&](db::Tx& tx) { return p_.board.AnyUnmerged(tx); }));
  if (!any) return false;
  const auto merge = [&](db::Tx& tx) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const int64_t figures, p_.board.MergeFigures(tx, kMergeBatch));
    ASSIGN_OR_RETURN(const int64_t loads, p_.store.MergeLoads(tx, kMergeBatch));
    tx.AfterCommit([this, merged = figures + loads] { merged_.Increment(static_cast<double>(merged)); });
    return std::max(figures, loads) >= kMergeBatch;
  };
  // What it takes it holds, and totals are counted up where they stand; in one order, so that mergers do not meet
  // crosswise.
  return p_.database.Transact(ctx, merge, db::Isolation::kReadCommitted);
}

}  // namespace dinh::feedback

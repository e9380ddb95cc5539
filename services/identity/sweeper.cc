#include "services/identity/sweeper.h"

#include <chrono>

#include "libs/base/status.h"
#include "services/identity/limits.h"

namespace dinh::identity {
namespace {

constexpr std::chrono::seconds kSweepDeadline{10};

}  // namespace

void Sweeper::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Sweeper::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<int64_t> Sweeper::SweepAll() {
  int64_t total = 0;
  while (true) {
    base::OpContext ctx(clock_, clock_.Steady() + kSweepDeadline);
    ASSIGN_OR_RETURN(const int64_t removed, database_.Transact(ctx, [&](db::Tx& tx) {
      return store_.Sweep(tx, clock_.Now(), kSweepRowsMax);
    }));
    total += removed;
    if (removed < kSweepRowsMax) return total;
  }
}

void Sweeper::Loop() {
  std::unique_lock lock(mutex_);
  // Not at once: a start has better things to do.
  while (!wake_.wait_for(lock, kSweepPause, [this] { return stopping_; })) {
    lock.unlock();
    const absl::StatusOr<int64_t> removed = SweepAll();
    if (!removed.ok()) logger_.Warn("sweep_failed", {{"module", "identity"}});
    lock.lock();
  }
}

}  // namespace dinh::identity

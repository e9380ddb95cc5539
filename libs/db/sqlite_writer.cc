#include "libs/db/sqlite_writer.h"

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/errors.h"

namespace dinh::db {
namespace {

// The log is copied into the file when it has this many pages (4 KiB each) and nobody waits, or at the latest when it
// has so many: larger means fewer page writes, since a page changed often is copied once.
constexpr int kCheckpointIdlePages = 1'000;
constexpr int kCheckpointPages = 4'000;
constexpr base::Micros kSweepInterval = 60 * base::kMicrosPerSecond;
constexpr std::chrono::milliseconds kSlowClosure{250};
// A waiting caller looks at its deadline at least so often (its clock may be a test's).
constexpr std::chrono::milliseconds kWaitMax{60'000};

}  // namespace

SqliteWriter::SqliteWriter(std::unique_ptr<SqliteConnection> connection, const SqliteOptions& options,
                           const base::Clock& clock, std::function<absl::StatusOr<bool>(Tx&)> sweep)
    : options_(options),
      clock_(clock),
      sweep_(std::move(sweep)),
      connection_(std::move(connection)),
      next_sweep_(clock.Now() + kSweepInterval) {
  thread_ = std::thread([this] { Loop(); });
  thread_id_ = thread_.get_id();
}

SqliteWriter::~SqliteWriter() { Close(); }

void SqliteWriter::Close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

int64_t SqliteWriter::queue_depth() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(queue_.size());
}

absl::Status SqliteWriter::Run(base::OpContext& ctx, const Body& body) {
  RETURN_IF_ERROR(ctx.Check());
  Item item;
  item.ctx = &ctx;
  item.body = &body;
  RETURN_IF_ERROR(Enqueue(item));
  Wait(item);
  if (item.status.ok()) {
    for (const std::function<void()>& call : item.after_commit) call();
  }
  return item.status;
}

absl::Status SqliteWriter::RunExclusive(const std::function<absl::Status(SqliteConnection&)>& work) {
  Item item;
  item.exclusive = &work;
  RETURN_IF_ERROR(Enqueue(item));
  Wait(item);
  return item.status;
}

absl::Status SqliteWriter::Enqueue(Item& item) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (closing_) return StorageClosed();
    if (queue_.size() >= static_cast<size_t>(options_.queue_max)) return WriteQueueFull();
    wake = queue_.empty();
    queue_.push_back(&item);
  }
  if (wake) work_.notify_one();
  return absl::OkStatus();
}

// Takes the item back if it has not started. Afterwards its outcome is waited for, whatever its deadline says.
bool SqliteWriter::Withdraw(Item& item) {
  std::lock_guard lock(mutex_);
  const auto found = std::find(queue_.begin(), queue_.end(), &item);
  if (found == queue_.end()) return false;
  queue_.erase(found);
  return true;
}

void SqliteWriter::Wait(Item& item) {
  bool may_withdraw = item.ctx != nullptr;
  std::unique_lock lock(item.mutex);
  while (!item.done) {
    if (!may_withdraw) {
      item.changed.wait(lock);
      continue;
    }
    const auto limit = std::clamp(item.ctx->Remaining(), std::chrono::milliseconds(0), kWaitMax);
    item.changed.wait_for(lock, limit + std::chrono::milliseconds(1));
    if (item.done) return;
    if (absl::Status late = item.ctx->Check(); !late.ok()) {
      lock.unlock();
      if (Withdraw(item)) {
        item.status = late;
        return;
      }
      may_withdraw = false;
      lock.lock();
    }
  }
}

void SqliteWriter::Loop() {
  Group group;
  while (Take(group)) {
    Process(group);
    Release(group);
    KeepHouse();
  }
  connection_.reset();
}

bool SqliteWriter::Take(Group& group) {
  group.clear();
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return closing_ || !queue_.empty(); });
  if (queue_.empty()) return false;
  const auto group_max = static_cast<size_t>(std::max(options_.group_max, 1));
  while (!queue_.empty() && group.size() < group_max) {
    const bool exclusive = queue_.front()->exclusive != nullptr;
    if (exclusive && !group.empty()) break;
    group.push_back(queue_.front());
    queue_.pop_front();
    if (exclusive) break;
  }
  return true;
}

void SqliteWriter::Process(Group& group) {
  if (group.size() == 1) {
    RunAlone(*group.front());
    return;
  }
  if (RunTogether(group)) return;
  counters_.group_reruns.fetch_add(1, std::memory_order_relaxed);
  for (Item* item : group) RunAlone(*item);
}

// true: every item's status is final. false: the group is rolled back, nothing of it remains.
bool SqliteWriter::RunTogether(Group& group) {
  if (absl::Status begun = connection_->Control("BEGIN IMMEDIATE"); !begun.ok()) {
    for (Item* item : group) item->status = begun;
    counters_.failures.fetch_add(static_cast<int64_t>(group.size()), std::memory_order_relaxed);
    return true;
  }
  bool intact = true;
  for (size_t i = 0; intact && i < group.size(); ++i) {
    Item& item = *group[i];
    item.status = item.ctx->Check();
    if (!item.status.ok()) continue;
    intact = connection_->Control("SAVEPOINT member").ok();
    if (!intact) break;
    item.status = RunBody(item);
    if (connection_->autocommit()) return false;
    if (!item.status.ok()) intact = connection_->Control("ROLLBACK TO member").ok();
    intact = intact && connection_->Control("RELEASE member").ok();
  }
  if (intact && connection_->Control("COMMIT").ok()) {
    Count(group);
    return true;
  }
  if (!connection_->autocommit()) (void)connection_->Control("ROLLBACK");
  return false;
}

void SqliteWriter::RunAlone(Item& item) {
  if (item.exclusive != nullptr) {
    item.status = (*item.exclusive)(*connection_);
    return;
  }
  item.status = item.ctx->Check();
  if (item.status.ok()) item.status = connection_->Control("BEGIN IMMEDIATE");
  if (item.status.ok()) item.status = RunBody(item);
  if (item.status.ok()) {
    // A closure that swallowed the error which ended its transaction has done nothing.
    item.status = connection_->autocommit() ? StorageUnavailable() : connection_->Control("COMMIT");
  }
  if (!connection_->autocommit()) (void)connection_->Control("ROLLBACK");
  Count({&item});
}

absl::Status SqliteWriter::RunBody(Item& item) {
  item.after_commit.clear();  // of a run that was rolled back
  SqliteTx tx(*connection_, *item.ctx, &item.after_commit);
  const InTransaction mark(*item.ctx);
  const auto began = std::chrono::steady_clock::now();
  absl::Status status = (*item.body)(tx);
  const auto took = std::chrono::steady_clock::now() - began;
  if (took > kSlowClosure && options_.log) {
    // All other writers wait for it.
    options_.log("a transaction took " +
                 std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()) + " ms, trace " +
                 item.ctx->trace.trace_id);
  }
  // A closure that swallowed a statement's error does not commit half of what it meant.
  return status.ok() ? tx.failed() : status;
}

void SqliteWriter::Count(const Group& group) {
  int64_t committed = 0;
  for (const Item* item : group) committed += item->status.ok() ? 1 : 0;
  counters_.transactions.fetch_add(committed, std::memory_order_relaxed);
  counters_.failures.fetch_add(static_cast<int64_t>(group.size()) - committed, std::memory_order_relaxed);
  counters_.commits.fetch_add(committed > 0 ? 1 : 0, std::memory_order_relaxed);
}

void SqliteWriter::Release(Group& group) {
  for (Item* item : group) {
    // Notified under the lock: the item lives on the caller's stack and is gone as soon as the caller sees `done`.
    std::lock_guard lock(item->mutex);
    item->done = true;
    item->changed.notify_one();
  }
}

void SqliteWriter::KeepHouse() {
  CheckpointIfDue(queue_depth() == 0);
  SweepIfDue();
}

void SqliteWriter::CheckpointIfDue(bool idle) {
  const int pages = connection_->wal_pages();
  if (pages < checkpointed_pages_) checkpointed_pages_ = 0;  // the log began anew
  if (pages - checkpointed_pages_ < (idle ? kCheckpointIdlePages : kCheckpointPages)) return;
  int copied = 0;
  // PASSIVE waits for no reader; what a reader still needs is copied next time, and the log begins anew once all is.
  const int code =
      sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, &copied);
  if (code != SQLITE_OK) (void)connection_->Error(code, "checkpoint");
  // Whether or not it went through, the next try comes after as many pages again.
  checkpointed_pages_ = pages;
  counters_.checkpoints.fetch_add(1, std::memory_order_relaxed);
}

void SqliteWriter::SweepIfDue() {
  const base::Micros now = clock_.Now();
  if (now < next_sweep_ || !sweep_) return;
  base::OpContext ctx(clock_, base::OpContext::Deadline::max());
  bool more = false;
  const Body body = [&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(more, sweep_(tx));
    return absl::OkStatus();
  };
  Item item;
  item.ctx = &ctx;
  item.body = &body;
  RunAlone(item);
  if (!item.status.ok() || !more) next_sweep_ = now + kSweepInterval;
}

}  // namespace dinh::db

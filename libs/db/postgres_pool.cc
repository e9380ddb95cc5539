#include "libs/db/postgres_pool.h"

#include <algorithm>
#include <chrono>

#include "libs/base/status.h"
#include "libs/db/errors.h"

namespace dinh::db {
namespace {
// Whoever waits looks at its deadline at least so often (its clock may be a test's).
constexpr std::chrono::milliseconds kWaitMax{1'000};
// Connections above the minimum that nobody has needed for so long are closed.
constexpr std::chrono::minutes kIdleMax{5};
}  // namespace

absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresPool::Connect() {
  connects_.fetch_add(1, std::memory_order_relaxed);
  return PostgresConnection::Open(options_, target_);
}

// A connection that was idle, or null: one may be opened. Counted as leased either way.
absl::StatusOr<std::unique_ptr<PostgresConnection>> PostgresPool::Take(const base::OpContext& ctx) {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    if (!idle_.empty()) {
      std::unique_ptr<PostgresConnection> connection = std::move(idle_.back());
      idle_.pop_back();
      ++leased_;
      return connection;
    }
    if (open_ < std::max(options_.connections_max, 1)) {
      ++open_;
      ++leased_;
      return nullptr;
    }
    RETURN_IF_ERROR(ctx.Check());
    if (waiting_ >= options_.queue_max) return StorageQueueFull();
    ++waiting_;
    returned_.wait_for(lock, std::clamp(ctx.Remaining(), std::chrono::milliseconds(1), kWaitMax));
    --waiting_;
  }
  return StorageClosed();
}

absl::StatusOr<PostgresPool::Lease> PostgresPool::Acquire(const base::OpContext& ctx) {
  while (true) {
    ASSIGN_OR_RETURN(std::unique_ptr<PostgresConnection> connection, Take(ctx));
    if (connection != nullptr) {
      if (connection->Alive()) return Lease(*this, std::move(connection));
      // Its server has hung up: the next.
      Forget();
      continue;
    }
    absl::StatusOr<std::unique_ptr<PostgresConnection>> opened = Connect();
    if (opened.ok()) return Lease(*this, *std::move(opened));
    Forget();
    return opened.status();
  }
}

void PostgresPool::Forget() {
  std::lock_guard lock(mutex_);
  --open_;
  --leased_;
  Notify();
}

// With the lock held: Close() may destroy this as soon as it sees the last lease back. One of those who wait is enough,
// since whoever wakes takes what there is; all of them would only meet at the lock.
void PostgresPool::Notify() {
  returned_.notify_one();
  if (closing_ && leased_ == 0) drained_.notify_all();
}

absl::Status PostgresPool::Warm() {
  for (int i = 0; i < options_.connections_min; ++i) {
    ASSIGN_OR_RETURN(std::unique_ptr<PostgresConnection> connection, Connect());
    std::lock_guard lock(mutex_);
    ++open_;
    idle_.push_back(std::move(connection));
  }
  return absl::OkStatus();
}

void PostgresPool::Return(std::unique_ptr<PostgresConnection> connection) {
  std::unique_ptr<PostgresConnection> old;  // closed without the lock
  const auto now = std::chrono::steady_clock::now();
  connection->last_used = now;
  if (!connection->usable()) old = std::move(connection);
  std::lock_guard lock(mutex_);
  --leased_;
  if (connection == nullptr || closing_) {
    --open_;
  } else {
    idle_.push_back(std::move(connection));
    if (open_ > options_.connections_min && now - idle_.front()->last_used > kIdleMax) {
      old = std::move(idle_.front());
      idle_.pop_front();
      --open_;
    }
  }
  Notify();
}

void PostgresPool::Close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  returned_.notify_all();
  drained_.wait(lock, [this] { return leased_ == 0; });
  open_ -= static_cast<int>(idle_.size());
  idle_.clear();
}

int64_t PostgresPool::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_;
}

int64_t PostgresPool::open() const {
  std::lock_guard lock(mutex_);
  return open_;
}

}  // namespace dinh::db

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

// The warmest connection whose server has not hung up; null when there is none. With the lock held.
std::unique_ptr<PostgresConnection> PostgresPool::TakeIdle() {
  while (!idle_.empty()) {
    std::unique_ptr<PostgresConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->Alive()) return connection;
    --open_;
  }
  return nullptr;
}

absl::StatusOr<PostgresPool::Lease> PostgresPool::Acquire(const base::OpContext& ctx) {
  {
    std::unique_lock lock(mutex_);
    while (!closing_) {
      if (std::unique_ptr<PostgresConnection> idle = TakeIdle()) {
        ++leased_;
        return Lease(*this, std::move(idle));
      }
      if (open_ < std::max(options_.connections_max, 1)) break;
      RETURN_IF_ERROR(ctx.Check());
      if (waiting_ >= options_.queue_max) return StorageQueueFull();
      ++waiting_;
      returned_.wait_for(lock, std::clamp(ctx.Remaining(), std::chrono::milliseconds(1), kWaitMax));
      --waiting_;
    }
    if (closing_) return StorageClosed();
    ++open_;
    ++leased_;
  }
  absl::StatusOr<std::unique_ptr<PostgresConnection>> opened = Connect();
  if (opened.ok()) return Lease(*this, *std::move(opened));
  // Notified under the lock: Close() may destroy this as soon as it sees the last lease back.
  std::lock_guard lock(mutex_);
  --open_;
  --leased_;
  returned_.notify_all();
  return opened.status();
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
  // All of them: one that waits may be Close().
  returned_.notify_all();
}

void PostgresPool::Close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  returned_.notify_all();
  returned_.wait(lock, [this] { return leased_ == 0; });
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

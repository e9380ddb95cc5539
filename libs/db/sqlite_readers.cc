#include "libs/db/sqlite_readers.h"

#include <algorithm>
#include <chrono>

#include "libs/base/status.h"
#include "libs/db/errors.h"

namespace dinh::db {
namespace {
// A waiting reader looks at its deadline at least so often (its clock may be a test's).
constexpr std::chrono::milliseconds kWaitMax{1'000};
}  // namespace

absl::StatusOr<SqliteReaders::Lease> SqliteReaders::Acquire(const base::OpContext& ctx) {
  {
    std::unique_lock lock(mutex_);
    while (!closing_ && idle_.empty() && leased_ >= std::max(options_.max_readers, 1)) {
      RETURN_IF_ERROR(ctx.Check());
      returned_.wait_for(lock, std::clamp(ctx.Remaining(), std::chrono::milliseconds(1), kWaitMax));
    }
    if (closing_) return StorageClosed();
    ++leased_;
    if (!idle_.empty()) {
      std::unique_ptr<SqliteConnection> connection = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(connection));
    }
  }
  absl::StatusOr<std::unique_ptr<SqliteConnection>> opened =
      SqliteConnection::Open(options_, SqliteConnection::Role::kReader);
  if (!opened.ok()) {
    std::lock_guard lock(mutex_);
    --leased_;
    returned_.notify_all();
    return opened.status();
  }
  return Lease(*this, *std::move(opened));
}

void SqliteReaders::Return(std::unique_ptr<SqliteConnection> connection) {
  // Notified under the lock: Close() may destroy this as soon as it sees the last lease back.
  std::lock_guard lock(mutex_);
  --leased_;
  idle_.push_back(std::move(connection));
  returned_.notify_all();
}

void SqliteReaders::Close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  returned_.notify_all();
  returned_.wait(lock, [this] { return leased_ == 0; });
  idle_.clear();
}

}  // namespace dinh::db

// The connections to one PostgreSQL server: leased one at a time, opened when needed. Internal to libs/db.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/db/postgres.h"
#include "libs/db/postgres_connection.h"

namespace dinh::db {

class PostgresPool {
 public:
  // `options` must outlive the pool.
  PostgresPool(const PostgresOptions& options, PostgresTarget target) : options_(options), target_(target) {}
  ~PostgresPool() { Close(); }
  PostgresPool(const PostgresPool&) = delete;
  PostgresPool& operator=(const PostgresPool&) = delete;

  class Lease {
   public:
    Lease(PostgresPool& owner, std::unique_ptr<PostgresConnection> connection)
        : owner_(&owner), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept {
      Release();
      owner_ = other.owner_;
      connection_ = std::move(other.connection_);
      return *this;
    }
    ~Lease() { Release(); }
    // Gives the connection back early.
    void Release() {
      if (connection_ != nullptr) owner_->Return(std::move(connection_));
    }
    PostgresConnection& operator*() { return *connection_; }
    PostgresConnection* operator->() { return connection_.get(); }

   private:
    PostgresPool* owner_;
    std::unique_ptr<PostgresConnection> connection_;
  };

  // Waits for a free connection until the operation's deadline. Errors: STORAGE_QUEUE_FULL, STORAGE_CLOSED, those of
  // connecting.
  absl::StatusOr<Lease> Acquire(const base::OpContext& ctx);
  // Opens connections up to the minimum; the first error.
  absl::Status Warm();
  // Waits until all leases are back, then closes the connections.
  void Close();

  int64_t waiting() const;
  int64_t open() const;
  int64_t connects() const { return connects_.load(std::memory_order_relaxed); }

 private:
  absl::StatusOr<std::unique_ptr<PostgresConnection>> Connect();
  absl::StatusOr<std::unique_ptr<PostgresConnection>> Take(const base::OpContext& ctx);
  void Forget();
  void Notify();
  void Return(std::unique_ptr<PostgresConnection> connection);

  const PostgresOptions& options_;
  const PostgresTarget target_;
  std::atomic<int64_t> connects_{0};
  mutable std::mutex mutex_;
  std::condition_variable returned_;
  std::condition_variable drained_;                       // closing, and the last lease is back
  std::deque<std::unique_ptr<PostgresConnection>> idle_;  // last returned is used first, the others grow old
  int open_ = 0;                                          // idle, leased and being opened
  int leased_ = 0;
  int waiting_ = 0;
  bool closing_ = false;
};

}  // namespace dinh::db

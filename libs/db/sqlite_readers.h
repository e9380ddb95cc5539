// The reader connections of an SQLite file: leased one at a time, opened when needed. Internal to libs/db.
//
// Thread-safe.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/db/sqlite_connection.h"

namespace dinh::db {

class SqliteReaders {
 public:
  explicit SqliteReaders(const SqliteOptions& options) : options_(options) {}
  ~SqliteReaders() { Close(); }

  class Lease {
   public:
    Lease(SqliteReaders& owner, std::unique_ptr<SqliteConnection> connection)
        : owner_(&owner), connection_(std::move(connection)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_ != nullptr) owner_->Return(std::move(connection_));
    }
    SqliteConnection& operator*() { return *connection_; }
    SqliteConnection* operator->() { return connection_.get(); }

   private:
    SqliteReaders* owner_;
    std::unique_ptr<SqliteConnection> connection_;
  };

  // Waits for a free connection until the operation's deadline.
  absl::StatusOr<Lease> Acquire(const base::OpContext& ctx);
  // Waits until all leases are back, then closes the connections.
  void Close();

 private:
  void Return(std::unique_ptr<SqliteConnection> connection);

  const SqliteOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<SqliteConnection>> idle_;  // last returned is used first: its cache is warm
  int leased_ = 0;
  bool closing_ = false;
};

}  // namespace dinh::db

// One SQLite connection with its prepared statements. Internal to libs/db.
//
// Not thread-safe: one thread at a time.
#pragma once

#include <sqlite3.h>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"
#include "libs/db/in_transaction.h"

namespace dinh::db {

// Statements kept prepared per connection; the least recently used goes first.
inline constexpr size_t kStatementsMax = 256;

class SqliteConnection {
 public:
  enum class Role { kWriter, kReader };

  // Opens (the writer: creates) the file and sets WAL, synchronous=FULL, foreign keys.
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const SqliteOptions& options, Role role);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  // The calls of Tx; refused with UNAVAILABLE while no transaction is open (an error may have ended it).
  absl::StatusOr<int64_t> Exec(std::string_view sql, const Param* params, size_t count);
  absl::Status Query(std::string_view sql, const Param* params, size_t count,
                     const std::function<absl::Status(const Row&)>& on_row);

  // BEGIN, COMMIT and their like.
  absl::Status Control(std::string_view sql);
  // Several statements without parameters.
  absl::Status Script(const std::string& sql);

  // true: no transaction is open.
  bool autocommit() const { return sqlite3_get_autocommit(db_) != 0; }
  // Pages in the write-ahead log after this connection's last commit.
  int wal_pages() const { return wal_pages_; }
  size_t statements() const { return statements_.size(); }
  sqlite3* handle() { return db_; }

  // Reads stop when this operation's deadline passes. Null: never (writers are never interrupted).
  void WatchDeadline(const base::OpContext* ctx) { watched_ = ctx; }

  // Maps a result code and logs the cause of storage errors.
  absl::Status Error(int code, std::string_view sql);

 private:
  struct Entry {
    std::string sql;
    sqlite3_stmt* statement;
    bool control;
  };
  // A statement in use: reset, and finalised if it is not the kept one, at the end of its scope.
  class Lease;

  SqliteConnection(sqlite3* db, const SqliteOptions& options)
      : db_(db), log_(options.log), on_prepare_(options.on_prepare) {}
  absl::Status Configure(const SqliteOptions& options, Role role);
  absl::StatusOr<sqlite3_stmt*> Compile(std::string_view sql, bool control);
  absl::StatusOr<Lease> Get(std::string_view sql, bool control);
  absl::Status Bind(sqlite3_stmt* statement, std::string_view sql, const Param* params, size_t count);

  sqlite3* db_;
  std::function<void(std::string_view)> log_;
  std::function<void(std::string_view)> on_prepare_;
  const base::OpContext* watched_ = nullptr;
  int wal_pages_ = 0;
  std::list<Entry> recent_;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> statements_;
};

// A transaction on one connection. After a statement that failed all others fail with its error, as on PostgreSQL.
class SqliteTx final : public Tx {
 public:
  SqliteTx(SqliteConnection& connection, base::OpContext& ctx, std::vector<std::function<void()>>* after_commit)
      : connection_(connection), ctx_(ctx), after_commit_(after_commit) {}
  absl::StatusOr<int64_t> ExecParams(std::string_view sql, const Param* params, size_t count) override {
    if (!failed_.ok()) return failed_;
    absl::StatusOr<int64_t> changed = connection_.Exec(sql, params, count);
    if (!changed.ok()) failed_ = changed.status();
    return changed;
  }
  absl::Status QueryParams(std::string_view sql, const Param* params, size_t count,
                           const std::function<absl::Status(const Row&)>& on_row) override {
    if (!failed_.ok()) return failed_;
    bool refused = false;  // by the closure, which is its own affair
    absl::Status status = connection_.Query(sql, params, count, [&](const Row& row) {
      absl::Status seen = on_row(row);
      refused = !seen.ok();
      return seen;
    });
    if (!status.ok() && !refused) failed_ = status;
    return status;
  }
  base::OpContext& context() override { return ctx_; }
  Engine engine() const override { return Engine::kSqlite; }
  void AfterCommit(std::function<void()> call) override {
    if (after_commit_ != nullptr) after_commit_->push_back(std::move(call));
  }
  // The first statement's error.
  const absl::Status& failed() const { return failed_; }

 private:
  SqliteConnection& connection_;
  base::OpContext& ctx_;
  std::vector<std::function<void()>>* after_commit_;  // null in reads
  absl::Status failed_;
};

}  // namespace dinh::db

// One PostgreSQL connection, always in libpq's pipeline mode: what need not be waited for (BEGIN, statements whose
// count nobody asks for, the end of a read) is sent along with the next statement that answers. Internal to libs/db.
//
// Not thread-safe: one thread at a time.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"
#include "libs/db/postgres.h"
#include "libs/db/postgres_connect.h"
#include "libs/db/postgres_types.h"

namespace dinh::db {

class PostgresConnection {
 public:
  enum class Mode { kReadOnly, kReadCommitted, kSerializable };
  // Why the transaction cannot go on.
  enum class Failure {
    kNone,
    kStatement,  // it is wrong, or a constraint says no
    kAgain,      // serialization failure, deadlock, a plan that a migration overtook: the same closure may succeed
    kLost,       // the connection broke
  };

  static absl::StatusOr<std::unique_ptr<PostgresConnection>> Open(const PostgresOptions& options,
                                                                  PostgresTarget target);
  ~PostgresConnection() = default;
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  // Starts a transaction with its first statement; without one nothing is sent.
  void Begin(Mode mode);
  // The calls of Tx.
  absl::StatusOr<int64_t> Exec(std::string_view sql, const Param* params, size_t count);
  absl::Status ExecLater(std::string_view sql, const Param* params, size_t count);
  absl::Status Query(std::string_view sql, const Param* params, size_t count,
                     const std::function<absl::Status(const Row&)>& on_row);
  // Waits for the outcome, whatever the deadline says. After an error: failure() and commit_unknown().
  absl::Status Commit();
  // Ends a read-only transaction without waiting.
  void EndRead();
  // Undoes what is open; harmless when nothing is.
  void Rollback();

  // An advisory lock of this session. TryLock travels with the next statement; then locked() knows. Unlock with
  // `wait` returns when the lock is free.
  void TryLock(int64_t key);
  bool locked() const { return locked_; }
  void Unlock(bool wait);

  Failure failure() const { return failure_; }
  // The connection broke after COMMIT was sent, and the transaction had written.
  bool commit_unknown() const { return failure_ == Failure::kLost && commit_sent_ && xid_.has_value(); }
  // Of the transaction that is open or was just ended, once it has written.
  const std::optional<std::string>& xid() const { return xid_; }
  // Of which transaction ids are unique: another one after a fail-over, and after a crash, which forgets the ids of
  // transactions that had written nothing to the disk.
  const std::string& history() const { return history_; }
  // Statements of the transaction that have answered.
  int answers() const { return answers_; }
  // false: to be closed instead of used again.
  bool usable() const { return !broken_ && PQstatus(conn_.get()) == CONNECTION_OK; }
  // Looks without waiting whether the server has hung up.
  bool Alive();
  size_t statements() const { return statements_.size(); }

  // Statements are cancelled when this operation's deadline passes. Null: never.
  void WatchDeadline(const base::OpContext* ctx) { watched_ = ctx; }

  std::chrono::steady_clock::time_point last_used;

 private:
  struct Statement {
    std::string sql;
    std::string name;
    std::vector<Oid> params;
    std::vector<Oid> columns;
    bool writes = false;
  };
  using StatementPtr = std::shared_ptr<const Statement>;
  enum class Kind { kAnswer, kLater, kXid, kLock, kCommit, kIgnored, kSync };
  struct Pending {
    Kind kind;
    StatementPtr statement;  // null for the fixed ones
  };

  PostgresConnection(const PostgresOptions& options, PostgresConn conn);
  absl::Status Prepare();
  absl::StatusOr<StatementPtr> Get(std::string_view sql);
  absl::StatusOr<StatementPtr> Compile(std::string_view sql);
  void Keep(StatementPtr statement);
  void SendBegin();
  void SendFixed(const char* name, Kind kind);
  absl::Status Send(const StatementPtr& statement, const Param* params, size_t count, Kind kind);
  absl::Status Sent(int code);
  void AskXid();
  void Sync();
  absl::Status Collect(PostgresResult* answer);
  absl::Status Take(const Pending& pending, PostgresResult result, PostgresResult* answer);
  bool Next(PostgresResult* result);
  bool Wait();
  bool OutOfTime();
  absl::Status Lost();
  absl::Status Error(const PGresult* result, std::string_view sql);
  absl::Status Cause(std::string_view state, const std::string& cause);

  const PostgresOptions& options_;
  PostgresConn conn_;
  std::string history_;
  const base::OpContext* watched_ = nullptr;
  PostgresParams params_;
  std::deque<Pending> pending_;     // sent, answer not yet read
  std::list<StatementPtr> recent_;  // most recently used first
  std::unordered_map<std::string_view, std::list<StatementPtr>::iterator> statements_;
  std::vector<std::string> evicted_;  // to be deallocated
  int64_t last_name_ = 0;

  Mode mode_ = Mode::kReadOnly;
  bool begin_due_ = false;  // BEGIN goes with the next statement
  bool open_ = false;       // BEGIN was sent, no end
  bool commit_sent_ = false;
  bool cancelled_ = false;
  bool locked_ = false;
  bool broken_ = false;
  int answers_ = 0;
  int xids_due_ = 0;          // answers about the transaction id under way
  bool xid_unasked_ = false;  // something was written behind the question under way
  std::optional<std::string> xid_;
  std::optional<std::chrono::steady_clock::time_point> patience_;  // for the answer to a cancellation
  Failure failure_ = Failure::kNone;
};

// A transaction on one connection. After a statement that failed all others fail with its error.
class PostgresTx final : public Tx {
 public:
  PostgresTx(PostgresConnection& connection, base::OpContext& ctx, std::vector<std::function<void()>>* after_commit)
      : connection_(connection), ctx_(ctx), after_commit_(after_commit) {}
  absl::StatusOr<int64_t> ExecParams(std::string_view sql, const Param* params, size_t count) override;
  absl::Status ExecLaterParams(std::string_view sql, const Param* params, size_t count) override;
  absl::Status QueryParams(std::string_view sql, const Param* params, size_t count,
                           const std::function<absl::Status(const Row&)>& on_row) override;
  base::OpContext& context() override { return ctx_; }
  Engine engine() const override { return Engine::kPostgres; }
  void AfterCommit(std::function<void()> call) override {
    if (after_commit_ != nullptr) after_commit_->push_back(std::move(call));
  }
  // The first statement's error.
  const absl::Status& failed() const { return failed_; }

 private:
  PostgresConnection& connection_;
  base::OpContext& ctx_;
  std::vector<std::function<void()>>* after_commit_;  // null in reads
  absl::Status failed_;
};

}  // namespace dinh::db

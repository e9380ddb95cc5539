// One relational store behind one interface: SQLite (standalone) and PostgreSQL (cluster, libs/db/postgres.h).
//
//   absl::StatusOr<Dossier> r = db.Transact(ctx, [&](db::Tx& tx) -> absl::StatusOr<Dossier> { … });
//   absl::StatusOr<Dossier> r = db.Read(ctx, [&](db::Tx& tx) -> absl::StatusOr<Dossier> { … });
//
// * SQL is written once: `$1 … $n` parameters, CAST never `::`, no STRICT tables, times as BIGINT microseconds UTC,
//   booleans as SMALLINT, JSON as TEXT, NULLS FIRST/LAST explicit. libs/db rewrites $n to ?n for SQLite.
// * Transact: the closure may run more than once (serialization failure, group rolled back): database work only.
//   It claims ctx.claim (principal, method, request_id, body hash) if set, runs the closure, lets ctx.commit_hook write
//   its rows, stores the sealed answer, all in one commit; returns only after the commit is durable (fsync). A replay
//   of the same claim returns the stored answer without running the closure (ctx.replayed = true). Another body:
//   INVALID_ARGUMENT reason IDEMPOTENCY_KEY_REUSED. Still in flight: ABORTED reason REQUEST_IN_FLIGHT with retry delay.
//   Errors are not stored, and roll everything back.
//   The claim is consumed: ctx.claim is empty after success, so a second Transact of the operation claims nothing.
//   Claims with store_answer = false, and results that cannot be stored, keep no answer: a replay is refused as
//   FAILED_PRECONDITION reason REQUEST_ALREADY_DONE. Claims live 30 days.
// * Neither call may be made inside a closure (INTERNAL).
// * Deadline and cancellation are honoured before the closure starts (on PostgreSQL also between its statements), never
//   inside a commit: once started, its outcome is waited for, and found out when the connection is lost meanwhile.
//   Where that is impossible the error is UNKNOWN reason COMMIT_OUTCOME_UNKNOWN, never a failure and never a success.
// * Transactions are serializable on both engines (deploy/adr/0009), unless the call says Isolation::kReadCommitted.
//
// Thread safety: Database is thread-safe. Tx and Row belong to the closure.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/op_context.h"
#include "libs/base/status.h"

namespace dinh::db {

struct Null {};
struct BlobView {
  std::string_view bytes;
};

// A bound parameter. Views must outlive the call.
class Param {
 public:
  using Value = std::variant<Null, int64_t, double, std::string_view, BlobView>;
  Param(Null) : value_(Null{}) {}
  Param(std::nullopt_t) : value_(Null{}) {}
  template <typename T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>)
  Param(T v) : value_(static_cast<int64_t>(v)) {}
  Param(double v) : value_(v) {}
  Param(std::string_view v) : value_(v) {}
  Param(const std::string& v) : value_(std::string_view(v)) {}
  Param(const char* v) : value_(std::string_view(v)) {}
  Param(BlobView v) : value_(v) {}
  template <typename T>
  Param(const std::optional<T>& v) : value_(v ? Param(*v).value_ : Value(Null{})) {}
  const Value& value() const { return value_; }

 private:
  Value value_;
};
using Params = std::initializer_list<Param>;

// The current row of a query. Views are valid until the next row.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool IsNull(int column) const = 0;
  virtual int64_t Int(int column) const = 0;
  virtual double Double(int column) const = 0;
  virtual std::string_view TextView(int column) const = 0;  // TEXT and BLOB
  std::string Text(int column) const { return std::string(TextView(column)); }
  bool Bool(int column) const { return Int(column) != 0; }
  std::optional<int64_t> OptInt(int column) const {
    return IsNull(column) ? std::nullopt : std::optional<int64_t>(Int(column));
  }
  std::optional<std::string> OptText(int column) const {
    return IsNull(column) ? std::nullopt : std::optional<std::string>(Text(column));
  }
};

enum class Engine { kSqlite, kPostgres };

// How far a PostgreSQL transaction is kept apart from those beside it. SQLite has one writer and is always
// serializable.
enum class Isolation {
  kSerializable,
  // For closures that lock every row they decide by (ForUpdate) or only add rows: queues that workers share. They then
  // wait for each other instead of running again.
  kReadCommitted,
};

// Where a read runs on PostgreSQL.
enum class ReadFrom {
  kPrimary,  // sees every commit that was acknowledged before it
  // May lag behind, by seconds: public lists, statistics. Never what a caller may just have written. The primary when
  // there is no replica or it cannot be reached.
  kReplica,
};

// One transaction. Statements are prepared once per connection and kept (keyed by the SQL text). Statements that
// control transactions are refused. The number of parameters must be the highest $n.
// Errors of statements: ALREADY_EXISTS reason UNIQUE_VIOLATION, FAILED_PRECONDITION reason REFERENCE_VIOLATION,
// UNAVAILABLE reason STORAGE_UNAVAILABLE (disk full, I/O) or STORAGE_BUSY, INTERNAL for what is wrong in the SQL. A
// failed statement ends the transaction, as on PostgreSQL: all others fail with the same error, and nothing commits
// even if the closure returns OK. Where a conflict is expected say so in SQL (ON CONFLICT … DO NOTHING).
class Tx {
 public:
  virtual ~Tx() = default;
  // Rows changed.
  virtual absl::StatusOr<int64_t> ExecParams(std::string_view sql, const Param* params, size_t count) = 0;
  virtual absl::Status QueryParams(std::string_view sql, const Param* params, size_t count,
                                   const std::function<absl::Status(const Row&)>& on_row) = 0;
  // The statement runs before the next one that answers and before the commit; its error ends the transaction there. On
  // PostgreSQL it is sent along with what follows and saves a round trip: for rows whose count nobody asks for.
  virtual absl::Status ExecLaterParams(std::string_view sql, const Param* params, size_t count) {
    return ExecParams(sql, params, count).status();
  }
  virtual base::OpContext& context() = 0;
  virtual Engine engine() const = 0;
  // Calls `call` on the operation's thread after this transaction is durable, before Transact returns; not at all when
  // it fails or the process dies first. For waking others, never for work that must happen.
  virtual void AfterCommit(std::function<void()> call) = 0;

  absl::StatusOr<int64_t> Exec(std::string_view sql, Params params = {}) {
    return ExecParams(sql, params.begin(), params.size());
  }
  absl::Status ExecLater(std::string_view sql, Params params = {}) {
    return ExecLaterParams(sql, params.begin(), params.size());
  }
  // `on_row` returns void or absl::Status (an error ends the query and is returned).
  template <typename F>
  absl::Status Query(std::string_view sql, Params params, F&& on_row) {
    return QueryParams(sql, params.begin(), params.size(), [&on_row](const Row& row) -> absl::Status {
      if constexpr (std::is_void_v<decltype(on_row(row))>) {
        on_row(row);
        return absl::OkStatus();
      } else {
        return on_row(row);
      }
    });
  }
  // The first row mapped, or nullopt.
  template <typename F>
  auto QueryOne(std::string_view sql, Params params, F&& map)
      -> absl::StatusOr<std::optional<decltype(map(std::declval<const Row&>()))>> {
    std::optional<decltype(map(std::declval<const Row&>()))> out;
    absl::Status status = Query(sql, params, [&](const Row& row) {
      if (!out) out.emplace(map(row));
    });
    if (!status.ok()) return status;
    return out;
  }
  template <typename F>
  auto QueryAll(std::string_view sql, Params params, F&& map)
      -> absl::StatusOr<std::vector<decltype(map(std::declval<const Row&>()))>> {
    std::vector<decltype(map(std::declval<const Row&>()))> out;
    absl::Status status = Query(sql, params, [&](const Row& row) { out.push_back(map(row)); });
    if (!status.ok()) return status;
    return out;
  }
};

// Writes rows of its own (the audit row) into every transaction of an operation, just before it commits.
class CommitHook {
 public:
  virtual ~CommitHook() = default;
  virtual absl::Status BeforeCommit(Tx& tx) = 0;
};

// One step of the schema, append-only: its checksum is stored when it has run.
struct Migration {
  int version = 0;  // 1, 2, 3 …
  std::string name;
  std::string sql;          // several statements
  int compatible_from = 0;  // the oldest binary schema version that still works after it
};

struct SqliteOptions {
  std::string path;               // file; its folder must exist
  int max_readers = 8;            // reader connections, opened as needed
  int64_t page_cache_kib = 2048;  // per connection
  int group_max = 128;            // transactions in one commit at most
  int queue_max = 4096;           // waiting writers; more: RESOURCE_EXHAUSTED with retry delay
  int busy_timeout_ms = 2000;     // for locks of other programs on the file
  // Causes of storage errors and transactions that hold up all others, for the log (may hold paths and SQL, never
  // values). Called from any thread.
  std::function<void(std::string_view text)> log;
  // Tests: told of every statement when it is prepared. Called from any thread.
  std::function<void(std::string_view sql)> on_prepare;
  std::string vfs;  // tests: the name of a registered sqlite3_vfs; empty: the system's
};

// Counters since opening, for metrics.
struct DatabaseStats {
  int64_t transactions = 0;  // closures that committed
  int64_t commits = 0;       // durable commits: transactions / commits is the mean group
  int64_t failures = 0;      // closures that ended in an error
  int64_t group_reruns = 0;  // groups lost as a whole and run again one by one
  int64_t reads = 0;
  int64_t replays = 0;      // answers given from the idempotency table
  int64_t queue_depth = 0;  // writers waiting now; on PostgreSQL whoever waits for a connection
  int64_t checkpoints = 0;
  // PostgreSQL only.
  int64_t retries = 0;           // closures run again: serialization failure, deadlock, lost connection
  int64_t connects = 0;          // connections opened
  int64_t connections = 0;       // open now
  int64_t outcomes_unknown = 0;  // commits of which nobody can say whether they happened
};

class Database {
 public:
  virtual ~Database() = default;

  template <typename F>
  auto Transact(base::OpContext& ctx, F&& closure, Isolation isolation = Isolation::kSerializable)
      -> decltype(closure(std::declval<Tx&>())) {
    using Result = decltype(closure(std::declval<Tx&>()));
    Result result = Result(absl::InternalError("transaction did not run"));
    TransactionCall call;
    call.isolation = isolation;
    call.run = [&](Tx& tx) -> absl::Status {
      result = closure(tx);
      return StatusOf(result);
    };
    // Only results that serialise (protobuf messages) can be stored as answers.
    if constexpr (requires {
                    result->SerializeAsString();
                    result->ParseFromString(std::string());
                  }) {
      call.serialize = [&] { return result->SerializeAsString(); };
      call.parse = [&](const std::string& bytes) {
        std::remove_cvref_t<decltype(*result)> stored;
        if (!stored.ParseFromString(bytes)) return false;
        result = std::move(stored);
        return true;
      };
    } else if constexpr (std::is_same_v<Result, absl::Status>) {
      call.serialize = [] { return std::string(); };
      call.parse = [&](const std::string&) {
        result = absl::OkStatus();
        return true;
      };
    }
    absl::Status status = DoTransact(ctx, call);
    if (!status.ok()) return Result(status);
    return result;
  }

  // A read-only snapshot; runs on the caller's thread.
  template <typename F>
  auto Read(base::OpContext& ctx, F&& closure, ReadFrom from = ReadFrom::kPrimary)
      -> decltype(closure(std::declval<Tx&>())) {
    using Result = decltype(closure(std::declval<Tx&>()));
    Result result = Result(absl::InternalError("read did not run"));
    absl::Status status = DoRead(
        ctx,
        [&](Tx& tx) -> absl::Status {
          result = closure(tx);
          return StatusOf(result);
        },
        from);
    if (!status.ok()) return Result(status);
    return result;
  }

  virtual Engine engine() const = 0;
  // Runs what has not run yet, in order, each in its transaction; refuses a changed checksum and a schema whose
  // compatible_from is above the newest version given here. Before the first step on a file that already held data, a
  // copy "<file>.before-<component>-<version>" is made. On PostgreSQL the SQL is taken as MigrationSql (rewrite.h)
  // gives it, and migrators wait for each other. Errors: FAILED_PRECONDITION reason MIGRATION_CHANGED,
  // MIGRATION_MISSING, SCHEMA_TOO_NEW; else the error of the step.
  absl::Status Migrate(const std::vector<Migration>& migrations) { return MigrateComponent("service", migrations); }
  // The same for a library that keeps tables in the service's database (libs/events): each component counts its own
  // versions, so that they never collide with the service's.
  virtual absl::Status MigrateComponent(std::string_view component, const std::vector<Migration>& migrations) = 0;
  virtual DatabaseStats stats() const = 0;
  // Flushes and closes; later calls return UNAVAILABLE.
  virtual void Close() = 0;

 protected:
  struct TransactionCall {
    std::function<absl::Status(Tx&)> run;
    std::function<std::string()> serialize;  // empty: the answer cannot be stored
    std::function<bool(const std::string&)> parse;
    Isolation isolation = Isolation::kSerializable;
  };
  virtual absl::Status DoTransact(base::OpContext& ctx, TransactionCall& call) = 0;
  virtual absl::Status DoRead(base::OpContext& ctx, const std::function<absl::Status(Tx&)>& run, ReadFrom from) = 0;

 private:
  static absl::Status StatusOf(const absl::Status& s) { return s; }
  template <typename T>
  static absl::Status StatusOf(const absl::StatusOr<T>& s) {
    return s.status();
  }
};

// Opens (creates) the file, WAL, synchronous=FULL. Errors: UNAVAILABLE with the cause for the log.
absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const SqliteOptions& options, const base::Clock& clock);

}  // namespace dinh::db

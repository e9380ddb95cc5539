#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/backup.h"
#include "libs/db/database.h"
#include "libs/db/errors.h"
#include "libs/db/files.h"
#include "libs/db/idempotency.h"
#include "libs/db/migrations.h"
#include "libs/db/sqlite_connection.h"
#include "libs/db/sqlite_readers.h"
#include "libs/db/sqlite_writer.h"

namespace dinh::db {
namespace {

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(const SqliteOptions& options, const base::Clock& clock, std::unique_ptr<SqliteConnection> writer,
                 bool had_data)
      : options_(options),
        clock_(clock),
        had_data_(had_data),
        readers_(options),
        writer_(std::move(writer), options, clock, [](Tx& tx) { return SweepClaims(tx); }) {}
  ~SqliteDatabase() override { Close(); }

  Engine engine() const override { return Engine::kSqlite; }
  absl::Status MigrateComponent(std::string_view component, const std::vector<Migration>& migrations) override;
  DatabaseStats stats() const override;
  void Close() override {
    readers_.Close();
    writer_.Close();  // last: it copies the log into the file
  }

 protected:
  absl::Status DoTransact(base::OpContext& ctx, TransactionCall& call) override;
  absl::Status DoRead(base::OpContext& ctx, const std::function<absl::Status(Tx&)>& run, ReadFrom from) override;

 private:
  static absl::Status RunHook(base::OpContext& ctx, Tx& tx) {
    return ctx.commit_hook != nullptr ? ctx.commit_hook->BeforeCommit(tx) : absl::OkStatus();
  }
  absl::Status TransactClaimed(base::OpContext& ctx, TransactionCall& call);
  absl::Status RunMigrations(SqliteConnection& connection, std::string_view component,
                             const std::vector<Migration>& migrations);
  absl::Status RunOne(SqliteConnection& connection, std::string_view component, const Migration& migration);

  const SqliteOptions options_;
  const base::Clock& clock_;
  bool had_data_;  // when opened, and no copy made yet; the writer thread's
  ClaimsInFlight in_flight_;
  std::atomic<int64_t> reads_{0};
  std::atomic<int64_t> replays_{0};
  SqliteReaders readers_;
  SqliteWriter writer_;
};

absl::Status Nested() { return base::Internal("Transact or Read inside a transaction's closure"); }

absl::Status SqliteDatabase::DoTransact(base::OpContext& ctx, TransactionCall& call) {
  if (ctx.in_transaction || writer_.OnWriterThread()) return Nested();
  ctx.replayed = false;
  if (ctx.claim != nullptr) return TransactClaimed(ctx, call);
  return writer_.Run(ctx, [&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(call.run(tx));
    return RunHook(ctx, tx);
  });
}

absl::Status SqliteDatabase::TransactClaimed(base::OpContext& ctx, TransactionCall& call) {
  const base::IdempotencyClaim& claim = *ctx.claim;
  const std::string key = ClaimKey(claim);
  ASSIGN_OR_RETURN(const ClaimsInFlight::Hold hold, in_flight_.Enter(key));
  bool replayed = false;
  absl::Status status = writer_.Run(ctx, [&](Tx& tx) -> absl::Status {
    ASSIGN_OR_RETURN(const std::optional<std::string> stored, FindAnswer(tx, key, claim));
    replayed = stored.has_value();
    if (replayed) {
      if (!call.parse) return RequestAlreadyDone();
      return call.parse(*stored) ? absl::OkStatus() : base::Internal("a stored answer does not parse");
    }
    RETURN_IF_ERROR(call.run(tx));
    RETURN_IF_ERROR(RunHook(ctx, tx));
    if (!call.serialize || !claim.store_answer) return StoreAnswer(tx, key, claim, nullptr);
    const std::string answer = call.serialize();
    return StoreAnswer(tx, key, claim, &answer);
  });
  RETURN_IF_ERROR(status);
  ctx.replayed = replayed;
  if (replayed) replays_.fetch_add(1, std::memory_order_relaxed);
  ctx.claim.reset();
  return absl::OkStatus();
}

absl::Status SqliteDatabase::DoRead(base::OpContext& ctx, const std::function<absl::Status(Tx&)>& run,
                                    ReadFrom /*from*/) {
  if (ctx.in_transaction || writer_.OnWriterThread()) return Nested();
  RETURN_IF_ERROR(ctx.Check());
  ASSIGN_OR_RETURN(SqliteReaders::Lease reader, readers_.Acquire(ctx));
  reads_.fetch_add(1, std::memory_order_relaxed);
  reader->WatchDeadline(&ctx);
  absl::Status status = reader->Control("BEGIN");
  if (status.ok()) {
    SqliteTx tx(*reader, ctx, nullptr);
    const InTransaction mark(ctx);
    status = run(tx);
  }
  reader->WatchDeadline(nullptr);
  if (!reader->autocommit()) (void)reader->Control("ROLLBACK");
  if (absl::IsCancelled(status)) {
    if (absl::Status late = ctx.Check(); !late.ok()) return late;
  }
  return status;
}

absl::Status SqliteDatabase::MigrateComponent(std::string_view component, const std::vector<Migration>& migrations) {
  return writer_.RunExclusive([&](SqliteConnection& connection) -> absl::Status {
    RETURN_IF_ERROR(connection.Script(std::string(kMigrationsTable)));
    return RunMigrations(connection, component, migrations);
  });
}

absl::Status SqliteDatabase::RunMigrations(SqliteConnection& connection, std::string_view component,
                                           const std::vector<Migration>& migrations) {
  base::OpContext ctx(clock_, base::OpContext::Deadline::max());
  RETURN_IF_ERROR(connection.Control("BEGIN"));
  SqliteTx tx(connection, ctx, nullptr);
  const absl::StatusOr<std::vector<AppliedMigration>> applied = ReadApplied(tx, component);
  (void)connection.Control("ROLLBACK");
  RETURN_IF_ERROR(applied.status());
  ASSIGN_OR_RETURN(const std::vector<const Migration*> plan, PlanMigrations(component, *applied, migrations));
  if (!plan.empty() && had_data_) {
    RETURN_IF_ERROR(BackupBeforeMigrate(connection.handle(), options_, component, plan.front()->version));
    had_data_ = false;
  }
  for (const Migration* migration : plan) RETURN_IF_ERROR(RunOne(connection, component, *migration));
  return absl::OkStatus();
}

absl::Status SqliteDatabase::RunOne(SqliteConnection& connection, std::string_view component,
                                    const Migration& migration) {
  base::OpContext ctx(clock_, base::OpContext::Deadline::max());
  RETURN_IF_ERROR(connection.Control("BEGIN IMMEDIATE"));
  SqliteTx tx(connection, ctx, nullptr);
  absl::Status status = connection.Script(migration.sql);
  if (status.ok()) status = RecordApplied(tx, component, migration);
  if (status.ok()) status = connection.Control("COMMIT");
  if (!connection.autocommit()) (void)connection.Control("ROLLBACK");
  if (!status.ok() && options_.log) {
    options_.log("migration " + std::to_string(migration.version) + " of " + std::string(component) +
                 " failed: " + std::string(status.message()));
  }
  return status;
}

DatabaseStats SqliteDatabase::stats() const {
  const WriterCounters& counters = writer_.counters();
  DatabaseStats stats;
  stats.transactions = counters.transactions.load(std::memory_order_relaxed);
  stats.commits = counters.commits.load(std::memory_order_relaxed);
  stats.failures = counters.failures.load(std::memory_order_relaxed);
  stats.group_reruns = counters.group_reruns.load(std::memory_order_relaxed);
  stats.checkpoints = counters.checkpoints.load(std::memory_order_relaxed);
  stats.reads = reads_.load(std::memory_order_relaxed);
  stats.replays = replays_.load(std::memory_order_relaxed);
  stats.queue_depth = writer_.queue_depth();
  return stats;
}

// Memory statistics take a lock that all connections of the process share; nobody reads them.
void ConfigureLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

absl::StatusOr<bool> HasTables(SqliteConnection& connection) {
  RETURN_IF_ERROR(connection.Control("BEGIN"));
  bool found = false;
  const absl::Status status = connection.Query("SELECT 1 FROM sqlite_master LIMIT 1", nullptr, 0, [&](const Row&) {
    found = true;
    return absl::OkStatus();
  });
  (void)connection.Control("ROLLBACK");
  RETURN_IF_ERROR(status);
  return found;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const SqliteOptions& options, const base::Clock& clock) {
  ConfigureLibrary();
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteConnection> writer,
                   SqliteConnection::Open(options, SqliteConnection::Role::kWriter));
  ASSIGN_OR_RETURN(const bool had_data, HasTables(*writer));
  if (!had_data) {
    // SQLite syncs the folder for the log it makes there, not for the file itself.
    const std::string folder = std::filesystem::absolute(options.path).parent_path().string();
    RETURN_IF_ERROR(SystemFileOps().SyncFolder(folder));
  }
  auto database = std::make_unique<SqliteDatabase>(options, clock, std::move(writer), had_data);
  RETURN_IF_ERROR(database->MigrateComponent("db", IdempotencyMigrations(Engine::kSqlite)));
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace dinh::db

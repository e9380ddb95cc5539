#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/db/errors.h"
#include "libs/db/idempotency.h"
#include "libs/db/in_transaction.h"
#include "libs/db/postgres.h"
#include "libs/db/postgres_migrator.h"
#include "libs/db/postgres_outcome.h"
#include "libs/db/postgres_pool.h"

namespace dinh::db {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr base::Micros kSweepInterval = 60 * base::kMicrosPerSecond;
// Before a closure runs again: doubled from the first up to the second, each time anywhere between half and all of it.
constexpr std::chrono::microseconds kPauseMin{1'000};
constexpr std::chrono::microseconds kPauseMax{100'000};
constexpr std::chrono::milliseconds kReconnectPause{50};
// A replica that does not answer is left alone for so long.
constexpr std::chrono::milliseconds kReplicaPause{5'000};

absl::Status Nested() { return base::Internal("Transact or Read inside a transaction's closure"); }

// Spreads numbers that are close to each other.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

// The threads inside a transaction's closure. Thread-safe.
class BusyThreads {
 public:
  class Mark {
   public:
    explicit Mark(BusyThreads& owner) : owner_(owner) {
      std::lock_guard lock(owner_.mutex_);
      owner_.threads_.insert(std::this_thread::get_id());
    }
    ~Mark() {
      std::lock_guard lock(owner_.mutex_);
      owner_.threads_.erase(std::this_thread::get_id());
    }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;

   private:
    BusyThreads& owner_;
  };
  bool Has(std::thread::id thread) const {
    std::lock_guard lock(mutex_);
    return threads_.contains(thread);
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::thread::id> threads_;
};

class PostgresDatabase final : public Database {
 public:
  PostgresDatabase(const PostgresOptions& options, const base::Clock& clock)
      : options_(options),
        clock_(clock),
        next_sweep_(clock.Now() + kSweepInterval),
        primary_(options_, PostgresTarget::kPrimary),
        replica_(options_, PostgresTarget::kReplica) {}
  ~PostgresDatabase() override { PostgresDatabase::Close(); }

  Engine engine() const override { return Engine::kPostgres; }
  absl::Status MigrateComponent(std::string_view component, const std::vector<Migration>& migrations) override {
    return MigratePostgres(options_, clock_, component, migrations);
  }
  DatabaseStats stats() const override;
  void Close() override {
    replica_.Close();
    primary_.Close();
  }
  absl::Status Warm() { return primary_.Warm(); }

 protected:
  absl::Status DoTransact(base::OpContext& ctx, TransactionCall& call) override;
  absl::Status DoRead(base::OpContext& ctx, const std::function<absl::Status(Tx&)>& run, ReadFrom from) override;

 private:
  // One operation's way through its attempts.
  struct Attempt {
    base::OpContext& ctx;
    TransactionCall& call;
    const base::IdempotencyClaim* claim;
    std::string claim_key;  // empty without a claim
    std::vector<std::function<void()>> after_commit;
    bool replayed = false;
    bool lock_held = false;  // by the connection in use
    bool had_lock = false;   // a connection that is lost may hold it for another moment
    std::optional<LostCommit> lost;

    bool WaitsForItself() const { return claim != nullptr && had_lock && !lock_held; }
  };

  bool InClosure(const base::OpContext& ctx) const {
    return ctx.in_transaction || busy_.Has(std::this_thread::get_id());
  }
  absl::Status RunUntilDone(Attempt& attempt);
  absl::Status RunOnce(PostgresConnection& connection, Attempt& attempt);
  absl::Status RunBody(Tx& tx, PostgresConnection& connection, Attempt& attempt);
  absl::Status Replay(Attempt& attempt, const std::string& stored);
  absl::StatusOr<std::optional<absl::Status>> Resolve(const Attempt& attempt);
  absl::Status Reconnect(PostgresPool::Lease& lease, const base::OpContext& ctx);
  void Pause(int attempt, const base::OpContext& ctx);
  absl::StatusOr<PostgresPool::Lease> AcquireForRead(const base::OpContext& ctx, ReadFrom from);
  absl::Status ReadOnce(PostgresConnection& connection, base::OpContext& ctx,
                        const std::function<absl::Status(Tx&)>& run);
  void SweepIfDue(PostgresConnection& connection);

  const PostgresOptions options_;
  const base::Clock& clock_;
  std::atomic<base::Micros> next_sweep_;
  BusyThreads busy_;
  std::atomic<uint64_t> pauses_{0};
  std::atomic<int64_t> transactions_{0}, failures_{0}, reads_{0}, replays_{0}, retries_{0}, outcomes_unknown_{0};
  std::atomic<int64_t> replica_again_at_{0};  // steady milliseconds; until then reads do not try it
  PostgresPool primary_;
  PostgresPool replica_;
};

absl::Status PostgresDatabase::DoTransact(base::OpContext& ctx, TransactionCall& call) {
  if (InClosure(ctx)) return Nested();
  ctx.replayed = false;
  RETURN_IF_ERROR(ctx.Check());
  Attempt attempt{.ctx = ctx, .call = call, .claim = ctx.claim.get()};
  if (attempt.claim != nullptr) attempt.claim_key = ClaimKey(*attempt.claim);
  absl::Status status = RunUntilDone(attempt);
  if (!status.ok()) {
    failures_.fetch_add(1, std::memory_order_relaxed);
    return status;
  }
  transactions_.fetch_add(1, std::memory_order_relaxed);
  if (attempt.replayed) replays_.fetch_add(1, std::memory_order_relaxed);
  ctx.replayed = attempt.replayed;
  ctx.claim.reset();
  for (const std::function<void()>& after : attempt.after_commit) after();
  return absl::OkStatus();
}

absl::Status PostgresDatabase::RunUntilDone(Attempt& attempt) {
  ASSIGN_OR_RETURN(PostgresPool::Lease lease, primary_.Acquire(attempt.ctx));
  absl::Status status;
  for (int tries = 1;; ++tries) {
    status = RunOnce(*lease, attempt);
    if (status.ok()) break;
    const PostgresConnection::Failure failure = lease->failure();
    if (attempt.lost) {
      lease.Release();
      ASSIGN_OR_RETURN(const std::optional<absl::Status> known, Resolve(attempt));
      if (known) return *known;
      // It did not happen: as good as never sent.
      ASSIGN_OR_RETURN(lease, primary_.Acquire(attempt.ctx));
    } else if (failure == PostgresConnection::Failure::kNone ? !attempt.WaitsForItself()
                                                             : failure == PostgresConnection::Failure::kStatement) {
      break;
    }
    if (tries >= options_.attempts_max || !attempt.ctx.Check().ok()) break;
    retries_.fetch_add(1, std::memory_order_relaxed);
    if (lease->usable()) {
      if (!attempt.lost) Pause(tries, attempt.ctx);
    } else {
      attempt.lock_held = false;
      if (!Reconnect(lease, attempt.ctx).ok()) return status;
    }
    attempt.lost.reset();
  }
  if (attempt.lock_held) lease->Unlock(/*wait=*/!status.ok());
  if (status.ok()) SweepIfDue(*lease);
  return status;
}

absl::Status PostgresDatabase::RunOnce(PostgresConnection& connection, Attempt& attempt) {
  attempt.after_commit.clear();
  connection.WatchDeadline(&attempt.ctx);
  if (attempt.claim != nullptr && !attempt.lock_held) {
    connection.TryLock(LockOf(attempt.claim_key));
  }
  connection.Begin(attempt.call.isolation == Isolation::kSerializable ? PostgresConnection::Mode::kSerializable
                                                                      : PostgresConnection::Mode::kReadCommitted);
  PostgresTx tx(connection, attempt.ctx, &attempt.after_commit);
  absl::Status status;
  {
    const InTransaction mark(attempt.ctx);
    const BusyThreads::Mark busy(busy_);
    status = RunBody(tx, connection, attempt);
  }
  attempt.lock_held = attempt.lock_held || connection.locked();
  attempt.had_lock = attempt.had_lock || attempt.lock_held;
  // A closure that swallowed a statement's error does not commit half of what it meant; what it made of an error that
  // passes is of no interest.
  const bool passes = connection.failure() == PostgresConnection::Failure::kAgain ||
                      connection.failure() == PostgresConnection::Failure::kLost;
  if ((status.ok() || passes) && !tx.failed().ok()) status = tx.failed();
  if (status.ok()) status = connection.Commit();
  if (connection.commit_unknown()) {
    attempt.lost = LostCommit{*connection.xid(), connection.history(), attempt.claim};
    attempt.lock_held = false;
  }
  connection.WatchDeadline(nullptr);
  connection.Rollback();
  return status;
}

absl::Status PostgresDatabase::RunBody(Tx& tx, PostgresConnection& connection, Attempt& attempt) {
  base::OpContext& ctx = attempt.ctx;
  const auto hook = [&] { return ctx.commit_hook != nullptr ? ctx.commit_hook->BeforeCommit(tx) : absl::OkStatus(); };
  if (attempt.claim == nullptr) {
    RETURN_IF_ERROR(attempt.call.run(tx));
    return hook();
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> stored, FindAnswer(tx, attempt.claim_key, *attempt.claim));
  if (stored) return Replay(attempt, *stored);
  // The answer is looked for even so: whoever held the lock a moment ago may be done.
  if (!attempt.lock_held && !connection.locked()) return RequestInFlight();
  RETURN_IF_ERROR(attempt.call.run(tx));
  RETURN_IF_ERROR(hook());
  if (!attempt.call.serialize || !attempt.claim->store_answer) {
    return StoreAnswer(tx, attempt.claim_key, *attempt.claim, nullptr);
  }
  const std::string answer = attempt.call.serialize();
  return StoreAnswer(tx, attempt.claim_key, *attempt.claim, &answer);
}

absl::Status PostgresDatabase::Replay(Attempt& attempt, const std::string& stored) {
  if (!attempt.call.parse) return RequestAlreadyDone();
  attempt.replayed = attempt.call.parse(stored);
  return attempt.replayed ? absl::OkStatus() : base::Internal("a stored answer does not parse");
}

// nullopt: the lost commit did not happen.
absl::StatusOr<std::optional<absl::Status>> PostgresDatabase::Resolve(const Attempt& attempt) {
  switch (FindOutcome(primary_, options_, *attempt.lost)) {
    case CommitOutcome::kCommitted:
      return std::optional<absl::Status>(absl::OkStatus());
    case CommitOutcome::kRolledBack:
      return std::optional<absl::Status>();
    case CommitOutcome::kUnknown:
      break;
  }
  outcomes_unknown_.fetch_add(1, std::memory_order_relaxed);
  if (options_.log) options_.log("outcome of a commit unknown, transaction " + attempt.lost->xid);
  return std::optional<absl::Status>(CommitOutcomeUnknown());
}

// For an operation that had a connection: waits for a server to come back.
absl::Status PostgresDatabase::Reconnect(PostgresPool::Lease& lease, const base::OpContext& ctx) {
  lease.Release();
  const auto limit = SteadyClock::now() + options_.reconnect_limit;
  while (true) {
    absl::StatusOr<PostgresPool::Lease> next = primary_.Acquire(ctx);
    if (next.ok()) {
      lease = *std::move(next);
      return absl::OkStatus();
    }
    if (!absl::IsUnavailable(next.status()) || SteadyClock::now() > limit) return next.status();
    RETURN_IF_ERROR(ctx.Check());
    std::this_thread::sleep_for(kReconnectPause);
  }
}

void PostgresDatabase::Pause(int attempt, const base::OpContext& ctx) {
  const auto full = std::min(kPauseMax, kPauseMin * (1 << std::min(attempt - 1, 10)));
  const uint64_t noise = Mix(pauses_.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15U +
                             static_cast<uint64_t>(SteadyClock::now().time_since_epoch().count()));
  const auto half = static_cast<uint64_t>(full.count()) / 2;
  const std::chrono::microseconds pause(half + noise % (half + 1));
  std::this_thread::sleep_for(std::min<std::chrono::microseconds>(pause, ctx.Remaining()));
}

absl::StatusOr<PostgresPool::Lease> PostgresDatabase::AcquireForRead(const base::OpContext& ctx, ReadFrom from) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now().time_since_epoch());
  if (from == ReadFrom::kReplica && !options_.replica_dsn.empty() && now.count() >= replica_again_at_) {
    absl::StatusOr<PostgresPool::Lease> lease = replica_.Acquire(ctx);
    if (lease.ok() || absl::IsDeadlineExceeded(lease.status()) || absl::IsCancelled(lease.status())) return lease;
    replica_again_at_ = (now + kReplicaPause).count();
  }
  return primary_.Acquire(ctx);
}

absl::Status PostgresDatabase::ReadOnce(PostgresConnection& connection, base::OpContext& ctx,
                                        const std::function<absl::Status(Tx&)>& run) {
  connection.WatchDeadline(&ctx);
  connection.Begin(PostgresConnection::Mode::kReadOnly);
  absl::Status status;
  {
    PostgresTx tx(connection, ctx, nullptr);
    const InTransaction mark(ctx);
    status = run(tx);
  }
  connection.EndRead();
  connection.WatchDeadline(nullptr);
  return status;
}

absl::Status PostgresDatabase::DoRead(base::OpContext& ctx, const std::function<absl::Status(Tx&)>& run,
                                      ReadFrom from) {
  if (InClosure(ctx)) return Nested();
  RETURN_IF_ERROR(ctx.Check());
  reads_.fetch_add(1, std::memory_order_relaxed);
  ASSIGN_OR_RETURN(PostgresPool::Lease lease, AcquireForRead(ctx, from));
  absl::Status status;
  for (int tries = 1;; ++tries) {
    status = ReadOnce(*lease, ctx, run);
    const PostgresConnection::Failure failure = lease->failure();
    // Once it has seen rows the closure has begun its work, and reads run once.
    if (status.ok() || lease->answers() > 0 || tries >= options_.attempts_max || !ctx.Check().ok()) return status;
    if (failure != PostgresConnection::Failure::kLost && failure != PostgresConnection::Failure::kAgain) return status;
    if (!lease->usable() && !Reconnect(lease, ctx).ok()) return status;
    retries_.fetch_add(1, std::memory_order_relaxed);
  }
}

// Removes some expired claims now and then, after an operation's own commit.
void PostgresDatabase::SweepIfDue(PostgresConnection& connection) {
  const base::Micros now = clock_.Now();
  base::Micros due = next_sweep_.load(std::memory_order_relaxed);
  if (now < due || !next_sweep_.compare_exchange_strong(due, now + kSweepInterval)) return;
  base::OpContext ctx(clock_, base::OpContext::Deadline::max());
  connection.Begin(PostgresConnection::Mode::kReadCommitted);
  PostgresTx tx(connection, ctx, nullptr);
  const absl::StatusOr<bool> more = SweepClaims(tx);
  const bool done = more.ok() && connection.Commit().ok();
  connection.Rollback();
  if (done && *more) next_sweep_.store(now, std::memory_order_relaxed);
}

DatabaseStats PostgresDatabase::stats() const {
  DatabaseStats stats;
  stats.transactions = stats.commits = transactions_.load(std::memory_order_relaxed);
  stats.failures = failures_.load(std::memory_order_relaxed);
  stats.reads = reads_.load(std::memory_order_relaxed);
  stats.replays = replays_.load(std::memory_order_relaxed);
  stats.retries = retries_.load(std::memory_order_relaxed);
  stats.outcomes_unknown = outcomes_unknown_.load(std::memory_order_relaxed);
  stats.queue_depth = primary_.waiting() + replica_.waiting();
  stats.connections = primary_.open() + replica_.open();
  stats.connects = primary_.connects() + replica_.connects();
  return stats;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenPostgres(const PostgresOptions& options, const base::Clock& clock) {
  RETURN_IF_ERROR(EnsurePostgresSchema(options));
  auto database = std::make_unique<PostgresDatabase>(options, clock);
  RETURN_IF_ERROR(database->MigrateComponent("db", IdempotencyMigrations(Engine::kPostgres)));
  RETURN_IF_ERROR(database->Warm());
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace dinh::db

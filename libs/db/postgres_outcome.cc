#include "libs/db/postgres_outcome.h"

#include <cstring>
#include <thread>

#include "libs/base/status.h"
#include "libs/db/idempotency.h"

namespace dinh::db {
namespace {

constexpr std::chrono::milliseconds kPause{50};

// The claim's row is ours alone, in every history. While the old session lives it holds the claim's lock.
std::optional<CommitOutcome> AskByClaim(PostgresConnection& connection, base::OpContext& ctx,
                                        const base::IdempotencyClaim& claim) {
  const std::string key = ClaimKey(claim);
  connection.TryLock(LockOf(key));
  connection.Begin(PostgresConnection::Mode::kReadOnly);
  PostgresTx tx(connection, ctx, nullptr);
  const auto found = tx.QueryOne("SELECT 1 FROM idempotency WHERE claim = $1 AND body_hash = $2",
                                 {BlobView{key}, BlobView{claim.body_hash}}, [](const Row& row) { return row.Int(0); });
  const bool old_session_gone = connection.locked();
  connection.EndRead();
  if (old_session_gone) connection.Unlock(/*wait=*/true);
  if (!found.ok()) return std::nullopt;
  if (found->has_value()) return CommitOutcome::kCommitted;
  return old_session_gone ? std::optional<CommitOutcome>(CommitOutcome::kRolledBack) : std::nullopt;
}

std::optional<CommitOutcome> AskById(PostgresConnection& connection, base::OpContext& ctx, const LostCommit& lost) {
  // In another history the id may be somebody else's.
  if (lost.history.empty() || connection.history() != lost.history) return CommitOutcome::kUnknown;
  connection.Begin(PostgresConnection::Mode::kReadOnly);
  PostgresTx tx(connection, ctx, nullptr);
  const auto status = tx.QueryOne("SELECT pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8))", {lost.xid},
                                  [](const Row& row) { return row.Text(0); });
  connection.EndRead();
  if (!status.ok() || !status->has_value()) return std::nullopt;
  if (**status == "committed") return CommitOutcome::kCommitted;
  if (**status == "aborted") return CommitOutcome::kRolledBack;
  return std::nullopt;  // in progress: the old session has not noticed yet that we are gone
}

}  // namespace

int64_t LockOf(std::string_view claim_key) {
  int64_t lock = 0;
  std::memcpy(&lock, claim_key.data(), sizeof lock);
  return lock;
}

CommitOutcome FindOutcome(PostgresPool& pool, const PostgresOptions& options, const LostCommit& lost) {
  // Real time: the outcome is waited for whatever the operation's own deadline says.
  const base::SystemClock real;
  const auto limit = real.Steady() + options.reconnect_limit;
  while (true) {
    base::OpContext ctx(real, limit);
    if (absl::StatusOr<PostgresPool::Lease> lease = pool.Acquire(ctx); lease.ok()) {
      const std::optional<CommitOutcome> outcome =
          lost.claim != nullptr ? AskByClaim(**lease, ctx, *lost.claim) : AskById(**lease, ctx, lost);
      if (outcome) return *outcome;
    }
    if (real.Steady() > limit) return CommitOutcome::kUnknown;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace dinh::db

// What became of a commit whose connection broke. Internal to libs/db.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/op_context.h"
#include "libs/db/postgres.h"
#include "libs/db/postgres_pool.h"

namespace dinh::db {

// The advisory lock of a claim, from its key.
int64_t LockOf(std::string_view claim_key);

struct LostCommit {
  std::string xid;
  std::string history;
  const base::IdempotencyClaim* claim = nullptr;  // null: none
};

enum class CommitOutcome {
  kCommitted,
  kRolledBack,
  kUnknown,  // no server came back in time, or the history is another one and there is no claim
};

// Asks the server, whichever is the primary by then, until it knows or options.reconnect_limit has passed.
CommitOutcome FindOutcome(PostgresPool& pool, const PostgresOptions& options, const LostCommit& lost);

}  // namespace dinh::db

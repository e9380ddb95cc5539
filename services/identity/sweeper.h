// Removes what nobody needs any more: used codes, counted attempts, logins that ended long ago.
//
// Thread-safe after Register.
#pragma once

#include "libs/db/database.h"
#include "libs/events/periodic.h"
#include "services/identity/limits.h"
#include "services/identity/store.h"

namespace dinh::identity {

class Sweeper {
 public:
  Sweeper(events::Jobs& jobs, db::Database& database, const Store& store)
      : database_(database),
        store_(store),
        rounds_(jobs, database,
                {.kind = "logins.sweep",
                 .every = kSweepPause,
                 .limit = kSweepMax,
                 .round = [this](base::OpContext& ctx, const events::Fence& fence) { return Sweep(ctx, fence); }}) {}

  // Init only.
  absl::Status Register() { return rounds_.Register(); }
  // Sees to it that a round is waiting.
  absl::Status Begin(base::OpContext& ctx) { return rounds_.Begin(ctx); }

 private:
  absl::Status Sweep(base::OpContext& ctx, const events::Fence& fence);

  db::Database& database_;
  const Store& store_;
  events::Periodic rounds_;
};

}  // namespace dinh::identity

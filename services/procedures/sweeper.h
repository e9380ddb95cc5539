// Removes what nobody needs any more: uploads that no dossier took or that nobody continued, and files that no row
// names (a process that died between writing a file and its row, or between removing a row and its file).
//
// Thread-safe after Register.
#pragma once

#include <chrono>
#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "libs/db/blob_store.h"
#include "libs/db/database.h"
#include "libs/events/periodic.h"
#include "services/procedures/limits.h"
#include "services/procedures/store.h"

namespace dinh::procedures {

// Files that no row names. A file is written before its row: it goes when no row named it in the round before either,
// so rounds must be further apart than a call may last. One thread at a time.
class StrayFiles {
 public:
  StrayFiles(db::Database& database, const Store& store, db::BlobStore& blobs)
      : database_(database), store_(store), blobs_(blobs) {}

  // One round. Returns how many files went.
  absl::StatusOr<int64_t> Sweep(base::OpContext& ctx);

 private:
  db::Database& database_;
  const Store& store_;
  db::BlobStore& blobs_;
  std::set<std::string> suspects_;  // of the last round
};

class Sweeper {
 public:
  // `every`: from round to round.
  Sweeper(events::Jobs& jobs, db::Database& database, const Store& store, db::BlobStore& blobs,
          std::chrono::seconds every)
      : database_(database),
        store_(store),
        blobs_(blobs),
        strays_(database, store, blobs),
        rounds_(jobs, database,
                {.kind = "files.sweep",
                 .every = every,
                 .limit = kSweepMax,
                 .round = [this](base::OpContext& ctx, const events::Fence& fence) { return Sweep(ctx, fence); }}) {}

  // Init only.
  absl::Status Register() { return rounds_.Register(); }
  // Sees to it that a round is waiting.
  absl::Status Begin(base::OpContext& ctx) { return rounds_.Begin(ctx); }

 private:
  absl::Status Sweep(base::OpContext& ctx, const events::Fence& fence);
  absl::Status SweepUploads(base::OpContext& ctx, const events::Fence& fence);

  db::Database& database_;
  const Store& store_;
  db::BlobStore& blobs_;
  std::mutex mutex_;   // one round at a time
  StrayFiles strays_;  // guarded by mutex_
  events::Periodic rounds_;
};

}  // namespace dinh::procedures

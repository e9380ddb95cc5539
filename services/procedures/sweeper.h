// Removes what nobody needs any more: uploads that no dossier took or that nobody continued, and files that no row
// names (a process that died between writing a file and its row, or between removing a row and its file). A job that
// enqueues its successor.
//
// Thread-safe after Register.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "libs/db/blob_store.h"
#include "libs/db/database.h"
#include "libs/events/jobs.h"
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
  Sweeper(events::Jobs& jobs, db::Database& database, const Store& store, db::BlobStore& blobs, base::Micros every)
      : jobs_(jobs),
        database_(database),
        store_(store),
        blobs_(blobs),
        every_(every),
        strays_(database, store, blobs) {}

  // Init only.
  absl::Status Register();
  // Sees to it that a round is waiting; one that waits already is enough.
  absl::Status Schedule(db::Tx& tx, base::Micros at);
  // One round. Returns how many files went.
  absl::StatusOr<int64_t> Sweep(base::OpContext& ctx);

 private:
  absl::StatusOr<int64_t> SweepUploads(base::OpContext& ctx);

  events::Jobs& jobs_;
  db::Database& database_;
  const Store& store_;
  db::BlobStore& blobs_;
  const base::Micros every_;
  std::mutex mutex_;   // one round at a time
  StrayFiles strays_;  // guarded by mutex_
};

}  // namespace dinh::procedures

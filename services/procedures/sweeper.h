// Removes uploads that nobody used: a job that enqueues its successor.
//
// Thread-safe after Register.
#pragma once

#include "absl/status/status.h"
#include "libs/db/blob_store.h"
#include "libs/db/database.h"
#include "libs/events/jobs.h"
#include "services/procedures/store.h"

namespace dinh::procedures {

class Sweeper {
 public:
  Sweeper(events::Jobs& jobs, db::Database& database, const Store& store, db::BlobStore& blobs)
      : jobs_(jobs), database_(database), store_(store), blobs_(blobs) {}

  // Init only.
  absl::Status Register();
  // Sees to it that a round is waiting; one that waits already is enough.
  absl::Status Schedule(db::Tx& tx, base::Micros at);
  // One round. Returns how many files went.
  absl::StatusOr<int64_t> Sweep(base::OpContext& ctx);

 private:
  events::Jobs& jobs_;
  db::Database& database_;
  const Store& store_;
  db::BlobStore& blobs_;
};

}  // namespace dinh::procedures

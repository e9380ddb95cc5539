// SQLite stores as they all were in one moment, read and copied by another process while theirs goes on writing
// (deploy/adr/0011).
//
// Open takes the write lock of every store, in the order given, begins a read transaction on each, and lets the locks
// go: between the first and the last snapshot no store can commit. Writers of the stores wait for that long, by their
// busy time-out. Nothing is written to the stores; while snapshots are open their logs grow, as no checkpoint passes an
// open read transaction.
//
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/op_context.h"
#include "libs/db/database.h"

namespace dinh::db {

struct SnapshotOptions {
  // One try: from the first write lock to the last. Far below the stores' busy time-out, so that no writer fails.
  std::chrono::milliseconds hold_max{250};
  // All tries together.
  std::chrono::milliseconds wait_max{30'000};
  std::function<void(std::string_view text)> log;  // causes of errors
};

class SqliteSnapshots {
 public:
  // `paths`: existing files. UNAVAILABLE reason STORAGE_BUSY when the locks could not be had together in `wait_max`,
  // STORAGE_UNAVAILABLE when a file cannot be opened or is no database.
  static absl::StatusOr<std::unique_ptr<SqliteSnapshots>> Open(const std::vector<std::string>& paths,
                                                               const SnapshotOptions& options);
  virtual ~SqliteSnapshots() = default;

  // How long writers were held in the try that went through, and how many tries there were.
  virtual std::chrono::microseconds held() const = 0;
  virtual int tries() const = 0;
  // `store`: index into `paths`. Reads the snapshot.
  virtual absl::Status Read(size_t store, base::OpContext& ctx, const std::function<absl::Status(Tx&)>& read) = 0;
  // The newest migration of each component.
  virtual absl::StatusOr<std::map<std::string, int64_t>> SchemaVersions(size_t store, base::OpContext& ctx) = 0;
  // Copies the snapshot to a new file, which an error leaves behind incomplete. UNAVAILABLE reason STORAGE_FULL or
  // STORAGE_UNAVAILABLE. The snapshot is let go when it is copied: no more calls for this store.
  virtual absl::Status Copy(size_t store, const std::string& target) = 0;
};

}  // namespace dinh::db

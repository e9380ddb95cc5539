// A folder of OpenDirBlobStore (blob_store.h) as another process sees it: what lies in it, and holding off removals
// while that is copied (deploy/adr/0011).
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::db {

// true: `folder` is one.
bool IsBlobFolder(const std::string& folder);
// Finished files as "<two digits>/<id>", in order. UNAVAILABLE.
absl::StatusOr<std::vector<std::string>> ListBlobFolder(const std::string& folder);

// Whoever removes a file takes part for that moment; whoever copies holds all of them off. Between processes and
// between threads; let go at the end of the scope or of the process.
class RemovalLock {
 public:
  enum class Kind { kRemove, kHoldOff };
  // Waits at most `wait_max`: UNAVAILABLE reason STORAGE_BUSY. STORAGE_UNAVAILABLE when the folder cannot be opened.
  static absl::StatusOr<RemovalLock> Take(const std::string& folder, Kind kind, std::chrono::milliseconds wait_max);
  ~RemovalLock();
  RemovalLock(RemovalLock&& other) noexcept;
  RemovalLock& operator=(RemovalLock&&) = delete;

 private:
  explicit RemovalLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace dinh::db

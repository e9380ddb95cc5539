// The file operations whose order decides what survives a power loss. Behind an interface, so that a test can record
// the order and make any of them fail.
//
// Errors: UNAVAILABLE reason STORAGE_UNAVAILABLE; NOT_FOUND reason FILE_ABSENT where a file to read is absent. Paths
// never stand in an error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::db {

// A file being written. Closed when destroyed.
class OutFile {
 public:
  virtual ~OutFile() = default;
  virtual absl::Status Write(std::string_view bytes) = 0;
  virtual absl::Status Sync() = 0;
  virtual absl::Status Close() = 0;
};

class InFile {
 public:
  virtual ~InFile() = default;
  // Up to `size` bytes into `out`; fewer only at the end of the file.
  virtual absl::StatusOr<size_t> Read(char* out, size_t size) = 0;
};

// Thread-safe.
class FileOps {
 public:
  virtual ~FileOps() = default;
  // New files only (O_EXCL), readable by the owner alone.
  virtual absl::StatusOr<std::unique_ptr<OutFile>> Create(const std::string& path) = 0;
  virtual absl::StatusOr<std::unique_ptr<InFile>> OpenRead(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // Absent is fine.
  virtual absl::Status Remove(const std::string& path) = 0;
  virtual absl::Status SyncFile(const std::string& path) = 0;
  virtual absl::Status SyncFolder(const std::string& path) = 0;
  // Existing is fine; parents must exist. 0700. true: it was made.
  virtual absl::StatusOr<bool> MakeFolder(const std::string& path) = 0;
  // Names of the regular files in a folder; none when it is absent.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& path) = 0;
};

// The system's own. Stateless.
FileOps& SystemFileOps();

}  // namespace dinh::db

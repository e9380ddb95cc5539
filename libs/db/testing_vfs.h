// For tests: an sqlite3_vfs around the system's that records syncs, injects faults, and knows what a power loss would
// leave. A kill -9 cannot show a missing sync (the page cache survives it); this can.
//
//   TestingVfs vfs("my_test");
//   options.vfs = vfs.name();
//   … transact …
//   EXPECT_TRUE(vfs.LogIsSynced());           // nothing written to the log after its last sync
//   vfs.WriteDurableImage(folder);            // open the copy: everything acknowledged must be there
//
// Thread-safe. Must outlive every connection opened through it. Names are unique within the process.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"

namespace dinh::db {

class TestingVfs {
 public:
  enum class Operation { kWrite, kSync, kTruncate };
  enum class File { kMain, kLog, kOther };
  struct Call {
    Operation operation;
    File file;
    int64_t offset;  // of a write; the new size of a truncate
    int64_t size;
  };
  // SQLITE_OK lets the call through; anything else (SQLITE_FULL, SQLITE_IOERR_FSYNC …) is returned instead of it.
  // Called under the VFS' lock.
  using Fault = std::function<int(const Call&)>;

  explicit TestingVfs(std::string name);
  ~TestingVfs();
  TestingVfs(const TestingVfs&) = delete;
  TestingVfs& operator=(const TestingVfs&) = delete;

  const std::string& name() const { return name_; }
  // Null heals.
  void SetFault(Fault fault);
  int64_t log_syncs() const;
  int64_t main_syncs() const;
  // Every byte written to a write-ahead log was synced since.
  bool LogIsSynced() const;
  // Each file as it was at its last sync, under its own name in `folder`.
  absl::Status WriteDurableImage(const std::string& folder) const;

 private:
  struct OpenFile;
  struct Methods;
  struct Disk {
    std::string synced;
    bool dirty = false;
    File kind = File::kOther;
  };

  int Ask(const Call& call);
  int Open(const char* path, sqlite3_file* file, int flags, int* out_flags);
  int Delete(const char* path, int sync_folder);

  const std::string name_;
  sqlite3_vfs* real_;
  std::unique_ptr<sqlite3_vfs> vfs_;
  mutable std::mutex mutex_;
  Fault fault_;
  int64_t log_syncs_ = 0;
  int64_t main_syncs_ = 0;
  std::map<std::string, Disk> disks_;  // by path
};

}  // namespace dinh::db

// The data folder of one installation: made at first start, held by one process at a time.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace dinh::standalone {

class DataDir {
 public:
  // Makes the folder (0700) when it is not there; takes the lock file. FAILED_PRECONDITION reason DATA_DIR_IN_USE when
  // another process has it, DATA_DIR_UNUSABLE when it cannot be made or written.
  static absl::StatusOr<std::unique_ptr<DataDir>> Lock(const std::string& path);
  ~DataDir();
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;

  const std::string& path() const { return path_; }
  std::string keys() const { return path_ + "/keys"; }
  std::string outbox() const { return path_ + "/outbox"; }
  // true when there are databases: then keys must be there too.
  bool HasData() const;
  // Where the servers listen, for scripts: <path>/addresses.json, removed at the end.
  absl::Status WriteAddresses(int http, int grpc, int metrics) const;

 private:
  DataDir(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  std::string path_;
  int lock_fd_;
};

}  // namespace dinh::standalone

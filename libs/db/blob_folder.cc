#include "libs/db/blob_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/blob_seal.h"
#include "libs/db/blob_store.h"
#include "libs/db/errors.h"
#include "libs/db/files.h"

namespace dinh::db {
namespace {
constexpr std::chrono::milliseconds kLockPoll{2};
}  // namespace

bool IsBlobFolder(const std::string& folder) {
  std::error_code error;
  return std::filesystem::is_directory(folder + "/" + std::string(kUnfinishedFolder), error);
}

absl::StatusOr<std::vector<std::string>> ListBlobFolder(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator shelf(folder, error);
  for (; !error && shelf != std::filesystem::directory_iterator(); shelf.increment(error)) {
    const std::string digits = shelf->path().filename().string();
    if (digits == kUnfinishedFolder || !shelf->is_directory()) continue;
    ASSIGN_OR_RETURN(const std::vector<std::string> ids, SystemFileOps().List(shelf->path().string()));
    for (const std::string& id : ids) {
      if (IsBlobId(id) && id.starts_with(digits)) names.push_back(digits + "/" + id);
    }
  }
  if (error) return StorageUnavailable();
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<RemovalLock> RemovalLock::Take(const std::string& folder, Kind kind,
                                              std::chrono::milliseconds wait_max) {
  // The folder itself is what is locked: no file more lies in it. A descriptor of its own each time, because such a
  // lock belongs to the descriptor.
  RemovalLock lock(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.fd_ < 0) return StorageUnavailable();
  const auto until = std::chrono::steady_clock::now() + wait_max;
  while (flock(lock.fd_, (kind == Kind::kRemove ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return StorageUnavailable();
    if (std::chrono::steady_clock::now() >= until) return StorageBusy();
    std::this_thread::sleep_for(kLockPoll);
  }
  return lock;
}

RemovalLock::~RemovalLock() {
  if (fd_ >= 0) close(fd_);
}

RemovalLock::RemovalLock(RemovalLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace dinh::db

// Files of a backup: copied with their checksum, put in place as a whole folder or not at all.
//
// Errors: those of errors.h. Thread-safe but for NewFolder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::standalone {

struct FileSum {
  int64_t size = 0;    // bytes
  std::string sha256;  // hexadecimal
};

// To a new file, 0600, whose folders are made (0700); not synced. FILE_ABSENT when `from` is not there.
absl::StatusOr<FileSum> CopyFile(const std::string& from, const std::string& to);
absl::StatusOr<FileSum> SumFile(const std::string& path);
// A new file, synced.
absl::Status WriteNewFile(const std::string& path, std::string_view bytes);
// The whole content. Files above `size_max` bytes are CANNOT_READ.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, int64_t size_max);

// A folder under construction beside its place: there under its name when finished, gone when not.
class NewFolder {
 public:
  // TARGET_NOT_EMPTY when `place` is anything but absent or an empty folder; CANNOT_WRITE.
  static absl::StatusOr<std::unique_ptr<NewFolder>> Begin(const std::string& place);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }
  // Everything in it is on the disk.
  absl::Status Sync() const;
  // Sync, then the rename.
  absl::Status Finish();

 private:
  NewFolder(std::string place, std::string path) : place_(std::move(place)), path_(std::move(path)) {}
  const std::string place_, path_;
  bool finished_ = false;
};

}  // namespace dinh::standalone

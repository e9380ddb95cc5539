#include "libs/db/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "libs/base/status.h"
#include "libs/db/errors.h"

namespace dinh::db {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

class SystemOutFile final : public OutFile {
 public:
  explicit SystemOutFile(int fd) : fd_(fd) {}
  absl::Status Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_.get(), bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return StorageUnavailable();
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return absl::OkStatus();
  }
  absl::Status Sync() override { return ::fdatasync(fd_.get()) == 0 ? absl::OkStatus() : StorageUnavailable(); }
  absl::Status Close() override { return ::close(fd_.Release()) == 0 ? absl::OkStatus() : StorageUnavailable(); }

 private:
  Descriptor fd_;
};

class SystemInFile final : public InFile {
 public:
  explicit SystemInFile(int fd) : fd_(fd) {}
  absl::StatusOr<size_t> Read(char* out, size_t size) override {
    size_t total = 0;
    while (total < size) {
      const ssize_t got = ::read(fd_.get(), out + total, size - total);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return StorageUnavailable();
      if (got == 0) break;
      total += static_cast<size_t>(got);
    }
    return total;
  }

 private:
  Descriptor fd_;
};

absl::Status SyncPath(const std::string& path, int flags) {
  const Descriptor fd(::open(path.c_str(), flags | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return StorageUnavailable();
  return absl::OkStatus();
}

class SystemFiles final : public FileOps {
 public:
  absl::StatusOr<std::unique_ptr<OutFile>> Create(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return StorageUnavailable();
    return std::make_unique<SystemOutFile>(fd);
  }
  absl::StatusOr<std::unique_ptr<InFile>> OpenRead(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
      return base::NotFound("FILE_ABSENT", {"Tệp không còn trong kho. Hãy báo nơi hỗ trợ.",
                                            "The file is not in the store. Tell support."});
    }
    if (fd < 0) return StorageUnavailable();
    return std::make_unique<SystemInFile>(fd);
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? absl::OkStatus() : StorageUnavailable();
  }
  absl::Status Remove(const std::string& path) override {
    return ::unlink(path.c_str()) == 0 || errno == ENOENT ? absl::OkStatus() : StorageUnavailable();
  }
  absl::Status SyncFile(const std::string& path) override { return SyncPath(path, O_RDONLY); }
  absl::Status SyncFolder(const std::string& path) override { return SyncPath(path, O_RDONLY | O_DIRECTORY); }
  absl::StatusOr<bool> MakeFolder(const std::string& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return true;
    if (errno == EEXIST) return false;
    return StorageUnavailable();
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& path) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
    std::vector<std::string> names;
    if (folder == nullptr && errno == ENOENT) return names;
    if (folder == nullptr) return StorageUnavailable();
    while (const dirent* entry = ::readdir(folder.get())) {
      if (entry->d_type == DT_REG) names.emplace_back(entry->d_name);
    }
    return names;
  }
};

}  // namespace

FileOps& SystemFileOps() {
  static SystemFiles files;
  return files;
}

}  // namespace dinh::db

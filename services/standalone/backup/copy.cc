#include "services/standalone/backup/copy.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/standalone/backup/errors.h"

namespace dinh::standalone {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status WriteAll(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return CannotWrite(path, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Reads to the end; `to` < 0: nothing is written.
absl::StatusOr<FileSum> Pump(int from, const std::string& from_path, int to, const std::string& to_path) {
  FileSum sum;
  crypto_hash_sha256_state hash;
  crypto_hash_sha256_init(&hash);
  std::string buffer(kBufferBytes, '\0');
  while (true) {
    const ssize_t got = read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(from_path, errno);
    if (got == 0) break;
    crypto_hash_sha256_update(&hash, reinterpret_cast<const unsigned char*>(buffer.data()), static_cast<size_t>(got));
    if (to >= 0) RETURN_IF_ERROR(WriteAll(to, to_path, std::string_view(buffer).substr(0, static_cast<size_t>(got))));
    sum.size += got;
  }
  std::string digest(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256_final(&hash, reinterpret_cast<unsigned char*>(digest.data()));
  sum.sha256 = base::HexEncode(digest);
  return sum;
}

absl::Status MakeParents(const std::string& path) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  std::filesystem::create_directories(parent, error);
  return error ? CannotWrite(parent.string(), error.value()) : absl::OkStatus();
}

absl::Status SyncFolder(const std::string& path) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return CannotWrite(path, errno);
  return absl::OkStatus();
}

int OpenNew(const std::string& path) { return open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); }

}  // namespace

absl::StatusOr<FileSum> CopyFile(const std::string& from, const std::string& to) {
  const Descriptor in(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) return errno == ENOENT ? FileAbsent(from) : CannotRead(from, errno);
  RETURN_IF_ERROR(MakeParents(to));
  const Descriptor out(OpenNew(to));
  if (out.get() < 0) return CannotWrite(to, errno);
  return Pump(in.get(), from, out.get(), to);
}

absl::StatusOr<FileSum> SumFile(const std::string& path) {
  const Descriptor in(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) return errno == ENOENT ? FileAbsent(path) : CannotRead(path, errno);
  return Pump(in.get(), path, -1, "");
}

absl::Status WriteNewFile(const std::string& path, std::string_view bytes) {
  const Descriptor out(OpenNew(path));
  if (out.get() < 0) return CannotWrite(path, errno);
  RETURN_IF_ERROR(WriteAll(out.get(), path, bytes));
  return fsync(out.get()) == 0 ? absl::OkStatus() : CannotWrite(path, errno);
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, int64_t size_max) {
  const Descriptor in(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (in.get() < 0) return errno == ENOENT ? FileAbsent(path) : CannotRead(path, errno);
  struct stat about {};
  if (fstat(in.get(), &about) != 0) return CannotRead(path, errno);
  if (about.st_size > size_max) return CannotRead(path, EFBIG);
  std::string bytes(static_cast<size_t>(about.st_size), '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = read(in.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(path, errno);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

absl::StatusOr<std::unique_ptr<NewFolder>> NewFolder::Begin(const std::string& place) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(place, error).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();  // "x/" is x
  const bool there = std::filesystem::exists(std::filesystem::symlink_status(absolute, error));
  if (there && !(std::filesystem::is_directory(absolute, error) && std::filesystem::is_empty(absolute, error))) {
    return TargetNotEmpty(place);
  }
  RETURN_IF_ERROR(MakeParents(absolute.string()));
  std::string path = absolute.string() + ".unfinished-XXXXXX";
  if (mkdtemp(path.data()) == nullptr) return CannotWrite(path, errno);
  return std::unique_ptr<NewFolder>(new NewFolder(absolute.string(), path));
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!finished_) std::filesystem::remove_all(path_, ignored);
}

absl::Status NewFolder::Sync() const {
  // One call for thousands of files, and it tells of every write that failed behind our back.
  const Descriptor fd(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || syncfs(fd.get()) != 0) return CannotWrite(path_, errno);
  return absl::OkStatus();
}

absl::Status NewFolder::Finish() {
  RETURN_IF_ERROR(Sync());
  // Over an empty folder this replaces it; anything that came there meanwhile stays.
  if (std::rename(path_.c_str(), place_.c_str()) != 0) {
    return errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ? TargetNotEmpty(place_)
                                                                     : CannotWrite(place_, errno);
  }
  finished_ = true;
  return SyncFolder(std::filesystem::path(place_).parent_path().string());
}

}  // namespace dinh::standalone

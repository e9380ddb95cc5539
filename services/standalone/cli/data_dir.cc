#include "services/standalone/cli/data_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "libs/base/status.h"
#include "nlohmann/json.hpp"

namespace dinh::standalone {
namespace {

absl::Status Unusable(const std::string& path) {
  return base::FailedPrecondition("DATA_DIR_UNUSABLE",
                                  {"Không dùng được thư mục dữ liệu " + path + ". Hãy kiểm tra quyền ghi.",
                                   "The data folder " + path + " cannot be used. Check that it may be written."});
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataDir>> DataDir::Lock(const std::string& path) {
  umask(077);
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Unusable(path);
  const std::string absolute = std::filesystem::canonical(path, error).string();
  if (error) return Unusable(path);
  const int fd = open((absolute + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Unusable(path);
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return base::FailedPrecondition(
        "DATA_DIR_IN_USE", {"Thư mục dữ liệu " + path + " đang do một tiến trình khác dùng. Hãy dừng nó trước.",
                            "The data folder " + path + " is in use by another process. Stop that one first."});
  }
  return std::unique_ptr<DataDir>(new DataDir(absolute, fd));
}

DataDir::~DataDir() {
  std::error_code ignored;
  std::filesystem::remove(path_ + "/addresses.json", ignored);
  close(lock_fd_);
}

bool DataDir::HasData() const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_ + "/db", error)) {
    if (entry.path().extension() == ".sqlite") return true;
  }
  return false;
}

absl::Status DataDir::WriteAddresses(int http, int grpc, int metrics) const {
  const std::string path = path_ + "/addresses.json";
  {
    std::ofstream out(path + ".new");
    out << nlohmann::json{{"http", http}, {"grpc", grpc}, {"metrics", metrics}, {"pid", getpid()}}.dump() << "\n";
    if (!out) return Unusable(path_);
  }
  std::error_code error;
  std::filesystem::rename(path + ".new", path, error);
  return error ? Unusable(path_) : absl::OkStatus();
}

}  // namespace dinh::standalone

#include "libs/db/backup.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/errors.h"
#include "libs/db/files.h"

namespace dinh::db {
namespace {

constexpr std::string_view kUnfinished = ".tmp";

// Whatever fails here leaves a copy too many, which hurts nobody.
void RemoveOldCopies(const std::filesystem::path& database, FileOps& files) {
  const std::string prefix = database.filename().string() + ".before-";
  std::vector<std::pair<std::filesystem::file_time_type, std::string>> copies;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(database.parent_path(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && !name.ends_with(kUnfinished)) {
      copies.emplace_back(entry.last_write_time(error), entry.path().string());
    }
  }
  std::sort(copies.rbegin(), copies.rend());
  for (size_t i = kBackupsKept; i < copies.size(); ++i) (void)files.Remove(copies[i].second);
}

}  // namespace

absl::Status CopyDatabase(sqlite3* source, const std::string& target, const SqliteOptions& options) {
  sqlite3* copy = nullptr;
  int code = sqlite3_open_v2(target.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (code == SQLITE_OK) {
    sqlite3_backup* backup = sqlite3_backup_init(copy, "main", source, "main");
    if (backup != nullptr) sqlite3_backup_step(backup, -1);
    code = backup != nullptr ? sqlite3_backup_finish(backup) : sqlite3_errcode(copy);
  }
  const std::string cause = code == SQLITE_OK ? "" : sqlite3_errmsg(copy);
  sqlite3_close(copy);
  if (code == SQLITE_OK) return absl::OkStatus();
  if (options.log) options.log("copy of a database failed: " + cause);
  return (code & 0xff) == SQLITE_FULL ? StorageFull() : StorageUnavailable();
}

absl::Status BackupBeforeMigrate(sqlite3* source, const SqliteOptions& options, std::string_view component,
                                 int first_version) {
  const std::string target = options.path + ".before-" + std::string(component) + "-" + std::to_string(first_version);
  std::error_code ignored;
  if (std::filesystem::exists(target, ignored)) return absl::OkStatus();
  // Under its final name only when complete, so that a name that exists is a copy that is whole.
  const std::string unfinished = target + std::string(kUnfinished);
  FileOps& files = SystemFileOps();
  (void)files.Remove(unfinished);
  RETURN_IF_ERROR(CopyDatabase(source, unfinished, options));
  RETURN_IF_ERROR(files.SyncFile(unfinished));
  RETURN_IF_ERROR(files.Rename(unfinished, target));
  RETURN_IF_ERROR(files.SyncFolder(std::filesystem::absolute(target).parent_path().string()));
  RemoveOldCopies(std::filesystem::absolute(options.path), files);
  return absl::OkStatus();
}

}  // namespace dinh::db

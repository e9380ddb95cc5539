#include "services/standalone/backup/errors.h"

#include <cerrno>
#include <system_error>

#include "libs/base/status.h"

namespace dinh::standalone {
namespace {

absl::Status Usage(std::string_view reason, const base::Text& text) {
  return base::Error(absl::StatusCode::kInvalidArgument, reason, text);
}
std::string Cause(int error) { return std::generic_category().message(error); }

}  // namespace

absl::Status BackupOfPostgres() {
  return Usage(
      "DATA_IN_POSTGRESQL",
      {"Dữ liệu nằm trong PostgreSQL (db.dsn): hãy sao lưu bằng pg_dump hoặc lưu trữ WAL, xem deploy/backup.md.",
       "The data is in PostgreSQL (db.dsn): back it up with pg_dump or WAL archiving, see deploy/backup.md."});
}

absl::Status NothingToBackUp(const std::string& data_dir) {
  return base::FailedPrecondition(
      "NO_DATA", {"Không có dữ liệu trong " + data_dir + ".", "There is no data in " + data_dir + "."});
}

absl::Status TargetNotEmpty(const std::string& path) {
  return base::FailedPrecondition("TARGET_NOT_EMPTY",
                                  {path + " đã có. Hãy chọn một thư mục chưa có hoặc còn trống.",
                                   path + " is there already. Choose a folder that is new or empty."});
}

absl::Status TargetInUse(const std::string& path) {
  return base::FailedPrecondition("DATA_DIR_IN_USE",
                                  {"Một tiến trình đang dùng " + path + ". Hãy khôi phục vào thư mục mới.",
                                   path + " is in use by a process. Restore into a new folder."});
}

absl::Status BackupAbsent(const std::string& path) {
  return Usage("BACKUP_ABSENT",
               {"Không thấy bản sao lưu ở " + path + ": không có manifest.json (chưa sao lưu xong thì cũng không có).",
                "There is no backup at " + path + ": no manifest.json (an unfinished backup has none either)."});
}

absl::Status BackupDamaged(const std::string& file) {
  return base::Error(absl::StatusCode::kDataLoss, "BACKUP_DAMAGED",
                     {"Bản sao lưu hỏng: " + file + " thiếu hoặc đã khác đi. Không khôi phục gì cả.",
                      "The backup is damaged: " + file + " is missing or changed. Nothing was restored."});
}

absl::Status BackupTooNew() {
  return Usage("BACKUP_TOO_NEW", {"Bản sao lưu do một phiên bản mới hơn làm ra. Hãy dùng dinh của phiên bản đó.",
                                  "The backup was made by a newer version. Use that version's dinh."});
}

absl::Status RestoreNeedsKeys() {
  return Usage("KEYS_NEEDED",
               {"Bản sao lưu không có khóa. Hãy đưa thư mục keys hoặc tệp của dinh keys export bằng --keys.",
                "The backup has no keys. Give the keys folder or the file of dinh keys export with --keys."});
}

absl::Status RestoreKeysWrong(const std::string& missing) {
  return Usage("KEYS_WRONG", {"Đây không phải khóa của bản sao lưu này: thiếu " + missing + ".",
                              "These are not this backup's keys: " + missing + " is missing."});
}

absl::Status FileAbsent(const std::string& path) {
  return base::NotFound("FILE_ABSENT", {"Không có tệp " + path + ".", "There is no file " + path + "."});
}

absl::Status CannotRead(const std::string& path, int error) {
  return base::Unavailable("CANNOT_READ", {"Không đọc được " + path + ": " + Cause(error) + ".",
                                           path + " cannot be read: " + Cause(error) + "."});
}

absl::Status CannotWrite(const std::string& path, int error) {
  if (error == ENOSPC || error == EDQUOT) {
    return base::Unavailable("STORAGE_FULL", {"Hết chỗ trên đĩa khi ghi " + path + ". Không để lại gì dở dang.",
                                              "The disk is full, writing " + path + ". Nothing unfinished is left."});
  }
  return base::Unavailable("CANNOT_WRITE", {"Không ghi được " + path + ": " + Cause(error) + ".",
                                            path + " cannot be written: " + Cause(error) + "."});
}

}  // namespace dinh::standalone

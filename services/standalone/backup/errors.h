// The errors of backup and restore, named once; for the person at the terminal, so that paths may stand in them.
// DATA_LOSS: the backup is not what it was. INVALID_ARGUMENT: the call has to be another one. Else: not now.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace dinh::standalone {

absl::Status BackupOfPostgres();                               // INVALID_ARGUMENT, DATA_IN_POSTGRESQL
absl::Status NothingToBackUp(const std::string& data_dir);     // FAILED_PRECONDITION, NO_DATA
absl::Status TargetNotEmpty(const std::string& path);          // FAILED_PRECONDITION, TARGET_NOT_EMPTY
absl::Status TargetInUse(const std::string& path);             // FAILED_PRECONDITION, DATA_DIR_IN_USE
absl::Status BackupAbsent(const std::string& path);            // INVALID_ARGUMENT, BACKUP_ABSENT
absl::Status BackupDamaged(const std::string& file);           // DATA_LOSS, BACKUP_DAMAGED
absl::Status BackupTooNew();                                   // INVALID_ARGUMENT, BACKUP_TOO_NEW
absl::Status RestoreNeedsKeys();                               // INVALID_ARGUMENT, KEYS_NEEDED
absl::Status RestoreKeysWrong(const std::string& missing);     // INVALID_ARGUMENT, KEYS_WRONG
absl::Status FileAbsent(const std::string& path);              // NOT_FOUND, FILE_ABSENT
absl::Status CannotRead(const std::string& path, int error);   // UNAVAILABLE, CANNOT_READ; `error`: errno
absl::Status CannotWrite(const std::string& path, int error);  // UNAVAILABLE, CANNOT_WRITE or STORAGE_FULL

}  // namespace dinh::standalone

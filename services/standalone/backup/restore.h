// `dinh restore`: a data folder from a backup (backup.h): checked whole before it stands there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/auth/audit_chain.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"

namespace dinh::standalone {

struct RestoreOptions {
  std::string from;      // a folder that MakeBackup made
  std::string data_dir;  // absent or an empty folder
  std::string keys;      // a keys folder or an exported file; empty: the backup's own export
  // Asked for when the keys are an export.
  std::function<absl::StatusOr<std::string>()> passphrase;
  // Of the folder before it is put in place, with the heads that the backup noted; an error ends the restore.
  std::function<absl::Status(const std::string& data_dir, const std::vector<auth::AuditHead>& heads)> verify;
};

struct RestoreReport {
  base::Micros at = 0;  // the moment that was restored
  int64_t files = 0;
  int64_t bytes = 0;
};

// Either the whole data folder stands at `data_dir` or nothing does. Errors: errors.h, KeyRing's, those of `verify`.
absl::StatusOr<RestoreReport> RestoreBackup(const RestoreOptions& options, const base::Clock& clock,
                                            base::Random& random);

}  // namespace dinh::standalone

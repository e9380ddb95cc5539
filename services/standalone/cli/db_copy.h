// Moves a whole installation into PostgreSQL: every service's rows and files, then verifies the copy.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace dinh::standalone {

struct CopyPlan {
  std::string from;         // a data folder, or PostgreSQL as libpq writes it
  std::string from_prefix;  // of the schemas' names, where `from` is PostgreSQL
  std::string to;           // PostgreSQL
  std::string to_prefix;
  std::string keys_dir;  // data folder whose keys/ belong to the data; empty: `from`
  std::string resource_dir;
};

// Prints what it does. false: the copy is there, but counts or verification found a difference, and it stays marked as
// unfinished. Errors: INVALID_ARGUMENT for a plan that makes no sense; FAILED_PRECONDITION reasons SOURCE_ABSENT,
// TARGET_IN_USE, DATA_DIR_IN_USE and those of libs/db/store_copy.h and postgres.h.
absl::StatusOr<bool> CopyInstallation(const CopyPlan& plan);

}  // namespace dinh::standalone

// `dinh backup`: a copy of a standalone installation as it was in one moment, made by a process of its own while the
// platform serves (deploy/adr/0011).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"

namespace dinh::standalone {

struct BackupOptions {
  std::string data_dir;
  std::string out;                            // a folder that is absent or empty
  std::optional<std::string> key_passphrase;  // set: keys.export is written too
  std::string version;                        // of the program
  std::function<void(std::string_view text)> log;
};

struct BackupReport {
  int64_t stores = 0;
  int64_t files = 0;                  // uploaded ones
  int64_t bytes = 0;                  // of everything
  std::chrono::microseconds held{0};  // how long writers of the platform were held
  int tries = 0;                      // until they could be held all at once
};

// Either the whole backup stands at `out` or nothing does. Errors: errors.h, KeyRing's, and UNAVAILABLE reason
// STORAGE_BUSY, STORAGE_FULL, STORAGE_UNAVAILABLE of the stores.
absl::StatusOr<BackupReport> MakeBackup(const BackupOptions& options, const base::Clock& clock, base::Random& random);

}  // namespace dinh::standalone

// What a backup says of itself: <backup>/manifest.json, written last, so that a folder with one is whole.
//
//   manifest.json
//   db/<store>.sqlite             every store, as all were in one moment
//   <service>/files/<2>/<id>      uploaded files, sealed as they lie in the data folder
//   keys.export                   with --with-keys only: `dinh keys export` of the same moment
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"

namespace dinh::standalone {

inline constexpr int kBackupFormat = 1;
inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kKeysFile = "keys.export";

struct BackupFile {
  std::string path;    // in the backup; the same as in the data folder
  int64_t size = 0;    // bytes
  std::string sha256;  // hexadecimal
};

struct BackupStore {
  std::string name;                       // "payments"
  std::map<std::string, int64_t> schema;  // component -> newest migration
  std::string audit_head;                 // the newest, as auth::FormatHead writes it; empty: nothing was chained yet
};

struct Manifest {
  int format = kBackupFormat;
  std::string version;              // of the program
  base::Micros at = 0;              // the moment of the snapshots
  std::vector<std::string> keys;    // "sealing/1a2b3c4d": which keys are needed, never the keys
  std::vector<BackupStore> stores;  // by name
  std::vector<BackupFile> files;    // by path, without the manifest
};

std::string ManifestJson(const Manifest& manifest);
// Errors: DATA_LOSS reason BACKUP_DAMAGED (also for paths that lead out of the backup); INVALID_ARGUMENT reason
// BACKUP_TOO_NEW.
absl::StatusOr<Manifest> ParseManifest(std::string_view json);

}  // namespace dinh::standalone

// The service's limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "libs/base/clock.h"
#include "libs/base/limits.h"

namespace dinh::procedures {

inline constexpr int32_t kPageSizeDefault = base::kPageSizeDefault;
inline constexpr int32_t kPageSizeMax = base::kPageSizeMax;

inline constexpr int64_t kUploadBytesMax = base::kUploadBytesMax;
inline constexpr int kUnusedFilesMax = 40;  // uploads of one login that no dossier has taken
inline constexpr base::Micros kUnusedFileKept = 48LL * 3600 * base::kMicrosPerSecond;
inline constexpr int kFilesPerDossierMax = 60;

// Uploads in pieces.
inline constexpr int kOpenUploadsMax = 10;                        // of one login
inline constexpr base::Micros kOpenUploadKept = kUnusedFileKept;  // since its last byte
inline constexpr int64_t kUploadPartBytes = int64_t{base::kMiB};  // made durable at once, and begun anew
inline constexpr int64_t kUploadPartsMax = 1024;                  // what the least speed makes of the largest file
inline constexpr std::chrono::seconds kUploadKeepMax{10};         // for making durable what a call has brought

inline constexpr size_t kExternalSystemMax = 40;  // characters of a system's name
inline constexpr size_t kExternalIdMax = 100;     // characters of an id there

inline constexpr size_t kTrackingTokenBytes = 32;  // 256 random bits: 43 characters
inline constexpr int kAgenciesPerOfficerMax = 8;   // whose inboxes one list can join
inline constexpr int kQrModulePx = 8;
inline constexpr int32_t kQrCacheSeconds = 24 * 3600;

// Clearing away.
inline constexpr size_t kOfficesBytes = 1 << 20;         // who receives what is filed for a unit, remembered
inline constexpr std::chrono::seconds kOfficeLasts{10};  // and for how long
inline constexpr int kSweepFilesMax = 200;               // unused uploads removed at a time
inline constexpr size_t kSweepPage = 500;                // files compared with rows at a time
inline constexpr size_t kSweepSuspectsMax = 10'000;      // files without a row remembered from round to round
inline constexpr base::Micros kSweepEvery = 3600LL * base::kMicrosPerSecond;
inline constexpr std::chrono::milliseconds kSweepMax{300'000};  // one round
// Cancelling looks for a charge that is perhaps still being opened: so often, then there is none.
inline constexpr int kCancelAttemptsMax = 6;

}  // namespace dinh::procedures

// The service's limits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libs/base/clock.h"
#include "libs/base/limits.h"

namespace dinh::feedback {

inline constexpr int32_t kPageSizeDefault = 20;
inline constexpr int32_t kPageSizeMax = 100;
inline constexpr int64_t kListScanMax = 2000;   // rows looked at for one page of an office's list
inline constexpr int64_t kListFirstLook = 128;  // at first

inline constexpr size_t kPhotosPerReportMax = 20;  // the reporter's and the office's together
inline constexpr int64_t kUnusedPhotosMax = 10;    // of one login or phone
inline constexpr size_t kUploadBytesMax = base::kUploadBytesMax;
inline constexpr int64_t kUploadBytesAtOnceMax = 160 * int64_t{base::kMiB};  // of all photo uploads in memory
inline constexpr size_t kPhotoBytesMax = 8 * base::kMiB;                     // of one stored JPEG
inline constexpr base::Micros kUnusedPhotoKept = 48 * int64_t{3600} * base::kMicrosPerSecond;
inline constexpr int kSweepPhotosMax = 200;

inline constexpr base::Micros kPhonePassLife = 30 * int64_t{60} * base::kMicrosPerSecond;
inline constexpr size_t kTrackingTokenBytes = 32;

// About one house or officer within that time: a moderator looks at it.
inline constexpr int kRepeatedTargetReports = 3;
inline constexpr base::Micros kRepeatedTargetWindow = 30 * int64_t{86400} * base::kMicrosPerSecond;

// A day, by one login or phone.
inline constexpr int64_t kRemovalsPerDayMax = 5;
inline constexpr int64_t kRepliesPerDayMax = 5;
inline constexpr int64_t kUpdatesPerDayMax = 50;

inline constexpr int kClockBatch = 200;  // reports the clock looks at in one round
inline constexpr int64_t kWatchHistoryMax = 1000;
inline constexpr int kNotifiedMax = 1000;  // people told of one change

}  // namespace dinh::feedback

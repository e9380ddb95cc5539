// Limits of photo intake, known to the server and to the worker program.
#pragma once

#include <cstddef>
#include <cstdint>

#include "libs/base/limits.h"

namespace dinh::photo {

// What is taken in.
inline constexpr size_t kUploadBytesMax = base::kUploadBytesMax;
inline constexpr int64_t kPixelsMax = 100'000'000;  // a phone's 64-megapixel mode, and some room
inline constexpr int kAspectMax = 20;               // longest to shortest side; panoramas reach about 10
// What a decoder may hold at once where it cannot work row by row: progressive JPEG (64 MP without chroma subsampling
// need 366 MiB), interlaced PNG, lossless WebP.
inline constexpr int64_t kDecoderBytesMax = 400LL * base::kMiB;
inline constexpr int kJpegScansMax = 64;                      // progressive encoders write about ten
inline constexpr size_t kAncillaryBytesMax = 4 * base::kMiB;  // PNG chunks that are not the picture, together

inline constexpr size_t kProfileBytesMax = 1 * base::kMiB;  // of colours; cameras write 0.5 to 4 KiB

// What is given out.
inline constexpr int kFullSideMax = 2048;  // px
inline constexpr int kThumbnailSideMax = 320;
inline constexpr int kJpegQuality = 85;
inline constexpr size_t kFullBytesMax = 12 * base::kMiB;  // pure noise at this size and quality takes about 5 MiB
inline constexpr size_t kThumbnailBytesMax = 512 * base::kKiB;

// Covering faces, plates and house names.
inline constexpr int kBoxesMax = 64;
inline constexpr int kBoxCells = 4;         // along the longer side: nothing smaller than a quarter of it stays visible
inline constexpr int kBoxCellPxMin = 16;    // so that a small box becomes one colour
inline constexpr int kBoxMarginPx = 4;      // chroma of two rows bleeds over a box's edge in 4:2:0
inline constexpr int kBoxColourLevels = 8;  // a channel: a cell's mean tells little of what was there

// What the worker allows itself.
inline constexpr size_t kAddressSpaceBytesMax = 640 * base::kMiB;
inline constexpr unsigned kCpuSecondsMax = 15;

}  // namespace dinh::photo

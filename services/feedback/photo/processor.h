// Photo intake: what a citizen uploads becomes two JPEG files that can be shown, with nothing else in them. Only pixels
// survive: EXIF, XMP, IPTC, comments, embedded previews, second pictures and data behind the end are gone, because both
// files are encoded anew; a colour profile has been applied and is gone too. The position in the EXIF data is handed
// out beside them, as a suggestion.
//
// No upload is decoded in this process. Each goes to a program of its own, dinh-photo, which gives up everything but
// memory and one socket before it looks at the bytes (photo_worker/sandbox.h). What it dies of is that photo's trouble.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/op_context.h"

namespace dinh::feedback {

struct GeoPoint {
  double lat = 0;  // WGS 84, degrees, north positive
  double lon = 0;  // east positive
};

struct ProcessedPhoto {
  std::string full_jpeg;       // longest side at most 2048 px, upright, sRGB, no metadata
  std::string thumbnail_jpeg;  // longest side at most 320 px, likewise
  int width = 0;               // of full_jpeg, px
  int height = 0;
  std::optional<GeoPoint> position;  // where the camera says it was; absent, or inside the valid range
  std::string source_type;           // "image/jpeg", "image/png", "image/webp": what the upload was
};

// A part of the picture, in fractions of its width and height: 0 ≤ x, y; x + width, y + height ≤ 1.
struct BlurBox {
  double x = 0, y = 0, width = 0, height = 0;
};

// Thread-safe. A call takes from 10 ms (a small photo) to two seconds (64 megapixels, progressive) on its caller's
// thread; the operation's deadline and cancellation hold. Never call it inside a transaction.
//
// Errors (errors.h): PHOTO_TOO_LARGE, PHOTO_TYPE_REFUSED, PHOTO_DAMAGED, PHOTO_TOO_MANY_PIXELS, PHOTO_TOO_NARROW,
// PHOTO_EXTRA_DATA_REFUSED, PHOTO_NOT_PROCESSED (the photo's own fault); PHOTO_BUSY, PHOTO_WORKER_MISSING (waiting
// helps); DEADLINE_EXCEEDED, CANCELLED.
class PhotoProcessor {
 public:
  virtual ~PhotoProcessor() = default;

  // `bytes`: an upload of at most 20 MiB; JPEG, PNG or WebP by its content, whatever it was called.
  virtual absl::StatusOr<ProcessedPhoto> Process(base::OpContext& ctx, std::string_view bytes) = 0;

  // Makes the boxes (1 to 64) of a photo that Process made unrecognisable, for good: a few flat cells of coarse colour
  // stand where faces, plates and names were, in the thumbnail too. `position` is absent. INVALID_ARGUMENT for boxes
  // that are not inside the picture.
  virtual absl::StatusOr<ProcessedPhoto> Blur(base::OpContext& ctx, std::string_view full_jpeg,
                                              const std::vector<BlurBox>& boxes) = 0;
};

struct PhotoOptions {
  // The program; empty: `dinh-photo` beside the running executable.
  std::string worker_path;
  int workers_max = 2;                                // at once; each may take a core and, at worst, 640 MiB
  std::chrono::milliseconds worker_time_max{20'000};  // for one photo, then it is killed
  std::chrono::milliseconds wait_max{10'000};         // for a free worker, then PHOTO_BUSY
};

// PHOTO_WORKER_MISSING when the program is not there.
absl::StatusOr<std::unique_ptr<PhotoProcessor>> MakePhotoProcessor(PhotoOptions options = {});

}  // namespace dinh::feedback

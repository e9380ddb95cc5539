#include "services/feedback/photo_worker/process.h"

#include <algorithm>
#include <utility>

#include "services/feedback/photo_worker/colour.h"
#include "services/feedback/photo_worker/container.h"
#include "services/feedback/photo_worker/decode.h"
#include "services/feedback/photo_worker/encode_jpeg.h"
#include "services/feedback/photo_worker/exif.h"

namespace dinh::photo {
namespace {

constexpr int kWhite = 255;

Verdict Decode(const Source& source, Picture* picture) {
  switch (source.type) {
    case SourceType::kJpeg:
      return DecodeJpeg(source.bare, picture);
    case SourceType::kPng:
      return DecodePng(source.bare, picture);
    case SourceType::kWebp:
      return DecodeWebp(source.bare, picture);
    case SourceType::kNone:
      break;
  }
  return Verdict::kTypeRefused;
}

Answer Refused(Verdict verdict) {
  Answer answer;
  answer.verdict = verdict;
  return answer;
}

}  // namespace

Verdict CheckSize(int64_t width, int64_t height) {
  if (width < 1 || height < 1) return Verdict::kDamaged;
  if (width > kPixelsMax || height > kPixelsMax || width * height > kPixelsMax) return Verdict::kTooManyPixels;
  if (std::max(width, height) > kAspectMax * std::min(width, height)) return Verdict::kTooNarrow;
  return Verdict::kOk;
}

void FlattenAlpha(const uint8_t* rgba, int pixels, uint8_t* rgb) {
  for (int i = 0; i < pixels; ++i, rgba += 4, rgb += kChannels) {
    const int alpha = rgba[3];
    for (int c = 0; c < kChannels; ++c) {
      rgb[c] = static_cast<uint8_t>((rgba[c] * alpha + kWhite * (kWhite - alpha) + kWhite / 2) / kWhite);
    }
  }
}

Answer ProcessImage(std::string image, const std::vector<Box>& boxes) {
  Source source;
  if (const Verdict verdict = OpenContainer(image, &source); verdict != Verdict::kOk) return Refused(verdict);
  std::string().swap(image);
  Picture picture;
  if (const Verdict verdict = Decode(source, &picture); verdict != Verdict::kOk) return Refused(verdict);
  std::string().swap(source.bare);
  const ExifFacts exif = ReadExif(source.exif);
  ToSrgb(picture, source.icc);
  picture = Upright(std::move(picture), exif.orientation);
  Cover(picture, boxes);

  Answer answer;
  answer.type = source.type;
  answer.width = picture.width;
  answer.height = picture.height;
  answer.position = exif.position;
  answer.full = EncodeJpeg(picture, JpegKind::kProgressive);
  answer.thumbnail = EncodeJpeg(Shrink(picture, kThumbnailSideMax), JpegKind::kBaseline);
  if (answer.full.empty() || answer.thumbnail.empty()) return Refused(Verdict::kTooManyPixels);
  return answer;
}

}  // namespace dinh::photo

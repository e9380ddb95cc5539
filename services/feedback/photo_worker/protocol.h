// What the server and the worker program say to each other over one socket: one request, one answer, then the end.
// Little-endian. The server trusts nothing in an answer: lengths, ranges and the pictures' structure are checked.
//
//   request  "DPQ1" boxes:u8 image_bytes:u32  boxes × (x y width height):f64  image
//   answer   "DPA1" verdict:u8 type:u8 width:u32 height:u32 has_position:u8 lat:f64 lon:f64 full_bytes:u32
//            thumbnail_bytes:u32  full  thumbnail
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/feedback/photo_worker/limits.h"

namespace dinh::photo {

// What became of a photo.
enum class Verdict : uint8_t {
  kOk = 0,
  kTypeRefused = 1,    // neither JPEG, PNG nor WebP; or a kind of them that is no photo (animation, arithmetic coding)
  kDamaged = 2,        // cut off, or not built as its format says
  kTooManyPixels = 3,  // more than kPixelsMax, or more memory than kDecoderBytesMax
  kTooNarrow = 4,      // beyond kAspectMax
  kExtraData = 5,      // more than kAncillaryBytesMax beside the picture
};
inline constexpr uint8_t kVerdictLast = 5;

enum class SourceType : uint8_t { kNone = 0, kJpeg = 1, kPng = 2, kWebp = 3 };
inline constexpr uint8_t kSourceTypeLast = 3;

struct Position {
  double lat = 0;  // WGS 84, degrees
  double lon = 0;
};

struct Box {
  double x = 0, y = 0, width = 0, height = 0;  // fractions of the picture
};

struct RequestHead {
  uint32_t image_bytes = 0;
  std::vector<Box> boxes;  // parts to be covered
};

struct Answer {
  Verdict verdict = Verdict::kOk;
  SourceType type = SourceType::kNone;
  int width = 0;  // of `full`, px
  int height = 0;
  std::optional<Position> position;
  std::string full;  // JPEG
  std::string thumbnail;
};

inline constexpr size_t kRequestStartBytes = 9;
inline constexpr size_t kBoxBytes = 32;
inline constexpr size_t kAnswerStartBytes = 39;
inline constexpr size_t kAnswerBytesMax = kAnswerStartBytes + kFullBytesMax + kThumbnailBytesMax;

// Everything but the image, which follows.
std::string EncodeRequestHead(const RequestHead& head);
// The first kRequestStartBytes: fills all but the boxes, gives their number. false when it is no request.
bool DecodeRequestStart(std::string_view start, RequestHead* head, int* boxes);
// boxes × kBoxBytes.
bool DecodeBoxes(std::string_view bytes, RequestHead* head);

std::string EncodeAnswer(const Answer& answer);
// The whole answer, nothing before or after. false for anything that the worker program would not send: unknown
// values, lengths over the limits, positions off the earth, pictures that are not plain JPEG.
bool DecodeAnswer(std::string_view bytes, Answer* answer);

bool IsOnEarth(const Position& position);

}  // namespace dinh::photo

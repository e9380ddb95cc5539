#include "services/feedback/photo_worker/protocol.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "services/feedback/photo_worker/jpeg_segments.h"

namespace dinh::photo {
namespace {

constexpr std::string_view kRequestMagic = "DPQ1";
constexpr std::string_view kAnswerMagic = "DPA1";

void PutU8(std::string& out, uint8_t value) { out.push_back(static_cast<char>(value)); }
void PutU32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) PutU8(out, static_cast<uint8_t>(value >> shift));
}
void PutDouble(std::string& out, double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  PutU32(out, static_cast<uint32_t>(bits));
  PutU32(out, static_cast<uint32_t>(bits >> 32));
}

// The caller has checked the length.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::string_view Take(size_t n) {
    const std::string_view taken = bytes_.substr(0, n);
    bytes_.remove_prefix(taken.size());
    return taken;
  }
  uint8_t U8() { return static_cast<uint8_t>(Take(1)[0]); }
  uint32_t U32() {
    uint32_t value = 0;
    for (int shift = 0; shift < 32; shift += 8) value |= static_cast<uint32_t>(U8()) << shift;
    return value;
  }
  double Double() {
    const uint64_t low = U32();
    return std::bit_cast<double>(low | static_cast<uint64_t>(U32()) << 32);
  }

 private:
  std::string_view bytes_;
};

bool IsSize(int width, int height, int side_max) {
  return width >= 1 && height >= 1 && width <= side_max && height <= side_max;
}

bool IsPicture(std::string_view jpeg, int side_max, JpegSize* size) {
  return IsPlainJpeg(jpeg, size) && IsSize(size->width, size->height, side_max);
}

}  // namespace

bool IsOnEarth(const Position& position) {
  return std::isfinite(position.lat) && std::isfinite(position.lon) && std::abs(position.lat) <= 90 &&
         std::abs(position.lon) <= 180;
}

std::string EncodeRequestHead(const RequestHead& head) {
  std::string out(kRequestMagic);
  PutU8(out, static_cast<uint8_t>(head.boxes.size()));
  PutU32(out, head.image_bytes);
  for (const Box& box : head.boxes) {
    for (const double value : {box.x, box.y, box.width, box.height}) PutDouble(out, value);
  }
  return out;
}

bool DecodeRequestStart(std::string_view start, RequestHead* head, int* boxes) {
  if (start.size() != kRequestStartBytes) return false;
  Reader reader(start);
  if (reader.Take(kRequestMagic.size()) != kRequestMagic) return false;
  *boxes = reader.U8();
  head->image_bytes = reader.U32();
  return *boxes <= kBoxesMax && head->image_bytes <= kUploadBytesMax;
}

bool DecodeBoxes(std::string_view bytes, RequestHead* head) {
  if (bytes.size() % kBoxBytes != 0) return false;
  Reader reader(bytes);
  for (size_t i = 0; i < bytes.size() / kBoxBytes; ++i) {
    Box box;
    for (double* value : {&box.x, &box.y, &box.width, &box.height}) {
      *value = reader.Double();
      if (!(*value >= 0 && *value <= 1)) return false;
    }
    head->boxes.push_back(box);
  }
  return true;
}

std::string EncodeAnswer(const Answer& answer) {
  std::string out(kAnswerMagic);
  PutU8(out, static_cast<uint8_t>(answer.verdict));
  PutU8(out, static_cast<uint8_t>(answer.type));
  PutU32(out, static_cast<uint32_t>(answer.width));
  PutU32(out, static_cast<uint32_t>(answer.height));
  PutU8(out, answer.position ? 1 : 0);
  PutDouble(out, answer.position ? answer.position->lat : 0);
  PutDouble(out, answer.position ? answer.position->lon : 0);
  PutU32(out, static_cast<uint32_t>(answer.full.size()));
  PutU32(out, static_cast<uint32_t>(answer.thumbnail.size()));
  return out + answer.full + answer.thumbnail;
}

bool DecodeAnswer(std::string_view bytes, Answer* answer) {
  if (bytes.size() < kAnswerStartBytes || bytes.size() > kAnswerBytesMax) return false;
  Reader reader(bytes);
  if (reader.Take(kAnswerMagic.size()) != kAnswerMagic) return false;
  const uint8_t verdict = reader.U8();
  const uint8_t type = reader.U8();
  const uint32_t width = reader.U32();
  const uint32_t height = reader.U32();
  const uint8_t has_position = reader.U8();
  const double lat = reader.Double();
  const double lon = reader.Double();
  const uint32_t full_bytes = reader.U32();
  const uint32_t thumbnail_bytes = reader.U32();
  if (verdict > kVerdictLast || type > kSourceTypeLast || has_position > 1) return false;
  if (full_bytes > kFullBytesMax || thumbnail_bytes > kThumbnailBytesMax) return false;
  if (bytes.size() != kAnswerStartBytes + full_bytes + thumbnail_bytes) return false;
  answer->verdict = static_cast<Verdict>(verdict);
  answer->type = static_cast<SourceType>(type);
  // A refusal carries nothing else.
  if (answer->verdict != Verdict::kOk) return full_bytes == 0 && thumbnail_bytes == 0 && has_position == 0;

  if (answer->type == SourceType::kNone) return false;
  const std::string_view full = reader.Take(full_bytes);
  const std::string_view thumbnail = reader.Take(thumbnail_bytes);
  JpegSize full_size;
  JpegSize thumbnail_size;
  if (!IsPicture(full, kFullSideMax, &full_size) || !IsPicture(thumbnail, kThumbnailSideMax, &thumbnail_size)) {
    return false;
  }
  if (static_cast<uint32_t>(full_size.width) != width || static_cast<uint32_t>(full_size.height) != height) {
    return false;
  }
  if (has_position == 1) {
    const Position position{lat, lon};
    if (!IsOnEarth(position)) return false;
    answer->position = position;
  }
  answer->width = full_size.width;
  answer->height = full_size.height;
  answer->full = full;
  answer->thumbnail = thumbnail;
  return true;
}

}  // namespace dinh::photo

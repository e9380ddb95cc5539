#include "services/feedback/photo_worker/jpeg_segments.h"

#include <cstddef>

namespace dinh::photo {
namespace {

uint8_t At(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

bool IsRestart(uint8_t marker) { return marker >= 0xD0 && marker <= 0xD7; }

// The first marker at or after `at` that ends coded data; npos when there is none.
size_t EndOfCodedData(std::string_view file, size_t at) {
  while (true) {
    at = file.find('\xFF', at);
    if (at == std::string_view::npos || at + 1 >= file.size()) return std::string_view::npos;
    const uint8_t next = At(file, at + 1);
    if (next == 0xFF) {
      at += 1;  // fill byte
    } else if (next == 0 || IsRestart(next)) {
      at += 2;
    } else {
      return at;
    }
  }
}

// Markers that carry a length and may stand in a file we know how to read.
bool HasLength(uint8_t marker) {
  return IsJpegPicture(marker) || (marker >= 0xE0 && marker <= 0xEF) || marker == kJpegCom;
}

}  // namespace

bool ForEachJpegSegment(std::string_view file, const std::function<bool(const JpegSegment&)>& visit) {
  if (file.size() < 4 || At(file, 0) != 0xFF || At(file, 1) != kJpegSoi) return false;
  if (!visit({kJpegSoi, file.substr(0, 2), {}})) return false;
  size_t at = 2;
  while (true) {
    if (at + 2 > file.size() || At(file, at) != 0xFF) return false;
    const uint8_t marker = At(file, at + 1);
    if (marker == 0xFF) {  // fill byte
      ++at;
      continue;
    }
    if (marker == kJpegEoi) return visit({marker, file.substr(at, 2), {}});
    if (!HasLength(marker) || at + 4 > file.size()) return false;
    const size_t length = static_cast<size_t>(At(file, at + 2)) << 8 | At(file, at + 3);
    if (length < 2 || at + 2 + length > file.size()) return false;
    size_t end = at + 2 + length;
    if (marker == kJpegSos) {
      end = EndOfCodedData(file, end);
      if (end == std::string_view::npos) return false;
    }
    if (!visit({marker, file.substr(at, end - at), file.substr(at + 4, length - 2)})) return false;
    at = end;
  }
}

bool IsPlainJpeg(std::string_view file, JpegSize* size) {
  size_t bytes = 0;
  int frames = 0;
  int scans = 0;
  const bool whole = ForEachJpegSegment(file, [&](const JpegSegment& segment) {
    bytes += segment.bytes.size();
    if (segment.marker == kJpegSoi || segment.marker == kJpegEoi) return true;
    if (!IsJpegPicture(segment.marker)) return false;
    scans += segment.marker == kJpegSos ? 1 : 0;
    if (IsJpegFrame(segment.marker)) {
      ++frames;
      if (segment.payload.size() < 6) return false;
      size->height = At(segment.payload, 1) << 8 | At(segment.payload, 2);
      size->width = At(segment.payload, 3) << 8 | At(segment.payload, 4);
    }
    return true;
  });
  return whole && bytes == file.size() && frames == 1 && scans >= 1;
}

}  // namespace dinh::photo

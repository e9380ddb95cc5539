// The outer structure of a JPEG file (ITU-T T.81, annex B), without decoding it.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace dinh::photo {

struct JpegSegment {
  uint8_t marker = 0;        // the byte after FF
  std::string_view bytes;    // from FF to the end of the segment; SOS (0xDA): its coded data too
  std::string_view payload;  // after the two length bytes; empty for SOI and EOI
};

// Calls `visit` for each segment from SOI to EOI and leaves what follows EOI alone. false when the bytes are not such a
// sequence of known markers, when EOI is missing, or when `visit` returned false.
bool ForEachJpegSegment(std::string_view file, const std::function<bool(const JpegSegment&)>& visit);

struct JpegSize {
  int width = 0;  // px
  int height = 0;
};

// true when the file holds a baseline or progressive picture and nothing else: no APPn, no comment, no byte before SOI
// or after EOI.
bool IsPlainJpeg(std::string_view file, JpegSize* size);

inline constexpr uint8_t kJpegSof0 = 0xC0;  // baseline
inline constexpr uint8_t kJpegSof1 = 0xC1;  // extended sequential
inline constexpr uint8_t kJpegSof2 = 0xC2;  // progressive
inline constexpr uint8_t kJpegDht = 0xC4;
inline constexpr uint8_t kJpegSoi = 0xD8;
inline constexpr uint8_t kJpegEoi = 0xD9;
inline constexpr uint8_t kJpegSos = 0xDA;
inline constexpr uint8_t kJpegDqt = 0xDB;
inline constexpr uint8_t kJpegDri = 0xDD;
inline constexpr uint8_t kJpegApp0 = 0xE0;
inline constexpr uint8_t kJpegApp1 = 0xE1;
inline constexpr uint8_t kJpegApp2 = 0xE2;
inline constexpr uint8_t kJpegApp14 = 0xEE;
inline constexpr uint8_t kJpegCom = 0xFE;

inline bool IsJpegFrame(uint8_t marker) { return marker >= kJpegSof0 && marker <= kJpegSof2; }
// Tables and data of the picture itself.
inline bool IsJpegPicture(uint8_t marker) {
  return IsJpegFrame(marker) || marker == kJpegDht || marker == kJpegSos || marker == kJpegDqt || marker == kJpegDri;
}

}  // namespace dinh::photo

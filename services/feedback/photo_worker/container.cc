#include "services/feedback/photo_worker/container.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>

#include "services/feedback/photo_worker/jpeg_segments.h"

namespace dinh::photo {
namespace {

constexpr std::string_view kJpegSignature = "\xFF\xD8\xFF";
constexpr std::string_view kPngSignature("\x89PNG\r\n\x1A\n", 8);
constexpr std::string_view kExifSignature("Exif\0\0", 6);
constexpr std::string_view kIccSignature("ICC_PROFILE\0", 12);
constexpr size_t kPngChunkFrame = 12;  // length, type, CRC
constexpr uint32_t kPngChunkBytesMax = 0x7FFFFFFF;
constexpr size_t kRiffHeader = 12;
constexpr size_t kRiffChunkHeader = 8;
constexpr uint8_t kWebpAnimated = 0x02;
constexpr uint8_t kWebpAlpha = 0x10;

uint32_t BigEndian32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

uint32_t LittleEndian32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

bool IsBesideThePicture(uint8_t marker) { return !IsJpegPicture(marker) && marker != kJpegSoi && marker != kJpegEoi; }

// JFIF and Adobe segments say how the colours are coded.
bool TellsColours(const JpegSegment& segment) {
  return (segment.marker == kJpegApp0 && segment.payload.size() == 14 &&
          segment.payload.substr(0, 5) == std::string_view("JFIF\0", 5)) ||
         (segment.marker == kJpegApp14 && segment.payload.size() == 12 && segment.payload.substr(0, 5) == "Adobe");
}

// A profile comes in up to 255 pieces: their number and how many there are stand before each. Pieces in another order
// than their own make a broken profile, which is as good as none.
void AddIccPiece(std::string_view payload, std::string* icc) {
  constexpr size_t kHead = kIccSignature.size() + 2;
  if (payload.size() <= kHead || payload.substr(0, kIccSignature.size()) != kIccSignature) return;
  if (icc->size() + payload.size() - kHead <= kProfileBytesMax) *icc += payload.substr(kHead);
}

// iCCP: a name of 1 to 79 bytes, zero, method zero, zlib data.
std::string InflatedIcc(std::string_view chunk) {
  const size_t name = chunk.substr(0, 80).find('\0');
  if (name == std::string_view::npos || chunk.size() < name + 2 || chunk[name + 1] != 0) return {};
  const std::string_view packed = chunk.substr(name + 2);
  std::string icc(kProfileBytesMax, '\0');
  uLongf bytes = icc.size();
  if (uncompress(reinterpret_cast<Bytef*>(icc.data()), &bytes, reinterpret_cast<const Bytef*>(packed.data()),
                 packed.size()) != Z_OK) {
    return {};
  }
  icc.resize(bytes);
  return icc;
}

Verdict OpenJpeg(std::string_view file, Source* source) {
  int scans = 0;
  const bool whole = ForEachJpegSegment(file, [&](const JpegSegment& segment) {
    if (segment.marker == kJpegApp1 && source->exif.empty() && segment.payload.substr(0, 6) == kExifSignature) {
      source->exif = segment.payload.substr(kExifSignature.size());
    }
    if (segment.marker == kJpegApp2) AddIccPiece(segment.payload, &source->icc);
    if (IsBesideThePicture(segment.marker) && !TellsColours(segment)) return true;
    source->bare += segment.bytes;
    return segment.marker != kJpegSos || ++scans <= kJpegScansMax;
  });
  return whole ? Verdict::kOk : Verdict::kDamaged;
}

Verdict OpenPng(std::string_view file, Source* source) {
  source->bare = kPngSignature;
  size_t ancillary = 0;
  int profiles = 0;
  size_t at = kPngSignature.size();
  while (true) {
    if (file.size() - at < kPngChunkFrame) return Verdict::kDamaged;
    const uint32_t length = BigEndian32(file, at);
    if (length > kPngChunkBytesMax || file.size() - at - kPngChunkFrame < length) return Verdict::kDamaged;
    const std::string_view type = file.substr(at + 4, 4);
    const std::string_view data = file.substr(at + 8, length);
    const bool first = at == kPngSignature.size();
    if (first != (type == "IHDR")) return Verdict::kDamaged;
    if (type == "IHDR" || type == "PLTE" || type == "tRNS" || type == "IDAT" || type == "IEND") {
      source->bare += file.substr(at, length + kPngChunkFrame);
    } else {
      const bool critical = (type[0] & 0x20) == 0;
      if (critical) return Verdict::kDamaged;
      ancillary += length;
      if (ancillary > kAncillaryBytesMax) return Verdict::kExtraData;
      if (type == "eXIf" && source->exif.empty()) source->exif = data;
      if (type == "iCCP" && ++profiles == 1) source->icc = InflatedIcc(data);
    }
    if (type == "IEND") return Verdict::kOk;
    at += length + kPngChunkFrame;
  }
}

void PutRiffChunk(std::string& out, std::string_view type, std::string_view data) {
  out += type;
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(data.size() >> shift));
  out += data;
  if (data.size() % 2 != 0) out.push_back('\0');
}

Verdict OpenWebp(std::string_view file, Source* source) {
  const uint64_t riff_bytes = static_cast<uint64_t>(LittleEndian32(file, 4)) + 8;
  if (riff_bytes > file.size() || riff_bytes < kRiffHeader) return Verdict::kDamaged;
  std::string chunks;
  bool picture = false;
  size_t at = kRiffHeader;
  while (riff_bytes - at >= kRiffChunkHeader) {
    const std::string_view type = file.substr(at, 4);
    const uint64_t length = LittleEndian32(file, at + 4);
    const uint64_t padded = length + length % 2;
    if (riff_bytes - at - kRiffChunkHeader < length) return Verdict::kDamaged;
    std::string data;
    if (type == "ANIM" || type == "ANMF") return Verdict::kTypeRefused;
    if (type == "VP8X") {
      data = file.substr(at + kRiffChunkHeader, length);
      if (data.size() != 10 || !chunks.empty()) return Verdict::kDamaged;
      if ((data[0] & kWebpAnimated) != 0) return Verdict::kTypeRefused;
      data[0] = static_cast<char>(data[0] & kWebpAlpha);
    }
    const bool pixels = type == "VP8 " || type == "VP8L";
    if (pixels && (picture || length == 0)) return Verdict::kDamaged;
    picture = picture || pixels;
    if (pixels || type == "ALPH") data = file.substr(at + kRiffChunkHeader, length);
    if (!data.empty()) PutRiffChunk(chunks, type, data);
    if (type == "ICCP" && length <= kProfileBytesMax) source->icc = file.substr(at + kRiffChunkHeader, length);
    if (type == "EXIF" && source->exif.empty()) {
      source->exif = file.substr(at + kRiffChunkHeader, length);
      if (source->exif.compare(0, kExifSignature.size(), kExifSignature) == 0) {
        source->exif.erase(0, kExifSignature.size());
      }
    }
    at += std::min<uint64_t>(kRiffChunkHeader + padded, riff_bytes - at);
  }
  if (!picture || at != riff_bytes) return Verdict::kDamaged;
  PutRiffChunk(source->bare, "RIFF", "WEBP" + chunks);
  return Verdict::kOk;
}

}  // namespace

Verdict OpenContainer(std::string_view file, Source* source) {
  *source = Source();
  if (file.substr(0, kJpegSignature.size()) == kJpegSignature) {
    source->type = SourceType::kJpeg;
    return OpenJpeg(file, source);
  }
  if (file.substr(0, kPngSignature.size()) == kPngSignature) {
    source->type = SourceType::kPng;
    return OpenPng(file, source);
  }
  if (file.size() >= kRiffHeader && file.substr(0, 4) == "RIFF" && file.substr(8, 4) == "WEBP") {
    source->type = SourceType::kWebp;
    return OpenWebp(file, source);
  }
  return Verdict::kTypeRefused;
}

}  // namespace dinh::photo

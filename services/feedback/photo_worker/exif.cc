#include "services/feedback/photo_worker/exif.h"

#include <algorithm>
#include <cstdint>

namespace dinh::photo {
namespace {

constexpr uint16_t kTagOrientation = 0x0112;
constexpr uint16_t kTagGpsDirectory = 0x8825;
constexpr uint16_t kTagLatitudeRef = 1;
constexpr uint16_t kTagLatitude = 2;
constexpr uint16_t kTagLongitudeRef = 3;
constexpr uint16_t kTagLongitude = 4;
constexpr uint16_t kTypeAscii = 2;
constexpr uint16_t kTypeShort = 3;
constexpr uint16_t kTypeLong = 4;
constexpr uint16_t kTypeRational = 5;
constexpr size_t kEntryBytes = 12;
constexpr int kEntriesMax = 1024;  // of one directory that are looked at

struct Entry {
  uint16_t tag = 0;
  uint16_t type = 0;
  uint32_t count = 0;
  size_t value = 0;  // where the four value bytes stand
};

// Reads beyond the end give 0 and set `failed`.
class Tiff {
 public:
  explicit Tiff(std::string_view bytes) : bytes_(bytes), big_(bytes.substr(0, 2) == "MM") {
    failed_ = (!big_ && bytes.substr(0, 2) != "II") || U16(2) != 42;
  }
  bool failed() const { return failed_; }

  uint8_t U8(size_t at) {
    if (at >= bytes_.size()) {
      failed_ = true;
      return 0;
    }
    return static_cast<uint8_t>(bytes_[at]);
  }
  uint16_t U16(size_t at) {
    const uint16_t first = U8(at);
    const uint16_t second = U8(at + 1);
    return static_cast<uint16_t>(big_ ? first << 8 | second : second << 8 | first);
  }
  uint32_t U32(size_t at) {
    const uint32_t first = U16(at);
    const uint32_t second = U16(at + 2);
    return big_ ? first << 16 | second : second << 16 | first;
  }

  // The entry of the directory at `directory`, if it is there.
  std::optional<Entry> Find(size_t directory, uint16_t tag) {
    const int entries = std::min<int>(U16(directory), kEntriesMax);
    for (int i = 0; i < entries && !failed_; ++i) {
      const size_t at = directory + 2 + i * kEntryBytes;
      if (U16(at) == tag && !failed_) return Entry{tag, U16(at + 2), U32(at + 4), at + 8};
    }
    return std::nullopt;
  }

  // Degrees, minutes and seconds as three rationals -> degrees.
  std::optional<double> Angle(const Entry& entry, double degrees_max) {
    if (entry.type != kTypeRational || entry.count != 3) return std::nullopt;
    const size_t at = U32(entry.value);
    double angle = 0;
    double unit = 1;
    for (size_t i = 0; i < 3; ++i, unit *= 60) {
      const uint32_t numerator = U32(at + 8 * i);
      const uint32_t denominator = U32(at + 8 * i + 4);
      if (failed_ || denominator == 0) return std::nullopt;
      const double part = static_cast<double>(numerator) / denominator;
      if (i > 0 && part >= 60) return std::nullopt;
      angle += part / unit;
    }
    if (angle > degrees_max) return std::nullopt;
    return angle;
  }

  // +1, -1, or 0 when the letter is neither.
  int Sign(const std::optional<Entry>& entry, char positive, char negative) {
    if (!entry || entry->type != kTypeAscii || entry->count < 1 || entry->count > 4) return 0;
    const char letter = static_cast<char>(U8(entry->value));
    return letter == positive ? 1 : letter == negative ? -1 : 0;
  }

 private:
  std::string_view bytes_;
  bool big_;
  bool failed_ = false;
};

std::optional<Position> ReadPosition(Tiff& tiff, size_t directory) {
  const std::optional<Entry> latitude = tiff.Find(directory, kTagLatitude);
  const std::optional<Entry> longitude = tiff.Find(directory, kTagLongitude);
  if (!latitude || !longitude) return std::nullopt;
  const int north = tiff.Sign(tiff.Find(directory, kTagLatitudeRef), 'N', 'S');
  const int east = tiff.Sign(tiff.Find(directory, kTagLongitudeRef), 'E', 'W');
  const std::optional<double> lat = tiff.Angle(*latitude, 90);
  const std::optional<double> lon = tiff.Angle(*longitude, 180);
  if (north == 0 || east == 0 || !lat || !lon || (*lat == 0 && *lon == 0)) return std::nullopt;
  return Position{north * *lat, east * *lon};
}

}  // namespace

ExifFacts ReadExif(std::string_view bytes) {
  ExifFacts facts;
  Tiff tiff(bytes);
  if (tiff.failed()) return facts;
  const size_t directory = tiff.U32(4);
  if (const auto entry = tiff.Find(directory, kTagOrientation); entry && entry->type == kTypeShort) {
    const uint16_t orientation = tiff.U16(entry->value);
    if (orientation >= 1 && orientation <= 8) facts.orientation = orientation;
  }
  if (const auto entry = tiff.Find(directory, kTagGpsDirectory); entry && entry->type == kTypeLong) {
    facts.position = ReadPosition(tiff, tiff.U32(entry->value));
  }
  return facts;
}

}  // namespace dinh::photo

// Photos made by code, for tests: no binary file stands in the repository.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/feedback/photo_worker/picture.h"

namespace dinh::photo::testing {

using RowMaker = std::function<void(int y, uint8_t* rgb)>;

// Quarters of one colour each: red, green over blue, white.
Picture Quarters(int width, int height);
Picture Noise(int width, int height, uint64_t seed);
// What a camera sees, roughly: soft shades with some grain. Cheap enough for 64 megapixels.
RowMaker Scene(int width);

struct Colour {
  int r = 0, g = 0, b = 0;
};
// The middle of a quarter: (0,0) upper left … (1,1) lower right.
Colour QuarterColour(const Picture& picture, int column, int row);
bool Near(const Colour& a, const Colour& b, int tolerance = 24);
inline constexpr Colour kRed{255, 0, 0};
inline constexpr Colour kGreen{0, 255, 0};
inline constexpr Colour kBlue{0, 0, 255};
inline constexpr Colour kWhite{255, 255, 255};
inline constexpr Colour kBlack{0, 0, 0};

struct JpegSpec {
  int quality = 90;
  bool progressive = false;
  bool subsampled = true;                                  // 4:2:0
  std::vector<std::pair<int, std::string>> segments = {};  // marker (0xE1, 0xFE, …) and payload, after SOI
};
std::string MakeJpeg(int width, int height, const RowMaker& rows, const JpegSpec& spec = {});
std::string MakeJpeg(const Picture& picture, const JpegSpec& spec = {});
std::string MakeGreyJpeg(int width, int height, uint8_t shade);
std::string MakeCmykJpeg(int width, int height, const uint8_t (&inverted_ink)[4]);

enum class PngKind { kRgb, kRgba, kRgb16, kGrey, kGrey1, kPalette };
struct PngSpec {
  PngKind kind = PngKind::kRgb;
  bool interlaced = false;
  int level = 1;        // of compression
  uint8_t alpha = 255;  // of every pixel, kRgba
};
// kGrey takes the red channel, kGrey1 its upper half, kPalette one of four colours by red and green.
std::string MakePng(int width, int height, const RowMaker& rows, const PngSpec& spec = {});
std::string MakePng(const Picture& picture, const PngSpec& spec = {});
std::string PngChunk(std::string_view type, std::string_view data);
// Right behind IHDR.
std::string WithPngChunk(const std::string& png, const std::string& chunk);
// A PNG of this size whose pixels are all zero, without making them: for bombs.
std::string ZeroPng(uint32_t width, uint32_t height, size_t rows_given);

struct WebpSpec {
  bool lossless = false;
  std::optional<uint8_t> alpha;
  std::vector<std::pair<std::string, std::string>> chunks = {};  // EXIF, "XMP ", ICCP: an extended file is made
};
std::string MakeWebp(const Picture& picture, const WebpSpec& spec = {});

// A profile under which stored red means green and stored green means red.
std::string SwappedProfile();
inline std::string IccPayload(const std::string& profile) {  // of APP2
  return std::string("ICC_PROFILE\0\1\1", 14) + profile;
}
std::string IccpChunk(const std::string& profile);  // of PNG

struct ExifSpec {
  bool big_endian = false;
  int orientation = 0;  // 0: no tag
  std::optional<std::pair<double, double>> position;
  std::string text;  // a marker, as ImageDescription, MakerNote and inside the embedded preview
};
std::string MakeExif(const ExifSpec& spec);  // the TIFF structure
inline std::string ExifPayload(const std::string& tiff) { return std::string("Exif\0\0", 6) + tiff; }  // of APP1

}  // namespace dinh::photo::testing

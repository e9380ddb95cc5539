#include <lcms2.h>
#include <png.h>
#include <webp/encode.h>
#include <zlib.h>

#include <algorithm>
#include <stdexcept>

#include "services/feedback/photo_worker/testing/images.h"

namespace dinh::photo::testing {
namespace {

std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift));
  return bytes;
}

int ColourType(PngKind kind) {
  switch (kind) {
    case PngKind::kRgba:
      return PNG_COLOR_TYPE_RGB_ALPHA;
    case PngKind::kGrey:
    case PngKind::kGrey1:
      return PNG_COLOR_TYPE_GRAY;
    case PngKind::kPalette:
      return PNG_COLOR_TYPE_PALETTE;
    case PngKind::kRgb:
    case PngKind::kRgb16:
      break;
  }
  return PNG_COLOR_TYPE_RGB;
}

// One row of the kind's own form, unpacked to bytes (kGrey1 and kPalette are one byte a pixel here too).
void ToKind(const PngSpec& spec, const std::vector<uint8_t>& rgb, std::vector<uint8_t>& out) {
  if (spec.kind == PngKind::kRgb) {
    out = rgb;
    return;
  }
  out.clear();
  for (size_t i = 0; i + 2 < rgb.size(); i += 3) {
    switch (spec.kind) {
      case PngKind::kRgb:  // done above
        break;
      case PngKind::kRgba:
        out.insert(out.end(), {rgb[i], rgb[i + 1], rgb[i + 2], spec.alpha});
        break;
      case PngKind::kRgb16:
        out.insert(out.end(), {rgb[i], rgb[i], rgb[i + 1], rgb[i + 1], rgb[i + 2], rgb[i + 2]});
        break;
      case PngKind::kGrey:
        out.push_back(rgb[i]);
        break;
      case PngKind::kGrey1:
        out.push_back(rgb[i] >> 7);
        break;
      case PngKind::kPalette:
        out.push_back(static_cast<uint8_t>(rgb[i] >> 7 | (rgb[i + 1] >> 7) << 1));
        break;
    }
  }
}

}  // namespace

std::string MakePng(int width, int height, const RowMaker& rows, const PngSpec& spec) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  std::string out;
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep bytes, size_t n) {
        static_cast<std::string*>(png_get_io_ptr(p))->append(reinterpret_cast<const char*>(bytes), n);
      },
      nullptr);
  const int depth = spec.kind == PngKind::kRgb16 ? 16 : spec.kind == PngKind::kGrey1 ? 1 : 8;
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), depth,
               ColourType(spec.kind), spec.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, spec.level);
  const png_color palette[] = {{0, 0, 255}, {255, 0, 0}, {0, 255, 0}, {255, 255, 255}};
  const png_byte opacity[] = {255, 255, 0, 255};  // green is transparent
  if (spec.kind == PngKind::kPalette) {
    png_set_PLTE(png, info, palette, 4);
    png_set_tRNS(png, info, opacity, 4, nullptr);
  }
  png_write_info(png, info);
  png_set_packing(png);
  const int passes = png_set_interlace_handling(png);
  std::vector<uint8_t> rgb(static_cast<size_t>(width) * 3);
  std::vector<uint8_t> row;
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < height; ++y) {
      rows(y, rgb.data());
      ToKind(spec, rgb, row);
      png_write_row(png, row.data());
    }
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

std::string MakePng(const Picture& picture, const PngSpec& spec) {
  const auto rows = [&](int y, uint8_t* rgb) { std::copy_n(picture.row(y), picture.row_bytes(), rgb); };
  return MakePng(picture.width, picture.height, rows, spec);
}

std::string PngChunk(std::string_view type, std::string_view data) {
  const std::string checked = std::string(type) + std::string(data);
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  return BigEndian(static_cast<uint32_t>(data.size())) + checked + BigEndian(static_cast<uint32_t>(crc));
}

std::string WithPngChunk(const std::string& png, const std::string& chunk) {
  constexpr size_t kBehindHeader = 8 + 12 + 13;
  return std::string(png).insert(kBehindHeader, chunk);
}

namespace {

std::string Deflated(const std::string& bytes) {
  std::string packed(compressBound(bytes.size()), '\0');
  uLongf length = packed.size();
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &length, reinterpret_cast<const Bytef*>(bytes.data()),
                bytes.size(), 9) != Z_OK) {
    throw std::runtime_error("compress2");
  }
  packed.resize(length);
  return packed;
}

}  // namespace

std::string SwappedProfile() {
  const cmsCIExyY white{0.3127, 0.3290, 1};
  const cmsCIExyYTRIPLE primaries{{0.30, 0.60, 1}, {0.64, 0.33, 1}, {0.15, 0.06, 1}};  // sRGB's, red and green swapped
  cmsToneCurve* curve = cmsBuildGamma(nullptr, 2.2);
  cmsToneCurve* const curves[] = {curve, curve, curve};
  void* profile = cmsCreateRGBProfile(&white, &primaries, curves);
  cmsUInt32Number bytes = 0;
  cmsSaveProfileToMem(profile, nullptr, &bytes);
  std::string saved(bytes, '\0');
  cmsSaveProfileToMem(profile, saved.data(), &bytes);
  cmsCloseProfile(profile);
  cmsFreeToneCurve(curve);
  return saved;
}

std::string IccpChunk(const std::string& profile) {
  return PngChunk("iCCP", std::string("name\0\0", 6) + Deflated(profile));
}

std::string ZeroPng(uint32_t width, uint32_t height, size_t rows_given) {
  const std::string header = BigEndian(width) + BigEndian(height) + std::string("\x08\x00\x00\x00\x00", 5);  // grey
  const std::string rows(rows_given * (static_cast<size_t>(width) + 1), '\0');
  return "\x89PNG\r\n\x1A\n" + PngChunk("IHDR", header) + PngChunk("IDAT", Deflated(rows)) + PngChunk("IEND", "");
}

std::string MakeWebp(const Picture& picture, const WebpSpec& spec) {
  const int channels = spec.alpha ? 4 : 3;
  std::vector<uint8_t> pixels;
  for (size_t i = 0; i < picture.rgb.size(); i += 3) {
    pixels.insert(pixels.end(), picture.rgb.begin() + static_cast<ptrdiff_t>(i),
                  picture.rgb.begin() + static_cast<ptrdiff_t>(i) + 3);
    if (spec.alpha) pixels.push_back(*spec.alpha);
  }
  WebPConfig config;
  WebPConfigInit(&config);
  config.lossless = spec.lossless ? 1 : 0;
  config.method = 0;
  config.quality = spec.lossless ? 0 : 85;
  WebPPicture frame;
  WebPPictureInit(&frame);
  frame.use_argb = config.lossless;
  frame.width = picture.width;
  frame.height = picture.height;
  WebPMemoryWriter writer;
  WebPMemoryWriterInit(&writer);
  frame.writer = WebPMemoryWrite;
  frame.custom_ptr = &writer;
  const int stride = picture.width * channels;
  const int imported = spec.alpha ? WebPPictureImportRGBA(&frame, pixels.data(), stride)
                                  : WebPPictureImportRGB(&frame, pixels.data(), stride);
  if (imported == 0 || WebPEncode(&config, &frame) == 0) throw std::runtime_error("webp");
  std::string webp(reinterpret_cast<const char*>(writer.mem), writer.size);
  WebPPictureFree(&frame);
  WebPMemoryWriterClear(&writer);
  if (spec.chunks.empty()) return webp;

  const auto little = [](uint32_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> 8 * i));
    return out;
  };
  const auto chunk = [&](const std::string& type, const std::string& data) {
    return type + little(static_cast<uint32_t>(data.size()), 4) + data + std::string(data.size() % 2, '\0');
  };
  constexpr int kFlagsAll = 0x20 | 0x08 | 0x04;  // ICC, EXIF, XMP
  std::string chunks = chunk("VP8X", little(kFlagsAll | (spec.alpha ? 0x10 : 0), 4) +
                                         little(static_cast<uint32_t>(picture.width - 1), 3) +
                                         little(static_cast<uint32_t>(picture.height - 1), 3));
  // An encoder with alpha has already made an extended file: its own first chunk is replaced.
  std::string body = webp.substr(12);
  if (body.compare(0, 4, "VP8X") == 0) body = body.substr(18);
  std::string behind;
  for (const auto& [type, data] : spec.chunks) (type == "ICCP" ? chunks : behind) += chunk(type, data);
  chunks += body + behind;
  return "RIFF" + little(static_cast<uint32_t>(chunks.size() + 4), 4) + "WEBP" + chunks;
}

}  // namespace dinh::photo::testing

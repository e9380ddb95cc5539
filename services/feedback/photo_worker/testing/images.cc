#include "services/feedback/photo_worker/testing/images.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
// jpeglib.h uses what the C headers above declare.
#include <jpeglib.h>

namespace dinh::photo::testing {
namespace {

RowMaker RowsOf(const Picture& picture) {
  return [&picture](int y, uint8_t* rgb) { std::copy_n(picture.row(y), picture.row_bytes(), rgb); };
}

// One picture of `components` channels through libjpeg, whose standard handler ends the test program on an error.
std::string Compress(int width, int height, int components, J_COLOR_SPACE space, const RowMaker& rows,
                     const JpegSpec& spec) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* out = nullptr;
  unsigned long bytes = 0;  // NOLINT(google-runtime-int): libjpeg's type
  jpeg_mem_dest(&info, &out, &bytes);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = components;
  info.in_color_space = space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, spec.quality, TRUE);
  if (!spec.subsampled) info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  if (spec.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (const auto& [marker, payload] : spec.segments) {
    jpeg_write_marker(&info, marker, reinterpret_cast<const JOCTET*>(payload.data()),
                      static_cast<unsigned>(payload.size()));
  }
  std::vector<uint8_t> row(static_cast<size_t>(width) * components);
  JSAMPROW row_pointer = row.data();
  for (int y = 0; y < height; ++y) {
    rows(y, row.data());
    jpeg_write_scanlines(&info, &row_pointer, 1);
  }
  jpeg_finish_compress(&info);
  std::string jpeg(reinterpret_cast<const char*>(out), bytes);
  jpeg_destroy_compress(&info);
  std::free(out);
  return jpeg;
}

}  // namespace

Picture Quarters(int width, int height) {
  Picture picture(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const bool right = x >= width / 2;
      const bool low = y >= height / 2;
      uint8_t* pixel = picture.row(y) + static_cast<size_t>(x) * kChannels;
      pixel[0] = right == low ? 255 : 0;
      pixel[1] = right ? 255 : 0;
      pixel[2] = low ? 255 : 0;
    }
  }
  return picture;
}

Picture Noise(int width, int height, uint64_t seed) {
  Picture picture(width, height);
  std::mt19937_64 random(seed);
  for (uint8_t& value : picture.rgb) value = static_cast<uint8_t>(random());
  return picture;
}

RowMaker Scene(int width) {
  return [width, state = 12345U](int y, uint8_t* rgb) mutable {
    for (int x = 0; x < width; ++x) {
      state = state * 1664525U + 1013904223U;
      const int shade = ((x >> 4) + (y >> 3)) & 0x7F;
      const auto grain = static_cast<int>(state >> 28);
      *rgb++ = static_cast<uint8_t>(shade + grain + 40);
      *rgb++ = static_cast<uint8_t>(shade + grain + 80);
      *rgb++ = static_cast<uint8_t>(160 - shade + grain);
    }
  };
}

Colour QuarterColour(const Picture& picture, int column, int row) {
  const int x = picture.width * (1 + 2 * column) / 4;
  const int y = picture.height * (1 + 2 * row) / 4;
  const uint8_t* pixel = picture.row(y) + static_cast<size_t>(x) * kChannels;
  return {pixel[0], pixel[1], pixel[2]};
}

bool Near(const Colour& a, const Colour& b, int tolerance) {
  return std::abs(a.r - b.r) <= tolerance && std::abs(a.g - b.g) <= tolerance && std::abs(a.b - b.b) <= tolerance;
}

std::string MakeJpeg(int width, int height, const RowMaker& rows, const JpegSpec& spec) {
  return Compress(width, height, kChannels, JCS_RGB, rows, spec);
}

std::string MakeJpeg(const Picture& picture, const JpegSpec& spec) {
  return MakeJpeg(picture.width, picture.height, RowsOf(picture), spec);
}

std::string MakeGreyJpeg(int width, int height, uint8_t shade) {
  return Compress(width, height, 1, JCS_GRAYSCALE, [&](int, uint8_t* row) { std::fill_n(row, width, shade); }, {});
}

std::string MakeCmykJpeg(int width, int height, const uint8_t (&inverted_ink)[4]) {
  const auto rows = [&](int, uint8_t* row) {
    for (int x = 0; x < width; ++x) std::copy_n(inverted_ink, 4, row + 4 * static_cast<ptrdiff_t>(x));
  };
  return Compress(width, height, 4, JCS_CMYK, rows, {});
}

namespace {

class ExifWriter {
 public:
  explicit ExifWriter(const ExifSpec& spec) : spec_(spec) {}

  std::string Write() {
    out_ = spec_.big_endian ? "MM" : "II";
    U16(42);
    U32(8);
    const int entries = 2 * (spec_.text.empty() ? 0 : 1) + (spec_.orientation != 0 ? 1 : 0) + (spec_.position ? 1 : 0);
    const size_t next_directory = 8 + 2 + 12 * static_cast<size_t>(entries);
    data_at_ = next_directory + 4;
    U16(static_cast<uint16_t>(entries));
    if (!spec_.text.empty()) TextEntry(0x010E, 2);
    if (spec_.orientation != 0) {
      EntryHead(0x0112, 3, 1);
      U16(static_cast<uint16_t>(spec_.orientation));
      U16(0);
    }
    if (spec_.position) {
      EntryHead(0x8825, 4, 1);
      U32(static_cast<uint32_t>(data_at_));
      const std::string gps = Gps(data_at_);
      data_ += gps;
      data_at_ += gps.size();
    }
    if (!spec_.text.empty()) TextEntry(0x927C, 7);
    U32(0);
    return out_ + data_ + spec_.text;  // the last as an embedded preview would stand
  }

 private:
  void U16(uint16_t value) { out_ += Number(value, 2); }
  void U32(uint32_t value) { out_ += Number(value, 4); }
  std::string Number(uint32_t value, int bytes) const {
    std::string number;
    for (int i = 0; i < bytes; ++i) number.push_back(static_cast<char>(value >> 8 * i));
    if (spec_.big_endian) std::reverse(number.begin(), number.end());
    return number;
  }
  void EntryHead(uint16_t tag, uint16_t type, uint32_t count) {
    U16(tag);
    U16(type);
    U32(count);
  }
  void TextEntry(uint16_t tag, uint16_t type) {
    EntryHead(tag, type, static_cast<uint32_t>(spec_.text.size()));
    U32(static_cast<uint32_t>(data_at_));
    data_ += spec_.text;
    data_at_ += spec_.text.size();
  }

  // The GPS directory with its data, standing at `at`.
  std::string Gps(size_t at) const {
    const auto [lat, lon] = *spec_.position;
    constexpr size_t kDirectoryBytes = 2 + 4 * 12 + 4;
    std::string gps = Number(4, 2);
    const auto ref = [&](uint16_t tag, char letter) {
      gps += Number(tag, 2) + Number(2, 2) + Number(2, 4) + letter + std::string(3, '\0');
    };
    const auto angle = [&](uint16_t tag, size_t offset) {
      gps += Number(tag, 2) + Number(5, 2) + Number(3, 4) + Number(static_cast<uint32_t>(offset), 4);
    };
    ref(1, lat < 0 ? 'S' : 'N');
    angle(2, at + kDirectoryBytes);
    ref(3, lon < 0 ? 'W' : 'E');
    angle(4, at + kDirectoryBytes + 24);
    gps += Number(0, 4);
    for (const double value : {std::abs(lat), std::abs(lon)}) {
      const auto degrees = static_cast<uint32_t>(value);
      const double minutes = (value - degrees) * 60;
      const auto whole_minutes = static_cast<uint32_t>(minutes);
      const auto seconds_e4 = static_cast<uint32_t>((minutes - whole_minutes) * 60 * 10000);
      gps += Number(degrees, 4) + Number(1, 4) + Number(whole_minutes, 4) + Number(1, 4) + Number(seconds_e4, 4) +
             Number(10000, 4);
    }
    return gps;
  }

  const ExifSpec& spec_;
  std::string out_;
  std::string data_;
  size_t data_at_ = 0;
};

}  // namespace

std::string MakeExif(const ExifSpec& spec) { return ExifWriter(spec).Write(); }

}  // namespace dinh::photo::testing

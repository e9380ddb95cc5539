// Pixels, and what is done with them between decoding and encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "services/feedback/photo_worker/protocol.h"

namespace dinh::photo {

inline constexpr int kChannels = 3;  // R, G, B, 8 bits each

struct Picture {
  int width = 0;  // px
  int height = 0;
  std::vector<uint8_t> rgb;  // rows from the top, kChannels bytes a pixel, no padding

  Picture() = default;
  Picture(int w, int h) : width(w), height(h), rgb(static_cast<size_t>(w) * h * kChannels) {}
  size_t row_bytes() const { return static_cast<size_t>(width) * kChannels; }
  const uint8_t* row(int y) const { return rgb.data() + y * row_bytes(); }
  uint8_t* row(int y) { return rgb.data() + y * row_bytes(); }
};

struct Size {
  int width = 0;
  int height = 0;
};
// `size` with its longest side brought down to `side_max`; never larger than it was, never less than 1 px.
Size FitWithin(Size size, int side_max);

// Makes a smaller picture of rows as they come, each output pixel the mean of the area it covers. Holds the output and
// one row, whatever the size of the input. `out` must not be larger than `in`.
class RowScaler {
 public:
  RowScaler(Size in, Size out);
  // The next row of the input: in.width × kChannels bytes. Exactly in.height times.
  void Add(const uint8_t* rgb);
  Picture Take() { return std::move(out_); }

 private:
  void Narrow(const uint8_t* rgb);
  void Accumulate(int64_t weight);
  void EmitRow();

  const Size in_;
  Picture out_;
  int y_ = 0;                     // rows taken
  int out_y_ = 0;                 // rows given
  std::vector<uint32_t> narrow_;  // the current row at output width, × in.width
  std::vector<uint64_t> sum_;     // of the rows of the current output row, × in.width × in.height
};

Picture Shrink(const Picture& picture, int side_max);

// Turns and mirrors the picture so that it stands upright. `orientation`: EXIF's, 1..8.
Picture Upright(Picture picture, int orientation);

// Makes what is in the boxes unrecognisable for good: at most kBoxCells × kBoxCells flat cells a box, of coarse colour.
void Cover(Picture& picture, const std::vector<Box>& boxes);

}  // namespace dinh::photo

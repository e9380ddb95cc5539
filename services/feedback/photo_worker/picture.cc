#include "services/feedback/photo_worker/picture.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace dinh::photo {

Size FitWithin(Size size, int side_max) {
  const int longest = std::max(size.width, size.height);
  if (longest <= side_max) return size;
  const auto fit = [&](int side) {
    return std::max(1, static_cast<int>((static_cast<int64_t>(side) * side_max + longest / 2) / longest));
  };
  return {fit(size.width), fit(size.height)};
}

// Positions are counted in units of 1/(in × out), so that areas are whole numbers: input pixel i covers
// [i × out, (i + 1) × out), output pixel o covers [o × in, (o + 1) × in).
RowScaler::RowScaler(Size in, Size out)
    : in_(in),
      out_(out.width, out.height),
      narrow_(static_cast<size_t>(out.width) * kChannels),
      sum_(static_cast<size_t>(out.width) * kChannels) {}

void RowScaler::Narrow(const uint8_t* rgb) {
  const int64_t in = in_.width;
  const int64_t out = out_.width;
  uint32_t* to = narrow_.data();
  for (int64_t o = 0; o < out; ++o, to += kChannels) {
    const int64_t begin = o * in;
    const int64_t end = begin + in;
    const int64_t first = begin / out;
    const int64_t last = (end - 1) / out;
    const uint8_t* pixel = rgb + first * kChannels;
    const auto head = static_cast<uint32_t>(std::min((first + 1) * out, end) - begin);
    uint32_t sum[kChannels] = {head * pixel[0], head * pixel[1], head * pixel[2]};
    for (int64_t i = first + 1; i <= last; ++i) {
      pixel += kChannels;
      const auto weight = static_cast<uint32_t>(i < last ? out : end - last * out);
      for (int c = 0; c < kChannels; ++c) sum[c] += weight * pixel[c];
    }
    std::copy_n(sum, kChannels, to);
  }
}

void RowScaler::Accumulate(int64_t weight) {
  for (size_t i = 0; i < sum_.size(); ++i) sum_[i] += static_cast<uint64_t>(weight) * narrow_[i];
}

void RowScaler::EmitRow() {
  const uint64_t area = static_cast<uint64_t>(in_.width) * in_.height;
  uint8_t* to = out_.row(out_y_++);
  for (size_t i = 0; i < sum_.size(); ++i) to[i] = static_cast<uint8_t>((sum_[i] + area / 2) / area);
  std::fill(sum_.begin(), sum_.end(), 0);
}

void RowScaler::Add(const uint8_t* rgb) {
  if (in_.width == out_.width && in_.height == out_.height) {
    std::copy_n(rgb, out_.row_bytes(), out_.row(y_++));
    return;
  }
  Narrow(rgb);
  const int64_t begin = static_cast<int64_t>(y_) * out_.height;
  const int64_t end = begin + out_.height;
  const int64_t boundary = static_cast<int64_t>(out_y_ + 1) * in_.height;  // end of the current output row
  Accumulate(std::min(end, boundary) - begin);
  if (end >= boundary) {
    EmitRow();
    if (end > boundary) Accumulate(end - boundary);
  }
  ++y_;
}

Picture Shrink(const Picture& picture, int side_max) {
  const Size in{picture.width, picture.height};
  RowScaler scaler(in, FitWithin(in, side_max));
  for (int y = 0; y < picture.height; ++y) scaler.Add(picture.row(y));
  return scaler.Take();
}

Picture Upright(Picture picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const bool turned = orientation >= 5;
  Picture out(turned ? picture.height : picture.width, turned ? picture.width : picture.height);
  // Where the stored picture's first row and first column belong (EXIF 2.3, tag 0x0112).
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < out.height; ++y) {
    uint8_t* to = out.row(y);
    for (int x = 0; x < out.width; ++x, to += kChannels) {
      const int along_x = turned ? y : x;
      const int along_y = turned ? x : y;
      const int from_x = flip_x ? picture.width - 1 - along_x : along_x;
      const int from_y = flip_y ? picture.height - 1 - along_y : along_y;
      std::copy_n(picture.row(from_y) + static_cast<size_t>(from_x) * kChannels, kChannels, to);
    }
  }
  return out;
}

namespace {

struct PixelBox {
  int left = 0, top = 0, right = 0, bottom = 0;  // right and bottom excluded
};

PixelBox InPixels(const Picture& picture, const Box& box) {
  PixelBox px;
  px.left = std::max(0, static_cast<int>(std::floor(box.x * picture.width)) - kBoxMarginPx);
  px.top = std::max(0, static_cast<int>(std::floor(box.y * picture.height)) - kBoxMarginPx);
  px.right = std::min(picture.width, static_cast<int>(std::ceil((box.x + box.width) * picture.width)) + kBoxMarginPx);
  px.bottom =
      std::min(picture.height, static_cast<int>(std::ceil((box.y + box.height) * picture.height)) + kBoxMarginPx);
  return px;
}

void Flatten(Picture& picture, const PixelBox& cell) {
  uint64_t sum[kChannels] = {};
  for (int y = cell.top; y < cell.bottom; ++y) {
    const uint8_t* pixel = picture.row(y) + static_cast<size_t>(cell.left) * kChannels;
    for (int x = cell.left; x < cell.right; ++x, pixel += kChannels) {
      for (int c = 0; c < kChannels; ++c) sum[c] += pixel[c];
    }
  }
  const uint64_t pixels = static_cast<uint64_t>(cell.right - cell.left) * (cell.bottom - cell.top);
  constexpr int kStep = 256 / kBoxColourLevels;
  uint8_t colour[kChannels];
  for (int c = 0; c < kChannels; ++c) {
    colour[c] = static_cast<uint8_t>(sum[c] / pixels / kStep * kStep + kStep / 2);
  }
  for (int y = cell.top; y < cell.bottom; ++y) {
    uint8_t* pixel = picture.row(y) + static_cast<size_t>(cell.left) * kChannels;
    for (int x = cell.left; x < cell.right; ++x, pixel += kChannels) std::copy_n(colour, kChannels, pixel);
  }
}

}  // namespace

void Cover(Picture& picture, const std::vector<Box>& boxes) {
  for (const Box& box : boxes) {
    const PixelBox px = InPixels(picture, box);
    if (px.left >= px.right || px.top >= px.bottom) continue;
    const int longer = std::max(px.right - px.left, px.bottom - px.top);
    const int side = std::max(kBoxCellPxMin, (longer + kBoxCells - 1) / kBoxCells);
    for (int top = px.top; top < px.bottom; top += side) {
      for (int left = px.left; left < px.right; left += side) {
        Flatten(picture, {left, top, std::min(px.right, left + side), std::min(px.bottom, top + side)});
      }
    }
  }
}

}  // namespace dinh::photo

// QR codes as pictures. The matrix is libqrencode's; the PNG is written here, because one colour depth, no filter and
// no compression need no library. Error correction level M: banks' apps expect it, and a screen is not scratched.
//
// Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::payments {

struct QrMatrix {
  int size = 0;            // modules a side, without the quiet zone
  std::vector<bool> dark;  // row by row
  bool At(int x, int y) const {
    return x >= 0 && y >= 0 && x < size && y < size &&
           dark[static_cast<size_t>(y) * static_cast<size_t>(size) + static_cast<size_t>(x)];
  }
};

// INTERNAL when the text does not fit into a QR code.
absl::StatusOr<QrMatrix> MakeQrMatrix(std::string_view text);

// Black on white with the quiet zone, `pixels` a module, 1 bit a pixel.
std::string QrPng(const QrMatrix& matrix, int pixels);
// One path; scales without loss.
std::string QrSvg(const QrMatrix& matrix);

}  // namespace dinh::payments

// QR codes (ISO/IEC 18004) as SVG, PNG, or modules for drawing. Error correction level M: a receipt gets folded.
//
// Thread-safe (libqrencode keeps no state between calls).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::procedures {

inline constexpr size_t kQrBytesMax = 512;
inline constexpr int kQrQuietModules = 4;  // the standard's margin

struct QrMatrix {
  int width = 0;           // modules a side, without margin
  std::vector<bool> dark;  // row by row
  bool At(int x, int y) const { return dark[static_cast<size_t>(y) * width + x]; }
};

// INVALID_ARGUMENT when the text is empty or longer than kQrBytesMax.
absl::StatusOr<QrMatrix> EncodeQr(std::string_view text);
// A complete <svg> with margin and white ground, scaling to any size; no script, no style, no foreign reference.
absl::StatusOr<std::string> QrSvg(std::string_view text);
// With margin; `module_px` pixels a module, 1..40.
absl::StatusOr<std::string> QrPng(std::string_view text, int module_px);

}  // namespace dinh::procedures

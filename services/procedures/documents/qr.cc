#include "services/procedures/documents/qr.h"

#include <cairo.h>
#include <qrencode.h>

#include <memory>

#include "libs/base/status.h"

namespace dinh::procedures {

absl::StatusOr<QrMatrix> EncodeQr(std::string_view text) {
  if (text.empty() || text.size() > kQrBytesMax || text.find('\0') != std::string_view::npos) {
    return base::InvalidField("text",
                              {"Nội dung mã QR phải dài từ 1 đến 512 byte.", "A QR code holds 1 to 512 bytes."});
  }
  const std::string terminated(text);
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeString8bit(terminated.c_str(), 0, QR_ECLEVEL_M), &QRcode_free);
  if (code == nullptr) return base::Internal("libqrencode could not encode");
  QrMatrix matrix;
  matrix.width = code->width;
  matrix.dark.reserve(static_cast<size_t>(code->width) * code->width);
  for (int i = 0; i < code->width * code->width; ++i) matrix.dark.push_back((code->data[i] & 1) != 0);
  return matrix;
}

absl::StatusOr<std::string> QrSvg(std::string_view text) {
  ASSIGN_OR_RETURN(const QrMatrix matrix, EncodeQr(text));
  const std::string side = std::to_string(matrix.width + 2 * kQrQuietModules);
  std::string path;
  for (int y = 0; y < matrix.width; ++y) {
    for (int x = 0; x < matrix.width; ++x) {
      if (!matrix.At(x, y)) continue;
      int run = 1;
      while (x + run < matrix.width && matrix.At(x + run, y)) ++run;
      path += "M" + std::to_string(x + kQrQuietModules) + " " + std::to_string(y + kQrQuietModules) + "h" +
              std::to_string(run) + "v1h-" + std::to_string(run) + "z";
      x += run;
    }
  }
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + " " + side +
         "\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h" + side + "v" + side +
         "H0z\"/><path fill=\"#000\" d=\"" + path + "\"/></svg>\n";
}

absl::StatusOr<std::string> QrPng(std::string_view text, int module_px) {
  if (module_px < 1 || module_px > 40) {
    return base::InvalidField("module_px", {"Cỡ ô phải từ 1 đến 40 điểm ảnh.", "A module has 1 to 40 pixels."});
  }
  ASSIGN_OR_RETURN(const QrMatrix matrix, EncodeQr(text));
  const int side = (matrix.width + 2 * kQrQuietModules) * module_px;
  const std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)> surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, side, side), &cairo_surface_destroy);
  const std::unique_ptr<cairo_t, decltype(&cairo_destroy)> cr(cairo_create(surface.get()), &cairo_destroy);
  cairo_set_source_rgb(cr.get(), 1, 1, 1);
  cairo_paint(cr.get());
  cairo_set_source_rgb(cr.get(), 0, 0, 0);
  for (int y = 0; y < matrix.width; ++y) {
    for (int x = 0; x < matrix.width; ++x) {
      if (!matrix.At(x, y)) continue;
      cairo_rectangle(cr.get(), (x + kQrQuietModules) * module_px, (y + kQrQuietModules) * module_px, module_px,
                      module_px);
    }
  }
  cairo_fill(cr.get());
  std::string png;
  const auto append = [](void* out, const unsigned char* data, unsigned int size) {
    static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(data), size);
    return CAIRO_STATUS_SUCCESS;
  };
  if (cairo_surface_write_to_png_stream(surface.get(), append, &png) != CAIRO_STATUS_SUCCESS) {
    return base::Internal("cairo could not write a PNG");
  }
  return png;
}

}  // namespace dinh::procedures

#include "services/payments/qr_image.h"

#include <qrencode.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>

#include "libs/base/status.h"
#include "services/payments/limits.h"

namespace dinh::payments {
namespace {

constexpr size_t kStoredBlockMax = 65535;  // RFC 1951, 3.2.4

void AppendU32(std::string& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 255));
}

void AppendU16Little(std::string& out, size_t value) {
  out.push_back(static_cast<char>(value & 255));
  out.push_back(static_cast<char>(value >> 8 & 255));
}

// CRC-32 as PNG wants it (ISO 3309).
uint32_t Crc32(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const unsigned char byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
  }
  return ~crc;
}

uint32_t Adler32(std::string_view bytes) {
  uint32_t a = 1;
  uint32_t b = 0;
  for (const unsigned char byte : bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

void AppendChunk(std::string& out, std::string_view type, std::string_view data) {
  AppendU32(out, static_cast<uint32_t>(data.size()));
  std::string body(type);
  body += data;
  out += body;
  AppendU32(out, Crc32(body));
}

// zlib's container (RFC 1950) around stored blocks.
std::string ZlibStored(std::string_view data) {
  std::string out("\x78\x01", 2);
  const uint32_t adler = Adler32(data);
  do {
    const std::string_view block = data.substr(0, kStoredBlockMax);
    data.remove_prefix(block.size());
    out.push_back(data.empty() ? '\x01' : '\x00');
    AppendU16Little(out, block.size());
    AppendU16Little(out, ~block.size() & 0xFFFF);
    out += block;
  } while (!data.empty());
  AppendU32(out, adler);
  return out;
}

}  // namespace

absl::StatusOr<QrMatrix> MakeQrMatrix(std::string_view text) {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0,
                        QR_ECLEVEL_M),
      QRcode_free);
  if (code == nullptr) return base::Internal("QR code: errno " + std::to_string(errno));
  QrMatrix matrix;
  matrix.size = code->width;
  const size_t modules = static_cast<size_t>(code->width) * static_cast<size_t>(code->width);
  for (size_t i = 0; i < modules; ++i) matrix.dark.push_back((code->data[i] & 1) != 0);
  return matrix;
}

std::string QrPng(const QrMatrix& matrix, int pixels) {
  const int side = (matrix.size + 2 * kQrQuietModules) * pixels;
  std::string rows;
  for (int y = 0; y < side; ++y) {
    std::string row(1 + static_cast<size_t>(side + 7) / 8, '\0');  // first byte: no filter
    for (int x = 0; x < side; ++x) {
      const bool dark = matrix.At(x / pixels - kQrQuietModules, y / pixels - kQrQuietModules);
      if (!dark) row[1 + static_cast<size_t>(x) / 8] |= static_cast<char>(0x80 >> x % 8);
    }
    rows += row;
  }
  std::string header;
  AppendU32(header, static_cast<uint32_t>(side));
  AppendU32(header, static_cast<uint32_t>(side));
  header += std::string("\x01\x00\x00\x00\x00", 5);  // 1 bit, greyscale, deflate, no filter method, not interlaced
  std::string out("\x89PNG\r\n\x1A\n", 8);
  AppendChunk(out, "IHDR", header);
  AppendChunk(out, "IDAT", ZlibStored(rows));
  AppendChunk(out, "IEND", "");
  return out;
}

std::string QrSvg(const QrMatrix& matrix) {
  const std::string side = std::to_string(matrix.size + 2 * kQrQuietModules);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + " " + side +
                    "\" shape-rendering=\"crispEdges\"><rect width=\"" + side + "\" height=\"" + side +
                    "\" fill=\"#fff\"/><path d=\"";
  for (int y = 0; y < matrix.size; ++y) {
    for (int x = 0; x < matrix.size; ++x) {
      if (!matrix.At(x, y) || matrix.At(x - 1, y)) continue;
      int end = x;
      while (matrix.At(end, y)) ++end;
      out += "M" + std::to_string(x + kQrQuietModules) + " " + std::to_string(y + kQrQuietModules) + "h" +
             std::to_string(end - x) + "v1h-" + std::to_string(end - x) + "z";
    }
  }
  out += "\"/></svg>\n";
  return out;
}

}  // namespace dinh::payments

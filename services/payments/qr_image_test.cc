#include "services/payments/qr_image.h"

#include <ZXing/ReadBarcode.h>
#include <ZXing/TextUtfEncoding.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "services/payments/limits.h"

namespace dinh::payments {
namespace {

constexpr std::string_view kPayload =
    "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA530370454061800005802VN62340107NPS6869081"
    "9"
    "thanh toan don hang63042E2E";

uint32_t U32(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Undoes QrPng by the formats' own descriptions (PNG 1.2, RFC 1950, RFC 1951): one byte a pixel.
std::vector<uint8_t> Decode(std::string_view png, int* side) {
  std::vector<uint8_t> pixels;
  *side = static_cast<int>(U32(png, 16));
  const size_t stride = 1 + (static_cast<size_t>(*side) + 7) / 8;
  const size_t data_at = 8 + 25;  // after the signature and IHDR
  EXPECT_EQ(png.substr(data_at + 4, 4), "IDAT");
  const std::string_view zlib = png.substr(data_at + 8, U32(png, data_at));
  std::string rows;
  for (size_t at = 2; rows.size() < stride * static_cast<size_t>(*side);) {
    const size_t length =
        static_cast<unsigned char>(zlib[at + 1]) | static_cast<size_t>(static_cast<unsigned char>(zlib[at + 2])) << 8;
    rows += zlib.substr(at + 5, length);
    at += 5 + length;
  }
  for (int y = 0; y < *side; ++y) {
    for (int x = 0; x < *side; ++x) {
      const auto byte =
          static_cast<unsigned char>(rows[static_cast<size_t>(y) * stride + 1 + static_cast<size_t>(x) / 8]);
      pixels.push_back((byte & 0x80 >> x % 8) != 0 ? 255 : 0);
    }
  }
  return pixels;
}

TEST(QrImage, APhoneReadsThePng) {
  const auto matrix = MakeQrMatrix(kPayload);
  ASSERT_TRUE(matrix.ok());
  const std::string png = QrPng(*matrix, kQrPixelsPerModule);
  int side = 0;
  const std::vector<uint8_t> pixels = Decode(png, &side);
  EXPECT_EQ(side, (matrix->size + 2 * kQrQuietModules) * kQrPixelsPerModule);
  const ZXing::ImageView image(pixels.data(), side, side, ZXing::ImageFormat::Lum);
  ZXing::DecodeHints hints;
  hints.setFormats(ZXing::BarcodeFormat::QRCode);
  const ZXing::Result result = ZXing::ReadBarcode(image, hints);
  ASSERT_TRUE(result.isValid());
  EXPECT_EQ(ZXing::TextUtfEncoding::ToUtf8(result.text()), kPayload);
}

TEST(QrImage, TheSvgDrawsEveryDarkModule) {
  const auto matrix = MakeQrMatrix("LP");
  ASSERT_TRUE(matrix.ok());
  const std::string svg = QrSvg(*matrix);
  EXPECT_THAT(svg, ::testing::StartsWith("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 29 29\""));
  int dark = 0;
  for (const bool module : matrix->dark) dark += module;
  int drawn = 0;
  const std::string path = svg.substr(svg.find("<path"));
  for (size_t at = path.find('h'); at != std::string::npos; at = path.find('h', at + 1)) {
    const int run = atoi(path.c_str() + at + 1);
    if (run > 0) drawn += run;
  }
  EXPECT_EQ(drawn, dark);
}

TEST(QrImage, WhatDoesNotFitIsADefect) {
  EXPECT_EQ(MakeQrMatrix(std::string(5000, 'a')).status().code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace dinh::payments

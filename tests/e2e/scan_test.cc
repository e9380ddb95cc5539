// Printed and shown codes, scanned: what they lead to is there, and is the same as over the API.
#define ZX_USE_UTF8 1
#include <ZXing/ReadBarcode.h>
#include <cairo.h>

#include <cstdio>

#include "gmock/gmock.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Decode(const std::string& grey, int width, int height) {
  const ZXing::ImageView image(reinterpret_cast<const uint8_t*>(grey.data()), width, height, ZXing::ImageFormat::Lum);
  ZXing::DecodeHints hints;
  hints.setFormats(ZXing::BarcodeFormat::QRCode).setTryHarder(true);
  const ZXing::Result result = ZXing::ReadBarcode(image, hints);
  return result.isValid() ? result.text() : "not read";
}

class ScanTest : public PlatformTest {
 protected:
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = dir_->File(name);
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string Run(const std::string& command) {
    std::string out;
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return out;
    char buffer[4096];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    pclose(pipe);
    return out;
  }

  std::string ScanPng(const std::string& png) {
    cairo_surface_t* surface = cairo_image_surface_create_from_png(Write("code.png", png).c_str());
    const int width = cairo_image_surface_get_width(surface), height = cairo_image_surface_get_height(surface);
    const int stride = cairo_image_surface_get_stride(surface);
    std::string grey;
    for (int y = 0; y < height; ++y) {
      const unsigned char* row = cairo_image_surface_get_data(surface) + static_cast<ptrdiff_t>(y) * stride;
      for (int x = 0; x < width; ++x) grey += static_cast<char>(row[x * 4]);
    }
    cairo_surface_destroy(surface);
    return Decode(grey, width, height);
  }
  // The first page at 150 dpi, as a phone would see the paper.
  std::string ScanPdf(const std::string& pdf) {
    const std::string pgm = Run("pdftoppm -r 150 -gray -singlefile '" + Write("paper.pdf", pdf) + "'");
    int width = 0, height = 0, offset = 0;
    if (std::sscanf(pgm.c_str(), "P5 %d %d 255%n", &width, &height, &offset) != 2) return "no image";
    return Decode(pgm.substr(static_cast<size_t>(offset) + 1), width, height);
  }
  // Without scheme and host: those are the installation's public address.
  static std::string PathOf(const std::string& url) {
    const size_t host = url.find("://");
    return host == std::string::npos ? "" : url.substr(url.find('/', host + 3));
  }
  void ExpectPage(const std::string& path) {
    const ApiAnswer page = Anonymous().Get(path, {{"Accept", "text/html,application/xhtml+xml"}});
    EXPECT_EQ(page.status, 200) << path;
    EXPECT_THAT(page.Header("Content-Type"), StartsWith("text/html"));
    EXPECT_THAT(page.Header("Content-Security-Policy"), HasSubstr("script-src 'self'"));
  }
};

TEST_F(ScanTest, AProceduresCodeOpensTheProcedureThatTheSearchFinds) {
  const ApiAnswer found = Anonymous().Get("/v1/procedures?query=ban%20sao%20trich%20luc");
  ASSERT_EQ(found.status, 200) << found.raw;
  const std::string code = found.body["procedures"][0].value("code", "");
  ASSERT_EQ(code, "2.000635");
  const ApiAnswer png = Anonymous().Get("/v1/procedures/" + code + "/qr?format=png");
  ASSERT_EQ(png.status, 200);
  const std::string path = PathOf(ScanPng(png.raw));
  EXPECT_EQ(path, "/procedures/2.000635");
  ExpectPage(path);
  EXPECT_EQ(Anonymous().Get("/v1" + path).body, found.body["procedures"][0]);
}

TEST_F(ScanTest, TheReceiptsCodeTracksItsDossierWithoutALogin) {
  Village village = NewVillage();
  ApiClient a = village.Citizen("citizen_a");
  ApiClient desk = village.Officer("desk");
  const Village::Accepted dossier = village.FileAndAccept(a, desk);
  const ApiAnswer receipt = a.Get("/v1/dossiers/" + dossier.code + "/receipt");
  ASSERT_EQ(receipt.status, 200);
  EXPECT_THAT(Run("pdftotext '" + Write("text.pdf", receipt.raw) + "' -"), HasSubstr("Công dân Một"));
  const std::string path = PathOf(ScanPdf(receipt.raw));
  ASSERT_THAT(path, StartsWith("/track/"));
  ExpectPage(path);
  const ApiAnswer seen = Anonymous().Get("/v1" + path);
  ASSERT_EQ(seen.status, 200) << seen.raw;
  EXPECT_EQ(seen.Text("code"), dossier.code);
  EXPECT_EQ(seen.raw.find("Công dân Một"), std::string::npos);
  // Another receipt has another token.
  const Village::Accepted other = village.FileAndAccept(a, desk);
  EXPECT_NE(PathOf(ScanPdf(a.Get("/v1/dossiers/" + other.code + "/receipt").raw)), path);
}

}  // namespace
}  // namespace dinh::testing

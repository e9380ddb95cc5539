#include "services/procedures/documents/receipt.h"

#define ZX_USE_UTF8 1  // texts as std::string
#include <ZXing/ReadBarcode.h>
#include <cairo.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "libs/base/civil.h"
#include "libs/base/text.h"
#include "services/procedures/documents/qr.h"

namespace dinh::procedures {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Every Vietnamese letter with its marks, upper and lower case.
const char kLetters[] =
    "A À Á Ả Ã Ạ Ă Ằ Ắ Ẳ Ẵ Ặ Â Ầ Ấ Ẩ Ẫ Ậ Đ E È É Ẻ Ẽ Ẹ Ê Ề Ế Ể Ễ Ệ I Ì Í Ỉ Ĩ Ị O Ò Ó Ỏ Õ Ọ Ô Ồ Ố Ổ Ỗ Ộ Ơ Ờ Ớ Ở Ỡ Ợ "
    "U Ù Ú Ủ Ũ Ụ Ư Ừ Ứ Ử Ữ Ự Y Ỳ Ý Ỷ Ỹ Ỵ "
    "a à á ả ã ạ ă ằ ắ ẳ ẵ ặ â ầ ấ ẩ ẫ ậ đ e è é ẻ ẽ ẹ ê ề ế ể ễ ệ i ì í ỉ ĩ ị o ò ó ỏ õ ọ ô ồ ố ổ ỗ ộ ơ ờ ớ ở ỡ ợ "
    "u ù ú ủ ũ ụ ư ừ ứ ử ữ ự y ỳ ý ỷ ỹ ỵ";

PaperData Example() {
  PaperData data;
  data.agency = "Ủy ban nhân dân xã Hoằng Hóa";
  data.desk = "Trung tâm Phục vụ hành chính công xã Hoằng Hóa";
  data.place = "Hoằng Hóa";
  data.issued_at = base::FromVietnam({{2026, 2, 13}, 14, 59, 0});
  data.dossier_code = "H56.15865-260213-0001";
  data.filer_name = "Công dân Một";
  data.filer_address = "Thôn Quang Trung, xã Hoằng Hóa, tỉnh Thanh Hóa";
  data.filer_phone = "0900000001";
  data.procedure_code = "2.000635";
  data.procedure_name = "Cấp bản sao Trích lục hộ tịch, bản sao Giấy khai sinh";
  data.papers = {"Tờ khai hoặc biểu mẫu điện tử", "Giấy tờ tùy thân"};
  data.time_limit = "trong ngày làm việc";
  data.received_at = data.issued_at;
  data.due_at = base::FromVietnam({{2026, 2, 13}, 17, 30, 0});
  data.result_place = "Bản điện tử";
  data.fee = "16.000 đ (Mười sáu nghìn đồng)";
  data.officer_name = "Cán bộ Một cửa";
  data.reason = "Thiếu văn bản ủy quyền của người được cấp.";
  data.tracking_url = "https://dinh.example/track/abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
  return data;
}

class Workbench {
 public:
  Workbench() : dir_(std::filesystem::temp_directory_path() / ("dinh-receipt-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(dir_);
  }
  ~Workbench() { std::filesystem::remove_all(dir_); }
  std::string Write(const std::string& name, const std::string& bytes) {
    const std::string path = (dir_ / name).string();
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string Run(const std::string& command) {
    std::string out;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return out;
    char buffer[4096];
    for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, n);
    ::pclose(pipe);
    return out;
  }
  std::string Text(const std::string& pdf) { return Run("pdftotext -layout '" + Write("a.pdf", pdf) + "' -"); }

 private:
  std::filesystem::path dir_;
};

// Without blanks and line breaks.
std::string Squeezed(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\f'; });
  return text;
}

std::string Print(PaperForm form, const PaperData& data) {
  PaperPrinter printer;
  auto pdf = printer.Print(form, data);
  EXPECT_TRUE(pdf.ok()) << pdf.status();
  return pdf.ok() ? *pdf : "";
}

// A grey image as pdftoppm writes it: "P5 width height 255\n" and the pixels.
std::string ReadQr(const std::string& pgm) {
  int width = 0, height = 0, offset = 0;
  if (std::sscanf(pgm.c_str(), "P5 %d %d 255%n", &width, &height, &offset) != 2) return "no image";
  const auto* pixels = reinterpret_cast<const uint8_t*>(pgm.data()) + offset + 1;
  const ZXing::ImageView image(pixels, width, height, ZXing::ImageFormat::Lum);
  ZXing::DecodeHints hints;
  hints.setFormats(ZXing::BarcodeFormat::QRCode).setTryHarder(true);
  const ZXing::Result result = ZXing::ReadBarcode(image, hints);
  return result.isValid() ? result.text() : "not read";
}

TEST(Receipt, EveryVietnameseLetterComesBackInNfc) {
  PaperData data = Example();
  data.filer_address = kLetters;
  Workbench bench;
  const std::string text = bench.Text(Print(PaperForm::kReceipt, data));
  // pdftotext guesses the blanks between single letters; the letters themselves must be exactly these, in order.
  EXPECT_THAT(Squeezed(text), HasSubstr(Squeezed(kLetters)));
  for (const char* part : {"GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Mẫu số 01",
                           "ỦY BAN NHÂN DÂN XÃ HOẰNG HÓA", "Mã hồ sơ: H56.15865-260213-0001",
                           "Độc lập - Tự do - Hạnh phúc", "14 giờ 59 phút, ngày 13 tháng 02 năm 2026",
                           "17 giờ 30 phút, ngày 13 tháng 02 năm 2026", "16.000 đ (Mười sáu nghìn đồng)"}) {
    EXPECT_THAT(Squeezed(text), HasSubstr(Squeezed(part)));
  }
  // A combining mark left alone (U+0300…) would be a letter that is not in NFC.
  EXPECT_THAT(text, Not(HasSubstr("\u0301")));
  EXPECT_THAT(text, Not(HasSubstr("\u0303")));
}

TEST(Receipt, QrReadsBackFromA150DpiRaster) {
  const PaperData data = Example();
  Workbench bench;
  const std::string pdf = bench.Write("a.pdf", Print(PaperForm::kReceipt, data));
  const std::string pgm = Workbench::Run("pdftoppm -r 150 -gray -singlefile '" + pdf + "'");
  EXPECT_EQ(ReadQr(pgm), data.tracking_url);
}

TEST(Receipt, SameDataSameBytesOtherDataOtherBytes) {
  PaperData data = Example();
  const std::string first = Print(PaperForm::kReceipt, data);
  PaperPrinter printer;
  const auto second = printer.Print(PaperForm::kReceipt, data);
  const auto third = printer.Print(PaperForm::kReceipt, data);
  ASSERT_TRUE(second.ok() && third.ok());
  EXPECT_EQ(first, *second);
  EXPECT_EQ(*second, *third);
  data.issued_at += base::kMicrosPerSecond * 60;
  EXPECT_NE(first, Print(PaperForm::kReceipt, data));
}

TEST(Receipt, TheOtherFormsSayWhatTheyAre) {
  Workbench bench;
  for (const auto& [form, parts] : std::vector<std::pair<PaperForm, std::vector<std::string>>>{
           {PaperForm::kSupplement, {"PHIẾU YÊU CẦU BỔ SUNG, HOÀN THIỆN HỒ SƠ", "Mẫu số 02", "NGƯỜI HƯỚNG DẪN"}},
           {PaperForm::kRefusal, {"PHIẾU TỪ CHỐI TIẾP NHẬN GIẢI QUYẾT HỒ SƠ", "Mẫu số 03", "không tiếp nhận"}},
           {PaperForm::kStop, {"THÔNG BÁO DỪNG GIẢI QUYẾT HỒ SƠ", "Mẫu số 05", "dừng giải quyết"}}}) {
    PaperData data = Example();
    data.tracking_url.clear();
    const std::string text = bench.Text(Print(form, data));
    for (const std::string& part : parts) EXPECT_THAT(Squeezed(text), HasSubstr(Squeezed(part)));
    EXPECT_THAT(Squeezed(text), HasSubstr(Squeezed(data.reason)));
    EXPECT_THAT(text, HasSubstr(data.dossier_code));
    data.reason.clear();
    PaperPrinter printer;
    EXPECT_TRUE(absl::IsInvalidArgument(printer.Print(form, data).status()));
  }
}

TEST(Receipt, LongContentFlowsOverPagesAndLosesNothing) {
  PaperData data = Example();
  data.papers.clear();
  for (size_t i = 0; i < kPaperListMax; ++i)
    data.papers.push_back("Giấy tờ thứ " + std::to_string(i) +
                          " có tên rất dài để phải xuống dòng ở cuối trang giấy khổ A4 này, dấu hiệu X" +
                          std::to_string(i) + "X");
  Workbench bench;
  const std::string text = bench.Text(Print(PaperForm::kReceipt, data));
  for (size_t i = 0; i < kPaperListMax; ++i) EXPECT_THAT(text, HasSubstr("X" + std::to_string(i) + "X"));
  data.papers.push_back("một giấy nữa");
  PaperPrinter printer;
  EXPECT_TRUE(absl::IsInvalidArgument(printer.Print(PaperForm::kReceipt, data).status()));
}

TEST(Receipt, MissingPartsAreRefused) {
  PaperPrinter printer;
  EXPECT_TRUE(absl::IsInvalidArgument(printer.Print(PaperForm::kReceipt, {}).status()));
  PaperData data = Example();
  data.received_at.reset();
  EXPECT_TRUE(absl::IsInvalidArgument(printer.Print(PaperForm::kReceipt, data).status()));
  data = Example();
  data.filer_name = "\xff";
  EXPECT_TRUE(absl::IsInvalidArgument(printer.Print(PaperForm::kReceipt, data).status()));
}

TEST(Qr, SvgAndPngReadBack) {
  const std::string url = "https://dinh.example/procedures/2.000635";
  const auto svg = QrSvg(url);
  ASSERT_TRUE(svg.ok());
  EXPECT_TRUE(svg->starts_with("<svg xmlns="));
  EXPECT_THAT(*svg, Not(HasSubstr("style")));
  EXPECT_THAT(*svg, Not(HasSubstr("script")));
  const auto png = QrPng(url, 6);
  ASSERT_TRUE(png.ok());
  struct Source {
    const std::string* bytes;
    size_t at;
  } source{&*png, 0};
  cairo_surface_t* surface = cairo_image_surface_create_from_png_stream(
      [](void* closure, unsigned char* data, unsigned int size) {
        auto* from = static_cast<Source*>(closure);
        if (from->at + size > from->bytes->size()) return CAIRO_STATUS_READ_ERROR;
        from->bytes->copy(reinterpret_cast<char*>(data), size, from->at);
        from->at += size;
        return CAIRO_STATUS_SUCCESS;
      },
      &source);
  const int width = cairo_image_surface_get_width(surface), height = cairo_image_surface_get_height(surface);
  const int stride = cairo_image_surface_get_stride(surface);
  std::string pgm = "P5 " + std::to_string(width) + " " + std::to_string(height) + " 255\n";
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) pgm += static_cast<char>(cairo_image_surface_get_data(surface)[y * stride + x * 4]);
  }
  cairo_surface_destroy(surface);
  EXPECT_EQ(ReadQr(pgm), url);
}

TEST(Qr, LimitsHold) {
  EXPECT_FALSE(QrSvg("").ok());
  EXPECT_FALSE(QrSvg(std::string(kQrBytesMax + 1, 'a')).ok());
  EXPECT_TRUE(QrSvg(std::string(kQrBytesMax, 'a')).ok());
  EXPECT_FALSE(QrSvg(std::string("a\0b", 3)).ok());
  EXPECT_FALSE(QrPng("a", 0).ok());
  EXPECT_FALSE(QrPng("a", 41).ok());
}

}  // namespace
}  // namespace dinh::procedures

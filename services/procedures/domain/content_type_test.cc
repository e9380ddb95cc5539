#include "services/procedures/domain/content_type.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/base/text.h"

namespace dinh::procedures {
namespace {

using namespace std::string_literals;

std::string Detect(const std::string& bytes) {
  const std::string head = bytes.substr(0, kSniffHeadBytes);
  const std::string tail = bytes.substr(bytes.size() - std::min(bytes.size(), kSniffTailBytes));
  const auto type = DetectContentType(head, tail, static_cast<int64_t>(bytes.size()));
  if (type.ok()) return *type;
  EXPECT_TRUE(absl::IsInvalidArgument(type.status()));
  const auto detail = base::DetailOf(type.status());
  EXPECT_FALSE(detail->text.vi.empty());
  return detail->reason;
}

const std::string kPdf = "%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n";
const std::string kJpeg = "\xff\xd8\xff\xe0\x00\x10JFIF\x00payload\xff\xd9"s;
const std::string kPng =
    "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde\x00\x00\x00\x00IEND\xae\x42\x60\x82"s;

std::string Webp(const std::string& chunk = "VP8 ", const std::string& trailer = "") {
  const std::string body = "WEBP" + chunk + std::string(20, '\1');
  std::string size;
  for (int i = 0; i < 4; ++i) size += static_cast<char>(body.size() >> (8 * i));
  return "RIFF" + size + body + trailer;
}

TEST(ContentType, KnownOnes) {
  EXPECT_EQ(Detect(kPdf), "application/pdf");
  EXPECT_EQ(Detect("\r\njunk before\n" + kPdf), "application/pdf");
  EXPECT_EQ(Detect(std::string(1000, ' ') + kPdf), "application/pdf");
  EXPECT_EQ(Detect("%PDF-2.0\n%%EOF\n" + std::string(900, ' ')), "application/pdf");
  EXPECT_EQ(Detect(kJpeg), "image/jpeg");
  EXPECT_EQ(Detect(kJpeg + std::string(100, '\0')), "image/jpeg");
  EXPECT_EQ(Detect(kPng), "image/png");
  EXPECT_EQ(Detect(Webp()), "image/webp");
  EXPECT_EQ(Detect(Webp("VP8L")), "image/webp");
  EXPECT_EQ(Detect(Webp("VP8X")), "image/webp");
}

TEST(ContentType, RefusedOnes) {
  for (const std::string& bytes :
       {"PK\x03\x04 word/document.xml"s, "<html><script>alert(1)</script>"s,
        "<svg xmlns='http://www.w3.org/2000/svg'/>"s, "MZ\x90\0"s, "\x7f"s + "ELF\2\1\1"s, "GIF89a....."s, "BM......"s,
        "hello"s, "II*\0...."s,
        "\0\0\0\x18"
        "ftypheic"s,
        "RIFF....AVI ...."s, std::string(5000, 'x'), "%!PS-Adobe-3.0"s, std::string(1100, ' ') + kPdf}) {
    EXPECT_EQ(Detect(bytes), "FILE_TYPE_REFUSED") << bytes.substr(0, 12);
  }
  EXPECT_EQ(Detect(""), "FILE_EMPTY");
}

TEST(ContentType, CutOffOnes) {
  EXPECT_EQ(Detect(kPdf.substr(0, kPdf.size() - 7)), "FILE_BROKEN");
  EXPECT_EQ(Detect("%PDF-9.9\n%%EOF"), "FILE_BROKEN");
  EXPECT_EQ(Detect("%PDF-"), "FILE_BROKEN");
  EXPECT_EQ(Detect("%PDF-1.4 %%EOF" + std::string(3000, ' ')), "FILE_BROKEN");
  EXPECT_EQ(Detect(kJpeg.substr(0, kJpeg.size() - 2)), "FILE_BROKEN");
  EXPECT_EQ(Detect("\xff\xd8\xff"s), "FILE_BROKEN");
  EXPECT_EQ(Detect(kPng.substr(0, kPng.size() - 6)), "FILE_BROKEN");
  EXPECT_EQ(Detect(kPng.substr(0, 20)), "FILE_BROKEN");
  EXPECT_EQ(Detect(Webp().substr(0, 24)), "FILE_BROKEN");
  EXPECT_EQ(Detect(Webp("JUNK")), "FILE_BROKEN");
}

TEST(ContentType, TwoThingsAtOnce) {
  EXPECT_EQ(Detect("<html><body>" + kPdf), "FILE_POLYGLOT");
  EXPECT_EQ(Detect("<SCRIPT>1</SCRIPT>" + kPdf), "FILE_POLYGLOT");
  EXPECT_EQ(Detect("PK\x03\x04" + kPdf), "FILE_POLYGLOT");
  EXPECT_EQ(Detect("GIF89a" + kPdf), "FILE_POLYGLOT");
  EXPECT_EQ(Detect("MZ" + kPdf), "FILE_POLYGLOT");
  EXPECT_EQ(Detect(kPdf + "PK\x05\x06" + std::string(18, '\0')), "FILE_POLYGLOT");
  EXPECT_EQ(Detect("\xff\xd8\xff\xfe<html><script>x</script>\xff\xd9"s), "FILE_POLYGLOT");
  EXPECT_EQ(Detect("\xff\xd8\xff\xe0 %PDF-1.4 \xff\xd9"s), "FILE_POLYGLOT");
  EXPECT_EQ(Detect(kJpeg + "PK\x05\x06" + std::string(18, '\0')), "FILE_POLYGLOT");
  EXPECT_EQ(Detect(kPng + "<?php system($_GET[0]);"), "FILE_POLYGLOT");
  EXPECT_EQ(Detect(kPng + "trailing bytes"), "FILE_POLYGLOT");
  EXPECT_EQ(Detect(Webp("VP8 ", "a second file behind")), "FILE_POLYGLOT");
}

TEST(FileName, CleanTable) {
  const std::vector<std::pair<std::string, std::string>> table = {
      {"giấy khai sinh.pdf", "giấy khai sinh.pdf"},
      {"GIẤY.PDF", "GIẤY.pdf"},
      {"anh.jpg.exe", "anh.jpg.pdf"},
      {"../../etc/passwd", "passwd.pdf"},
      {"C:\\Users\\a\\to khai.docx", "to khai.pdf"},
      {"a\"b\r\nSet-Cookie: x=1.pdf", "a_b_Set-Cookie_ x=1.pdf"},
      {"<script>.pdf", "_script_.pdf"},
      {"...hidden", "hidden.pdf"},
      {".pdf", "tep.pdf"},
      {"", "tep.pdf"},
      {"\xff\xfe", "tep.pdf"},
      {"a.b.c", "a.b.pdf"},
      {"Gia\u0302\u0301y.pdf", "Giấy.pdf"}};
  for (const auto& [in, out] : table) EXPECT_EQ(CleanFileName(in, "application/pdf"), out) << in;
  std::string lengthy;
  for (int i = 0; i < 500; ++i) lengthy += "ỗ";
  const std::string cut = CleanFileName(lengthy, "image/jpeg");
  EXPECT_TRUE(base::IsValidUtf8(cut));
  EXPECT_EQ(base::CodePoints(cut), static_cast<int64_t>(kFileNameMax));
  EXPECT_TRUE(cut.ends_with(".jpg"));
}

}  // namespace
}  // namespace dinh::procedures

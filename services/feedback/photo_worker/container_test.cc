#include "services/feedback/photo_worker/container.h"

#include <gtest/gtest.h>

#include "services/feedback/photo_worker/jpeg_segments.h"
#include "services/feedback/photo_worker/process.h"
#include "services/feedback/photo_worker/testing/images.h"

namespace dinh::photo {
namespace {

using testing::MakeExif;
using testing::MakeJpeg;
using testing::MakePng;
using testing::MakeWebp;
using testing::Quarters;

constexpr std::string_view kMarker = "GIAU-KIN-BEN-TRONG";  // "hidden inside"

Verdict VerdictOf(std::string_view file) { return ProcessImage(std::string(file), {}).verdict; }

std::vector<std::string> SmallOnes() {
  const Picture picture = Quarters(24, 16);
  return {MakeJpeg(picture), MakeJpeg(picture, {.progressive = true}),
          MakePng(picture),  MakePng(picture, {.interlaced = true}),
          MakeWebp(picture), MakeWebp(picture, {.lossless = true})};
}

TEST(Container, OtherFilesAreRefusedByTheirContent) {
  for (const std::string_view file :
       {std::string_view(), std::string_view("\xFF\xD8"), std::string_view("GIF89a\1\0\1\0\0\0\0;", 14),
        std::string_view("<html><script>alert(1)</script></html>"), std::string_view("PK\3\4 archive"),
        std::string_view("%PDF-1.7\n"),
        std::string_view("\0\0\0\x18"
                         "ftypheic\0\0\0\0mif1heic",
                         24),
        std::string_view("BM picture"), std::string_view("II*\0\x8\0\0\0", 8), std::string_view("<svg xmlns=''/>"),
        std::string_view("RIFF\x24\0\0\0WAVEfmt ", 16)}) {
    EXPECT_EQ(VerdictOf(file), Verdict::kTypeRefused) << file;
  }
}

TEST(Container, NothingMayStandBeforeThePhoto) {
  for (const std::string& file : SmallOnes()) {
    for (const std::string prefix : {"PK\3\4", "%PDF-1.4\n", "<html>", "\n"}) {
      EXPECT_EQ(VerdictOf(prefix + file), Verdict::kTypeRefused);
    }
  }
}

TEST(Container, WhatStandsBehindThePhotoNeverReachesADecoder) {
  for (const std::string& file : SmallOnes()) {
    Source plain;
    Source polyglot;
    ASSERT_EQ(OpenContainer(file, &plain), Verdict::kOk);
    ASSERT_EQ(OpenContainer(file + "PK\3\4" + std::string(kMarker) + file, &polyglot), Verdict::kOk);
    EXPECT_EQ(plain.bare, polyglot.bare);
  }
}

TEST(Container, CutAtEachByteIsRefused) {
  for (const std::string& file : SmallOnes()) {
    ASSERT_EQ(VerdictOf(file), Verdict::kOk);
    for (size_t n = 0; n < file.size(); ++n) {
      ASSERT_NE(VerdictOf(std::string_view(file).substr(0, n)), Verdict::kOk) << n << " of " << file.size();
    }
  }
}

// The end marker alone does not make a cut photo whole.
TEST(Container, MissingPixelsAreNotFilledUp) {
  const std::string jpeg = MakeJpeg(testing::Noise(64, 64, 1));
  EXPECT_EQ(VerdictOf(jpeg.substr(0, jpeg.size() * 2 / 3) + "\xFF\xD9"), Verdict::kDamaged);
  const std::string few_rows = testing::ZeroPng(64, 64, 40);
  EXPECT_EQ(VerdictOf(few_rows), Verdict::kDamaged);
}

TEST(Container, JpegKeepsOnlyWhatDecodingNeeds) {
  const std::string tiff = MakeExif({.orientation = 6, .text = std::string(kMarker)});
  const std::string marker(kMarker);
  const std::string jpeg = MakeJpeg(Quarters(24, 16), {.segments = {{0xE1, testing::ExifPayload(tiff)},
                                                                    {0xE0, "JFXX" + marker},
                                                                    {0xE1, "http://ns.adobe.com/xap/1.0/" + marker},
                                                                    {0xE2, "ICC_PROFILE" + marker},
                                                                    {0xE2, "MPF" + marker},
                                                                    {0xED, "Photoshop 3.0" + marker},
                                                                    {0xEE, "Adobe" + marker},
                                                                    {0xEF, marker},
                                                                    {0xFE, marker}}});
  Source source;
  ASSERT_EQ(OpenContainer(jpeg, &source), Verdict::kOk);
  EXPECT_EQ(source.bare.find(kMarker), std::string::npos);
  EXPECT_EQ(source.exif, tiff);
}

TEST(Container, KindsOfJpegThatNoCameraWrites) {
  const std::string jpeg = MakeJpeg(Quarters(24, 16));
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  for (const char kind : {'\xC3', '\xC5', '\xC9', '\xCA', '\xCF'}) {  // lossless, hierarchical, arithmetic
    std::string other = jpeg;
    other[frame + 1] = kind;
    EXPECT_EQ(VerdictOf(other), Verdict::kDamaged);
  }
  EXPECT_EQ(VerdictOf(std::string(jpeg).insert(frame, jpeg.substr(frame, 19))), Verdict::kDamaged) << "two frames";
}

TEST(Container, PngChunksBesideThePicture) {
  const std::string png = MakePng(Quarters(24, 16));
  const std::string marker(kMarker);
  std::string full = png;
  for (const std::string type : {"tEXt", "zTXt", "iTXt", "iCCP", "eXIf", "prVt"}) {
    full = testing::WithPngChunk(full, testing::PngChunk(type, marker));
  }
  Source plain;
  Source source;
  ASSERT_EQ(OpenContainer(png, &plain), Verdict::kOk);
  ASSERT_EQ(OpenContainer(full, &source), Verdict::kOk);
  EXPECT_EQ(source.bare, plain.bare);
  EXPECT_EQ(source.exif, marker);

  const std::string huge(kAncillaryBytesMax + 1, 'x');
  EXPECT_EQ(VerdictOf(testing::WithPngChunk(png, testing::PngChunk("zTXt", huge))), Verdict::kExtraData);
  EXPECT_EQ(VerdictOf(testing::WithPngChunk(png, testing::PngChunk("CgBI", "    "))), Verdict::kDamaged);
  EXPECT_EQ(VerdictOf(testing::WithPngChunk(png, std::string("\x7F\xFF\xFF\xFFtEXt", 8))), Verdict::kDamaged);
  EXPECT_EQ(VerdictOf(testing::WithPngChunk(png, std::string("\xFF\xFF\xFF\xFFtEXt", 8))), Verdict::kDamaged);
}

TEST(Container, WebpKeepsThePictureOnly) {
  const std::string marker(kMarker);
  const std::string tiff = MakeExif({.orientation = 3});
  for (const bool prefixed : {false, true}) {
    const std::string webp =
        MakeWebp(Quarters(24, 16), {.chunks = {{"ICCP", marker},
                                               {"EXIF", prefixed ? testing::ExifPayload(tiff) : tiff},
                                               {"XMP ", marker},
                                               {"odd!", marker + "1"}}});
    Source source;
    ASSERT_EQ(OpenContainer(webp, &source), Verdict::kOk);
    EXPECT_EQ(source.bare.find(kMarker), std::string::npos);
    EXPECT_EQ(source.exif, tiff);
    EXPECT_EQ(VerdictOf(webp), Verdict::kOk);
  }
  std::string animated = MakeWebp(Quarters(24, 16), {.chunks = {{"ANIM", "123456"}}});
  EXPECT_EQ(VerdictOf(animated), Verdict::kTypeRefused);
  animated = MakeWebp(Quarters(24, 16), {.chunks = {{"XMP ", "x"}}});
  animated[20] = static_cast<char>(animated[20] | 0x02);
  EXPECT_EQ(VerdictOf(animated), Verdict::kTypeRefused);
  Source source;
  EXPECT_EQ(OpenContainer(std::string_view("RIFF\x0C\0\0\0WEBPVP8L\0\0\0\0", 20), &source), Verdict::kDamaged);
}

TEST(JpegSegments, PlainMeansNothingButThePicture) {
  JpegSize size;
  const std::string with_jfif = MakeJpeg(Quarters(24, 16));
  EXPECT_FALSE(IsPlainJpeg(with_jfif, &size));
  const std::string plain = ProcessImage(with_jfif, {}).full;
  ASSERT_TRUE(IsPlainJpeg(plain, &size));
  EXPECT_EQ(size.width, 24);
  EXPECT_EQ(size.height, 16);
  EXPECT_FALSE(IsPlainJpeg(plain + "x", &size));
  EXPECT_FALSE(IsPlainJpeg("x" + plain, &size));
  EXPECT_FALSE(IsPlainJpeg(plain.substr(0, plain.size() - 1), &size));
  EXPECT_FALSE(IsPlainJpeg(plain.substr(0, 2) + std::string("\xFF\xFE\0\4ab", 6) + plain.substr(2), &size));
  EXPECT_FALSE(IsPlainJpeg("\xFF\xD8\xFF\xD9", &size));
}

}  // namespace
}  // namespace dinh::photo

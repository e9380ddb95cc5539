#include "services/feedback/photo_worker/process.h"

#include <gtest/gtest.h>

#include <random>

#include "services/feedback/photo_worker/decode.h"
#include "services/feedback/photo_worker/jpeg_segments.h"
#include "services/feedback/photo_worker/testing/images.h"

namespace dinh::photo {
namespace {

using testing::Colour;
using testing::JpegSpec;
using testing::MakeExif;
using testing::MakeJpeg;
using testing::MakePng;
using testing::MakeWebp;
using testing::Near;
using testing::PngKind;
using testing::QuarterColour;
using testing::Quarters;

Picture Decoded(const std::string& jpeg) {
  Picture picture;
  EXPECT_EQ(DecodeJpeg(jpeg, &picture), Verdict::kOk);
  return picture;
}

void ExpectQuarters(const std::string& jpeg, const std::vector<Colour>& expected) {
  const Picture picture = Decoded(jpeg);
  for (int i = 0; i < 4; ++i) {
    const Colour is = QuarterColour(picture, i % 2, i / 2);
    EXPECT_TRUE(Near(is, expected[i])) << "quarter " << i << ": " << is.r << ' ' << is.g << ' ' << is.b;
  }
}

struct Upload {
  const char* name;
  std::string file;
  SourceType type;
  std::vector<Colour> quarters;
};

std::vector<Upload> Uploads() {
  using testing::kBlack, testing::kBlue, testing::kGreen, testing::kRed, testing::kWhite;
  const Picture picture = Quarters(80, 60);
  const std::vector<Colour> colours{kRed, kGreen, kBlue, kWhite};
  const std::vector<Colour> red_channel{kWhite, kBlack, kBlack, kWhite};
  const std::vector<Colour> half{{255, 127, 127}, {127, 255, 127}, {127, 127, 255}, kWhite};
  return {
      {"jpeg", MakeJpeg(picture), SourceType::kJpeg, colours},
      {"jpeg progressive", MakeJpeg(picture, {.progressive = true}), SourceType::kJpeg, colours},
      {"jpeg 4:4:4", MakeJpeg(picture, {.subsampled = false}), SourceType::kJpeg, colours},
      {"png", MakePng(picture), SourceType::kPng, colours},
      {"png interlaced", MakePng(picture, {.interlaced = true}), SourceType::kPng, colours},
      {"png alpha", MakePng(picture, {.kind = PngKind::kRgba, .alpha = 128}), SourceType::kPng, half},
      {"png alpha interlaced", MakePng(picture, {.kind = PngKind::kRgba, .interlaced = true, .alpha = 128}),
       SourceType::kPng, half},
      {"png 16 bits", MakePng(picture, {.kind = PngKind::kRgb16}), SourceType::kPng, colours},
      {"png grey", MakePng(picture, {.kind = PngKind::kGrey}), SourceType::kPng, red_channel},
      {"png 1 bit", MakePng(picture, {.kind = PngKind::kGrey1}), SourceType::kPng, red_channel},
      {"png palette", MakePng(picture, {.kind = PngKind::kPalette}), SourceType::kPng, {kRed, kWhite, kBlue, kWhite}},
      {"webp", MakeWebp(picture), SourceType::kWebp, colours},
      {"webp lossless", MakeWebp(picture, {.lossless = true}), SourceType::kWebp, colours},
      {"webp alpha", MakeWebp(picture, {.alpha = 128}), SourceType::kWebp, half},
      {"webp lossless alpha", MakeWebp(picture, {.lossless = true, .alpha = 128}), SourceType::kWebp, half},
      {"webp extended alpha", MakeWebp(picture, {.alpha = 128, .chunks = {{"XMP ", "x"}}}), SourceType::kWebp, half},
  };
}

TEST(Process, EveryKindComesOutAsPlainJpeg) {
  for (const Upload& upload : Uploads()) {
    SCOPED_TRACE(upload.name);
    const Answer answer = ProcessImage(upload.file, {});
    ASSERT_EQ(answer.verdict, Verdict::kOk);
    EXPECT_EQ(answer.type, upload.type);
    EXPECT_EQ(answer.width, 80);
    EXPECT_EQ(answer.height, 60);
    EXPECT_FALSE(answer.position);
    ExpectQuarters(answer.full, upload.quarters);
    ExpectQuarters(answer.thumbnail, upload.quarters);
    Answer read;
    EXPECT_TRUE(DecodeAnswer(EncodeAnswer(answer), &read)) << "the server would take it";
  }
}

TEST(Process, GreyAndFourColourJpeg) {
  Answer answer = ProcessImage(testing::MakeGreyJpeg(40, 40, 77), {});
  ASSERT_EQ(answer.verdict, Verdict::kOk);
  EXPECT_TRUE(Near(QuarterColour(Decoded(answer.full), 0, 0), {77, 77, 77}, 2));
  answer = ProcessImage(testing::MakeCmykJpeg(40, 40, {255, 0, 0, 200}), {});  // full magenta and yellow, some black
  ASSERT_EQ(answer.verdict, Verdict::kOk);
  EXPECT_TRUE(Near(QuarterColour(Decoded(answer.full), 0, 0), {200, 0, 0}, 4));
}

// The stored picture is turned so that it stands as it was seen: row and column of EXIF's table, in quarters.
TEST(Process, StandsUprightForAllOrientations) {
  using testing::kBlue, testing::kGreen, testing::kRed, testing::kWhite;
  const std::vector<Colour> seen[] = {{kRed, kGreen, kBlue, kWhite}, {kGreen, kRed, kWhite, kBlue},
                                      {kWhite, kBlue, kGreen, kRed}, {kBlue, kWhite, kRed, kGreen},
                                      {kRed, kBlue, kGreen, kWhite}, {kBlue, kRed, kWhite, kGreen},
                                      {kWhite, kGreen, kBlue, kRed}, {kGreen, kWhite, kRed, kBlue}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string tiff = MakeExif({.orientation = orientation});
    const Picture stored = Quarters(80, 60);
    const std::string files[] = {
        MakeJpeg(stored, {.segments = {{0xE1, testing::ExifPayload(tiff)}}}),
        testing::WithPngChunk(MakePng(stored), testing::PngChunk("eXIf", tiff)),
        MakeWebp(stored, {.chunks = {{"EXIF", tiff}}}),
    };
    for (const std::string& file : files) {
      SCOPED_TRACE(orientation);
      const Answer answer = ProcessImage(file, {});
      ASSERT_EQ(answer.verdict, Verdict::kOk);
      EXPECT_EQ(answer.width, orientation >= 5 ? 60 : 80);
      EXPECT_EQ(answer.height, orientation >= 5 ? 80 : 60);
      ExpectQuarters(answer.full, seen[orientation - 1]);
      ExpectQuarters(answer.thumbnail, seen[orientation - 1]);
    }
  }
}

TEST(Process, LargeOnesAreMadeSmaller) {
  const Picture picture = Quarters(3000, 1500);
  for (const std::string& file : {MakeJpeg(picture), MakePng(picture), MakeWebp(picture)}) {
    const Answer answer = ProcessImage(file, {});
    ASSERT_EQ(answer.verdict, Verdict::kOk);
    EXPECT_EQ(answer.width, 2048);
    EXPECT_EQ(answer.height, 1024);
    ExpectQuarters(answer.full, {testing::kRed, testing::kGreen, testing::kBlue, testing::kWhite});
    const Picture thumbnail = Decoded(answer.thumbnail);
    EXPECT_EQ(thumbnail.width, 320);
    EXPECT_EQ(thumbnail.height, 160);
  }
  const Answer dot = ProcessImage(MakePng(Quarters(1, 1)), {});
  EXPECT_EQ(dot.verdict, Verdict::kOk);
  EXPECT_EQ(dot.width, 1);
}

TEST(Process, ColoursAreThoseOfTheProfile) {
  const std::string profile = testing::SwappedProfile();
  const Picture picture = Quarters(80, 60);
  const std::string half = std::string("ICC_PROFILE\0\1\2", 14) + profile.substr(0, 200);
  const std::string rest = std::string("ICC_PROFILE\0\2\2", 14) + profile.substr(200);
  for (const std::string& file : {MakeJpeg(picture, {.segments = {{0xE2, testing::IccPayload(profile)}}}),
                                  MakeJpeg(picture, {.segments = {{0xE2, half}, {0xE2, rest}}}),
                                  testing::WithPngChunk(MakePng(picture), testing::IccpChunk(profile)),
                                  MakeWebp(picture, {.chunks = {{"ICCP", profile}}})}) {
    const Answer answer = ProcessImage(file, {});
    ASSERT_EQ(answer.verdict, Verdict::kOk);
    ExpectQuarters(answer.full, {testing::kGreen, testing::kRed, testing::kBlue, testing::kWhite});
  }
}

TEST(Process, ProfilesOutOfMeasureAreNoProfiles) {
  const Picture picture = Quarters(80, 60);
  const std::string bomb(64 * base::kMiB, '\0');  // 64 KiB as a chunk
  std::string cut = testing::SwappedProfile();
  cut.resize(cut.size() / 2);
  for (const std::string& file : {testing::WithPngChunk(MakePng(picture), testing::IccpChunk(bomb)),
                                  testing::WithPngChunk(MakePng(picture), testing::IccpChunk(cut)),
                                  testing::WithPngChunk(MakePng(picture), testing::PngChunk("iCCP", "no end"))}) {
    const Answer answer = ProcessImage(file, {});
    ASSERT_EQ(answer.verdict, Verdict::kOk);
    EXPECT_EQ(answer.full, ProcessImage(MakePng(picture), {}).full);
  }
}

TEST(Process, PositionIsHandedOutBeside) {
  const std::string tiff = MakeExif({.position = {{19.8523, 105.9031}}});
  const Picture picture = Quarters(24, 16);
  for (const std::string& file : {MakeJpeg(picture, {.segments = {{0xE1, testing::ExifPayload(tiff)}}}),
                                  testing::WithPngChunk(MakePng(picture), testing::PngChunk("eXIf", tiff)),
                                  MakeWebp(picture, {.chunks = {{"EXIF", tiff}}})}) {
    const Answer answer = ProcessImage(file, {});
    ASSERT_TRUE(answer.position);
    EXPECT_NEAR(answer.position->lat, 19.8523, 1e-6);
    EXPECT_NEAR(answer.position->lon, 105.9031, 1e-6);
  }
}

// Files with a marker in every place where data can hide: none of it comes out, and the output does not even depend on
// it: it is byte for byte that of the same picture without any.
TEST(Process, NoMetadataSurvives) {
  const std::string marker = "DAU-VET-CUA-NGUOI-CHUP";
  const std::string tiff = MakeExif({.position = {{19.8523, 105.9031}}, .text = marker});
  const Picture picture = Quarters(80, 60);
  const std::string second = MakeJpeg(picture, {.segments = {{0xFE, marker}}});
  JpegSpec everything;
  everything.segments = {{0xE1, testing::ExifPayload(tiff)},
                         {0xE1, std::string("http://ns.adobe.com/xap/1.0/\0", 29) + marker},
                         {0xE1, std::string("http://ns.adobe.com/xmp/extension/\0", 35) + marker},
                         {0xE2, std::string("ICC_PROFILE\0\1\1", 14) + marker},
                         {0xE2, std::string("MPF\0", 4) + marker},
                         {0xED, std::string("Photoshop 3.0\0", 14) + "8BIM" + marker},
                         {0xEE, "Adobe" + marker},
                         {0xFE, marker}};
  for (int app = 0xE0; app <= 0xEF; ++app) everything.segments.emplace_back(app, marker);
  std::string png = MakePng(picture);
  for (const std::string type : {"tEXt", "zTXt", "iTXt", "iCCP", "eXIf", "tIME", "prVt", "sPLT"}) {
    png = testing::WithPngChunk(png, testing::PngChunk(type, type == "eXIf" ? tiff : marker));
  }
  const std::pair<std::string, std::string> files[] = {
      {MakeJpeg(picture, everything) + second + marker, MakeJpeg(picture)},
      {png + second + marker, MakePng(picture)},
      {MakeWebp(picture, {.chunks = {{"ICCP", marker}, {"EXIF", tiff}, {"XMP ", marker}, {"mark", marker}}}) + marker,
       MakeWebp(picture)},
  };
  for (const auto& [laden, bare] : files) {
    ASSERT_NE(laden.find(marker), std::string::npos);
    const Answer answer = ProcessImage(laden, {});
    const Answer expected = ProcessImage(bare, {});
    ASSERT_EQ(answer.verdict, Verdict::kOk);
    EXPECT_TRUE(answer.position);
    EXPECT_EQ(answer.full, expected.full);
    EXPECT_EQ(answer.thumbnail, expected.thumbnail);
    for (const std::string& out : {answer.full, answer.thumbnail}) {
      JpegSize size;
      EXPECT_TRUE(IsPlainJpeg(out, &size)) << "a segment that is not the picture";
      EXPECT_EQ(out.find(marker), std::string::npos);
      EXPECT_EQ(out.find("Exif"), std::string::npos);
    }
  }
}

TEST(Process, BombsAndImpossibleShapes) {
  EXPECT_EQ(ProcessImage(testing::ZeroPng(50'000, 50'000, 10), {}).verdict, Verdict::kTooManyPixels);
  EXPECT_EQ(ProcessImage(testing::ZeroPng(0x7FFFFFFF, 0x7FFFFFFF, 0), {}).verdict, Verdict::kTooManyPixels);
  EXPECT_EQ(ProcessImage(testing::ZeroPng(40'000, 10, 10), {}).verdict, Verdict::kTooNarrow);
  EXPECT_EQ(ProcessImage(testing::ZeroPng(10, 40'000, 10), {}).verdict, Verdict::kTooNarrow);
  EXPECT_EQ(ProcessImage(testing::ZeroPng(0, 10, 10), {}).verdict, Verdict::kDamaged);
  // A small picture whose data goes on and on: 50 MB of zeros in 50 KB.
  EXPECT_EQ(ProcessImage(testing::ZeroPng(100, 100, 500'000), {}).verdict, Verdict::kDamaged);

  std::string jpeg = MakeJpeg(Quarters(24, 16));
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xFF\xDC\xFF\xDC");  // 65,500 × 65,500
  EXPECT_EQ(ProcessImage(jpeg, {}).verdict, Verdict::kTooManyPixels);
}

TEST(Process, MoreScansThanAnyEncoderWrites) {
  const std::string jpeg = MakeJpeg(Quarters(24, 16), {.progressive = true});
  const size_t scan = jpeg.rfind("\xFF\xDA");
  std::string repeated = jpeg.substr(0, jpeg.size() - 2);
  for (int i = 0; i < kJpegScansMax; ++i) repeated += jpeg.substr(scan, jpeg.size() - 2 - scan);
  EXPECT_EQ(ProcessImage(repeated + "\xFF\xD9", {}).verdict, Verdict::kDamaged);
}

TEST(Process, CoveredPartsAreGoneFromBothPictures) {
  const Picture noise = testing::Noise(640, 480, 9);
  const Answer answer = ProcessImage(MakeJpeg(noise, {.quality = 95}), {{0.25, 0.25, 0.5, 0.5}});
  ASSERT_EQ(answer.verdict, Verdict::kOk);
  for (const std::string& jpeg : {answer.full, answer.thumbnail}) {
    const Picture picture = Decoded(jpeg);
    // The spread within one cell: noise outside, next to nothing inside.
    const auto spread = [&](double at_x, double at_y) {
      int low = 255;
      int high = 0;
      for (int y = 0; y < picture.height / 20; ++y) {
        for (int x = 0; x < picture.width / 20; ++x) {
          const int green = picture.row(static_cast<int>(at_y * picture.height) +
                                        y)[(static_cast<int>(at_x * picture.width) + x) * kChannels + 1];
          low = std::min(low, green);
          high = std::max(high, green);
        }
      }
      return high - low;
    };
    EXPECT_GT(spread(0.05, 0.05), 30);
    EXPECT_LT(spread(0.28, 0.28), 8);
    EXPECT_LT(spread(0.66, 0.65), 8);
  }
}

// Whatever the bytes: an answer that the server would take, or a refusal.
TEST(Process, SeededMutationsOfWholeFiles) {
  std::mt19937_64 random(20260213);
  std::vector<std::string> files;
  for (const Upload& upload : Uploads()) files.push_back(upload.file);
  const std::string tiff = MakeExif({.orientation = 6, .position = {{19.8, 105.9}}, .text = "t"});
  files.push_back(MakeJpeg(Quarters(40, 30), {.segments = {{0xE1, testing::ExifPayload(tiff)}}}));
  files.push_back(MakeWebp(Quarters(40, 30), {.chunks = {{"EXIF", tiff}}}));
  const std::string profile = testing::SwappedProfile();
  files.push_back(MakeWebp(Quarters(40, 30), {.chunks = {{"ICCP", profile}}}));
  files.push_back(MakeJpeg(Quarters(40, 30), {.segments = {{0xE2, testing::IccPayload(profile)}}}));
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 6'000; ++i) {
    std::string file = files[i % files.size()];
    for (uint64_t changes = 1 + random() % 8; changes > 0; --changes) {
      // Headers are short beside pixels: half of the changes go there.
      const size_t range = random() % 2 == 0 ? std::min<size_t>(file.size(), 64) : file.size();
      const size_t at = random() % range;
      switch (random() % 4) {
        case 0:
          file[at] = static_cast<char>(random());
          break;
        case 1:
          file[at] = static_cast<char>(file[at] ^ 1 << random() % 8);
          break;
        case 2:
          file.erase(at, random() % 16);
          break;
        default:
          file.insert(at, std::string(random() % 16, static_cast<char>(random())));
      }
      if (file.empty()) break;
    }
    const Answer answer = ProcessImage(file, {});
    if (answer.verdict == Verdict::kOk) {
      ++taken;
      Answer read;
      ASSERT_TRUE(DecodeAnswer(EncodeAnswer(answer), &read));
    } else {
      ++refused;
    }
  }
  EXPECT_GT(taken, 100);
  EXPECT_GT(refused, 1'000);
}

}  // namespace
}  // namespace dinh::photo

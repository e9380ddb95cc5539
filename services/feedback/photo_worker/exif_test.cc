#include "services/feedback/photo_worker/exif.h"

#include <gtest/gtest.h>

#include <random>

#include "services/feedback/photo_worker/testing/images.h"

namespace dinh::photo {
namespace {

using testing::ExifSpec;
using testing::MakeExif;

constexpr double kTolerance = 1e-7;  // of a ten-thousandth of a second of arc

TEST(Exif, OrientationInBothByteOrders) {
  for (const bool big : {false, true}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      EXPECT_EQ(ReadExif(MakeExif({.big_endian = big, .orientation = orientation})).orientation, orientation);
    }
    EXPECT_EQ(ReadExif(MakeExif({.big_endian = big, .orientation = 9})).orientation, 1);
  }
}

TEST(Exif, PositionInAllHemispheres) {
  for (const bool big : {false, true}) {
    for (const auto& [lat, lon] : std::vector<std::pair<double, double>>{{19.8523, 105.9031},
                                                                         {-33.8568, 151.2153},
                                                                         {40.6892, -74.0445},
                                                                         {-22.9519, -43.2105},
                                                                         {0, 6.5},
                                                                         {90, 180}}) {
      const ExifFacts facts = ReadExif(MakeExif({.big_endian = big, .orientation = 6, .position = {{lat, lon}}}));
      ASSERT_TRUE(facts.position) << lat << ' ' << lon;
      EXPECT_NEAR(facts.position->lat, lat, kTolerance);
      EXPECT_NEAR(facts.position->lon, lon, kTolerance);
      EXPECT_EQ(facts.orientation, 6);
    }
  }
}

// One value of a good block changed: no position, and nothing worse.
class BrokenExif : public ::testing::Test {
 protected:
  // Little-endian, GPS directory alone: entry i of it stands at kGps + 2 + 12 * i, the rationals behind the directory.
  static constexpr size_t kGps = 8 + 2 + 12 + 4;
  static constexpr size_t kLatitude = kGps + 2 + 48 + 4;
  std::string tiff_ = MakeExif({.position = {{19.8523, 105.9031}}});

  bool HasPosition() const { return ReadExif(tiff_).position.has_value(); }
  void Put32(size_t at, uint32_t value) {
    for (int i = 0; i < 4; ++i) tiff_[at + i] = static_cast<char>(value >> 8 * i);
  }
};

TEST_F(BrokenExif, UntouchedHasAPosition) { EXPECT_TRUE(HasPosition()); }
TEST_F(BrokenExif, DenominatorZero) {
  Put32(kLatitude + 4, 0);
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, DegreesBeyondThePole) {
  Put32(kLatitude, 91);
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, SixtyMinutes) {
  Put32(kLatitude + 8, 60);
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, UnknownHemisphere) {
  tiff_[kGps + 2 + 8] = 'X';
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, WrongTypeOfAngle) {
  tiff_[kGps + 2 + 12 + 2] = 10;  // signed rational
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, WrongCountOfAngle) {
  tiff_[kGps + 2 + 12 + 4] = 2;
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, DirectoryOutsideTheData) {
  Put32(8 + 2 + 8, 0xFFFFFFF0);
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, AnglesOutsideTheData) {
  Put32(kGps + 2 + 12 + 8, static_cast<uint32_t>(tiff_.size() - 8));
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, ReceiverWithoutAFix) {
  tiff_ = MakeExif({.position = {{0, 0}}});
  EXPECT_FALSE(HasPosition());
}
TEST_F(BrokenExif, CutAtEachByte) {
  const std::string whole = tiff_;
  for (size_t n = 0; n < whole.size(); ++n) {
    tiff_ = whole.substr(0, n);
    EXPECT_FALSE(HasPosition()) << n;
  }
}

TEST(Exif, SeededMutationsStayInRange) {
  std::mt19937_64 random(20260213);
  const std::string blocks[] = {
      MakeExif({.orientation = 3, .position = {{19.8, 105.9}}, .text = "description"}),
      MakeExif({.big_endian = true, .orientation = 8, .position = {{-19.8, -105.9}}, .text = "description"})};
  int positions = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string tiff = blocks[i % 2];
    for (uint64_t changes = 1 + random() % 6; changes > 0; --changes) {
      tiff[random() % tiff.size()] = static_cast<char>(random() % 4 == 0 ? 0xFF : random());
    }
    if (random() % 4 == 0) tiff.resize(random() % tiff.size());
    const ExifFacts facts = ReadExif(tiff);
    ASSERT_GE(facts.orientation, 1);
    ASSERT_LE(facts.orientation, 8);
    if (facts.position) {
      ++positions;
      ASSERT_TRUE(IsOnEarth(*facts.position));
    }
  }
  EXPECT_GT(positions, 1'000);  // the mutations reach behind the first check
}

}  // namespace
}  // namespace dinh::photo

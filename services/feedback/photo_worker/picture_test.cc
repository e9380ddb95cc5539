#include "services/feedback/photo_worker/picture.h"

#include <gtest/gtest.h>

#include <set>

#include "services/feedback/photo_worker/decode.h"
#include "services/feedback/photo_worker/testing/images.h"

namespace dinh::photo {
namespace {

TEST(FitWithin, KeepsProportionsAndNeverEnlarges) {
  const auto fit = [](int width, int height) {
    const Size size = FitWithin({width, height}, 2048);
    return std::pair(size.width, size.height);
  };
  EXPECT_EQ(fit(4032, 3024), std::pair(2048, 1536));
  EXPECT_EQ(fit(3024, 4032), std::pair(1536, 2048));
  EXPECT_EQ(fit(2048, 10), std::pair(2048, 10));
  EXPECT_EQ(fit(640, 480), std::pair(640, 480));
  EXPECT_EQ(fit(100'000, 1), std::pair(2048, 1));
}

// Each output pixel is the mean of its area: in one dimension, by hand.
TEST(RowScaler, WeighsPartsOfPixels) {
  const uint8_t values[] = {0, 100, 200};
  for (const bool vertical : {false, true}) {
    RowScaler scaler(vertical ? Size{1, 3} : Size{3, 1}, vertical ? Size{1, 2} : Size{2, 1});
    uint8_t row[9];
    for (int i = 0; i < 9; ++i) row[i] = values[i / 3];
    if (vertical) {
      for (int y = 0; y < 3; ++y) scaler.Add(row + 3 * y);
    } else {
      scaler.Add(row);
    }
    const Picture out = scaler.Take();
    EXPECT_EQ(out.rgb, (std::vector<uint8_t>{33, 33, 33, 167, 167, 167})) << vertical;
  }
}

TEST(RowScaler, EverySizeKeepsTheMeanAndFlatStaysFlat) {
  const Picture noise = testing::Noise(61, 47, 5);
  Picture flat(61, 47);
  std::fill(flat.rgb.begin(), flat.rgb.end(), 201);
  const auto mean = [](const Picture& picture) {
    double sum = 0;
    for (const uint8_t value : picture.rgb) sum += value;
    return sum / static_cast<double>(picture.rgb.size());
  };
  for (int side = 1; side <= 61; ++side) {
    EXPECT_NEAR(mean(Shrink(noise, side)), mean(noise), side == 1 ? 10 : 2) << side;
    const Picture small = Shrink(flat, side);
    EXPECT_EQ(std::max(small.width, small.height), side);
    EXPECT_EQ(std::set<uint8_t>(small.rgb.begin(), small.rgb.end()), std::set<uint8_t>{201}) << side;
  }
  EXPECT_EQ(Shrink(noise, 61).rgb, noise.rgb);
}

TEST(FlattenAlpha, OntoWhite) {
  const uint8_t rgba[] = {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 255, 128};
  uint8_t rgb[9];
  FlattenAlpha(rgba, 3, rgb);
  const uint8_t expected[] = {10, 20, 30, 255, 255, 255, 127, 177, 255};
  for (int i = 0; i < 9; ++i) EXPECT_EQ(rgb[i], expected[i]) << i;
}

// Two plates with other characters on them, of the same mean: after covering nothing tells them apart.
TEST(Cover, WhatWasThereCannotBeTold) {
  Picture first(200, 160);
  std::fill(first.rgb.begin(), first.rgb.end(), 90);
  Picture second = first;
  const Box box{0.25, 0.25, 0.5, 0.5};
  for (int y = 44; y < 116; ++y) {
    for (int x = 54; x < 146; ++x) {
      std::fill_n(first.row(y) + x * 3, 3, (x + y) % 2 == 0 ? 30 : 230);
      std::fill_n(second.row(y) + x * 3, 3, (x + y) % 2 == 0 ? 230 : 30);
    }
  }
  ASSERT_NE(first.rgb, second.rgb);
  Cover(first, {box});
  Cover(second, {box});
  EXPECT_EQ(first.rgb, second.rgb);

  std::set<std::vector<uint8_t>> colours;
  for (int y = 40; y < 120; ++y) {
    for (int x = 50; x < 150; ++x)
      colours.insert({first.row(y)[x * 3], first.row(y)[x * 3 + 1], first.row(y)[x * 3 + 2]});
  }
  EXPECT_LE(colours.size(), static_cast<size_t>(kBoxCells) * kBoxCells);
  EXPECT_EQ(first.row(20)[20 * 3], 90) << "outside stays";
}

TEST(Cover, BoxesAtTheEdgesAndOfNoSize) {
  Picture picture = testing::Noise(33, 21, 3);
  Cover(picture, {{0, 0, 1, 1}, {0.99, 0.99, 0.01, 0.01}, {0.5, 0.5, 0, 0}, {1, 1, 0, 0}});
  std::set<uint8_t> values(picture.rgb.begin(), picture.rgb.end());
  EXPECT_LE(values.size(), static_cast<size_t>(kBoxColourLevels));
  Picture dot(1, 1);
  Cover(dot, {{0, 0, 1, 1}});
  EXPECT_EQ(dot.rgb[0], 256 / kBoxColourLevels / 2);
}

}  // namespace
}  // namespace dinh::photo

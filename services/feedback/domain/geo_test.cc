#include "services/feedback/domain/geo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>

#include "libs/base/status.h"

namespace dinh::feedback {
namespace {

using ::testing::ElementsAre;

constexpr Point kMarket{19.8658, 105.8584};
const std::string kKey(32, 'k');

std::string Field(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail && !detail->violations.empty() ? detail->violations[0].field : status.ToString();
}

TEST(Geo, Points) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(CheckPoint(kMarket).ok());
  EXPECT_TRUE(CheckPoint({-90, 180}).ok());
  EXPECT_EQ(Field(CheckPoint({90.1, 105})), "place.lat");
  EXPECT_EQ(Field(CheckPoint({19, 180.5}, "near")), "near.lng");
  EXPECT_EQ(Field(CheckPoint({nan, 105})), "place.lat");
  EXPECT_EQ(Field(CheckPoint({19, std::numeric_limits<double>::infinity()})), "place.lng");
  EXPECT_EQ(Field(CheckPoint({0, 0})), "place.lat");  // a phone without a fix
  EXPECT_EQ(base::DetailOf(CheckPoint({91, 181}))->violations.size(), 2U);
}

TEST(Geo, Metres) {
  EXPECT_NEAR(MetresBetween({0, 0}, {0, 1}), 111195, 1);
  EXPECT_NEAR(MetresBetween({0, 0}, {1, 0}), 111195, 1);
  EXPECT_NEAR(MetresBetween({60, 10}, {60, 11}), 55597, 10);                            // half as wide at 60 degrees
  EXPECT_NEAR(MetresBetween({21.0278, 105.8342}, {10.8231, 106.6297}), 1137800, 2000);  // Hà Nội to TP. Hồ Chí Minh
  EXPECT_EQ(MetresBetween(kMarket, kMarket), 0);
}

TEST(Geo, Boxes) {
  EXPECT_EQ(ParseBbox("105.7, 19.7,106,20").value(), (Bbox{105.7, 19.7, 106, 20}));
  for (const char* bad : {"", "1,2,3", "1,2,3,4,5", "a,b,c,d", "105,19,106,nan", "105,19,106,inf", "105,19,106,20x",
                          "106,19,105,20", "179,19,-179,20", "105,20,106,19", "105,-91,106,20", "-181,19,106,20"}) {
    EXPECT_EQ(Field(ParseBbox(bad).status()), "bbox") << bad;
  }
  EXPECT_TRUE(Contains({105, 19, 106, 20}, {19, 106}));
  EXPECT_FALSE(Contains({105, 19, 106, 20}, {20.0001, 105.5}));
  for (const double bad : {0.0, -5.0, 5001.0, std::nan(""), 1e300}) EXPECT_EQ(Field(CheckRadius(bad)), "radius_m");
  EXPECT_TRUE(CheckRadius(1).ok());
  EXPECT_TRUE(CheckRadius(5000).ok());
}

TEST(Geo, CellsHaveStableIds) {
  for (const Cell& cell : {Cell{0, 0}, Cell{-1, -1}, Cell{21870, 106890}, Cell{-100, 5}, Cell{7, -100}}) {
    EXPECT_EQ(CellFromId(CellId(cell)), cell);
    EXPECT_EQ(CellOf(CentreOf(cell)), cell);
  }
  // Stored: must never change.
  EXPECT_EQ(CellOf(kMarket), (Cell{21871, 106877}));
}

// Wherever in the country the true place is, what is shown is at least 50 m away and in the neighbourhood.
TEST(Geo, HiddenPlaceIsFarEnough) {
  std::mt19937_64 engine(7);
  std::uniform_real_distribution<double> lat(8.0, 23.4), lon(102.0, 118.0), corner(0, 1);
  for (int i = 0; i < 20000; ++i) {
    Point point{lat(engine), lon(engine)};
    if (i % 2 == 0) {  // on the edge of its cell, where the neighbours are nearest
      const Cell cell = CellOf(point);
      const Point centre = CentreOf(cell);
      const Point next = CentreOf(Cell{cell.row + 1, cell.col + 1});
      point = {(centre.lat + next.lat) / 2 - 1e-9, centre.lon + (next.lon - centre.lon) * (corner(engine) - 0.5)};
    }
    const double metres = MetresBetween(point, HidePoint(kKey, point));
    ASSERT_GE(metres, 50) << point.lat << "," << point.lon;
    ASSERT_LE(metres, 400);
  }
}

TEST(Geo, TheSamePlaceIsAlwaysShownTheSame) {
  const Cell cell = CellOf(kMarket);
  const Cell shown = HideCell(kKey, cell);
  for (const Point& point : {kMarket, CentreOf(cell), Point{CentreOf(cell).lat + 1e-4, CentreOf(cell).lon - 1e-4}}) {
    EXPECT_EQ(HidePoint(kKey, point), CentreOf(shown));
  }
  EXPECT_NE(HideCell(std::string(32, 'x'), cell), shown);  // another key shows another cell (here)
}

// Every neighbour is picked about as often as any other, and the cell itself never.
TEST(Geo, AllNeighboursAreEquallyLikely) {
  std::map<std::pair<int, int>, int> picked;
  constexpr int kCells = 24000;
  for (int i = 0; i < kCells; ++i) {
    const Cell cell{20000 + i / 200, 100000 + i % 200};
    const Cell shown = HideCell(kKey, cell);
    ++picked[{shown.row - cell.row, shown.col - cell.col}];
  }
  EXPECT_EQ(picked.size(), 24U);
  EXPECT_FALSE(picked.contains({0, 0}));
  for (const auto& [step, times] : picked) {
    EXPECT_LE(std::max(std::abs(step.first), std::abs(step.second)), 2);
    EXPECT_NEAR(times, kCells / 24, 160);  // five standard deviations of 31
  }
}

TEST(Geo, Tiles) {
  EXPECT_EQ(TileOf({0, 0}, 1), (Tile{1, 1, 1}));
  EXPECT_EQ(TileOf({85.2, -180}, 3), (Tile{3, 0, 0}));
  EXPECT_EQ(TileOf({-90, 180}, 3), (Tile{3, 7, 7}));
  EXPECT_EQ(TileOf({21.0278, 105.8342}, 10), (Tile{10, 813, 450}));  // Hà Nội on any web map
  std::mt19937_64 engine(11);
  std::uniform_real_distribution<double> lat(-84, 84), lon(-180, 180);
  for (int i = 0; i < 2000; ++i) {
    const Point point{lat(engine), lon(engine)};
    for (const int z : {0, 5, 13, 22}) {
      const Tile tile = TileOf(point, z);
      const Bbox box = BoxOf(tile);
      const Bbox wider{box.west - 1e-9, box.south - 1e-9, box.east + 1e-9, box.north + 1e-9};
      ASSERT_TRUE(Contains(wider, point));
      ASSERT_EQ(TileOf(CentreOf(tile), z), tile);
      const Range range = RangeOf(tile);
      ASSERT_GE(MortonOf(point), range.from);
      ASSERT_LT(MortonOf(point), range.to);
    }
    ASSERT_EQ(TileFromMorton(MortonOf(point)), TileOf(point, kMortonLevel));
  }
  EXPECT_EQ(RangeOf(Tile{}), (Range{0, int64_t{1} << 44}));
  EXPECT_EQ(RangeOf({1, 1, 0}), (Range{int64_t{1} << 42, int64_t{2} << 42}));
}

bool Covered(const std::vector<Range>& ranges, int64_t code) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return code >= range.from && code < range.to; });
}

void ExpectTidy(const std::vector<Range>& ranges, size_t max_ranges) {
  ASSERT_FALSE(ranges.empty());
  ASSERT_LE(ranges.size(), max_ranges);
  for (size_t i = 0; i < ranges.size(); ++i) {
    ASSERT_LT(ranges[i].from, ranges[i].to);
    if (i > 0) {
      ASSERT_GT(ranges[i].from, ranges[i - 1].to);
    }
  }
}

int64_t Codes(const std::vector<Range>& ranges) {
  int64_t sum = 0;
  for (const Range& range : ranges) sum += range.to - range.from;
  return sum;
}

TEST(Geo, RangesHoldEveryPointOfTheBox) {
  std::mt19937_64 engine(3);
  std::uniform_real_distribution<double> at(0, 1);
  for (int i = 0; i < 300; ++i) {
    const double size = std::pow(10, -4 + 5 * at(engine));
    const double west = -180 + (360 - size) * at(engine);
    const double south = -80 + (160 - size) * at(engine);
    const Bbox box{west, south, west + size, south + size};
    for (const size_t max_ranges : {1, 4, 16, 64}) {
      const std::vector<Range> ranges = CoverBox(box, max_ranges);
      ExpectTidy(ranges, max_ranges);
      for (int j = 0; j < 50; ++j) {
        const Point point{box.south + size * at(engine), box.west + size * at(engine)};
        ASSERT_TRUE(Covered(ranges, MortonOf(point)));
      }
      for (const double lat : {box.south, box.north}) {
        for (const double lon : {box.west, box.east}) ASSERT_TRUE(Covered(ranges, MortonOf({lat, lon})));
      }
    }
  }
}

TEST(Geo, RangesHoldEveryPointOfTheCircle) {
  std::mt19937_64 engine(5);
  std::uniform_real_distribution<double> at(0, 1);
  for (int i = 0; i < 300; ++i) {
    const Point centre{8 + 15 * at(engine), 102 + 10 * at(engine)};
    const double radius = 1 + 4999 * at(engine) * at(engine);
    const Bbox box = BoxAround(centre, radius);
    for (const size_t max_ranges : {1, 8, 32}) {
      const std::vector<Range> ranges = CoverCircle(centre, radius, max_ranges);
      ExpectTidy(ranges, max_ranges);
      for (int j = 0; j < 200; ++j) {
        const Point point{box.south + (box.north - box.south) * at(engine),
                          box.west + (box.east - box.west) * at(engine)};
        if (MetresBetween(centre, point) <= radius) {
          ASSERT_TRUE(Covered(ranges, MortonOf(point)));
        }
      }
      ASSERT_TRUE(Covered(ranges, MortonOf(centre)));
    }
  }
}

// A cover that held the whole map would pass the tests above: it must also be tight.
TEST(Geo, RangesAreTight) {
  const Bbox commune{105.81639, 19.832952, 105.900377, 19.898611};
  const Tile a = TileOf({commune.north, commune.west}, kMortonLevel);
  const Tile b = TileOf({commune.south, commune.east}, kMortonLevel);
  const auto inside = static_cast<double>(b.x - a.x + 1) * static_cast<double>(b.y - a.y + 1);
  EXPECT_LT(static_cast<double>(Codes(CoverBox(commune, 32))), 1.5 * inside);
  EXPECT_LT(static_cast<double>(Codes(CoverBox(commune, 8))), 3 * inside);
  const double radius_tiles = 500 / MetresBetween(CentreOf(Tile{22, a.x, a.y}), CentreOf(Tile{22, a.x + 1, a.y}));
  EXPECT_LT(static_cast<double>(Codes(CoverCircle(kMarket, 500, 32))), 2 * 3.15 * radius_tiles * radius_tiles);
}

TEST(Geo, EdgesOfTheWorld) {
  ExpectTidy(CoverBox({-180, -90, 180, 90}, 8), 8);
  EXPECT_EQ(CoverBox({-180, -90, 180, 90}, 8), (std::vector<Range>{{0, int64_t{1} << 44}}));
  ExpectTidy(CoverCircle({89.9, 0}, 5000, 8), 8);
  ExpectTidy(CoverCircle({10, 179.999}, 5000, 8), 8);
  ExpectTidy(CoverBox({105, 19, 105, 19}, 8), 8);  // a box that is a point
  EXPECT_TRUE(Covered(CoverBox({105, 19, 105, 19}, 8), MortonOf({19, 105})));
  ExpectTidy(CoverBox({105, 88, 106, 89}, 8), 8);  // beyond the map: its edge
}

TEST(Geo, NearestFirst) {
  const std::vector<ReferencePoint> points = {{"far", "", {19.9, 105.9}},
                                              {"near", "", {19.801, 105.8}},
                                              {"next", "", {19.81, 105.8}},
                                              {"near", "", {19.82, 105.8}}};
  const auto found = NearestFirst(points, {19.8, 105.8}, 5000);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], &points[1]);
  EXPECT_EQ(found[1], &points[2]);
  EXPECT_TRUE(NearestFirst(points, {10, 105.8}, 5000).empty());
}

}  // namespace
}  // namespace dinh::feedback

#include "services/feedback/domain/geo.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <numbers>
#include <set>
#include <string>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::feedback {
namespace {

constexpr double kEarthRadius = 6371008.8;  // metres, mean
constexpr double kPi = std::numbers::pi;
constexpr double kMetresPerDegree = kEarthRadius * kPi / 180;

double Radians(double degrees) { return degrees * kPi / 180; }
double Degrees(double radians) { return radians * 180 / kPi; }

double CellHeight() { return kCellMetres / kMetresPerDegree; }  // degrees of latitude
double CellWidth() { return kCellMetres / (kMetresPerDegree * std::cos(Radians(kGridReferenceLat))); }

bool Finite(const Bbox& box) {
  return std::isfinite(box.west) && std::isfinite(box.south) && std::isfinite(box.east) && std::isfinite(box.north);
}

// Spreads the low 22 bits: bit i goes to bit 2i.
uint64_t Spread(uint32_t bits) {
  uint64_t out = 0;
  for (int i = 0; i < kMortonLevel; ++i) out |= static_cast<uint64_t>(bits >> i & 1U) << (2 * i);
  return out;
}

uint32_t Gather(uint64_t code) {
  uint32_t out = 0;
  for (int i = 0; i < kMortonLevel; ++i) out |= static_cast<uint32_t>(code >> (2 * i) & 1U) << i;
  return out;
}

int64_t Interleave(uint32_t x, uint32_t y) { return static_cast<int64_t>(Spread(x) | Spread(y) << 1); }

double LonOfX(double x, int z) { return x / std::exp2(z) * 360 - 180; }
double LatOfY(double y, int z) { return Degrees(std::atan(std::sinh(kPi * (1 - 2 * y / std::exp2(z))))); }

enum class Overlap { kNone, kPart, kWhole };

Overlap OverlapOf(const Bbox& tile, const Bbox& box) {
  if (tile.west > box.east || tile.east < box.west || tile.south > box.north || tile.north < box.south) {
    return Overlap::kNone;
  }
  const bool whole =
      tile.west >= box.west && tile.east <= box.east && tile.south >= box.south && tile.north <= box.north;
  return whole ? Overlap::kWhole : Overlap::kPart;
}

// Joins what touches; then, while there are too many, the two with the smallest gap between.
std::vector<Range> Merge(std::vector<Range> ranges, size_t max_ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.from < b.from; });
  std::vector<int64_t> gaps;
  for (size_t i = 1; i < ranges.size(); ++i) {
    const int64_t gap = ranges[i].from - ranges[i - 1].to;
    if (gap > 0) gaps.push_back(gap);
  }
  int64_t closed = 0;  // gaps up to this wide are closed
  size_t spare = 0;    // of those exactly as wide, so many may stay open
  if (gaps.size() + 1 > max_ranges) {
    const size_t close = gaps.size() + 1 - max_ranges;
    std::nth_element(gaps.begin(), gaps.begin() + static_cast<int64_t>(close - 1), gaps.end());
    closed = gaps[close - 1];
    spare = static_cast<size_t>(std::count_if(gaps.begin(), gaps.end(), [&](int64_t gap) { return gap <= closed; })) -
            close;
  }
  std::vector<Range> out;
  for (const Range& range : ranges) {
    const int64_t gap = out.empty() ? closed + 1 : range.from - out.back().to;
    const bool kept_open = gap > closed || (gap == closed && gap > 0 && spare > 0);
    if (kept_open && gap == closed) --spare;
    if (kept_open) {
      out.push_back(range);
    } else {
      out.back().to = std::max(out.back().to, range.to);
    }
  }
  return out;
}

// Goes down the quadtree level by level, splitting the tiles that lie only partly in the shape, until they are many
// (consecutive ones join to few ranges) or of the finest level.
template <typename OverlapWith>
std::vector<Range> Cover(size_t max_ranges, OverlapWith&& overlap_with) {
  constexpr size_t kTilesPerRange = 8;
  const size_t tiles_max = std::max<size_t>(max_ranges, 1) * kTilesPerRange;
  std::vector<Range> done;
  std::vector<Tile> open = {Tile{}};
  for (int z = 0; z < kMortonLevel && !open.empty() && done.size() + open.size() <= tiles_max; ++z) {
    std::vector<Tile> next;
    for (const Tile& tile : open) {
      for (int child = 0; child < 4; ++child) {
        const Tile part{z + 1, tile.x * 2 + (child & 1), tile.y * 2 + (child >> 1)};
        switch (overlap_with(BoxOf(part))) {
          case Overlap::kNone:
            break;
          case Overlap::kPart:
            next.push_back(part);
            break;
          case Overlap::kWhole:
            done.push_back(RangeOf(part));
            break;
        }
      }
    }
    open = std::move(next);
  }
  for (const Tile& tile : open) done.push_back(RangeOf(tile));
  return Merge(std::move(done), std::max<size_t>(max_ranges, 1));
}

// The box as the tiles see it: what lies beyond the mercator map stands on its edge.
Bbox OnMap(Bbox box) {
  for (double* lat : {&box.south, &box.north}) *lat = std::clamp(*lat, -kMercatorLatMax, kMercatorLatMax);
  return box;
}

absl::Status BboxOrder() {
  return base::InvalidField(
      "bbox",
      {"Khung bản đồ phải theo thứ tự tây,nam,đông,bắc, tây nhỏ hơn đông (không nhận khung vắt qua kinh tuyến "
       "180) và nam nhỏ hơn bắc.",
       "The box is west,south,east,north with west below east (one across the 180th meridian is not served) and "
       "south below north."});
}

}  // namespace

absl::Status CheckPoint(const Point& point, std::string_view field) {
  std::vector<base::FieldViolation> violations;
  const std::string prefix(field);
  if (!std::isfinite(point.lat) || std::abs(point.lat) > 90) {
    violations.push_back({prefix + ".lat", {"Vĩ độ phải từ -90 đến 90.", "The latitude is from -90 to 90."}});
  }
  if (!std::isfinite(point.lon) || std::abs(point.lon) > 180) {
    violations.push_back({prefix + ".lng", {"Kinh độ phải từ -180 đến 180.", "The longitude is from -180 to 180."}});
  }
  if (violations.empty() && point == Point{}) {
    violations.push_back({prefix + ".lat",
                          {"Thiết bị chưa xác định được vị trí. Hãy chọn vị trí trên bản đồ.",
                           "The device has no position yet. Choose the place on the map."}});
  }
  return violations.empty() ? absl::OkStatus() : base::InvalidFields(std::move(violations));
}

double MetresBetween(const Point& a, const Point& b) {
  const double north = std::sin(Radians(b.lat - a.lat) / 2);
  const double east = std::sin(Radians(b.lon - a.lon) / 2);
  const double h = north * north + std::cos(Radians(a.lat)) * std::cos(Radians(b.lat)) * east * east;
  return 2 * kEarthRadius * std::asin(std::sqrt(std::min(1.0, h)));
}

absl::Status CheckBbox(const Bbox& box) {
  if (!Finite(box) || std::abs(box.south) > 90 || std::abs(box.north) > 90 || std::abs(box.west) > 180 ||
      std::abs(box.east) > 180) {
    return base::InvalidField("bbox", {"Vĩ độ phải từ -90 đến 90 và kinh độ từ -180 đến 180.",
                                       "Latitudes are from -90 to 90, longitudes from -180 to 180."});
  }
  if (box.west > box.east || box.south > box.north) return BboxOrder();
  return absl::OkStatus();
}

absl::StatusOr<Bbox> ParseBbox(std::string_view text) {
  const std::vector<std::string_view> parts = base::Split(text, ',');
  double values[4] = {};
  bool ok = parts.size() == std::size(values);
  for (size_t i = 0; ok && i < parts.size(); ++i) {
    const std::string_view part = base::Trim(parts[i]);
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), values[i]);
    ok = error == std::errc() && end == part.data() + part.size();
  }
  if (!ok) {
    return base::InvalidField("bbox", {"Khung bản đồ là bốn số: tây,nam,đông,bắc (độ).",
                                       "The box is four numbers: west,south,east,north (degrees)."});
  }
  const Bbox box{values[0], values[1], values[2], values[3]};
  RETURN_IF_ERROR(CheckBbox(box));
  return box;
}

bool Contains(const Bbox& box, const Point& point) {
  return point.lon >= box.west && point.lon <= box.east && point.lat >= box.south && point.lat <= box.north;
}

absl::Status CheckRadius(double radius_m) {
  if (std::isfinite(radius_m) && radius_m >= kRadiusMinMetres && radius_m <= kRadiusMaxMetres) return absl::OkStatus();
  return base::InvalidField("radius_m", {"Bán kính phải từ 1 đến 5.000 mét.", "The radius is from 1 to 5,000 metres."});
}

Cell CellOf(const Point& point) {
  return {static_cast<int32_t>(std::floor(point.lat / CellHeight())),
          static_cast<int32_t>(std::floor(point.lon / CellWidth()))};
}

Point CentreOf(const Cell& cell) { return {(cell.row + 0.5) * CellHeight(), (cell.col + 0.5) * CellWidth()}; }

int64_t CellId(const Cell& cell) {
  return static_cast<int64_t>(static_cast<uint64_t>(static_cast<uint32_t>(cell.row)) << 32 |
                              static_cast<uint32_t>(cell.col));
}

Cell CellFromId(int64_t id) {
  const auto bits = static_cast<uint64_t>(id);
  return {static_cast<int32_t>(static_cast<uint32_t>(bits >> 32)), static_cast<int32_t>(static_cast<uint32_t>(bits))};
}

Cell HideCell(std::string_view key, const Cell& true_cell) {
  constexpr int kReach = 2;  // cells to each side
  constexpr int kSide = 2 * kReach + 1;
  constexpr int kNeighbours = kSide * kSide - 1;
  const std::string mac = base::HmacSha256(key, "dinh/feedback/cell/v1:" + std::to_string(CellId(true_cell)));
  uint64_t bits = 0;
  for (size_t i = 0; i < sizeof(bits); ++i) bits = bits << 8 | static_cast<uint8_t>(mac[i]);
  auto pick = static_cast<int>(bits % kNeighbours);
  if (pick >= kNeighbours / 2) ++pick;  // steps over the cell itself, the middle of the square
  return {true_cell.row + pick / kSide - kReach, true_cell.col + pick % kSide - kReach};
}

Point HidePoint(std::string_view key, const Point& true_point) { return CentreOf(HideCell(key, CellOf(true_point))); }

Tile TileOf(const Point& point, int z) {
  const double size = std::exp2(z);
  const double lat = Radians(std::clamp(point.lat, -kMercatorLatMax, kMercatorLatMax));
  const double x = (point.lon + 180) / 360 * size;
  const double y = (1 - std::asinh(std::tan(lat)) / kPi) / 2 * size;
  const auto on_map = [&](double v) { return static_cast<int32_t>(std::clamp(std::floor(v), 0.0, size - 1)); };
  return {z, on_map(x), on_map(y)};
}

Bbox BoxOf(const Tile& tile) {
  return {LonOfX(tile.x, tile.z), LatOfY(tile.y + 1.0, tile.z), LonOfX(tile.x + 1.0, tile.z), LatOfY(tile.y, tile.z)};
}

Point CentreOf(const Tile& tile) { return {LatOfY(tile.y + 0.5, tile.z), LonOfX(tile.x + 0.5, tile.z)}; }

int64_t MortonOf(const Point& point) {
  const Tile tile = TileOf(point, kMortonLevel);
  return Interleave(static_cast<uint32_t>(tile.x), static_cast<uint32_t>(tile.y));
}

Tile TileFromMorton(int64_t code) {
  const auto bits = static_cast<uint64_t>(code);
  return {kMortonLevel, static_cast<int32_t>(Gather(bits)), static_cast<int32_t>(Gather(bits >> 1))};
}

Range RangeOf(const Tile& tile) {
  const int below = 2 * (kMortonLevel - tile.z);
  const int64_t first = Interleave(static_cast<uint32_t>(tile.x), static_cast<uint32_t>(tile.y)) << below;
  return {first, first + (int64_t{1} << below)};
}

std::vector<Range> CoverBox(const Bbox& box, size_t max_ranges) {
  const Bbox on_map = OnMap(box);
  return Cover(max_ranges, [&](const Bbox& tile) { return OverlapOf(tile, on_map); });
}

std::vector<Range> CoverCircle(const Point& centre, double radius_m, size_t max_ranges) {
  const Bbox around = BoxAround(centre, radius_m);
  // Near the poles the map's edge stands for all beyond it, and distances to it tell nothing.
  if (around.north > kMercatorLatMax || around.south < -kMercatorLatMax) return CoverBox(around, max_ranges);
  return Cover(max_ranges, [&](const Bbox& tile) {
    const Overlap overlap = OverlapOf(tile, around);
    if (overlap == Overlap::kNone) return overlap;
    const Point nearest{std::clamp(centre.lat, tile.south, tile.north), std::clamp(centre.lon, tile.west, tile.east)};
    // Within a tile so near, the meridians' narrowing moves the true nearest point by far less than a metre.
    if (MetresBetween(centre, nearest) > radius_m + 1) return Overlap::kNone;
    bool whole = true;
    for (const double lat : {tile.south, tile.north}) {
      for (const double lon : {tile.west, tile.east}) whole = whole && MetresBetween(centre, {lat, lon}) <= radius_m;
    }
    return whole ? Overlap::kWhole : Overlap::kPart;
  });
}

Bbox BoxAround(const Point& centre, double radius_m) {
  constexpr double kWider = 1.000001;  // so that rounding never cuts the circle
  const double lat = radius_m / kMetresPerDegree * kWider;
  const double poleward = std::min(89.9, std::abs(centre.lat) + lat);
  const double lon = lat / std::cos(Radians(poleward));
  return {std::max(-180.0, centre.lon - lon), std::max(-90.0, centre.lat - lat), std::min(180.0, centre.lon + lon),
          std::min(90.0, centre.lat + lat)};
}

std::vector<const ReferencePoint*> NearestFirst(const std::vector<ReferencePoint>& points, const Point& point,
                                                double max_m) {
  std::vector<const ReferencePoint*> near;
  for (const ReferencePoint& candidate : points) {
    if (MetresBetween(candidate.point, point) <= max_m) near.push_back(&candidate);
  }
  std::stable_sort(near.begin(), near.end(), [&](const ReferencePoint* a, const ReferencePoint* b) {
    return MetresBetween(a->point, point) < MetresBetween(b->point, point);
  });
  std::set<std::string_view> seen;
  std::erase_if(near, [&](const ReferencePoint* candidate) { return !seen.insert(candidate->unit).second; });
  return near;
}

}  // namespace dinh::feedback

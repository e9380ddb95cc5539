// Places: checks, distances, the 100 m grid that hides anonymous reports, and the quadtree codes by which the board is
// indexed. WGS 84 degrees; distances in metres on a sphere of 6,371,008.8 m (the error, under 0.5 %, does not matter
// within a commune).
//
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::feedback {

struct Point {
  double lat = 0;
  double lon = 0;
  bool operator==(const Point&) const = default;
};

// INVALID_ARGUMENT, fields "<field>.lat", "<field>.lng": not finite, beyond ±90 or ±180, or exactly 0,0 (what a phone
// without a fix sends).
absl::Status CheckPoint(const Point& point, std::string_view field = "place");
double MetresBetween(const Point& a, const Point& b);

// --- boxes and circles

// west <= east and south <= north.
struct Bbox {
  double west = 0, south = 0, east = 0, north = 0;
  bool operator==(const Bbox&) const = default;
};

// INVALID_ARGUMENT, field "bbox": not finite, out of range, south above north, or west beyond east — an inverted box
// and one across the 180th meridian look the same, and neither is served.
absl::Status CheckBbox(const Bbox& box);
// "west,south,east,north" in degrees, as GeoJSON orders them.
absl::StatusOr<Bbox> ParseBbox(std::string_view text);
bool Contains(const Bbox& box, const Point& point);  // the edges belong to it

inline constexpr int kRadiusMinMetres = 1;
inline constexpr int kRadiusMaxMetres = 5000;
// INVALID_ARGUMENT, field "radius_m".
absl::Status CheckRadius(double radius_m);

// --- the grid that hides

// A cell of the country-wide grid. Its height is kCellMetres; its width is kCellMetres at the latitude of Vietnam's
// northern tip and more to the south of it, so that everywhere in the country the centre of another cell is at least
// 50 m from any point of this one.
struct Cell {
  int32_t row = 0;  // northwards from the equator
  int32_t col = 0;  // eastwards from Greenwich
  bool operator==(const Cell&) const = default;
};

inline constexpr double kCellMetres = 101;
inline constexpr double kGridReferenceLat = 23.5;  // degrees; the northernmost point of the country is at 23.39

Cell CellOf(const Point& point);
Point CentreOf(const Cell& cell);
int64_t CellId(const Cell& cell);  // stable: may be stored
Cell CellFromId(int64_t id);

// The cell shown instead of the true one: one of the 24 around it (never itself), picked by HMAC-SHA-256 over the true
// cell. The same place is always shown at the same cell, so repeating a report teaches nothing. `key`: 32 bytes,
// secret.
Cell HideCell(std::string_view key, const Cell& true_cell);
// CentreOf(HideCell(key, CellOf(true_point))).
Point HidePoint(std::string_view key, const Point& true_point);

// --- quadtree (web mercator tiles, as maps use them)

inline constexpr int kMortonLevel = 22;                       // tiles of about 9 m in Hoằng Hóa
inline constexpr double kMercatorLatMax = 85.05112877980659;  // degrees; beyond it points are put on the edge

struct Tile {
  int z = 0;      // 0..kMortonLevel
  int32_t x = 0;  // eastwards from the 180th meridian
  int32_t y = 0;  // southwards from kMercatorLatMax
  bool operator==(const Tile&) const = default;
};

Tile TileOf(const Point& point, int z);
Bbox BoxOf(const Tile& tile);
Point CentreOf(const Tile& tile);

// The bits of x and y at kMortonLevel interleaved (y the higher of a pair): 0 <= code < 4^22. Points of one tile of any
// level have neighbouring codes.
int64_t MortonOf(const Point& point);
Tile TileFromMorton(int64_t code);  // of level kMortonLevel

// Half-open: from <= code < to.
struct Range {
  int64_t from = 0;
  int64_t to = 0;
  bool operator==(const Range&) const = default;
};

Range RangeOf(const Tile& tile);

// At most max_ranges (>= 1) ranges, in order, apart from each other, that hold the codes of every point of the shape
// and some more: the caller filters exactly. `box` and `radius_m` are checked ones.
std::vector<Range> CoverBox(const Bbox& box, size_t max_ranges);
std::vector<Range> CoverCircle(const Point& centre, double radius_m, size_t max_ranges);
// A box around the circle. Both end at the 180th meridian.
Bbox BoxAround(const Point& centre, double radius_m);

// --- which unit a point lies in, roughly

// A point known to lie in a unit. `unit` may be a code of the past: territory resolves it.
struct ReferencePoint {
  std::string unit;
  std::string name;
  Point point;
};

// Those within max_m, the nearest first; of one unit only its nearest point. A suggestion: the citizen chooses.
std::vector<const ReferencePoint*> NearestFirst(const std::vector<ReferencePoint>& points, const Point& point,
                                                double max_m);

}  // namespace dinh::feedback

// What stands on the public board: plain values, everything in them everybody may know (but published_at and search).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dinh/feedback/v1/resources.pb.h"
#include "libs/base/clock.h"
#include "services/feedback/domain/geo.h"
#include "services/feedback/domain/indicators.h"
#include "services/feedback/domain/transitions.h"

namespace dinh::feedback {

namespace pb = ::dinh::feedback::v1;

struct BoardPhoto {
  std::string id;
  pb::Photo::Kind kind = pb::Photo::KIND_BEFORE;
  int width = 0;
  int height = 0;
  bool operator==(const BoardPhoto&) const = default;
};

// A public line of the history.
struct BoardLine {
  int64_t position = 0;  // of the report's history
  pb::Update::Kind kind = pb::Update::KIND_STATE;
  std::string event;
  State state = State::kNone;
  pb::Update::Actor actor = pb::Update::ACTOR_SYSTEM;
  std::string actor_name;
  std::string text;
  base::Micros shown_at = 0;  // of an anonymous report the midnight of the day it became public
  bool operator==(const BoardLine&) const = default;
};

struct BoardRow {
  int64_t number = 0;  // order of first publication
  std::string code;
  std::string category;  // leaf
  std::string unit;
  std::string agency;
  State state = State::kReceived;
  std::optional<Point> point;  // as shown
  int64_t day = 0;             // shown day, days since 1970-01-01 in Vietnam
  base::Micros shown_at = 0;   // exact, or of an anonymous report the midnight of its day
  base::Micros changed_at = 0;
  std::optional<base::Micros> expected_at;
  bool anonymous = false;
  int64_t joined = 0;
  int stars = 0;
  std::string text;
  std::string place;
  std::vector<BoardPhoto> photos;
  std::vector<BoardLine> lines;
  std::string search;             // folded
  base::Micros published_at = 0;  // never shown

  bool operator==(const BoardRow&) const = default;
};

// Which rows of the board. Empty fields: all.
struct BoardFilter {
  std::vector<std::string> categories;  // leaves
  std::string unit;
  std::vector<State> states;
  std::optional<Bbox> box;
  std::optional<base::Micros> from, to;  // shown within [from, to)
};

// Rows after this place of a list, newest first.
struct BoardCursor {
  base::Micros shown_at = 0;  // of lists by time; else 0
  int64_t number = 0;
};

struct BoardPage {
  std::vector<BoardRow> rows;
  std::optional<BoardCursor> next;  // a page may be short, even empty, although more follow
};

struct NearRow {
  BoardRow row;
  double metres = 0;
};

// --- counts for the map

inline constexpr int kCellLevels[] = {11, 13, 15, 17};

struct CellKey {
  std::string dim;
  int level = 0;
  int64_t cell = 0;
  auto operator<=>(const CellKey&) const = default;
};
struct CellCount {
  int64_t open = 0;
  int64_t finished = 0;
  bool operator==(const CellCount&) const = default;
};
struct CountedTile {
  Tile tile;
  CellCount count;
};

// --- indicators

// Where the figures of a report are kept.
struct IndicatorKey {
  std::string unit;
  std::string category;  // root
  // Of receipt, of an anonymous report of its first publication; days since 1970-01-01 in Vietnam.
  int64_t day = 0;
  auto operator<=>(const IndicatorKey&) const = default;
};

// What one change of a report counts.
struct FigureChange {
  bool received = false;
  bool answered = false;  // the first answer, resolve or rejection
  bool on_time = false;
  bool overdue = false;
  bool resolved = false;
  bool rejected = false;
  bool reopened = false;
  int stars = 0;                   // 1..5; 0: no rating
  std::optional<int64_t> minutes;  // working minutes to the first answer
  bool operator==(const FigureChange&) const = default;
};

using IndicatorSums = std::map<IndicatorKey, Counts>;

// --- publications

struct Publication {
  std::string report;  // id
  base::Micros due_at = 0;
  int64_t version = 0;  // of the row (db::RowVersion): whoever wants it published again changes it
  bool operator==(const Publication&) const = default;
};

}  // namespace dinh::feedback

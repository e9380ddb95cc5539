// The map with its history, held in memory and never changed once built: every answer of the service comes from here.
//
// A row is one span of validity of a code. A code follows the seat of a unit, not its name (15865 was thị trấn Bút Sơn
// and is now xã Hoằng Hóa), so a code alone names nothing without a date. Units are succeeded, not renamed.
// Law: Nghị quyết 1686/NQ-UBTVQH15 (16/06/2025); the district level ended on 2025-07-01.
//
// Thread safety: immutable after Build.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::territory {

enum class Level { kProvince = 1, kDistrict = 2, kCommune = 3, kVillage = 4 };

// Days since 1970-01-01. A span is [from, to).
using Day = int64_t;
inline constexpr Day kOpenStart = std::numeric_limits<Day>::min();
inline constexpr Day kOpenEnd = std::numeric_limits<Day>::max();

struct Succession {
  std::string code;
  Day from = kOpenStart;  // first day of the successor's span
};

struct Unit {
  std::string code;
  std::string name;
  std::string type;  // "xã", "thị trấn", …
  Level level = Level::kCommune;
  std::string parent;  // code of the unit above during this span; empty for a province
  Day from = kOpenStart;
  Day to = kOpenEnd;
  std::vector<Succession> successors;  // in the order of time

  bool ValidAt(Day day) const { return from <= day && day < to; }
};

enum class AgencyKind { kPeoplesCommittee = 1, kPolice = 2, kPostOffice = 3 };

struct Agency {
  std::string id;
  std::string name;
  AgencyKind kind = AgencyKind::kPeoplesCommittee;
  std::string unit;
  std::string dossier_prefix;
  std::string address;
  std::string phone;
  Day from = kOpenStart;
  Day to = kOpenEnd;

  bool ValidAt(Day day) const { return from <= day && day < to; }
};

struct SearchOptions {
  std::string parent;           // only children of this unit; empty: all
  std::string query;            // empty: all
  bool include_former = false;  // also spans that ended before the day
};

class Gazetteer {
 public:
  // INVALID_ARGUMENT naming the row: overlapping spans of a code, an unknown parent or successor, a successor whose
  // span does not begin where it says, an empty name, an agency of an unknown unit, a duplicate agency.
  static absl::StatusOr<Gazetteer> Build(std::vector<Unit> units, std::vector<Agency> agencies);

  // The span of `code` valid on `day`; nullptr when there is none.
  const Unit* At(std::string_view code, Day day) const;
  // The last span of `code` that began on or before `day`, ended or not; nullptr for an unknown code.
  const Unit* LatestUpTo(std::string_view code, Day day) const;
  bool Knows(std::string_view code) const { return spans_.contains(std::string(code)); }
  // What `unit` is on a later (or the same) day: follows successors. nullptr when the day lies before the unit's span
  // (several units may have become one, so the way back is not a function) or the unit ended without a successor.
  const Unit* Resolve(const Unit& unit, Day day) const;

  // Ordered by rank (exact accents, then exact without accents, then prefixes), then name, then code.
  std::vector<const Unit*> Search(const SearchOptions& options, Day day) const;

  // "xã Hoằng Hóa, tỉnh Thanh Hóa", as addresses of the unit's time are written.
  std::string FullName(const Unit& unit) const;

  const Agency* FindAgency(std::string_view id) const;
  // Agencies valid on `day` that work in the unit with this code, villages meaning their commune.
  std::vector<const Agency*> AgenciesOf(const Unit& unit, Day day) const;

 private:
  std::vector<Unit> units_;
  std::vector<Agency> agencies_;
  std::unordered_map<std::string, std::vector<size_t>> spans_;  // code -> indexes by `from`
  std::vector<std::string> folded_;                             // per unit: Fold(name)
  std::vector<std::string> accented_;                           // per unit: LowerNfc(name)
};

}  // namespace dinh::territory

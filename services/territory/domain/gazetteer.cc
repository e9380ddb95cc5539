#include "services/territory/domain/gazetteer.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/text.h"

namespace dinh::territory {
namespace {

absl::Status BadRow(const std::string& code, const std::string& what) {
  return base::InvalidField("units[" + code + "]",
                            {"Dữ liệu đơn vị hành chính không nhất quán: " + what, "inconsistent unit data: " + what},
                            "MAP_INCONSISTENT");
}

// Lower is better; nullopt: no match. A type in front of the name ("xã hoang dong") is skipped.
std::optional<int> Rank(std::string_view query_accented, std::string_view query_folded, std::string_view accented,
                        std::string_view folded) {
  if (accented == query_accented) return 0;
  if (folded == query_folded) return 1;
  if (accented.starts_with(query_accented)) return 2;
  if (folded.starts_with(query_folded)) return 3;
  // The beginning of a later word: "dong" finds Hoằng Đồng.
  size_t at = folded.find(query_folded);
  while (at != std::string_view::npos) {
    if (at > 0 && folded[at - 1] == ' ') return 4;
    at = folded.find(query_folded, at + 1);
  }
  return std::nullopt;
}

std::string_view WithoutType(std::string_view text) {
  for (std::string_view type : {"thi tran ", "phuong ", "huyen ", "tinh ", "thon ", "xa ", "thị trấn ", "phường ",
                                "huyện ", "tỉnh ", "thôn ", "xã "}) {
    if (text.starts_with(type) && text.size() > type.size()) return text.substr(type.size());
  }
  return text;
}

}  // namespace

absl::StatusOr<Gazetteer> Gazetteer::Build(std::vector<Unit> units, std::vector<Agency> agencies) {
  Gazetteer map;
  map.units_ = std::move(units);
  map.agencies_ = std::move(agencies);
  for (size_t i = 0; i < map.units_.size(); ++i) {
    const Unit& unit = map.units_[i];
    if (unit.code.empty() || unit.name.empty() || unit.from >= unit.to) return BadRow(unit.code, "empty row");
    map.spans_[unit.code].push_back(i);
    map.folded_.push_back(base::Fold(unit.name));
    map.accented_.push_back(base::LowerNfc(unit.name));
  }
  for (auto& [code, spans] : map.spans_) {
    std::sort(spans.begin(), spans.end(), [&](size_t a, size_t b) { return map.units_[a].from < map.units_[b].from; });
    for (size_t i = 1; i < spans.size(); ++i) {
      if (map.units_[spans[i]].from < map.units_[spans[i - 1]].to) return BadRow(code, "spans overlap");
    }
  }
  for (const Unit& unit : map.units_) {
    if (!unit.parent.empty() && !map.Knows(unit.parent)) return BadRow(unit.code, "unknown parent " + unit.parent);
    for (const Succession& next : unit.successors) {
      // Strictly later than this span began, so that following successors always ends.
      if (next.from < unit.to || map.At(next.code, next.from) == nullptr) {
        return BadRow(unit.code, "successor " + next.code + " does not exist on its day");
      }
    }
  }
  std::sort(map.agencies_.begin(), map.agencies_.end(), [](const Agency& a, const Agency& b) { return a.id < b.id; });
  for (size_t i = 0; i < map.agencies_.size(); ++i) {
    const Agency& agency = map.agencies_[i];
    if (!map.Knows(agency.unit)) return BadRow(agency.unit, "unknown unit of agency " + agency.id);
    if (map.FindAgency(agency.id) != &agency) return BadRow(agency.unit, "agency twice: " + agency.id);
  }
  return map;
}

const Unit* Gazetteer::At(std::string_view code, Day day) const {
  const Unit* unit = LatestUpTo(code, day);
  return unit != nullptr && unit->ValidAt(day) ? unit : nullptr;
}

const Unit* Gazetteer::LatestUpTo(std::string_view code, Day day) const {
  auto it = spans_.find(std::string(code));
  if (it == spans_.end()) return nullptr;
  const Unit* latest = nullptr;
  for (size_t index : it->second) {
    if (units_[index].from <= day) latest = &units_[index];
  }
  return latest;
}

const Unit* Gazetteer::Resolve(const Unit& unit, Day day) const {
  const Unit* current = &unit;
  if (day < current->from) return nullptr;
  while (!current->ValidAt(day)) {
    // A unit that was divided is answered by its first successor: the part that keeps the seat.
    if (current->successors.empty() || current->successors.front().from > day) return nullptr;
    const Succession& next = current->successors.front();
    current = At(next.code, next.from);
  }
  return current;
}

std::vector<const Unit*> Gazetteer::Search(const SearchOptions& options, Day day) const {
  const std::string accented_full = base::LowerNfc(options.query);
  const std::string folded_full = base::Fold(options.query);
  const std::string_view accented = WithoutType(accented_full);
  const std::string_view folded = WithoutType(folded_full);
  std::vector<std::tuple<int, size_t>> found;
  for (size_t i = 0; i < units_.size(); ++i) {
    const Unit& unit = units_[i];
    const bool eligible = unit.ValidAt(day) || (options.include_former && unit.to <= day);
    if (!eligible) continue;
    if (!options.parent.empty() && unit.parent != options.parent) continue;
    if (folded.empty()) {
      found.emplace_back(0, i);
    } else if (auto rank = Rank(accented, folded, accented_[i], folded_[i])) {
      found.emplace_back(*rank, i);
    }
  }
  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) {
    const auto& [rank_a, i] = a;
    const auto& [rank_b, j] = b;
    return std::tie(rank_a, folded_[i], units_[i].code, units_[i].from) <
           std::tie(rank_b, folded_[j], units_[j].code, units_[j].from);
  });
  std::vector<const Unit*> result;
  result.reserve(found.size());
  for (const auto& [rank, index] : found) result.push_back(&units_[index]);
  return result;
}

std::string Gazetteer::FullName(const Unit& unit) const {
  std::string name = unit.type + " " + unit.name;
  // Names of the unit's own time: its last day when it has ended, else its first (or any) day.
  const Day day = unit.to != kOpenEnd ? unit.to - 1 : (unit.from != kOpenStart ? unit.from : 0);
  const Unit* above = unit.parent.empty() ? nullptr : At(unit.parent, day);
  while (above != nullptr) {
    name += ", " + above->type + " " + above->name;
    above = above->parent.empty() ? nullptr : At(above->parent, day);
  }
  return name;
}

const Agency* Gazetteer::FindAgency(std::string_view id) const {
  for (const Agency& agency : agencies_) {
    if (agency.id == id) return &agency;
  }
  return nullptr;
}

std::vector<const Agency*> Gazetteer::AgenciesOf(const Unit& unit, Day day) const {
  const std::string& code = unit.level == Level::kVillage ? unit.parent : unit.code;
  std::vector<const Agency*> result;
  for (const Agency& agency : agencies_) {
    if (agency.unit == code && agency.ValidAt(day)) result.push_back(&agency);
  }
  return result;
}

}  // namespace dinh::territory

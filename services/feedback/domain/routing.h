// Who deals with a report: which agency, at which level, which position there, which officer. Which unit and agency
// that is at a date is territory's answer. Reports about staff bypass the named officer and everybody of the unit that
// officer serves: they go to the unit above, and nobody bypassed may see them.
//
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/feedback/domain/categories.h"

namespace dinh::feedback {

struct RouteTarget {
  AgencyKind agency = AgencyKind::kPeoplesCommittee;
  UnitLevel level = UnitLevel::kCommune;
  std::string position;
};

// Of a category; kAbove for all that is about staff.
RouteTarget TargetOf(const Category& category);

// Who must not deal with a report. Empty strings: nobody.
struct Bypass {
  std::string officer;  // the officer it names, if the reporter could
  std::string unit;     // the unit the staff belongs to
};

struct Candidate {
  std::string officer;
  std::string unit;  // where that officer serves
};

bool MayHandle(const Candidate& candidate, const Bypass& bypass);
// Ids of those who may, sorted, each once.
std::vector<std::string> Eligible(const std::vector<Candidate>& candidates, const Bypass& bypass);

// The next after `last` in the sorted ids, from the start again after the end; `last` need not be among them. nullopt:
// no ids.
std::optional<std::string> ChooseRoundRobin(const std::vector<std::string>& sorted_ids, std::string_view last);
// The one with the fewest open reports (none counted: 0); of equals the next in turn after `last`.
std::optional<std::string> ChooseLeastLoaded(const std::vector<std::string>& sorted_ids,
                                             const std::map<std::string, int64_t, std::less<>>& open,
                                             std::string_view last);

}  // namespace dinh::feedback

#include "services/feedback/domain/routing.h"

#include <algorithm>
#include <set>

namespace dinh::feedback {

RouteTarget TargetOf(const Category& category) {
  const Responsible& responsible = category.responsible;
  const UnitLevel level = category.about_staff ? UnitLevel::kAbove : responsible.level;
  return {responsible.agency, level, responsible.position};
}

bool MayHandle(const Candidate& candidate, const Bypass& bypass) {
  if (!bypass.officer.empty() && candidate.officer == bypass.officer) return false;
  return bypass.unit.empty() || candidate.unit != bypass.unit;
}

std::vector<std::string> Eligible(const std::vector<Candidate>& candidates, const Bypass& bypass) {
  // An officer who also serves the bypassed unit is bypassed everywhere.
  std::set<std::string> may, may_not;
  for (const Candidate& candidate : candidates) {
    (MayHandle(candidate, bypass) ? may : may_not).insert(candidate.officer);
  }
  std::vector<std::string> out;
  std::set_difference(may.begin(), may.end(), may_not.begin(), may_not.end(), std::back_inserter(out));
  return out;
}

std::optional<std::string> ChooseRoundRobin(const std::vector<std::string>& sorted_ids, std::string_view last) {
  if (sorted_ids.empty()) return std::nullopt;
  const auto next = std::upper_bound(sorted_ids.begin(), sorted_ids.end(), last);
  return next == sorted_ids.end() ? sorted_ids.front() : *next;
}

std::optional<std::string> ChooseLeastLoaded(const std::vector<std::string>& sorted_ids,
                                             const std::map<std::string, int64_t, std::less<>>& open,
                                             std::string_view last) {
  const auto load = [&](const std::string& id) {
    const auto found = open.find(id);
    return found == open.end() ? int64_t{0} : found->second;
  };
  std::vector<std::string> least;
  for (const std::string& id : sorted_ids) {
    if (!least.empty() && load(id) > load(least.front())) continue;
    if (!least.empty() && load(id) < load(least.front())) least.clear();
    least.push_back(id);
  }
  return ChooseRoundRobin(least, last);
}

}  // namespace dinh::feedback

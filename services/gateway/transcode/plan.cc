#include "services/gateway/transcode/plan.h"

#include <map>
#include <string>
#include <vector>

namespace dinh::gateway::transcode {

uint64_t NameTable::Hash(std::string_view name, uint64_t seed) {
  uint64_t hash = seed ^ name.size();
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;  // FNV-1a's prime
  return hash ^ hash >> 29;
}

bool NameTable::Build(const std::vector<std::pair<std::string, int>>& names) {
  constexpr uint64_t kSeedsPerSize = 64;
  cells_.clear();
  std::map<std::string_view, int> unique;
  for (const auto& [name, number] : names) {
    if (!unique.emplace(name, number).second && unique[name] != number) return false;
  }
  if (unique.empty()) return true;
  size_t size = 4;
  while (size < unique.size() * 2) size *= 2;
  for (;; size *= 2) {
    for (uint64_t seed = 1; seed <= kSeedsPerSize; ++seed) {
      std::vector<Cell> cells(size);
      bool collision = false;
      for (const auto& [name, number] : unique) {
        Cell& cell = cells[Hash(name, seed * 0x9E3779B97F4A7C15u) & (size - 1)];
        collision = cell.number != kAbsent;
        if (collision) break;
        cell = {std::string(name), number};
      }
      if (collision) continue;
      cells_ = std::move(cells);
      seed_ = seed * 0x9E3779B97F4A7C15u;
      mask_ = size - 1;
      return true;
    }
  }
}

}  // namespace dinh::gateway::transcode

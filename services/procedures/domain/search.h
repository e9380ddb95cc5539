// Search over the catalogue, in memory: every word of the query must begin a word of the name (or field), without
// accents; or the query begins a code. Order: code matches; then accents as typed before others, words that stand
// together and in order before scattered ones, the front of a name before its end, short names before long ones.
//
// Built once, then read by any number of threads. 5,000 procedures answer in well under a millisecond.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dinh::procedures {

struct SearchEntry {
  std::string code;  // "2.000635"
  std::string name;
  std::string field;  // "Hộ tịch": found too, but after names
};

inline constexpr size_t kQueryWordsMax = 16;
inline constexpr size_t kQueryBytesMax = 400;

class SearchIndex {
 public:
  explicit SearchIndex(const std::vector<SearchEntry>& entries);

  // Indexes into the entries, best first, at most `limit`. An empty query gives all, in the entries' order.
  std::vector<size_t> Find(std::string_view query, size_t limit) const;

 private:
  struct Word {
    std::string folded;
    std::string exact;  // lower case, with marks
    uint32_t entry = 0;
    uint16_t position = 0;  // kFieldPosition and above: in the field, not in the name
  };
  struct Hit;
  void Add(uint32_t entry, std::string_view text, uint16_t first_position);
  void Match(const std::string& folded, const std::string& exact, uint32_t bit, std::vector<Hit>& hits) const;

  std::vector<Word> words_;           // sorted by folded
  std::vector<std::string> codes_;    // by entry
  std::vector<uint16_t> name_words_;  // by entry: length of the name in words
};

}  // namespace dinh::procedures

#include "services/procedures/domain/search.h"

#include <algorithm>
#include <bit>

#include "libs/base/text.h"

namespace dinh::procedures {
namespace {

constexpr uint16_t kFieldPosition = 1000;
constexpr uint16_t kNoPosition = 0xffff;

bool IsWordByte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.';
}

// Words of an already lower-cased text; dots stay inside codes only.
std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  const auto flush = [&] {
    while (!word.empty() && word.back() == '.') word.pop_back();
    if (!word.empty()) out.push_back(std::move(word));
    word.clear();
  };
  for (char c : text) {
    if (IsWordByte(c) && !(c == '.' && word.empty())) {
      word += c;
    } else {
      flush();
    }
  }
  flush();
  return out;
}

}  // namespace

// What is known of one entry while the words of a query are matched one after another.
struct SearchIndex::Hit {
  uint32_t matched = 0;            // bit i: word i was found
  uint32_t exact = 0;              // bit i: with its marks as typed
  uint32_t whole = 0;              // bit i: as a whole word
  uint32_t in_order = 0;           // how many words follow their predecessor directly
  uint16_t last = kNoPosition;     // position of the previous query word's best match
  uint16_t current = kNoPosition;  // … of the word being matched
  uint16_t first = kNoPosition;
  bool in_name = true;
};

SearchIndex::SearchIndex(const std::vector<SearchEntry>& entries) {
  for (uint32_t i = 0; i < entries.size(); ++i) {
    codes_.push_back(entries[i].code);
    Add(i, entries[i].name, 0);
    name_words_.push_back(static_cast<uint16_t>(Words(base::Fold(entries[i].name)).size()));
    Add(i, entries[i].field, kFieldPosition);
  }
  std::stable_sort(words_.begin(), words_.end(), [](const Word& a, const Word& b) { return a.folded < b.folded; });
}

void SearchIndex::Add(uint32_t entry, std::string_view text, uint16_t first_position) {
  uint16_t position = first_position;
  for (std::string& exact : Words(base::LowerNfc(text))) {
    std::string folded = base::Fold(exact);
    if (folded.empty()) continue;
    words_.push_back({std::move(folded), std::move(exact), entry, position});
    if (position % kFieldPosition < kFieldPosition - 1) ++position;
  }
}

void SearchIndex::Match(const std::string& folded, const std::string& exact, uint32_t bit,
                        std::vector<Hit>& hits) const {
  auto it = std::lower_bound(words_.begin(), words_.end(), folded,
                             [](const Word& word, const std::string& key) { return word.folded < key; });
  for (; it != words_.end() && it->folded.starts_with(folded); ++it) {
    Hit& hit = hits[it->entry];
    const bool follows = hit.last != kNoPosition && it->position == hit.last + 1;
    const bool had = (hit.matched & bit) != 0;
    const bool had_follows = had && hit.last != kNoPosition && hit.current == hit.last + 1;
    hit.matched |= bit;
    if (folded != exact && it->exact.starts_with(exact)) hit.exact |= bit;
    if (it->folded.size() == folded.size()) hit.whole |= bit;
    // The place that continues the phrase wins, else the first one.
    if (!had || (follows && !had_follows) || (follows == had_follows && it->position < hit.current)) {
      hit.current = it->position;
    }
  }
}

std::vector<size_t> SearchIndex::Find(std::string_view query, size_t limit) const {
  const std::string lower = base::LowerNfc(query.substr(0, kQueryBytesMax));
  std::vector<std::string> words = Words(lower);
  if (words.size() > kQueryWordsMax) words.resize(kQueryWordsMax);
  std::vector<size_t> out;
  if (words.empty()) {
    for (size_t i = 0; i < codes_.size() && i < limit; ++i) out.push_back(i);
    return out;
  }
  if (words.size() == 1 && words[0][0] >= '0' && words[0][0] <= '9') {
    for (size_t i = 0; i < codes_.size() && out.size() < limit; ++i) {
      if (codes_[i].starts_with(words[0])) out.push_back(i);
    }
    if (!out.empty()) return out;
  }
  std::vector<Hit> hits(codes_.size());
  const uint32_t all = (1u << words.size()) - 1;
  for (size_t w = 0; w < words.size(); ++w) {
    const uint32_t bit = 1u << w;
    Match(base::Fold(words[w]), words[w], bit, hits);
    for (Hit& hit : hits) {
      if (!(hit.matched & bit)) continue;
      if (w == 0) hit.first = hit.current;
      if (w > 0 && hit.last != kNoPosition && hit.current == hit.last + 1) ++hit.in_order;
      if (hit.current >= kFieldPosition) hit.in_name = false;
      hit.last = hit.current;
      hit.current = kNoPosition;
    }
  }
  for (size_t i = 0; i < hits.size(); ++i) {
    if (hits[i].matched == all) out.push_back(i);
  }
  const auto better = [&](size_t a, size_t b) {
    const Hit &x = hits[a], &y = hits[b];
    if (x.in_name != y.in_name) return x.in_name;
    if (const int d = std::popcount(x.exact) - std::popcount(y.exact); d != 0) return d > 0;
    if (x.in_order != y.in_order) return x.in_order > y.in_order;
    if (const int d = std::popcount(x.whole) - std::popcount(y.whole); d != 0) return d > 0;
    if (x.first != y.first) return x.first < y.first;
    if (name_words_[a] != name_words_[b]) return name_words_[a] < name_words_[b];
    return codes_[a] < codes_[b];
  };
  const size_t count = std::min(limit, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count), out.end(), better);
  out.resize(count);
  return out;
}

}  // namespace dinh::procedures

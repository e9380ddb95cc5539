// A quick 64-bit hash of content for entity tags: the same bytes give the same tag on every replica. Not for secrets.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace dinh::gateway {

inline uint64_t ContentHash(std::string_view bytes) {
  constexpr uint64_t kFirst = 0x9E3779B97F4A7C15u;   // 2^64 / golden ratio
  constexpr uint64_t kSecond = 0xD6E8FEB86659FD93u;  // an odd constant with well-spread bits
  const auto mix = [](uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  uint64_t hash = mix(bytes.size() ^ kFirst, kSecond);
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t taken = bytes.size() < sizeof(word) ? bytes.size() : sizeof(word);
    std::memcpy(&word, bytes.data(), taken);
    hash = mix(hash ^ word, kFirst) + kSecond;
    bytes.remove_prefix(taken);
  }
  return mix(hash, kSecond);
}

// 16 hex digits.
inline std::string ContentTag(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  uint64_t hash = ContentHash(bytes);
  std::string tag(16, '0');
  for (size_t i = tag.size(); i-- > 0; hash >>= 4) tag[i] = kHex[hash & 15];
  return tag;
}

}  // namespace dinh::gateway

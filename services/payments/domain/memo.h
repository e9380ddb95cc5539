// The reference a citizen's transfer carries ("LP" and nine characters) and the search for it in whatever text the
// banks make of the memo (nội dung chuyển khoản).
//
// * Alphabet of 19: no vowels (no words arise, and the Telex and VNI input methods of Vietnamese keyboards have nothing
//   to put a mark on), no D or W (Telex turns DD and W, VNI turns D9), nothing that looks like another sign
//   (0 O Q, 1 I L, 2 Z, 5 S, 6 G, 8 B, M N, U V: at most one of each group is used).
// * The prefix starts with L, which the alphabet lacks: so two references in a text never overlap.
// * Check character: over GF(19), sum of (position × value) ≡ 0 with the positions 1..9 as weights. Weights that are
//   non-zero and all different catch every single substitution and every transposition of two characters, adjacent or
//   not. Source: J. Verhoeff, "Error Detecting Decimal Codes" (1969); the construction is ISBN-10's with the prime 19.
//   ISO 7064 MOD 37,36 was not taken: its alphabet has the look-alikes, and it misses some transpositions.
//
// Pure; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dinh::payments {

inline constexpr std::string_view kReferencePrefix = "LP";  // lệ phí
inline constexpr std::string_view kReferenceAlphabet = "23456789CFHJKMPRTVX";
inline constexpr size_t kReferenceBody = 8;                                               // characters that count
inline constexpr size_t kReferenceLength = kReferencePrefix.size() + kReferenceBody + 1;  // 11
inline constexpr uint64_t kReferenceCount = 16'983'563'041;                               // 19^8
inline constexpr size_t kMemoMax = 25;        // ASCII characters: NAPAS 62.08
inline constexpr size_t kBankTextMax = 4096;  // bytes of a bank's text that are looked at

// The reference of a number below kReferenceCount (taken at random, so that a reference tells nothing about how many
// charges there are).
std::string MakeReference(uint64_t number);

// Upper case, exactly as MakeReference writes it, with the right check character.
bool IsReference(std::string_view text);

// What stands in the QR code: the reference first, because banks cut at the end, then as much of `label` (folded to
// capitals without marks, whole words) as fits into kMemoMax.
std::string MemoText(std::string_view reference, std::string_view label);

struct FoundReferences {
  std::vector<std::string> valid;    // different ones, in the order found
  std::vector<std::string> damaged;  // right prefix, length and alphabet, wrong check character; different ones
  bool ambiguous() const { return valid.size() > 1; }
};

// Finds references whatever stands around them, in either case, with up to three blanks, dots, dashes and the like
// between any two characters. Text is UTF-8 or not; only ASCII counts.
FoundReferences FindReferences(std::string_view bank_text);

}  // namespace dinh::payments

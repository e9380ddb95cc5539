// A text as words, for the screening. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dinh::feedback {

struct Word {
  std::string lower;         // NFC, lower case, marks kept
  bool letters = false;      // begins with a letter
  bool capital = false;      // that is a capital
  bool has_small = false;    // some letter of it is small
  bool after_blank = false;  // only blanks stand between it and the word before: no full stop, comma or line end
};

// Runs of letters and digits; everything else stands between words. Empty for what is no UTF-8.
std::vector<Word> WordsOf(std::string_view text);

}  // namespace dinh::feedback

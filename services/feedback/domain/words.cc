#include "services/feedback/domain/words.h"

#include "libs/base/text.h"

namespace dinh::feedback {
namespace {

size_t BytesOf(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

// Takes the first character off the text.
std::string_view Next(std::string_view& text) {
  const std::string_view character = text.substr(0, BytesOf(text.front()));
  text.remove_prefix(character.size());
  return character;
}

bool IsDigit(std::string_view character) { return character.size() == 1 && character >= "0" && character <= "9"; }

// Latin letters with their marks, which is all Vietnamese has: U+00C0..U+024F and U+1E00..U+1EFF.
bool IsLetter(std::string_view character) {
  if (character.size() == 1) return (character >= "a" && character <= "z") || (character >= "A" && character <= "Z");
  const auto lead = static_cast<unsigned char>(character[0]);
  if (lead >= 0xC3 && lead <= 0xC9) return character != "×" && character != "÷";
  return lead == 0xE1 && static_cast<unsigned char>(character[1]) >= 0xB8 &&
         static_cast<unsigned char>(character[1]) <= 0xBB;
}

}  // namespace

std::vector<Word> WordsOf(std::string_view text) {
  // NFC first, so that a letter and its marks are one character.
  absl::StatusOr<std::string> normal = base::NormalizeText(text);
  if (!normal.ok()) return {};
  std::vector<Word> words;
  Word word;
  bool only_blanks = false;
  const auto finish = [&] {
    if (word.lower.empty()) return;
    word.lower = base::LowerNfc(word.lower);
    words.push_back(std::move(word));
    word = {};
    only_blanks = true;
  };
  for (std::string_view rest = *normal; !rest.empty();) {
    const std::string_view character = Next(rest);
    const bool letter = IsLetter(character);
    if (letter || IsDigit(character)) {
      const bool small = letter && base::LowerNfc(character) == character;
      if (word.lower.empty()) {
        word.letters = letter;
        word.capital = letter && !small;
        word.after_blank = only_blanks;
      }
      word.has_small = word.has_small || small;
      word.lower += character;
      continue;
    }
    finish();
    if (character != " " && character != "\t") only_blanks = false;
  }
  finish();
  return words;
}

}  // namespace dinh::feedback

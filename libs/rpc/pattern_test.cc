#include "libs/rpc/pattern.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <regex>
#include <string>

namespace dinh::rpc {
namespace {

bool Match(std::string_view pattern, std::string_view text) {
  const auto compiled = Pattern::Compile(pattern);
  EXPECT_TRUE(compiled.ok()) << pattern << ": " << compiled.status();
  return compiled.ok() && compiled->Matches(text);
}

TEST(PatternTest, MatchesTheWholeString) {
  EXPECT_TRUE(Match("^abc$", "abc"));
  EXPECT_TRUE(Match("abc", "abc"));
  EXPECT_FALSE(Match("abc", "xabc"));
  EXPECT_FALSE(Match("abc", "abcx"));
  EXPECT_FALSE(Match("abc", ""));
  EXPECT_TRUE(Match("", ""));
}

TEST(PatternTest, AgreesWithTheStandardOnSeededTexts) {
  const char* patterns[] = {"a*b+c?",          "(a|b)*c",   "[a-c]{2,3}", "(?:ab|ba){1,2}c?", "[^a]b*", "a{2}",
                            "a{2,}",           "(a(b|c))+", ".b.",        "\\d[\\d\\-]*",     "(|a)b",  "a\\.b|\\w\\s",
                            "((a?){3}b){0,2}", "[\\w-]+",   "x*"};
  std::mt19937 random(7);
  const std::string alphabet = "abc1.- _x";
  int matched = 0;
  for (const char* pattern : patterns) {
    const auto ours = Pattern::Compile(pattern);
    ASSERT_TRUE(ours.ok()) << pattern << ": " << ours.status();
    const std::regex theirs(pattern);
    for (int i = 0; i < 2000; ++i) {
      std::string text(random() % 6, '\0');
      for (char& c : text) c = alphabet[random() % alphabet.size()];
      const bool expected = std::regex_match(text, theirs);
      matched += expected ? 1 : 0;
      ASSERT_EQ(ours->Matches(text), expected) << pattern << " on '" << text << "'";
    }
  }
  EXPECT_GT(matched, 500);  // the alphabet fits the patterns
}

TEST(PatternTest, WorksOnCodePoints) {
  EXPECT_TRUE(Match("..", "Ễđ"));
  EXPECT_TRUE(Match("[À-ỹ]+", "Ễữằ"));
  EXPECT_FALSE(Match(".", "\xE1\xBB"));  // cut in the middle
}

TEST(PatternTest, TakesLinearTimeOnWhatMakesBacktrackersHang) {
  const auto pattern = Pattern::Compile("(a*)*b");
  ASSERT_TRUE(pattern.ok());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(pattern->Matches(std::string(100'000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(PatternTest, RefusesWhatItCannotRead) {
  for (const char* bad : {"(a", "a)", "[a", "a{2", "a{3,2}", "*a", "\\", "\\q", "[z-a]", "a^b", "a{5000}", "(?=a)"}) {
    EXPECT_FALSE(Pattern::Compile(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace dinh::rpc

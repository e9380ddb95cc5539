#include "libs/base/text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dinh::base {
namespace {

struct Row {
  const char* plain;
  const char* base;                // the letter without its tone, decomposed
  std::vector<std::string> lower;  // level, grave, hook, tilde, acute, dot below
  std::vector<std::string> upper;
};

const std::vector<std::string> kTones = {"", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323"};

const std::vector<Row>& Vowels() {
  static const auto& rows = *new std::vector<Row>{
      {"a", "a", {"a", "à", "ả", "ã", "á", "ạ"}, {"A", "À", "Ả", "Ã", "Á", "Ạ"}},
      {"a", "a\u0306", {"ă", "ằ", "ẳ", "ẵ", "ắ", "ặ"}, {"Ă", "Ằ", "Ẳ", "Ẵ", "Ắ", "Ặ"}},
      {"a", "a\u0302", {"â", "ầ", "ẩ", "ẫ", "ấ", "ậ"}, {"Â", "Ầ", "Ẩ", "Ẫ", "Ấ", "Ậ"}},
      {"e", "e", {"e", "è", "ẻ", "ẽ", "é", "ẹ"}, {"E", "È", "Ẻ", "Ẽ", "É", "Ẹ"}},
      {"e", "e\u0302", {"ê", "ề", "ể", "ễ", "ế", "ệ"}, {"Ê", "Ề", "Ể", "Ễ", "Ế", "Ệ"}},
      {"i", "i", {"i", "ì", "ỉ", "ĩ", "í", "ị"}, {"I", "Ì", "Ỉ", "Ĩ", "Í", "Ị"}},
      {"o", "o", {"o", "ò", "ỏ", "õ", "ó", "ọ"}, {"O", "Ò", "Ỏ", "Õ", "Ó", "Ọ"}},
      {"o", "o\u0302", {"ô", "ồ", "ổ", "ỗ", "ố", "ộ"}, {"Ô", "Ồ", "Ổ", "Ỗ", "Ố", "Ộ"}},
      {"o", "o\u031B", {"ơ", "ờ", "ở", "ỡ", "ớ", "ợ"}, {"Ơ", "Ờ", "Ở", "Ỡ", "Ớ", "Ợ"}},
      {"u", "u", {"u", "ù", "ủ", "ũ", "ú", "ụ"}, {"U", "Ù", "Ủ", "Ũ", "Ú", "Ụ"}},
      {"u", "u\u031B", {"ư", "ừ", "ử", "ữ", "ứ", "ự"}, {"Ư", "Ừ", "Ử", "Ữ", "Ứ", "Ự"}},
      {"y", "y", {"y", "ỳ", "ỷ", "ỹ", "ý", "ỵ"}, {"Y", "Ỳ", "Ỷ", "Ỹ", "Ý", "Ỵ"}},
  };
  return rows;
}

TEST(FoldTest, EveryVietnameseLetterWithEveryTone) {
  int letters = 0;
  for (const Row& row : Vowels()) {
    for (size_t tone = 0; tone < kTones.size(); ++tone) {
      const std::string& lower = row.lower[tone];
      const std::string& upper = row.upper[tone];
      EXPECT_EQ(CodePoints(lower), 1) << lower;
      EXPECT_EQ(Fold(lower), row.plain) << lower;
      EXPECT_EQ(Fold(upper), row.plain) << upper;
      EXPECT_EQ(LowerNfc(upper), lower);
      const std::string decomposed = row.base + kTones[tone];
      EXPECT_EQ(Fold(decomposed), row.plain) << lower;
      EXPECT_EQ(LowerNfc(decomposed), lower);
      EXPECT_EQ(NormalizeText(decomposed).value(), lower);
      // Typed the other way round: the dot below and the horn may stand before or after the other mark.
      if (std::string(row.base).size() > 1 && (kTones[tone] == "\u0323" || std::string(row.base).ends_with("\u031B"))) {
        EXPECT_EQ(NormalizeText(row.plain + kTones[tone] + std::string(row.base).substr(1)).value(), lower);
      }
      letters += 2;
    }
  }
  EXPECT_EQ(letters, 144);
}

TEST(FoldTest, TheBarredD) {
  EXPECT_EQ(Fold("Đđ"), "dd");
  EXPECT_EQ(Fold("ÐƉ"), "dd");  // Icelandic and African letters that look the same
  EXPECT_EQ(LowerNfc("ĐÌNH"), "đình");
}

TEST(FoldTest, WholeTexts) {
  EXPECT_EQ(Fold("Trích lục Hộ tịch"), "trich luc ho tich");
  EXPECT_EQ(Fold("  Cấp bản sao\tTRÍCH\u00A0LỤC\n hộ tịch "), "cap ban sao trich luc ho tich");
  EXPECT_EQ(Fold("trích\u200B lục"), "trich luc");
  EXPECT_EQ(Fold("2.000635"), "2.000635");
  EXPECT_EQ(Fold(""), "");
  EXPECT_EQ(Fold(" \u3000 "), "");
  EXPECT_EQ(Fold(Fold("Hoằng Đồng")), Fold("Hoằng Đồng"));
}

TEST(FoldTest, CollidingNamesAreToldApartByLowerNfc) {
  EXPECT_EQ(Fold("Hoằng Đồng"), Fold("Hoằng Đông"));
  EXPECT_NE(LowerNfc("Hoằng Đồng"), LowerNfc("Hoằng Đông"));
  EXPECT_EQ(LowerNfc("HOẰNG ĐỒNG"), LowerNfc("Hoa\u0306\u0300ng Đo\u0302\u0300ng"));
}

TEST(FoldTest, SearchTextsAreNeverRefused) {
  EXPECT_EQ(Fold("h\xFFo"), "h\uFFFDo");
  EXPECT_EQ(LowerNfc("H\xC3"), "h\uFFFD");
  EXPECT_EQ(Fold(std::string_view("a\0b", 3)), "ab");
}

TEST(ToAsciiUpperTest, OnlyLettersDigitsAndSingleBlanks) {
  EXPECT_EQ(ToAsciiUpper("Nguyễn Đình – Hoằng Hóa, số 12/3"), "NGUYEN DINH HOANG HOA SO 123");
  EXPECT_EQ(ToAsciiUpper("–"), "");
  EXPECT_EQ(ToAsciiUpper("  日本 a "), "A");
}

TEST(NormalizeTextTest, RemovesWhatCannotBeSeen) {
  EXPECT_EQ(NormalizeText("H\u200Bo\u200D\uFEFFa\u00AD").value(), "Hoa");
  EXPECT_EQ(NormalizeText(std::string_view("a\0\x01\x7F"
                                           "b\x1B[31m",
                                           10))
                .value(),
            "ab[31m");
  EXPECT_EQ(NormalizeText("\u202Egnp.exe\u202C").value(), "gnp.exe");
  EXPECT_EQ(NormalizeText("e\u200B\u0302\u0323").value(), "ệ");
}

TEST(NormalizeTextTest, BlanksAndLines) {
  EXPECT_EQ(NormalizeText("  a \u00A0\u3000 b  ").value(), "a b");
  EXPECT_EQ(NormalizeText("a\t\tb").value(), "a\tb");
  EXPECT_EQ(NormalizeText("a\r\nb\rc\u2028d").value(), "a\nb\nc\nd");
  EXPECT_EQ(NormalizeText("\n\n a\n\nb \n").value(), "a\n\nb");
  EXPECT_EQ(NormalizeText(" \t\n").value(), "");
  EXPECT_EQ(NormalizeText("").value(), "");
}

TEST(NormalizeTextTest, RefusesInvalidUtf8) {
  for (const char* bad : {"\xFF", "a\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80"}) {
    EXPECT_EQ(NormalizeText(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_FALSE(IsValidUtf8(bad));
    EXPECT_EQ(CodePoints(bad), -1);
  }
}

TEST(CodePointsTest, CountsLettersNotBytes) {
  EXPECT_EQ(CodePoints(""), 0);
  EXPECT_EQ(CodePoints("Đình"), 4);
  EXPECT_EQ(CodePoints("\U0001F600"), 1);
  EXPECT_EQ(CodePoints(std::string_view("a\0", 2)), 2);
}

}  // namespace
}  // namespace dinh::base

#include "libs/base/money.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <vector>

#include "libs/base/random.h"
#include "libs/base/strings.h"

namespace dinh::base {
namespace {

TEST(SpellVndTest, ByHand) {
  const std::pair<Vnd, const char*> table[] = {
      {0, "Không đồng"},
      {1, "Một đồng"},
      {4, "Bốn đồng"},
      {5, "Năm đồng"},
      {10, "Mười đồng"},
      {11, "Mười một đồng"},
      {14, "Mười bốn đồng"},
      {15, "Mười lăm đồng"},
      {20, "Hai mươi đồng"},
      {21, "Hai mươi mốt đồng"},
      {24, "Hai mươi tư đồng"},
      {25, "Hai mươi lăm đồng"},
      {91, "Chín mươi mốt đồng"},
      {100, "Một trăm đồng"},
      {101, "Một trăm linh một đồng"},
      {104, "Một trăm linh bốn đồng"},
      {105, "Một trăm linh năm đồng"},
      {110, "Một trăm mười đồng"},
      {111, "Một trăm mười một đồng"},
      {115, "Một trăm mười lăm đồng"},
      {555, "Năm trăm năm mươi lăm đồng"},
      {1'000, "Một nghìn đồng"},
      {1'005, "Một nghìn không trăm linh năm đồng"},
      {1'010, "Một nghìn không trăm mười đồng"},
      {1'021, "Một nghìn không trăm hai mươi mốt đồng"},
      {8'000, "Tám nghìn đồng"},
      {16'000, "Mười sáu nghìn đồng"},
      {1'000'000, "Một triệu đồng"},
      {1'000'005, "Một triệu không trăm linh năm đồng"},
      {1'005'000, "Một triệu không trăm linh năm nghìn đồng"},
      {21'001'000, "Hai mươi mốt triệu không trăm linh một nghìn đồng"},
      {1'000'000'000, "Một tỷ đồng"},
      {1'000'000'001, "Một tỷ không trăm linh một đồng"},
      {1'234'567'891, "Một tỷ hai trăm ba mươi tư triệu năm trăm sáu mươi bảy nghìn tám trăm chín mươi mốt đồng"},
      {25'000'000'000, "Hai mươi lăm tỷ đồng"},
      {1'000'000'000'000, "Một nghìn tỷ đồng"},
      {1'005'000'000'000, "Một nghìn không trăm linh năm tỷ đồng"},
      {kVndMax, "Một triệu tỷ đồng"},
      {-16'000, "Âm mười sáu nghìn đồng"},
  };
  for (const auto& [amount, words] : table) EXPECT_EQ(SpellVnd(amount), words) << amount;
}

// Reads the words back, on its own rules: an independent check on amounts that nobody wrote down.
int64_t ReadWords(std::string_view words) {
  static const auto& kDigits = *new std::map<std::string_view, int64_t>{
      {"không", 0}, {"một", 1}, {"mốt", 1}, {"hai", 2}, {"ba", 3},  {"bốn", 4}, {"tư", 4},
      {"năm", 5},   {"lăm", 5}, {"sáu", 6}, {"bảy", 7}, {"tám", 8}, {"chín", 9}};
  int64_t billions = 0, below_billion = 0, group = 0, digit = 0;
  for (const std::string_view word : Split(words, ' ')) {
    if (word == "trăm") {
      group += digit * 100;
      digit = 0;
    } else if (word == "mươi") {
      group += digit * 10;
      digit = 0;
    } else if (word == "mười") {
      group += 10;
      digit = 0;
    } else if (word == "nghìn" || word == "triệu") {
      below_billion += (group + digit) * (word == "nghìn" ? 1'000 : 1'000'000);
      group = digit = 0;
    } else if (word == "tỷ") {
      billions = below_billion + group + digit;
      below_billion = group = digit = 0;
    } else if (word != "linh" && word != "đồng") {
      digit = kDigits.at(word);
    }
  }
  return billions * 1'000'000'000 + below_billion + group + digit;
}

TEST(SpellVndTest, WordsReadBackAsTheAmount) {
  SeededRandom random(11);
  std::vector<Vnd> amounts;
  for (Vnd n = 1; n < 3'000; ++n) amounts.push_back(n);
  for (Vnd scale = 1'000; scale < kVndMax; scale *= 10) {
    for (int i = 0; i < 300; ++i) amounts.push_back(1 + static_cast<Vnd>(random.Below(static_cast<uint64_t>(scale))));
    amounts.push_back(scale - 1);
    amounts.push_back(scale + 1);
  }
  for (const Vnd amount : amounts) {
    std::string words = SpellVnd(amount);
    ASSERT_TRUE(words[0] >= 'A' && words[0] <= 'Z') << words;
    words[0] = static_cast<char>(words[0] - 'A' + 'a');
    EXPECT_EQ(ReadWords(words), amount) << words;
    EXPECT_EQ(words.find("  "), std::string::npos) << words;
  }
}

TEST(FormatVndTest, PointsBetweenThousands) {
  EXPECT_EQ(FormatVnd(0), "0 đ");
  EXPECT_EQ(FormatVnd(999), "999 đ");
  EXPECT_EQ(FormatVnd(1'000), "1.000 đ");
  EXPECT_EQ(FormatVnd(16'000), "16.000 đ");
  EXPECT_EQ(FormatVnd(123'456), "123.456 đ");
  EXPECT_EQ(FormatVnd(1'234'567), "1.234.567 đ");
  EXPECT_EQ(FormatVnd(-16'000), "-16.000 đ");
  EXPECT_EQ(FormatVnd(std::numeric_limits<Vnd>::min()), "-9.223.372.036.854.775.808 đ");
}

TEST(VndArithmeticTest, LeavesTheRangeAsNothing) {
  EXPECT_EQ(AddVnd(8'000, 8'000), 16'000);
  EXPECT_EQ(AddVnd(kVndMax, 0), kVndMax);
  EXPECT_EQ(AddVnd(kVndMax, 1), std::nullopt);
  EXPECT_EQ(AddVnd(-kVndMax, -1), std::nullopt);
  EXPECT_EQ(AddVnd(std::numeric_limits<Vnd>::max(), 1), std::nullopt);
  EXPECT_EQ(MultiplyVnd(8'000, 2), 16'000);
  EXPECT_EQ(MultiplyVnd(kVndMax, 1), kVndMax);
  EXPECT_EQ(MultiplyVnd(kVndMax, 2), std::nullopt);
  EXPECT_EQ(MultiplyVnd(kVndMax, kVndMax), std::nullopt);
  EXPECT_EQ(MultiplyVnd(-kVndMax, 2), std::nullopt);
}

}  // namespace
}  // namespace dinh::base

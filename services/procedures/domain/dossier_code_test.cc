#include "services/procedures/domain/dossier_code.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

namespace dinh::procedures {
namespace {

TEST(DossierCode, FormatsAndParsesBack) {
  const std::vector<std::pair<DossierCode, std::string>> table = {
      {{"000.17.22.H56", {2021, 5, 31}, 1}, "000.17.22.H56-210531-0001"},
      {{"000.00.14.H56", {2020, 2, 3}, 118}, "000.00.14.H56-200203-0118"},
      {{"H56.15865", {2026, 2, 13}, 9999}, "H56.15865-260213-9999"},
      {{"H56.15865", {2026, 2, 13}, 10000}, "H56.15865-260213-10000"},
      {{"H56", {2099, 12, 31}, 999999}, "H56-991231-999999"},
      {{"G01.ABCDEFGHIJ.0", {2000, 1, 1}, 7}, "G01.ABCDEFGHIJ.0-000101-0007"}};
  for (const auto& [code, text] : table) {
    const auto formatted = FormatDossierCode(code);
    ASSERT_TRUE(formatted.ok()) << text;
    EXPECT_EQ(*formatted, text);
    EXPECT_EQ(ParseDossierCode(text), code);
  }
}

TEST(DossierCode, RefusesWhatIsNotOne) {
  for (const char* text : {"",
                           "H56",
                           "H56-260213",
                           "H56-260213-001",
                           "H56-260213-0000",
                           "H56-260213-1234567",
                           "H56-261313-0001",
                           "H56-260230-0001",
                           "h56-260213-0001",
                           "H5-260213-0001",
                           "H56.-260213-0001",
                           "H56..A-260213-0001",
                           "H56.abc-260213-0001",
                           "H56.ABCDEFGHIJK-260213-0001",
                           "00.17.22.H56-210531-0001",
                           "000.17.22.56-210531-0001",
                           "000.17.2.H56-210531-0001",
                           " H56-260213-0001",
                           "H56-260213-0001 ",
                           "H56-260213-0001-1",
                           "H56-26021-0001",
                           "H56-2602131-0001",
                           "H56 -260213-0001",
                           "H56\n-260213-0001"}) {
    EXPECT_FALSE(ParseDossierCode(text).has_value()) << text;
  }
  EXPECT_FALSE(FormatDossierCode({"h56", {2026, 1, 1}, 1}).ok());
  EXPECT_FALSE(FormatDossierCode({"H56", {2026, 1, 1}, 0}).ok());
  EXPECT_FALSE(FormatDossierCode({"H56", {2026, 1, 1}, kSequenceMax + 1}).ok());
  EXPECT_FALSE(FormatDossierCode({"H56", {1999, 1, 1}, 1}).ok());
  EXPECT_FALSE(FormatDossierCode({"H56", {2026, 2, 30}, 1}).ok());
}

// The parser and the published pattern agree wherever the date and number are real.
TEST(DossierCode, AgreesWithThePublishedPattern) {
  const std::regex pattern(R"(^(?:\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}|[A-Z]\d{2}(?:\.[0-9A-Z]{1,10})*)-\d{6}-\d{4,6}$)");
  std::mt19937 random(20260213);
  const std::string alphabet = "0123456789ABHZ.-a";
  const std::vector<std::string> seeds = {"000.17.22.H56-210531-0001", "H56.15865-260213-0123", "H56-991231-999999"};
  int agreed_yes = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = seeds[random() % seeds.size()];
    for (unsigned n = random() % 3; n > 0; --n) {
      const size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, 1);
      } else {
        text[at] = alphabet[random() % alphabet.size()];
      }
    }
    const auto parsed = ParseDossierCode(text);
    const bool matches = std::regex_match(text, pattern);
    if (parsed) {
      EXPECT_TRUE(matches) << text;
      ++agreed_yes;
    } else if (matches && text.size() <= kDossierCodeMax) {
      // Only an impossible date or the number 0 may tell them apart.
      const std::string tail = text.substr(text.find('-') + 1);
      const int month = std::stoi(tail.substr(2, 2)), day = std::stoi(tail.substr(4, 2)),
                year = std::stoi(tail.substr(0, 2));
      EXPECT_TRUE(!base::IsValid({2000 + year, month, day}) || std::stoi(tail.substr(7)) == 0) << text;
    }
  }
  EXPECT_GT(agreed_yes, 1000);
}

}  // namespace
}  // namespace dinh::procedures

#include "services/identity/domain/numbers.h"

#include <gtest/gtest.h>

#include "services/identity/domain/phone.h"

namespace dinh::identity {
namespace {

TEST(PhoneTest, EveryPrefixOfTheNumberingPlanAndNoOther) {
  const auto prefixes = DefaultPhonePrefixes();
  int accepted = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string series = std::string(1, static_cast<char>('0' + i / 10)) + static_cast<char>('0' + i % 10);
    const std::string number = "0" + series + "1234567";
    const bool expected = (i >= 32 && i <= 39) || i == 52 || i == 55 || i == 56 || i == 58 || i == 59 || i == 70 ||
                          (i >= 76 && i <= 79) || (i >= 81 && i <= 89) || (i >= 90 && i <= 94) || (i >= 96 && i <= 99);
    EXPECT_EQ(NormalizePhone(number, prefixes).has_value(), expected) << number;
    accepted += expected ? 1 : 0;
  }
  EXPECT_EQ(accepted, 36);
}

TEST(PhoneTest, AllFormsBecomeOne) {
  const auto prefixes = DefaultPhonePrefixes();
  for (const char* form : {"0912345678", "+84912345678", "84912345678"}) {
    EXPECT_EQ(NormalizePhone(form, prefixes), "0912345678") << form;
  }
  // 0849… is a number of its own, not a country code.
  EXPECT_EQ(NormalizePhone("0849123456", prefixes), "0849123456");
  for (const char* wrong : {"", "0", "091234567", "09123456789", "+840912345678", "84 91234567", "091234567a",
                            "0212345678", "+85912345678", "8491234567", "912345678"}) {
    EXPECT_EQ(NormalizePhone(wrong, prefixes), std::nullopt) << wrong;
  }
}

TEST(PhoneTest, PrefixesAreConfigurable) {
  EXPECT_EQ(NormalizePhone("0212345678", {"02"}), "0212345678");
  EXPECT_EQ(NormalizePhone("0912345678", {"02", ""}), std::nullopt);
}

TEST(PhoneTest, WhatAPrefixLooksLike) {
  for (const std::string& prefix : DefaultPhonePrefixes()) EXPECT_TRUE(IsPhonePrefix(prefix)) << prefix;
  for (const char* good : {"09", "01999"}) EXPECT_TRUE(IsPhonePrefix(good)) << good;
  for (const char* bad : {"", "0", "90", "abc", "09a", "+84", "090000", " 090"})
    EXPECT_FALSE(IsPhonePrefix(bad)) << bad;
}

TEST(PhoneTest, HintShowsThreeDigits) {
  EXPECT_EQ(PhoneHint("0912345678"), "…678");
  EXPECT_EQ(PhoneHint(""), "");
}

TEST(PersonalNumberTest, Structure) {
  for (const char* good : {"038190000001", "001085000002", "096205999999"}) EXPECT_TRUE(IsPersonalNumber(good)) << good;
  for (const char* bad :
       {"", "000190000001", "097190000001", "03819000000", "0381900000012", "03819000000a", "999190000001"}) {
    EXPECT_FALSE(IsPersonalNumber(bad)) << bad;
  }
}

TEST(TaxCodeTest, CheckDigit) {
  // 1·29 + 1·17 + 9·7 + 1·5 = 114; 114 mod 11 = 4; 10 − 4 = 6.
  EXPECT_TRUE(IsTaxCode("0100109106"));
  EXPECT_TRUE(IsTaxCode("0100109106-001"));
  for (char last = '0'; last <= '9'; ++last) {
    EXPECT_EQ(IsTaxCode(std::string("010010910") + last), last == '6') << last;
  }
  for (const char* bad : {"", "010010910", "0100109106-000", "0100109106-01", "0100109106-0001", "0100109106001",
                          "01001O9106", "0100109107-001", "0100109106_001"}) {
    EXPECT_FALSE(IsTaxCode(bad)) << bad;
  }
}

TEST(TaxCodeTest, RemainderOfZeroHasNoCheckDigit) {
  // 3·(digit 9) with weight 3: 0·31 … + 0 = 0 → the digit would be 10.
  for (char last = '0'; last <= '9'; ++last) EXPECT_FALSE(IsTaxCode(std::string("000000000") + last));
}

TEST(BirthDateTest, DayAndMonthMayLack) {
  const base::CivilDate today{2026, 2, 13};
  const auto full = ParseBirthDate("1990-05-17", today);
  ASSERT_TRUE(full);
  EXPECT_EQ(full->year, 1990);
  EXPECT_EQ(full->month, 5);
  EXPECT_EQ(full->day, 17);
  const auto month = ParseBirthDate("1950-05", today);
  ASSERT_TRUE(month);
  EXPECT_EQ(month->month, 5);
  EXPECT_EQ(month->day, 0);
  const auto year = ParseBirthDate("1950", today);
  ASSERT_TRUE(year);
  EXPECT_EQ(year->month, 0);
}

TEST(BirthDateTest, RealAndNotInTheFuture) {
  const base::CivilDate today{2026, 2, 13};
  for (const char* good : {"2026", "2026-02", "2026-02-13", "1900", "2024-02-29"}) {
    EXPECT_TRUE(ParseBirthDate(good, today)) << good;
  }
  for (const char* bad : {"", "1899", "2027", "2026-03", "2026-02-14", "2023-02-29", "1990-13", "1990-00", "90",
                          "1990-5-7", "1990/05/17", "19900517"}) {
    EXPECT_FALSE(ParseBirthDate(bad, today)) << bad;
  }
}

}  // namespace
}  // namespace dinh::identity

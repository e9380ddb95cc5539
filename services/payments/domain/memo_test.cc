#include "services/payments/domain/memo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace dinh::payments {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Random(std::mt19937_64& random) { return MakeReference(random() % kReferenceCount); }

TEST(Reference, HasItsForm) {
  EXPECT_EQ(MakeReference(0), "LP222222222");
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; ++i) {
    const std::string reference = Random(random);
    EXPECT_EQ(reference.size(), kReferenceLength);
    EXPECT_TRUE(IsReference(reference)) << reference;
    EXPECT_EQ(reference.find_first_of("AEIOUYDWLZSBGNQ01", kReferencePrefix.size()), std::string::npos) << reference;
  }
  EXPECT_NE(MakeReference(0), MakeReference(1));
  EXPECT_EQ(MakeReference(kReferenceCount - 1).substr(2, kReferenceBody), "XXXXXXXX");
  EXPECT_FALSE(IsReference(""));
  EXPECT_FALSE(IsReference("LP2222222222"));
  EXPECT_FALSE(IsReference("LP22222222"));
  EXPECT_FALSE(IsReference("lp222222222"));
  EXPECT_FALSE(IsReference("LP22222222O"));
}

TEST(Reference, CatchesEverySubstitution) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    const std::string reference = Random(random);
    for (size_t i = kReferencePrefix.size(); i < kReferenceLength; ++i) {
      for (const char c : kReferenceAlphabet) {
        std::string changed = reference;
        if (std::exchange(changed[i], c) == c) continue;
        ASSERT_FALSE(IsReference(changed)) << reference << " " << changed;
      }
    }
  }
}

TEST(Reference, CatchesEveryTransposition) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 5000; ++round) {
    const std::string reference = Random(random);
    for (size_t i = kReferencePrefix.size(); i < kReferenceLength; ++i) {
      for (size_t j = i + 1; j < kReferenceLength; ++j) {
        std::string changed = reference;
        std::swap(changed[i], changed[j]);
        ASSERT_EQ(IsReference(changed), changed == reference) << reference << " " << changed;
      }
    }
  }
}

TEST(Memo, FitsAndLeadsWithTheReference) {
  const std::string reference = MakeReference(123456789);
  EXPECT_EQ(MemoText(reference, "Trích lục khai sinh"), reference + " TRICH LUC");
  EXPECT_EQ(MemoText(reference, ""), reference);
  EXPECT_EQ(MemoText(reference, "Đăng-ký"), reference + " DANGKY");
  EXPECT_EQ(MemoText(reference, "mộttừrấtdàikhôngvừachỗnào"), reference);
  for (const char* label : {"a", "ab cd ef gh ij kl", "Lệ phí hộ tịch", "🙂🙂🙂", "LP"}) {
    EXPECT_LE(MemoText(reference, label).size(), kMemoMax) << label;
    EXPECT_THAT(FindReferences(MemoText(reference, label)).valid, ElementsAre(reference)) << label;
  }
  EXPECT_EQ(MemoText(reference, "LP222222222"), reference) << "no second reference beside the first";
}

TEST(FindReferences, WhateverStandsAroundIt) {
  const std::string r = MakeReference(9'876'543'210);
  std::string lower = r;
  for (char& c : lower) c = static_cast<char>(tolower(c));
  const auto put = [&](std::string_view separator) {
    std::string out;
    for (const char c : r) out += (out.empty() ? "" : std::string(separator)) + c;
    return out;
  };
  const std::string texts[] = {
      r,
      lower,
      r + " TRICH LUC",
      "MBVCB.1234567890." + r + ".CT tu 0123456789 NGUYEN VAN A toi 900000158650",
      "CT DEN:0123456789 " + r + " TRICH LUC",
      "FT26044123456\\BNK" + r + "FT26",
      "QR - " + r.substr(0, 4) + " " + r.substr(4, 4) + " " + r.substr(8),
      put(" "),
      put("."),
      put("-"),
      put(" - "),
      put("\xC2\xA0"),
      put("\xE2\x80\x93"),
      r.substr(0, 6) + "\r\n" + r.substr(6),
      "Nộp lệ phí cấp bản sao: " + lower + " cảm ơn",
      "LPBank LP " + r,
      "LPLP" + r + "LP",
      "\xFF\xFE" + r + "\x80",
      r + " " + lower,
  };
  for (const std::string& text : texts) {
    const FoundReferences found = FindReferences(text);
    EXPECT_THAT(found.valid, ElementsAre(r)) << text;
    EXPECT_FALSE(found.ambiguous()) << text;
  }
  // Text around it cut anywhere, as banks do, as long as the reference itself is whole.
  const std::string full = "CT DEN 0123456789 MBVCB." + r + ".THANH TOAN LE PHI HO TICH XA HOANG HOA";
  const size_t at = full.find(r);
  for (size_t from = 0; from <= at; ++from) {
    for (size_t to = at + r.size(); to <= full.size(); ++to) {
      ASSERT_THAT(FindReferences(full.substr(from, to - from)).valid, ElementsAre(r));
    }
  }
}

TEST(FindReferences, NothingIsFoundInPieces) {
  const std::string r = MakeReference(42);
  for (size_t length = 0; length < r.size(); ++length) {
    EXPECT_THAT(FindReferences(r.substr(0, length)).valid, IsEmpty()) << length;
    EXPECT_THAT(FindReferences(r.substr(0, length) + "Ă" + r.substr(length)).valid,
                length == 0 ? testing::SizeIs(1) : testing::SizeIs(0))
        << length;
  }
  EXPECT_THAT(FindReferences(r.substr(0, 5) + "    " + r.substr(5)).valid, IsEmpty()) << "four blanks are a gap";
}

TEST(FindReferences, TwoDifferentOnesAreAmbiguous) {
  const std::string a = MakeReference(1);
  const std::string b = MakeReference(2);
  EXPECT_TRUE(FindReferences(a + " " + b).ambiguous());
  EXPECT_TRUE(FindReferences(a + b).ambiguous());
  EXPECT_THAT(FindReferences(b + a + b).valid, ElementsAre(b, a));
}

TEST(FindReferences, AMistypedOneIsTold) {
  std::string r = MakeReference(777);
  r[5] = r[5] == '3' ? '4' : '3';
  const FoundReferences found = FindReferences("CT " + r);
  EXPECT_THAT(found.valid, IsEmpty());
  EXPECT_THAT(found.damaged, ElementsAre(r));
}

TEST(FindReferences, LongTextIsBounded) {
  std::string text;
  while (text.size() < 1'000'000) text += "LP2 ";
  EXPECT_THAT(FindReferences(text).valid, IsEmpty());
}

// Measures how often a text of a bank that has nothing to do with us reads as a reference. A number found by chance
// would still have to be that of a charge (one of 1.7·10^10) with the same collecting account.
TEST(FindReferences, FalsePositivesInRandomBankTexts) {
  constexpr std::string_view kWords[] = {"CT",  "DEN",  "TU",     "NGUYEN", "THI",   "LAN",  "CHUYEN", "TIEN",
                                         "LE",  "PHI",  "LPBANK", "LP",     "HO",    "TICH", "THANH",  "TOAN",
                                         "DON", "HANG", "MBVCB",  "FT",     "IBFT",  "NAP",  "TK",     "GD",
                                         "TAI", "VCB",  "QR",     "XA",     "HOANG", "HOA",  "DH"};
  constexpr std::string_view kCode = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::string_view kGaps[] = {" ", ".", "-", "", ":", "  "};
  std::mt19937_64 random(2026);
  constexpr int kTexts = 200'000;
  int false_valid = 0;
  int false_damaged = 0;
  for (int i = 0; i < kTexts; ++i) {
    std::string text;
    for (int word = 0; word < 10; ++word) {
      if (random() % 3 == 0) {
        for (size_t n = random() % 12 + 1; n > 0; --n) {
          const size_t signs = random() % 2 ? 10 : kCode.size();  // more digits than letters
          text += kCode[random() % signs];
        }
      } else {
        text += kWords[random() % std::size(kWords)];
      }
      text += kGaps[random() % std::size(kGaps)];
    }
    const FoundReferences found = FindReferences(text);
    false_valid += !found.valid.empty();
    false_damaged += !found.damaged.empty();
  }
  RecordProperty("false_valid", false_valid);
  RecordProperty("false_damaged", false_damaged);
  // Nearly half of these texts hold an "LP"; still fewer than one in 5,000 reads as a reference.
  EXPECT_LT(false_valid, kTexts / 5'000);
  EXPECT_LT(false_damaged, kTexts / 500);
  printf("random bank texts: %d, read as a reference: %d, as a mistyped one: %d\n", kTexts, false_valid, false_damaged);
}

}  // namespace
}  // namespace dinh::payments

#include "services/identity/domain/otp.h"

#include <gtest/gtest.h>

#include <set>

#include "services/identity/domain/rate_window.h"

namespace dinh::identity {
namespace {

constexpr base::Micros kNow = 1'000 * base::kMicrosPerSecond;

TEST(OtpTest, AcceptedOnceWithinLifeAndAttempts) {
  struct Case {
    const char* what;
    Challenge challenge;
    bool matches;
    OtpVerdict expected;
  };
  const Case cases[] = {
      {"fresh and right", {kNow + 1, 0, {}}, true, OtpVerdict::kAccepted},
      {"fresh and wrong", {kNow + 1, 0, {}}, false, OtpVerdict::kWrong},
      {"fifth attempt may be right", {kNow + 1, 4, {}}, true, OtpVerdict::kAccepted},
      {"sixth attempt is not looked at", {kNow + 1, 5, {}}, true, OtpVerdict::kDead},
      {"used", {kNow + 1, 0, kNow - 1}, true, OtpVerdict::kDead},
      {"expired at the instant", {kNow, 0, {}}, true, OtpVerdict::kDead},
      {"expired and wrong", {kNow - 1, 0, {}}, false, OtpVerdict::kDead},
  };
  for (const Case& c : cases) EXPECT_EQ(Judge(c.challenge, c.matches, kNow), c.expected) << c.what;
}

TEST(OtpTest, CodesAreSixDigitsOverTheWholeRange) {
  base::SeededRandom random(7);
  std::set<std::string> seen;
  bool leading_zero = false;
  for (int i = 0; i < 2000; ++i) {
    const std::string code = NewOtpCode(random);
    ASSERT_EQ(code.size(), 6u);
    ASSERT_EQ(code.find_first_not_of("0123456789"), std::string::npos);
    leading_zero = leading_zero || code[0] == '0';
    seen.insert(code);
  }
  EXPECT_TRUE(leading_zero);
  EXPECT_GT(seen.size(), 1900u);
}

TEST(OtpTest, MessageHoldsTheCodeAsItsOnlySixDigits) {
  const std::string text = OtpMessage("012345");
  EXPECT_NE(text.find("012345"), std::string::npos);
  size_t digits = 0;
  for (const char c : text) digits += c >= '0' && c <= '9' ? 1 : 0;
  EXPECT_EQ(digits, 7u);  // the code and the minutes
}

TEST(OtpTest, ChallengesDiffer) {
  base::SeededRandom random(7);
  EXPECT_NE(NewChallengeId(random), NewChallengeId(random));
  EXPECT_EQ(NewChallengeId(random).size(), 22u);
}

TEST(RateWindowTest, WaitsUntilTheOldestLeaves) {
  const RateLimit limit{3, 100};
  EXPECT_EQ(WaitFor(limit, {0, 0}, 1000), 0);
  EXPECT_EQ(WaitFor(limit, {2, 990}, 1000), 0);
  EXPECT_EQ(WaitFor(limit, {3, 990}, 1000), 90);
  EXPECT_EQ(WaitFor(limit, {3, 901}, 1000), 1);
  // Limits were lowered meanwhile: never zero while over the limit.
  EXPECT_EQ(WaitFor(limit, {9, 900}, 1000), 1);
}

}  // namespace
}  // namespace dinh::identity

#include "services/feedback/domain/privacy.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "libs/base/civil.h"

namespace dinh::feedback {
namespace {

constexpr base::Micros kMinute = 60 * base::kMicrosPerSecond;

TEST(Privacy, Codes) {
  EXPECT_EQ(PublicCode(0), "PA-0000000000");
  EXPECT_EQ(PublicCode(31), "PA-000000000Z");
  EXPECT_EQ(PublicCode(32), "PA-0000000010");
  EXPECT_EQ(PublicCode(UINT64_MAX), "PA-ZZZZZZZZZZ");
  std::mt19937_64 engine(1);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string code = PublicCode(engine());
    ASSERT_EQ(ParsePublicCode(code), code);
    ASSERT_TRUE(seen.insert(code).second);
  }
}

TEST(Privacy, CodesAsTheyAreTyped) {
  const std::string code = "PA-7Q2M4X0K91";
  for (const char* typed : {"PA-7Q2M4X0K91", "pa-7q2m4x0k91", "7Q2M4X0K91", "PA7Q2M4XOK9I", " pa 7q2m4 xok9l ",
                            "7q2m-4x0k-91", "P-A-7-Q2M4X0K91"}) {
    EXPECT_EQ(ParsePublicCode(typed), code) << typed;
  }
  EXPECT_EQ(ParsePublicCode("PA00000000"), "PA-PA00000000");  // ten symbols that happen to begin so
  for (const char* bad :
       {"", "PA-", "PA-7Q2M4X0K9", "PA-7Q2M4X0K911", "PA-7Q2M4X0K9U", "PA-7Q2M4X0K9!", "Đ7Q2M4X0K9", "XX-7Q2M4X0K91"}) {
    EXPECT_FALSE(ParsePublicCode(bad)) << bad;
  }
  EXPECT_FALSE(ParsePublicCode(std::string(1000, ' ') + code));
}

TEST(Privacy, DelaysAreUniform) {
  EXPECT_EQ(DrawDelay(kFirstDelay, 0), 24 * kHour);
  EXPECT_EQ(DrawDelay(kFirstDelay, UINT64_MAX), 120 * kHour - 1);
  EXPECT_EQ(DrawDelay(kFirstDelay, uint64_t{1} << 63), 72 * kHour);
  EXPECT_EQ(DrawDelay({5, 5}, UINT64_MAX), 5);
  std::mt19937_64 engine(2);
  int slots[12] = {};
  constexpr int kDraws = 24'000;
  for (int i = 0; i < kDraws; ++i) {
    const base::Micros delay = DrawDelay(kFirstDelay, engine());
    ASSERT_GE(delay, kFirstDelay.min);
    ASSERT_LT(delay, kFirstDelay.max);
    ++slots[(delay - kFirstDelay.min) / (8 * kHour)];
  }
  for (const int slot : slots) EXPECT_NEAR(slot, kDraws / 12, 220);  // five standard deviations of 43
}

TEST(Privacy, WhenItShows) {
  const base::Micros created = base::FromVietnam({{2026, 3, 2}, 22, 15, 0});
  EXPECT_EQ(FirstPublicAt(created, false, 99), created);
  EXPECT_EQ(FirstPublicAt(created, true, 0), created + 24 * kHour);
  // A change never shows before the report does.
  const base::Micros first = created + 100 * kHour;
  EXPECT_EQ(LaterPublicAt(created + kHour, first, true, UINT64_MAX), first);
  EXPECT_EQ(LaterPublicAt(created + kHour, first, false, 0), first);
  EXPECT_EQ(LaterPublicAt(first + kHour, first, true, 0), first + 3 * kHour);
  EXPECT_EQ(LaterPublicAt(first + kHour, first, false, 7), first + kHour);
}

TEST(Privacy, AnonymousTimesAreDaysOfPublication) {
  const base::Micros happened = base::FromVietnam({{2026, 3, 2}, 22, 15, 0});
  const base::Micros published = base::FromVietnam({{2026, 3, 5}, 3, 40, 12});
  EXPECT_EQ(ShownTime(happened, published, false), happened);
  EXPECT_EQ(ShownTime(happened, published, true), base::FromVietnam({{2026, 3, 5}}));
  // Whatever happened when: only the day of publication counts.
  EXPECT_EQ(ShownTime(happened + 5 * kMinute, published + kHour, true), ShownTime(happened, published, true));
  EXPECT_EQ(DayOf(base::FromVietnam({{2026, 3, 5}}) - 1), base::FromVietnam({{2026, 3, 4}}));
}

TEST(Privacy, WhatIsPublic) {
  PublicFacts facts{true, true, Moderation::kNotNeeded, false};
  EXPECT_EQ(PublicStateOf(facts), PublicState::kPublic);
  facts.moderation = Moderation::kApproved;
  EXPECT_EQ(PublicStateOf(facts), PublicState::kPublic);
  facts.moderation = Moderation::kPending;
  EXPECT_EQ(PublicStateOf(facts), PublicState::kHeld);
  facts.moderation = Moderation::kRefused;
  EXPECT_EQ(PublicStateOf(facts), PublicState::kPrivate);
  facts.moderation = Moderation::kApproved;
  facts.hidden = true;
  EXPECT_EQ(PublicStateOf(facts), PublicState::kHidden);
  facts.may_be_public = false;  // of a private category nothing shows, whatever the reporter asked
  EXPECT_EQ(PublicStateOf(facts), PublicState::kPrivate);
  facts = {true, false, Moderation::kApproved, false};
  EXPECT_EQ(PublicStateOf(facts), PublicState::kPrivate);
  EXPECT_EQ(PublicStateOf({}), PublicState::kPrivate);
}

TEST(Privacy, Moderation) {
  Category category;
  category.moderate_text = false;
  EXPECT_EQ(ModerationOf(category, false), Moderation::kNotNeeded);
  EXPECT_EQ(ModerationOf(category, true), Moderation::kPending);
  category.moderate_text = true;
  EXPECT_EQ(ModerationOf(category, false), Moderation::kPending);
}

TEST(Privacy, Places) {
  const std::string key(32, 'p');
  const Point point{19.8658, 105.8584};
  EXPECT_EQ(ShownPoint(key, point, false), point);
  EXPECT_GE(MetresBetween(ShownPoint(key, point, true), point), 50);
  EXPECT_TRUE(ShowsPlaceText(false));
  EXPECT_FALSE(ShowsPlaceText(true));
}

}  // namespace
}  // namespace dinh::feedback

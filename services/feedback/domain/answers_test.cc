#include "services/feedback/domain/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dinh::feedback {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Question Ask(const std::string& id, QuestionType type, bool required = false) {
  Question question;
  question.id = id;
  question.label = {id, id};
  question.type = type;
  question.required = required;
  return question;
}

Category Pothole() {
  Category category;
  category.id = "road.pothole";
  Question size = Ask("size", QuestionType::kChoice, true);
  size.options = {{"small", {"Nhỏ", "Small"}}, {"large", {"Lớn", "Large"}}};
  Question depth = Ask("depth", QuestionType::kNumber);
  depth.min = 0;
  depth.max = 300;
  Question mark = Ask("mark", QuestionType::kText);
  mark.max_length = 5;
  Question who = Ask("who", QuestionType::kText);
  who.personal = true;
  category.questions = {size, depth, mark, Ask("danger", QuestionType::kYesNo), who};
  return category;
}

std::vector<std::string> Fields(Answers answers) {
  std::vector<std::string> out;
  for (const auto& violation : CheckAnswers(Pothole(), answers)) out.push_back(violation.field);
  return out;
}

TEST(Answers, InTheirNormalForm) {
  Answers answers = {
      {"size", " large "}, {"depth", "+007"}, {"mark", "Ngo\xCC\x83"}, {"danger", "true"}, {"who", "  "}};
  EXPECT_THAT(CheckAnswers(Pothole(), answers), IsEmpty());
  EXPECT_EQ(answers, (Answers{{"size", "large"}, {"depth", "7"}, {"mark", "Ngõ"}, {"danger", "true"}}));
}

TEST(Answers, EveryViolationAtOnce) {
  EXPECT_THAT(
      Fields({{"depth", "301"}, {"mark", "123456"}, {"danger", "maybe"}, {"zebra", "1"}, {"other", "1"}}),
      ElementsAre("answers.size", "answers.depth", "answers.mark", "answers.danger", "answers.other", "answers.zebra"));
  EXPECT_THAT(Fields({{"size", "huge"}}), ElementsAre("answers.size"));
  EXPECT_THAT(Fields({{"size", "\xE2\x80\x8B"}}), ElementsAre("answers.size"));  // nothing but a zero-width space
  EXPECT_THAT(Fields({{"size", "\xFF"}}), ElementsAre("answers.size"));          // once, though it is required too
}

TEST(Answers, Numbers) {
  for (const char* bad : {"-1", "301", "1.5", "1e2", "0x10", "++1", "+", "-", "99999999999999999999", "mười"}) {
    EXPECT_THAT(Fields({{"size", "small"}, {"depth", bad}}), ElementsAre("answers.depth")) << bad;
  }
  for (const char* good : {"0", "300", "+5"})
    EXPECT_THAT(Fields({{"size", "small"}, {"depth", good}}), IsEmpty()) << good;
}

TEST(Answers, LengthCountsCharactersNotBytes) {
  EXPECT_THAT(Fields({{"size", "small"}, {"mark", "ổổổổổ"}}), IsEmpty());
  EXPECT_THAT(Fields({{"size", "small"}, {"mark", "ổổổổổổ"}}), ElementsAre("answers.mark"));
}

TEST(Answers, PersonalOnesAreNotPublic) {
  EXPECT_EQ(PublicAnswers(Pothole(), {{"size", "small"}, {"who", "ai đó"}, {"of_before", "x"}}),
            (Answers{{"size", "small"}}));
}

}  // namespace
}  // namespace dinh::feedback

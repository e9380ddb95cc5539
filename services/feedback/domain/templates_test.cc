#include "services/feedback/domain/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dinh::feedback {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Templates, Variables) {
  EXPECT_THAT(TemplateVariables("{code}: {unit} nhận {code}").value(), ElementsAre("code", "unit"));
  EXPECT_THAT(TemplateVariables("không có gì {{ngoặc}}").value(), IsEmpty());
  for (const char* bad : {"{", "}", "{}", "{a", "a}", "{A}", "{a b}", "{a{b}}", "{1}", "{đ}"}) {
    EXPECT_FALSE(TemplateVariables(bad).ok()) << bad;
    EXPECT_FALSE(FillTemplate(bad, {{"a", "x"}, {"b", "x"}}).ok()) << bad;
  }
}

TEST(Templates, AreFilled) {
  EXPECT_EQ(FillTemplate("Phản ánh {code} đến {unit}.", {{"code", "PA-1"}, {"unit", "xã Hoằng Hóa"}}).value(),
            "Phản ánh PA-1 đến xã Hoằng Hóa.");
  EXPECT_EQ(FillTemplate("{{{a}}}", {{"a", "x"}}).value(), "{x}");
  EXPECT_EQ(FillTemplate("", {}).value(), "");
  // A value is text, never a template.
  EXPECT_EQ(FillTemplate("{a}", {{"a", "{b} {{"}}).value(), "{b} {{");
  EXPECT_EQ(FillTemplate("{a}", {{"a", ""}}).value(), "");
}

TEST(Templates, MissingVariablesAreNamed) {
  const auto filled = FillTemplate("{b} {a} {b} {c}", {{"c", "x"}});
  const auto detail = base::DetailOf(filled.status());
  ASSERT_TRUE(detail);
  EXPECT_EQ(detail->reason, "TEMPLATE_VARIABLE_MISSING");
  EXPECT_EQ(detail->metadata, (base::Metadata{{"variables", "b,a"}}));
}

TEST(Templates, Offered) {
  Category group, leaf, other;
  group.id = "road";
  group.kind = Kind::kGroup;
  leaf.id = "road.pothole";
  leaf.parent = "road";
  other.id = "water";
  for (Category* category : {&group, &leaf, &other}) {
    category->name = {"Tên", "Name"};
    category->responsible.position = "specialist";
    category->answer_hours = category->close_after_days = 8;
  }
  const auto tree = CategoryTree::Build({group, leaf, other}, {});
  ASSERT_TRUE(tree.ok()) << tree.status();
  AnswerTemplate answer;
  answer.events = {EventKind::kAnswer};
  EXPECT_TRUE(Offered(answer, EventKind::kAnswer, *tree, "water"));
  EXPECT_FALSE(Offered(answer, EventKind::kResolve, *tree, "water"));
  answer.categories = {"road"};
  EXPECT_TRUE(Offered(answer, EventKind::kAnswer, *tree, "road.pothole"));
  EXPECT_FALSE(Offered(answer, EventKind::kAnswer, *tree, "water"));
}

}  // namespace
}  // namespace dinh::feedback

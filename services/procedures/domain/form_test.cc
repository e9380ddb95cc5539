#include "services/procedures/domain/form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dinh::procedures {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr base::CivilDate kToday{2026, 2, 13};

Field Make(const std::string& id, FieldType type) {
  Field field;
  field.id = id;
  field.label = {"Mục " + id, "Field " + id};
  field.type = type;
  return field;
}

absl::StatusOr<FormDefinition> Build(std::vector<Field> fields) {
  return FormDefinition::Create("test", 1, {"Thử", "Test"}, {{"main", {"Chung", "Main"}, std::move(fields)}});
}

std::vector<std::string> Faults(const Field& field, const std::string& value) {
  auto form = Build({field});
  EXPECT_TRUE(form.ok()) << form.status();
  Values values = {{field.id, value}};
  std::vector<std::string> out;
  for (const auto& v : form->Check(values, kToday)) {
    EXPECT_EQ(v.field, "form." + field.id);
    EXPECT_FALSE(v.description.vi.empty());
    out.push_back(v.description.en);
  }
  return out;
}

TEST(FormCheck, IntegerTable) {
  Field f = Make("copies", FieldType::kInteger);
  f.min = 1;
  f.max = 20;
  for (const char* good : {"1", "2", "20", " 7 "}) EXPECT_THAT(Faults(f, good), IsEmpty()) << good;
  for (const char* bad :
       {"0", "21", "-1", "1.0", "1,5", "01", "+1", "0x1", "hai", "1 0", "99999999999999999999", "１"}) {
    EXPECT_EQ(Faults(f, bad).size(), 1u) << bad;
  }
}

TEST(FormCheck, DateTable) {
  Field f = Make("day", FieldType::kDate);
  f.max_date = "today";
  f.min_date = "1900-01-01";
  for (const char* good : {"2026-02-13", "2024-02-29", "1900-01-01"}) EXPECT_THAT(Faults(f, good), IsEmpty()) << good;
  for (const char* bad :
       {"2026-02-14", "2025-02-29", "1899-12-31", "13/02/2026", "2026-2-3", "2026", "2026-13-01", "hôm nay"}) {
    EXPECT_EQ(Faults(f, bad).size(), 1u) << bad;
  }
}

TEST(FormCheck, PartialDateTable) {
  Field f = Make("born", FieldType::kPartialDate);
  f.max_date = "today";
  f.min_date = "1880-06-15";
  // A partial date passes when any day of it fits.
  for (const char* good : {"1962", "1962-05", "1962-05-19", "2026", "2026-02", "2026-02-13", "1880", "1880-06"}) {
    EXPECT_THAT(Faults(f, good), IsEmpty()) << good;
  }
  for (const char* bad : {"2027", "2026-03", "2026-02-14", "1879", "1880-05", "1962-13", "1962-00", "62", "1962-5",
                          "05/1962", "1962-02-30"}) {
    EXPECT_EQ(Faults(f, bad).size(), 1u) << bad;
  }
}

TEST(FormCheck, TextLengthsCountLettersNotBytes) {
  Field f = Make("name", FieldType::kText);
  f.min_length = 2;
  f.max_length = 4;
  for (const char* good : {"An", "Nguy", "ỄỮỘẰ", "E\u0302\u0303\u0055 a"})
    EXPECT_THAT(Faults(f, good), IsEmpty()) << good;
  EXPECT_EQ(Faults(f, "A").size(), 1u);
  EXPECT_EQ(Faults(f, "ỄỮỘẰỶ").size(), 1u);
  EXPECT_EQ(Faults(f, "a\nb").size(), 1u);
  f.multiline = true;
  EXPECT_THAT(Faults(f, "a\nb"), IsEmpty());
}

TEST(FormCheck, PatternTellsItsText) {
  Field f = Make("number", FieldType::kText);
  f.max_length = 30;
  f.pattern = "[0-9]+/[0-9]{4}";
  f.pattern_text = {"viết như 12/1998.", "is written like 12/1998."};
  EXPECT_THAT(Faults(f, "12/1998"), IsEmpty());
  EXPECT_THAT(Faults(f, "x12/1998"), ElementsAre(HasSubstr("is written like")));
  EXPECT_EQ(Faults(f, std::string(31, '1')).size(), 1u);
}

TEST(FormCheck, ChoiceBooleanUnitAndIds) {
  Field choice = Make("kind", FieldType::kChoice);
  choice.options = {{"birth", {"Khai sinh", "Birth"}}, {"death", {"Khai tử", "Death"}}};
  EXPECT_THAT(Faults(choice, "birth"), IsEmpty());
  EXPECT_THAT(Faults(choice, "Birth"), ElementsAre(HasSubstr("birth, death")));
  const Field boolean = Make("yes", FieldType::kBoolean);
  EXPECT_THAT(Faults(boolean, "true"), IsEmpty());
  EXPECT_EQ(Faults(boolean, "1").size(), 1u);
  const Field unit = Make("unit", FieldType::kUnitCode);
  for (const char* good : {"38", "399", "15865", "v-quang-trung-15952"})
    EXPECT_THAT(Faults(unit, good), IsEmpty()) << good;
  for (const char* bad : {"1", "158650", "v-", "Hoằng Hóa", "v-Quang", "1586a"})
    EXPECT_EQ(Faults(unit, bad).size(), 1u) << bad;
  const Field person = Make("person", FieldType::kPerson);
  EXPECT_THAT(Faults(person, "0190a5b2-7e3c-7abc-8def-0123456789ab"), IsEmpty());
  EXPECT_EQ(Faults(person, "1").size(), 1u);
}

TEST(FormCheck, PersonalNumberTable) {
  for (const char* good : {"038190000001", "001099123456", "096312000000"}) EXPECT_TRUE(IsPersonalNumber(good)) << good;
  for (const char* bad :
       {"000190000001", "097190000001", "999190000001", "03819000000", "0381900000011", "03819000000a", ""}) {
    EXPECT_FALSE(IsPersonalNumber(bad)) << bad;
  }
}

TEST(FormCheck, PhoneTable) {
  const std::vector<std::pair<std::string, std::string>> table = {{"0900000001", "0900000001"},
                                                                  {"+84900000001", "0900000001"},
                                                                  {"84900000001", "0900000001"},
                                                                  {"090 000 0001", "0900000001"},
                                                                  {"0900.000.001", "0900000001"},
                                                                  {"+84 32-000-0001", "0320000001"},
                                                                  {"0520000001", "0520000001"},
                                                                  {"0530000001", ""},
                                                                  {"0540000001", ""},
                                                                  {"0570000001", ""},
                                                                  {"0710000001", ""},
                                                                  {"0800000001", ""},
                                                                  {"0950000001", ""},
                                                                  {"0310000001", ""},
                                                                  {"090000000", ""},
                                                                  {"09000000011", ""},
                                                                  {"0090000000", ""},
                                                                  {"+0900000001", ""},
                                                                  {"84090000001", ""},
                                                                  {"zero", ""},
                                                                  {"", ""},
                                                                  {"0900000001+", ""},
                                                                  {"+8490000000123", ""}};
  for (const auto& [in, out] : table) EXPECT_EQ(NormalizePhone(in), out) << in;
}

TEST(FormCheck, NormalFormIsWrittenBack) {
  auto form =
      Build({Make("phone", FieldType::kPhone), Make("name", FieldType::kText), Make("empty", FieldType::kText)});
  ASSERT_TRUE(form.ok());
  Values values = {{"phone", "+84 900 000 001"}, {"name", "  Ho\u0103\u0300ng   Hoa\u0301 "}, {"empty", "   "}};
  EXPECT_THAT(form->Check(values, kToday), IsEmpty());
  EXPECT_EQ(values, (Values{{"phone", "0900000001"}, {"name", "Hoằng Hoá"}}));
}

TEST(FormCheck, AllViolationsAtOnceInTheFormsOrderThenUnknownOnes) {
  Field a = Make("a", FieldType::kText), b = Make("b", FieldType::kInteger);
  a.required = true;
  auto form = Build({a, b});
  ASSERT_TRUE(form.ok());
  Values values = {{"b", "x"}, {"zz", "1"}, {"admin", "true"}};
  std::vector<std::string> fields;
  for (const auto& v : form->Check(values, kToday)) fields.push_back(v.field);
  EXPECT_THAT(fields, ElementsAre("form.a", "form.b", "form.admin", "form.zz"));
}

TEST(FormCheck, ConditionsFollowVisibleAnswersOnly) {
  Field relation = Make("relation", FieldType::kChoice);
  relation.options = {{"self", {"Bản thân", "Self"}}, {"other", {"Khác", "Other"}}};
  Field which = Make("which", FieldType::kText);
  which.show_if = Condition{"relation", {"other"}};
  which.required_if = Condition{"relation", {"other"}};
  Field detail = Make("detail", FieldType::kText);
  detail.show_if = Condition{"which", {"cousin"}};
  auto form = Build({relation, which, detail});
  ASSERT_TRUE(form.ok());
  Values self = {{"relation", "self"}};
  EXPECT_THAT(form->Check(self, kToday), IsEmpty());
  Values missing = {{"relation", "other"}};
  EXPECT_EQ(form->Check(missing, kToday).size(), 1u);
  Values hidden = {{"relation", "self"}, {"which", "cousin"}, {"detail", "x"}};
  EXPECT_EQ(form->Check(hidden, kToday).size(), 2u) << "both are hidden: the second hangs on the first";
  Values all = {{"relation", "other"}, {"which", "cousin"}, {"detail", "x"}};
  EXPECT_THAT(form->Check(all, kToday), IsEmpty());
}

TEST(FormCheck, HugeAndBrokenValuesAreRefusedBeforeAnythingElse) {
  auto form = Build({Make("a", FieldType::kText)});
  ASSERT_TRUE(form.ok());
  Values huge = {{"a", std::string(kValueBytesMax + 1, 'x')}};
  EXPECT_EQ(form->Check(huge, kToday).size(), 1u);
  Values broken = {{"a", "\xff\xfe"}};
  EXPECT_EQ(form->Check(broken, kToday).size(), 1u);
}

TEST(FormDefinition, RefusesWhatCannotWork) {
  Field ok = Make("a", FieldType::kText);
  EXPECT_FALSE(Build({}).ok());
  EXPECT_FALSE(Build({ok, ok}).ok());
  for (const char* id : {"", "A", "1a", "a b", "a..b", "a.", "ấ"})
    EXPECT_FALSE(Build({Make(id, FieldType::kText)}).ok()) << id;
  EXPECT_FALSE(Build({Make("c", FieldType::kChoice)}).ok());
  Field options = ok;
  options.options = {{"x", {"x", "x"}}};
  EXPECT_FALSE(Build({options}).ok());
  Field later = Make("b", FieldType::kText);
  later.show_if = Condition{"c", {"x"}};
  EXPECT_FALSE(Build({later, Make("c", FieldType::kText)}).ok());
  Field self = Make("b", FieldType::kText);
  self.show_if = Condition{"b", {"x"}};
  EXPECT_FALSE(Build({self}).ok());
  Field pattern = ok;
  pattern.pattern = "[";
  pattern.pattern_text = {"x", "x"};
  EXPECT_FALSE(Build({pattern}).ok());
  pattern.pattern = "[a-z]+";
  EXPECT_TRUE(Build({pattern}).ok());
  pattern.max_length = kPatternInputMax + 1;
  EXPECT_FALSE(Build({pattern}).ok()) << "std::regex recurses: its input must stay short";
  Field range = Make("n", FieldType::kInteger);
  range.min = 2;
  range.max = 1;
  EXPECT_FALSE(Build({range}).ok());
  Field date = Make("d", FieldType::kDate);
  date.max_date = "tomorrow";
  EXPECT_FALSE(Build({date}).ok());
}

}  // namespace
}  // namespace dinh::procedures

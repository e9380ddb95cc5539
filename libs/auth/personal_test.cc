#include "libs/auth/personal.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/auth/test_types.h"
#include "libs/base/status.h"

namespace dinh::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr char kFile[] = R"(
  dependency: 'dinh/options/v1/options.proto'
  dependency: 'google/protobuf/any.proto'
  message_type {
    name: 'Person'
    field { name: 'id' number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: 'phone' number: 2 type: TYPE_STRING label: LABEL_OPTIONAL options { [dinh.options.v1.personal]: true } }
    field { name: 'birth_year' number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL options { [dinh.options.v1.personal]: true } }
    field { name: 'relatives' number: 4 type: TYPE_MESSAGE type_name: '.t.Person' label: LABEL_REPEATED }
    field { name: 'names' number: 5 type: TYPE_STRING label: LABEL_REPEATED options { [dinh.options.v1.personal]: true } }
    field { name: 'home' number: 6 type: TYPE_MESSAGE type_name: '.t.Place' label: LABEL_OPTIONAL options { [dinh.options.v1.personal]: true } }
    field { name: 'office' number: 7 type: TYPE_MESSAGE type_name: '.t.Place' label: LABEL_OPTIONAL }
    field { name: 'contacts' number: 8 type: TYPE_MESSAGE type_name: '.t.Person.ContactsEntry' label: LABEL_REPEATED }
    field { name: 'secrets' number: 9 type: TYPE_MESSAGE type_name: '.t.Person.SecretsEntry' label: LABEL_REPEATED options { [dinh.options.v1.personal]: true } }
    field { name: 'extra' number: 10 type: TYPE_MESSAGE type_name: '.google.protobuf.Any' label: LABEL_OPTIONAL }
    nested_type {
      name: 'ContactsEntry'
      field { name: 'key' number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: 'value' number: 2 type: TYPE_MESSAGE type_name: '.t.Person' label: LABEL_OPTIONAL }
      options { map_entry: true }
    }
    nested_type {
      name: 'SecretsEntry'
      field { name: 'key' number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
      field { name: 'value' number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
      options { map_entry: true }
    }
  }
  message_type { name: 'Place' field { name: 'street' number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }
  message_type { name: 'Loop' field { name: 'loop' number: 1 type: TYPE_MESSAGE type_name: '.t.Loop' label: LABEL_OPTIONAL } }
  message_type { name: 'Deep' field { name: 'loop' number: 1 type: TYPE_MESSAGE type_name: '.t.Deep' label: LABEL_OPTIONAL }
                              field { name: 'person' number: 2 type: TYPE_MESSAGE type_name: '.t.Person' label: LABEL_OPTIONAL } }
  message_type { name: 'Holder' field { name: 'any' number: 1 type: TYPE_MESSAGE type_name: '.google.protobuf.Any' label: LABEL_OPTIONAL } }
)";

constexpr char kFull[] = R"(
  id: 'i-1' phone: 'SECRET' birth_year: 1987 names: 'SECRET' names: 'SECRET'
  relatives { id: 'i-2' phone: 'SECRET' } relatives { id: 'i-3' relatives { phone: 'SECRET' } }
  home { street: 'SECRET' } office { street: 'Main' }
  contacts { key: 'k' value { id: 'i-4' phone: 'SECRET' } }
  secrets { key: 'SECRET' value: 'SECRET' }
)";

class PersonalTest : public ::testing::Test {
 protected:
  TestTypes types_{kFile};
};

TEST_F(PersonalTest, NothingPersonalIsPrinted) {
  const auto message = types_.Make("Person", kFull);
  ASSERT_THAT(message->ShortDebugString(), HasSubstr("SECRET"));
  const std::string text = RedactedDebugString(*message);
  EXPECT_THAT(text, Not(HasSubstr("SECRET")));
  EXPECT_THAT(text, Not(HasSubstr("1987")));
  EXPECT_EQ(
      text,
      "id: \"i-1\" phone: [personal] birth_year: [personal] relatives: {id: \"i-2\" phone: [personal]} relatives: "
      "{id: \"i-3\" relatives: {phone: [personal]}} names: [personal] home: [personal] office: {street: \"Main\"} "
      "contacts: {key: \"k\" value: {id: \"i-4\" phone: [personal]}} secrets: [personal]");
}

TEST_F(PersonalTest, AnyAndUnknownFieldsAreNotPrinted) {
  google::protobuf::Any any;
  any.set_type_url("type.googleapis.com/t.Place");
  any.set_value("SECRET");
  const auto holder = types_.Make("Holder");
  ASSERT_TRUE(holder->ParseFromString("\x0a" + std::string(1, static_cast<char>(any.ByteSizeLong())) +
                                      any.SerializeAsString() + "\x7a\x06SECRET"));
  ASSERT_THAT(holder->SerializeAsString(), HasSubstr("SECRET"));
  EXPECT_EQ(RedactedDebugString(*holder), "any: {[any]}");
  EXPECT_EQ(base::DetailOf(ForEachPersonalField(*holder, [](auto&&...) {}))->reason, "ANY_REFUSED");
  EXPECT_FALSE(ClearPersonal(holder.get()).ok());
  EXPECT_EQ(holder->ByteSizeLong(), 0u) << "what cannot be cleared in parts is cleared as a whole";
}

TEST_F(PersonalTest, LongTextsAreCutBetweenLetters) {
  std::string street;
  for (int i = 0; i < 3000; ++i) street += "a";
  const auto message = types_.Make("Person", "office { street: '" + street + "' } id: 'đ'");
  EXPECT_EQ(RedactedDebugString(*message, 100).size(), 100 + std::string(" …").size());
  EXPECT_LT(RedactedDebugString(*message).size(), kRedactedBytesMax);
}

TEST_F(PersonalTest, TheWalkerFindsEachFieldOnce) {
  std::vector<std::string> paths;
  ASSERT_TRUE(ForEachPersonalField(*types_.Make("Person", kFull), [&](const std::string& path, const auto& holder,
                                                                      const auto& field) {
                EXPECT_TRUE(IsPersonal(field));
                EXPECT_EQ(holder.GetDescriptor()->name(), "Person");
                paths.push_back(path);
              }).ok());
  EXPECT_THAT(paths, UnorderedElementsAre("phone", "birth_year", "names", "home", "secrets", "relatives[0].phone",
                                          "relatives[1].relatives[0].phone", "contacts[].value.phone"));
}

TEST_F(PersonalTest, ClearLeavesTheRest) {
  const auto message = types_.Make("Person", kFull);
  ASSERT_TRUE(ClearPersonal(message.get()).ok());
  EXPECT_THAT(message->SerializeAsString(), Not(HasSubstr("SECRET")));
  EXPECT_EQ(message->SerializeAsString(),
            types_
                .Make("Person",
                      "id: 'i-1' relatives { id: 'i-2' } relatives { id: 'i-3' relatives {} } office { "
                      "street: 'Main' } contacts { key: 'k' value { id: 'i-4' } }")
                ->SerializeAsString());
  bool found = false;
  ASSERT_TRUE(ForEachPersonalField(*message, [&](auto&&...) { found = true; }).ok());
  EXPECT_FALSE(found);
}

TEST_F(PersonalTest, TypesThatMayHoldPersonalData) {
  EXPECT_TRUE(MayHoldPersonal(types_.type("Person")));
  EXPECT_FALSE(MayHoldPersonal(types_.type("Place")));
  EXPECT_FALSE(MayHoldPersonal(types_.type("Loop")));
  EXPECT_TRUE(MayHoldPersonal(types_.type("Deep")));
  EXPECT_TRUE(MayHoldPersonal(types_.type("Holder")));
}

}  // namespace
}  // namespace dinh::auth

#include "services/identity/domain/officer.h"

#include <gtest/gtest.h>

#include "services/identity/data_files.h"

namespace dinh::identity {
namespace {

Roles TestRoles() {
  return Roles({{"admin", "Quản trị", {"officer.manage"}}, {"chair", "Chủ tịch", {"dossier.sign"}}});
}

const RoleGrant kAdminHere{"admin", "ubnd-15865", "15865"};
const RoleGrant kChairHere{"chair", "ubnd-15865", "15865"};
const RoleGrant kAdminPolice{"admin", "ca-15865", "15865"};

TEST(RolesTest, AllowsOnlyWhatTheDataSays) {
  const Roles roles = TestRoles();
  EXPECT_TRUE(roles.Allows("admin", "officer.manage"));
  EXPECT_FALSE(roles.Allows("chair", "officer.manage"));
  EXPECT_FALSE(roles.Allows("ghost", "officer.manage"));
  EXPECT_EQ(roles.Find("ghost"), nullptr);
}

TEST(RolesTest, ShippedRolesAreGood) {
  const auto json = ReadDataFile(std::string(DINH_SOURCE_DIR) + "/deploy/data/roles.json");
  ASSERT_TRUE(json.ok());
  const auto roles = ParseRoles(*json);
  ASSERT_TRUE(roles.ok()) << roles.status();
  EXPECT_TRUE(roles->Allows("one_stop", "dossier.accept"));
  EXPECT_FALSE(roles->Allows("one_stop", "dossier.sign"));
  EXPECT_TRUE(roles->Allows("admin", "officer.manage"));
  EXPECT_FALSE(ParseRoles("{").ok());
  EXPECT_FALSE(ParseRoles(R"({"roles": [{"role": "chair", "name": "x", "permissions": []}]})").ok());
}

TEST(GrantsTest, UnknownAndRepeatedRolesAreNamed) {
  const auto violations =
      CheckGrants(TestRoles(), {kChairHere, {"ghost", "ubnd-15865", "15865"}, kChairHere}, "grants");
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field, "grants[1].role");
  EXPECT_EQ(violations[1].field, "grants[2]");
  EXPECT_TRUE(CheckGrants(TestRoles(), {kChairHere, kAdminHere, kAdminPolice}, "grants").empty());
}

TEST(LastAdminTest, CountsUnlockedAdminsOfThePlace) {
  struct Case {
    const char* what;
    std::vector<Colleague> colleagues;
    bool locked;
    std::vector<RoleGrant> grants;
    bool leaves_none;
  };
  const Case cases[] = {
      {"only admin locked", {{"a", false, {kAdminHere}}}, true, {kAdminHere}, true},
      {"only admin loses the role", {{"a", false, {kAdminHere}}}, false, {kChairHere}, true},
      {"only admin keeps it", {{"a", false, {kAdminHere}}}, false, {kChairHere, kAdminHere}, false},
      {"another admin", {{"a", false, {kAdminHere}}, {"b", false, {kAdminHere}}}, true, {kAdminHere}, false},
      {"the other is locked", {{"a", false, {kAdminHere}}, {"b", true, {kAdminHere}}}, true, {kAdminHere}, true},
      {"the other is the police's", {{"a", false, {kAdminHere}}, {"b", false, {kAdminPolice}}}, true, {}, true},
      {"there was none", {{"a", false, {kChairHere}}}, true, {kChairHere}, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(LeavesNoAdmin(TestRoles(), c.colleagues, "a", c.locked, c.grants, "ubnd-15865", "15865"), c.leaves_none)
        << c.what;
  }
}

TEST(PasswordTest, Weakness) {
  EXPECT_FALSE(PasswordWeakness("demo-mot-cua-2026", "motcua.hoanghoa"));
  EXPECT_TRUE(PasswordWeakness("aaaaaaaaaaaaaa", "an"));
  EXPECT_TRUE(PasswordWeakness("abcdabcdabcd", "an.binh"));
  EXPECT_TRUE(PasswordWeakness("xx-AN.Binh-99", "an.binh"));
}

TEST(UsernameTest, LowerCase) { EXPECT_EQ(NormalizeUsername("MotCua.HoangHoa"), "motcua.hoanghoa"); }

}  // namespace
}  // namespace dinh::identity

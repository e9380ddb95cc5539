#include "services/payments/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "libs/base/status.h"

namespace dinh::payments {
namespace {

std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : std::string(status.ok() ? "OK" : "?");
}

TEST(BankKeys, AreReadAndChecked) {
  const std::string secret(40, 's');
  auto keys = ParseBankKeys({"old:" + secret, "new:a:b" + secret});
  ASSERT_TRUE(keys.ok());
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[1].id, "new");
  EXPECT_EQ((*keys)[1].secret, "a:b" + secret) << "a secret may hold a colon";
  EXPECT_EQ((*keys)[0].bank_bin, "");
  EXPECT_EQ((*ParseBankKeys({"old@970415:" + secret}))[0].bank_bin, "970415");
  EXPECT_TRUE(ParseBankKeys({})->empty());
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{{secret},
                                                                                   {":" + secret},
                                                                                   {"id:short"},
                                                                                   {"id@97041:" + secret},
                                                                                   {"id@97041x:" + secret},
                                                                                   {"@970415:" + secret},
                                                                                   {"id:" + secret, "id:" + secret},
                                                                                   {""}}) {
    const absl::Status status = ParseBankKeys(bad).status();
    EXPECT_EQ(ReasonOf(status), "BANK_KEY_INVALID");
    EXPECT_THAT(status.ToString(), ::testing::Not(::testing::HasSubstr("sss"))) << "no secret in an error";
  }
  EXPECT_EQ(ReasonOf(ParseBankKeys(std::vector<std::string>(kSigningKeysMax + 1, "a:" + secret)).status()),
            "BANK_KEY_INVALID");
}

TEST(AccountsFile, TheShippedDemoFileIsGood) {
  std::ifstream in(DINH_SOURCE_DIR "/deploy/data/demo.json");
  std::stringstream text;
  text << in.rdbuf();
  const auto file = ParseAccountsFile(text.str());
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_GE(file->accounts.size(), 2u);
  EXPECT_TRUE(file->accounts[0].active);
  EXPECT_EQ(file->demo_keys.size(), 1u);
}

TEST(AccountsFile, TheFirstAccountOfAnAgencyIsTheActiveOne) {
  const auto file = ParseAccountsFile(R"({"collecting_accounts": [
      {"agency": "a", "bank_bin": "970415", "account_number": "1", "holder_name": "A"},
      {"agency": "b", "bank_bin": "970415", "account_number": "2", "holder_name": "B"},
      {"agency": "a", "bank_bin": "970436", "account_number": "1", "holder_name": "A"}]})");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->accounts[0].active);
  EXPECT_TRUE(file->accounts[1].active);
  EXPECT_FALSE(file->accounts[2].active);
  EXPECT_EQ(file->accounts[2].id, "970436-1");
  EXPECT_TRUE(file->demo_keys.empty());
}

TEST(AccountsFile, MistakesEndTheStart) {
  for (const char* json :
       {"", "[]", "{}", R"({"collecting_accounts": {}})", R"({"collecting_accounts": [1]})",
        R"({"collecting_accounts": [{"bank_bin": "970415", "account_number": "1"}]})",
        R"({"collecting_accounts": [{"agency": "a", "bank_bin": "97041", "account_number": "1"}]})",
        R"({"collecting_accounts": [{"agency": "a", "bank_bin": "970415", "account_number": "1 2"}]})",
        R"({"collecting_accounts": [{"agency": "a", "bank_bin": "970415", "account_number": "1"},
                                       {"agency": "b", "bank_bin": "970415", "account_number": "1"}]})"}) {
    EXPECT_EQ(ReasonOf(ParseAccountsFile(json).status()), "ACCOUNTS_FILE_INVALID") << json;
  }
}

}  // namespace
}  // namespace dinh::payments

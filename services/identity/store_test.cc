#include "services/identity/store.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "libs/auth/key_ring.h"
#include "libs/db/test_support.h"
#include "services/identity/limits.h"

namespace dinh::identity {
namespace {

constexpr char kFirst[] = "0190a5b2-7e3c-7abc-8def-000000000001";
constexpr char kSecond[] = "0190a5b2-7e3c-7abc-8def-000000000002";

class StoreTest : public db::EngineTest {
 protected:
  template <typename F>
  auto Write(F&& closure) {
    auto ctx = database_.Context();
    return database_.db->Transact(*ctx, std::forward<F>(closure));
  }
  static PersonRow Verified(const std::string& id, const std::string& number) {
    PersonRow row;
    row.person.id = id;
    row.person.full_name = "Công dân Một";
    row.person.personal_number = number;
    row.person.assurance = Assurance::kSeenAtDesk;
    return row;
  }
  absl::Status AddCitizen(const std::string& id, const std::string& phone) {
    AccountRow account;
    account.id = id;
    account.phone = phone;
    return Write([&](db::Tx& tx) { return store_.InsertAccount(tx, account); });
  }

  base::SystemClock clock_;
  base::SeededRandom random_{3};
  std::unique_ptr<auth::KeyRing> keys_ = auth::KeyRing::Ephemeral(clock_, random_);
  auth::Sealer sealer_{*keys_, random_};
  Store store_{sealer_};
  db::TestDatabase database_{GetParam(), Migrations()};
};

DINH_BOTH_ENGINES(StoreTest);

TEST_P(StoreTest, ValuesAreFoundAndOpenedAfterTheKeysWereRotated) {
  ASSERT_TRUE(AddCitizen(kFirst, "0900000001").ok());
  ASSERT_TRUE(
      Write([&](db::Tx& tx) { return store_.InsertPerson(tx, Verified(kFirst, "038190000001"), "officer"); }).ok());
  ChallengeRow challenge;
  challenge.id = "challenge";
  challenge.code_index = store_.CodeIndex("challenge", "123456");
  ASSERT_TRUE(keys_->Rotate(auth::KeyPurpose::kBlindIndex).ok());
  ASSERT_TRUE(keys_->Rotate(auth::KeyPurpose::kSealing).ok());

  const auto account = Write([&](db::Tx& tx) { return store_.AccountByPhone(tx, "0900000001"); });
  ASSERT_TRUE(account.ok() && account->has_value());
  EXPECT_EQ((*account)->phone, "0900000001");
  const auto person = Write([&](db::Tx& tx) { return store_.PersonById(tx, kFirst); });
  ASSERT_TRUE(person.ok() && person->has_value());
  EXPECT_EQ((*person)->person.full_name, "Công dân Một");
  EXPECT_TRUE(store_.IsCode(challenge, "123456"));
  EXPECT_FALSE(store_.IsCode(challenge, "123457"));
  EXPECT_TRUE(Write([&](db::Tx& tx) { return store_.IsNumberVerified(tx, "038190000001", kSecond); }).value_or(false));
  EXPECT_FALSE(Write([&](db::Tx& tx) { return store_.IsNumberVerified(tx, "038190000001", kFirst); }).value_or(true));
}

TEST_P(StoreTest, TheIndexKeepsVerifiedNumbersApartAlsoInARace) {
  const auto add = [&](PersonRow row) {
    return Write([&](db::Tx& tx) { return store_.InsertPerson(tx, row, "officer"); });
  };
  ASSERT_TRUE(add(Verified(kFirst, "038190000001")).ok());
  EXPECT_EQ(db::ReasonOf(add(Verified(kSecond, "038190000001"))), "UNIQUE_VIOLATION");
  PersonRow claim = Verified(kSecond, "038190000001");
  claim.person.assurance = Assurance::kPhone;
  EXPECT_TRUE(add(claim).ok());
  PersonRow without = Verified("0190a5b2-7e3c-7abc-8def-000000000003", "");
  EXPECT_TRUE(add(without).ok());
  without.person.id = "0190a5b2-7e3c-7abc-8def-000000000004";
  EXPECT_TRUE(add(without).ok());
}

TEST_P(StoreTest, ASealedValueDoesNotOpenInAnotherRow) {
  ASSERT_TRUE(
      Write([&](db::Tx& tx) { return store_.InsertPerson(tx, Verified(kFirst, "038190000001"), "officer"); }).ok());
  ASSERT_TRUE(
      Write([&](db::Tx& tx) { return store_.InsertPerson(tx, Verified(kSecond, "038190000002"), "officer"); }).ok());
  ASSERT_TRUE(Write([&](db::Tx& tx) {
                return tx.Exec(
                    "UPDATE persons SET full_name_sealed = (SELECT full_name_sealed FROM persons WHERE id = "
                    "$1) WHERE id = $2",
                    {kFirst, kSecond});
              }).ok());
  EXPECT_TRUE(Write([&](db::Tx& tx) { return store_.PersonById(tx, kFirst); }).ok());
  EXPECT_TRUE(absl::IsInternal(Write([&](db::Tx& tx) { return store_.PersonById(tx, kSecond); }).status()));
}

TEST_P(StoreTest, TheDeviceNotUsedForLongestIsForgotten) {
  ASSERT_TRUE(AddCitizen(kFirst, "0900000001").ok());
  const auto known = [&](int i) {
    return Write([&](db::Tx& tx) { return store_.DeviceAccount(tx, "device-" + std::to_string(i)); })
        .value_or(std::nullopt)
        .has_value();
  };
  for (int i = 0; i < kDevicesPerAccountMax; ++i) {
    ASSERT_TRUE(Write([&](db::Tx& tx) { return store_.InsertDevice(tx, "device-" + std::to_string(i), kFirst); }).ok());
  }
  ASSERT_TRUE(Write([&](db::Tx& tx) { return store_.TouchDevice(tx, "device-0"); }).ok());
  ASSERT_TRUE(Write([&](db::Tx& tx) { return store_.InsertDevice(tx, "device-new", kFirst); }).ok());
  EXPECT_TRUE(known(0));
  int left = 0;
  for (int i = 0; i < kDevicesPerAccountMax; ++i) left += known(i) ? 1 : 0;
  EXPECT_EQ(left, kDevicesPerAccountMax - 1);
  EXPECT_FALSE(known(1));
}

}  // namespace
}  // namespace dinh::identity

// How PostgreSQL finds what a request asks for among many charges: by an index, never by a walk.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/db/test_support.h"
#include "libs/testing/plan_check.h"
#include "libs/testing/service_harness.h"
#include "services/payments/store.h"

namespace dinh::payments {
namespace {

using ::testing::IsEmpty;

TEST(PaymentsPlansTest, NoRequestWalksThroughALargeTable) {
  if (::dinh::testing::TestEngine() != db::Engine::kPostgres) GTEST_SKIP() << "PostgreSQL's plans";
  db::TestDatabase database(db::Engine::kPostgres, Migrations());
  const int64_t rows = ::dinh::testing::PlanRows();
  auto ctx = db::TestContext(database.clock, std::chrono::minutes(10));
  ASSERT_TRUE(database.Exec("INSERT INTO agencies (id, unit) VALUES ('a0', '15865')").ok());
  ASSERT_TRUE(database
                  .Exec("INSERT INTO collecting_accounts (id, agency, bank_bin, account_number, holder_name, active) "
                        "VALUES ('970415-1', 'a0', '970415', '1', 'UBND', 1)")
                  .ok());
  const auto fill = [&](const std::string& table, const std::map<std::string, std::string>& given) {
    const absl::Status filled = ::dinh::testing::FillSeries(*database.db, *ctx, table, rows, given);
    ASSERT_TRUE(filled.ok()) << table << ": " << filled;
  };
  fill("charges", {{"id", "'c' || n"},
                   {"reference", "'r' || n"},
                   {"agency", "'a' || n % 200"},
                   {"unit", "'u' || n % 200"},
                   {"collecting_account", "'970415-1'"},
                   {"state", "CASE WHEN n % 50 = 0 THEN 1 ELSE 3 END"},
                   {"opened_at", "n"},
                   {"expires_at", "n"}});
  fill("charge_owners", {{"person", "'p' || n % 50000"}, {"opened_at", "n"}, {"charge", "'c' || n"}});
  fill("bank_credits", {{"id", "'k' || n"}, {"bank_bin", "'970415'"}, {"bank_transaction", "'FT' || n"}});
  const Store store(db::Engine::kPostgres);
  const absl::Status asked = database.db->Transact(*ctx, [&](db::Tx& tx) -> absl::Status {
    ::dinh::testing::PlanTx plans(tx, {"charges", "charge_owners", "bank_credits"});
    (void)store.FindCharge(plans, "c77");
    (void)store.FindChargeForUpdate(plans, "c77");
    (void)store.FindChargeByReferenceForUpdate(plans, "r77");
    (void)store.ReferenceExists(plans, "r77");
    for (const std::optional<ChargeKey>& key : {std::optional<ChargeKey>(), {ChargeKey{5000, "c5000"}}}) {
      (void)store.ListChargesOfPerson(plans, "p77", std::nullopt, key, 21);
      (void)store.ListChargesOfAgencies(plans, {{"a7", "u7"}}, std::nullopt, key, 21);
    }
    (void)store.ListExpiring(plans, 500, 100);
    (void)store.FindCredit(plans, "970415", "FT77");
    EXPECT_THAT(plans.walks, IsEmpty());
    EXPECT_GE(plans.seen.size(), 7u);
    RETURN_IF_ERROR(plans.Query("SELECT id FROM charges WHERE memo = $1", {"y"}, [](const db::Row&) {}));
    EXPECT_EQ(plans.walks.size(), 1u) << "a walk is seen";
    return absl::OkStatus();
  });
  EXPECT_TRUE(asked.ok()) << asked;
}

}  // namespace
}  // namespace dinh::payments

// What lies in the store: sealed, kept over a restart, and sound.
#include <algorithm>
#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include "libs/testing/sql_coverage.h"
#include "services/payments/payments_fixture.h"

namespace dinh::payments {
namespace {

DINH_STORE_SQL_IS_COVERED("services/payments");

TEST_F(PaymentsTest, MemosLieSealed) {
  EXPECT_EQ(Notify({.memo = "NGUYEN VAN KIEM THU chuyen tien"}), "suspense");
  auto ctx = harness_->NewContext();
  auto found = harness_->database("payments")->Read(*ctx, [](db::Tx& tx) {
    return tx.QueryOne("SELECT memo_sealed FROM bank_credits", {}, [](const db::Row& row) { return row.Text(0); });
  });
  ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
  EXPECT_EQ((*found)->find("KIEM THU"), std::string::npos);
  EXPECT_EQ(harness_->Log().find("KIEM THU"), std::string::npos);
  EXPECT_EQ(Suspense()[0].memo(), "NGUYEN VAN KIEM THU chuyen tien");
}

TEST_F(PaymentsTest, ARestartKeepsEverything) {
  testing::TempDir folder;
  Restart(folder.path());
  const pb::Charge charge = Open();
  EXPECT_EQ(Notify({.amount = 6000, .memo = charge.memo()}), "part_paid");
  // The keys of the harness are new after a restart; nothing sealed is read here.
  Restart(folder.path());
  EXPECT_EQ(Get(charge.id()).paid_vnd(), 6000);
  EXPECT_EQ(Notify({.amount = 6000, .memo = charge.memo()}), "part_paid") << "still known";
  EXPECT_EQ(Get(charge.id()).paid_vnd(), 6000);
  EXPECT_EQ(Notify({.transaction = "FT2", .amount = 10000, .memo = charge.memo()}), "paid");
  ExpectSound();
  harness_.reset();
}

// Somebody writes into the file: each way of bending the books is told.
TEST_F(PaymentsTest, ABentLedgerIsTold) {
  const pb::Charge charge = Open();
  EXPECT_EQ(Notify({.amount = 20000, .memo = charge.memo()}), "paid");
  auto ctx = harness_->NewContext();
  db::Database& database = *harness_->database("payments");
  const auto run = [&](std::string_view sql) {
    return database.Transact(*ctx, [&](db::Tx& tx) { return tx.Exec(sql).status(); });
  };
  // Not by a statement of ours: the engine refuses. Whoever has the file takes that away first.
  for (const char* sql : {"UPDATE transfers SET amount_vnd = amount_vnd + 1", "DELETE FROM transfers",
                          "UPDATE ledger_accounts SET kind = 1", "DELETE FROM ledger_accounts"}) {
    EXPECT_TRUE(absl::IsInternal(run(sql))) << sql;
  }
  const bool sqlite = database.engine() == db::Engine::kSqlite;
  ASSERT_TRUE(
      run(sqlite ? "DROP TRIGGER transfers_no_update" : "DROP TRIGGER transfers_append_only ON transfers").ok());
  const auto bend = [&](std::string_view there, std::string_view back) {
    EXPECT_TRUE(run(there).ok()) << there;
    const auto report = VerifyLedger(*ctx, database);
    EXPECT_TRUE(report.ok() && !report->sound()) << there;
    EXPECT_TRUE(run(back).ok()) << back;
  };
  bend("UPDATE transfers SET amount_vnd = amount_vnd + 1 WHERE reason = 'charge_paid'",
       "UPDATE transfers SET amount_vnd = amount_vnd - 1 WHERE reason = 'charge_paid'");
  bend("UPDATE transfers SET reason = 'refund_paid' WHERE reason = 'credit_held'",
       "UPDATE transfers SET reason = 'credit_held' WHERE reason = 'refund_paid'");
  bend("UPDATE charges SET paid_vnd = 0", "UPDATE charges SET paid_vnd = amount_vnd");
  bend("UPDATE suspense_items SET remaining_vnd = 1", "UPDATE suspense_items SET remaining_vnd = amount_vnd");
  bend("UPDATE bank_credits SET amount_vnd = amount_vnd + 1000",
       "UPDATE bank_credits SET amount_vnd = amount_vnd - 1000");
  ExpectSound();
}

// Seeded noise of everything the service can be asked, then the books are held against all records (TearDown).
TEST_F(PaymentsTest, TheBooksStandWhateverHappens) {
  std::mt19937_64 random(20260213);
  std::vector<pb::Charge> charges;
  std::vector<std::string> sent;
  base::Vnd received = 0;
  for (int step = 0; step < 400; ++step) {
    harness_->clock().Advance(static_cast<base::Micros>(random() % kHour));
    const pb::Charge* any = charges.empty() ? nullptr : &charges[random() % charges.size()];
    switch (random() % 6) {
      case 0: {
        pb::OpenChargeRequest request = Request("person-a", static_cast<base::Vnd>(random() % 20 + 1) * 1000, 1);
        if (random() % 3 == 0) {
          request.mutable_expire_time()->set_seconds((harness_->clock().Now() + 3 * kHour) / base::kMicrosPerSecond);
        }
        charges.push_back(Open(request));
        break;
      }
      case 1:
        if (any != nullptr) (void)Cancel(any->id());
        break;
      case 2: {
        const auto items = Suspense();
        if (items.empty() || any == nullptr) break;
        pb::ResolveSuspenseRequest request;
        request.set_id(items[random() % items.size()].id());
        const uint64_t how = random() % 3;
        if (how == 0) request.set_charge(any->id());
        if (how == 1) request.set_refund(true);
        if (how == 2) request.set_refund_sent(true);
        (void)Call<pb::SuspenseItem>("ResolveSuspense", request, Accountant());
        break;
      }
      default: {
        if (!sent.empty() && random() % 4 == 0) {
          EXPECT_TRUE(Send(sent[random() % sent.size()]).ok()) << "a redelivery";
          break;
        }
        Notice notice{.transaction = "FT" + std::to_string(step),
                      .amount = static_cast<base::Vnd>(random() % 25 + 1) * 1000,
                      .memo = any == nullptr || random() % 5 == 0 ? "khong ro" : any->memo(),
                      .booked_at = harness_->clock().Now() / base::kMicrosPerSecond};
        if (random() % 10 == 0) notice.account = random() % 2 == 0 ? "900000158890" : "999";
        received += notice.amount;
        sent.push_back(notice.Json());
        EXPECT_TRUE(Send(sent.back()).ok());
      }
    }
  }
  auto ctx = harness_->NewContext();
  auto booked = harness_->database("payments")->Read(*ctx, [](db::Tx& tx) {
    return tx.QueryOne(
        "SELECT CAST(SUM(amount_vnd) AS BIGINT) FROM transfers WHERE reason IN ('charge_paid', "
        "'credit_held')",
        {}, [](const db::Row& row) { return row.Int(0); });
  });
  ASSERT_TRUE(booked.ok());
  EXPECT_EQ(**booked, received) << "every đồng once";
}

// Eight deliverers at once, each credit four times: every charge is paid once, by one credit.
TEST_F(PaymentsTest, DeliveriesAtTheSameMomentAreBookedOnce) {
  constexpr int kCharges = 12;
  constexpr int kThreads = 8;
  std::vector<std::string> bodies;
  std::vector<pb::Charge> charges;
  for (int i = 0; i < kCharges; ++i) {
    charges.push_back(Open());
    const Notice notice{.transaction = "FT" + std::to_string(i), .memo = charges.back().memo()};
    for (int copy = 0; copy < 4; ++copy) bodies.push_back(notice.Json());
    // A second credit for the same charge: one of the two pays, the other is held.
    bodies.push_back(Notice{.transaction = "second" + std::to_string(i), .memo = charges.back().memo()}.Json());
  }
  std::vector<std::thread> threads;
  std::atomic<int> refused = 0;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::vector<std::string> mine = bodies;
      std::shuffle(mine.begin(), mine.end(), std::mt19937_64(static_cast<uint64_t>(t)));
      for (const std::string& body : mine) refused += Send(body).ok() ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused, 0);
  for (const pb::Charge& charge : charges) {
    EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_PAID);
    EXPECT_EQ(Get(charge.id()).paid_vnd(), 16000);
  }
  EXPECT_EQ(Suspense().size(), static_cast<size_t>(kCharges));
  auto ctx = harness_->NewContext();
  EXPECT_EQ(VerifyLedger(*ctx, *harness_->database("payments"))->credits, 2 * kCharges);
}

TEST_F(PaymentsTest, AnAccountKeepsItsAgency) {
  testing::TempDir folder;
  Restart(folder.path());
  const pb::Charge charge = Open();
  const std::string file = folder.path() + "/accounts.json";
  const auto write = [&](const char* json) { std::ofstream(file) << json; };
  // A new account takes new charges; the old one still receives for the old ones.
  write(R"({"collecting_accounts": [
      {"agency": "ubnd-15865", "bank_bin": "970436", "account_number": "777", "holder_name": "UBND"}]})");
  ASSERT_TRUE(TryRestart(folder.path(), {"DINH_PAYMENTS_ACCOUNTS_FILE=" + file}).ok());
  EXPECT_EQ(Open().collecting_account().account_number(), "777");
  EXPECT_EQ(Get(charge.id()).collecting_account().account_number(), kAccount);
  EXPECT_EQ(Notify({.memo = charge.memo()}), "paid");
  // An account cannot go to another agency: its ledger belongs to the old one.
  write(R"({"collecting_accounts": [
      {"agency": "ca-15865", "bank_bin": "970436", "account_number": "777", "holder_name": "CA"}]})");
  EXPECT_EQ(ReasonOf(TryRestart(folder.path(), {"DINH_PAYMENTS_ACCOUNTS_FILE=" + file})), "ACCOUNTS_FILE_INVALID");
  write("{");
  EXPECT_EQ(ReasonOf(TryRestart(folder.path(), {"DINH_PAYMENTS_ACCOUNTS_FILE=" + file})), "ACCOUNTS_FILE_INVALID");
  EXPECT_EQ(ReasonOf(TryRestart(folder.path(), {"DINH_PAYMENTS_FALLBACK_AGENCY=nobody"})), "ACCOUNTS_FILE_INVALID");
}

}  // namespace
}  // namespace dinh::payments

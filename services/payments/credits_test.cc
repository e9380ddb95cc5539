// Bank credits and suspense through the real pipeline.
#include <map>

#include "services/payments/payments_fixture.h"

namespace dinh::payments {
namespace {

TEST_F(PaymentsTest, ACreditPaysExactlyOnce) {
  const pb::Charge charge = Open();
  harness_->clock().Advance(kHour);
  const Notice notice{.memo = "MBVCB.123." + charge.memo() + ".CT tu demo"};
  EXPECT_EQ(Notify(notice), "paid");
  const pb::Charge paid = Get(charge.id());
  EXPECT_EQ(paid.state(), pb::Charge::STATE_PAID);
  EXPECT_EQ(paid.paid_vnd(), 16000);
  EXPECT_TRUE(paid.has_paid_time());
  EXPECT_NE(paid.etag(), charge.etag());
  // Redelivered, signed anew, spelled otherwise: the same answer, nothing booked again.
  harness_->clock().Advance(kHour);
  EXPECT_EQ(Notify(notice), "paid");
  auto again = Send(nlohmann::json::parse(notice.Json()).dump(2));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->outcome(), "paid");
  EXPECT_EQ(again->bank_transaction(), "FT1");
  EXPECT_EQ(Get(charge.id()).SerializeAsString(), paid.SerializeAsString());
  EXPECT_THAT(Suspense(true), IsEmpty());
  // The same transaction id with other content is somebody's mistake.
  Notice other = notice;
  other.amount = 17000;
  EXPECT_EQ(Notify(other), "NOTIFICATION_CONFLICT");
  EXPECT_THAT(WaitForEvents(2), ElementsAre("payments.charge_opened", "payments.charge_paid"));
  auto ctx = harness_->NewContext();
  const auto report = VerifyLedger(*ctx, *harness_->database("payments"));
  EXPECT_EQ(report->transfers, 2);
  EXPECT_EQ(report->credits, 1);
}

TEST_F(PaymentsTest, EveryOtherCreditLiesWhereItIsSeen) {
  const pb::Charge charge = Open();
  int n = 0;
  const auto send = [&](Notice notice) {
    notice.transaction = "FT" + std::to_string(++n);
    return Notify(notice);
  };
  const pb::Charge late = Open();
  ASSERT_TRUE(Cancel(late.id()).ok());
  std::string mistyped = charge.reference();
  mistyped[4] = mistyped[4] == '3' ? '4' : '3';
  EXPECT_EQ(send({.memo = "chuyen tien"}), "suspense");
  EXPECT_EQ(send({.memo = charge.reference() + " " + late.reference()}), "suspense");
  EXPECT_EQ(send({.memo = mistyped}), "suspense");
  EXPECT_EQ(send({.memo = MakeReference(1)}), "suspense");
  EXPECT_EQ(send({.memo = late.memo()}), "suspense");
  EXPECT_EQ(send({.account = "900000158890", .memo = charge.memo()}), "suspense");  // ubnd-15889's
  EXPECT_EQ(send({.account = "123", .memo = charge.memo()}), "suspense");
  EXPECT_EQ(send({.amount = 20000, .memo = charge.memo()}), "paid");
  EXPECT_EQ(send({.memo = charge.memo()}), "suspense");

  std::map<pb::SuspenseItem::Cause, base::Vnd> seen;
  for (const pb::SuspenseItem& item : Suspense()) {
    seen[item.cause()] += item.amount_vnd();
    EXPECT_EQ(item.resolution(), "open");
    EXPECT_FALSE(item.hint().empty());
    EXPECT_FALSE(item.bank_transaction().empty());
  }
  EXPECT_THAT(seen, ::testing::UnorderedElementsAre(::testing::Pair(pb::SuspenseItem::CAUSE_UNKNOWN_MEMO, 16000),
                                                    ::testing::Pair(pb::SuspenseItem::CAUSE_AMBIGUOUS_MEMO, 16000),
                                                    ::testing::Pair(pb::SuspenseItem::CAUSE_BAD_REFERENCE, 32000),
                                                    ::testing::Pair(pb::SuspenseItem::CAUSE_LATE, 16000),
                                                    ::testing::Pair(pb::SuspenseItem::CAUSE_UNKNOWN_ACCOUNT, 16000),
                                                    ::testing::Pair(pb::SuspenseItem::CAUSE_OVERPAID, 4000),
                                                    ::testing::Pair(pb::SuspenseItem::CAUSE_DUPLICATE_PAYMENT, 16000)));
  EXPECT_EQ(Suspense()[0].memo(), "chuyen tien");
  const auto elsewhere = Suspense(false, Accountant("ubnd-15889", "15889"));
  ASSERT_EQ(elsewhere.size(), 1u);
  EXPECT_EQ(elsewhere[0].cause(), pb::SuspenseItem::CAUSE_WRONG_ACCOUNT);
  EXPECT_EQ(elsewhere[0].charge(), charge.id());
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_PAID);
}

TEST_F(PaymentsTest, ACreditBeforeItsChargeLiesInSuspense) {
  EXPECT_EQ(Notify({.memo = MakeReference(99)}), "suspense");
  EXPECT_EQ(Suspense().size(), 1u);
}

TEST_F(PaymentsTest, SignaturesAreChecked) {
  const pb::Charge charge = Open();
  const std::string body = Notice{.memo = charge.memo()}.Json();
  const base::Micros now = harness_->clock().Now();
  EXPECT_EQ(ReasonOf(Deliver(body, "").status()), "SIGNATURE_MISSING");
  EXPECT_EQ(ReasonOf(Deliver(body, "v1=00").status()), "SIGNATURE_MALFORMED");
  const std::string good = SignatureHeader({kBank}, body, now);
  EXPECT_EQ(ReasonOf(Deliver(body + " ", good).status()), "SIGNATURE_INVALID");
  EXPECT_EQ(ReasonOf(Deliver(body, SignatureHeader({{"x", std::string(40, 'x')}}, body, now)).status()),
            "SIGNATURE_INVALID");
  EXPECT_EQ(ReasonOf(Deliver(body, SignatureHeader({kBank}, body, now - kHour)).status()), "SIGNATURE_EXPIRED");
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_OPEN);
  EXPECT_TRUE(Deliver(body, good).ok());
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_PAID);
  EXPECT_FALSE(Call<pb::NotifyCreditResponse>("NotifyCredit", options::v1::SignedRequest(), Owner()).ok());
}

TEST_F(PaymentsTest, ABankSpeaksForItselfOnly) {
  const pb::Charge charge = Open();
  const std::string ours = Notice{.memo = charge.memo()}.Json();
  const std::string its_own = Notice{.bin = "970436", .account = "1", .memo = "x"}.Json();
  const base::Micros now = harness_->clock().Now();
  EXPECT_EQ(ReasonOf(Deliver(ours, SignatureHeader({kOtherBank}, ours, now)).status()), "NOTIFICATION_FOREIGN_BANK");
  EXPECT_TRUE(Deliver(its_own, SignatureHeader({kOtherBank}, its_own, now)).ok());
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_OPEN);
}

TEST_F(PaymentsTest, MalformedNotificationsAreToldWhatIsWrong) {
  const auto field = [&](const std::string& body) {
    auto response = Send(body);
    const auto detail = base::DetailOf(response.status());
    if (!detail || detail->reason != "NOTIFICATION_MALFORMED") return ReasonOf(response.status());
    return detail->violations.at(0).field;
  };
  const auto with = [](const char* name, nlohmann::json value) {
    nlohmann::json body = nlohmann::json::parse(Notice{.memo = "x"}.Json());
    body[name] = std::move(value);
    return body.dump();
  };
  EXPECT_EQ(field(""), "body");
  EXPECT_EQ(field("[]"), "body");
  EXPECT_EQ(field("{\"a\":1,}"), "body");
  EXPECT_EQ(field(std::string(70000, ' ') + "{}"), "body");
  EXPECT_EQ(field(std::string(60000, '[')), "body");
  EXPECT_EQ(field(with("transaction_id", "")), "transaction_id");
  EXPECT_EQ(field(with("transaction_id", 5)), "transaction_id");
  EXPECT_EQ(field(with("transaction_id", "a b")), "transaction_id");
  EXPECT_EQ(field(with("transaction_id", std::string(101, 'a'))), "transaction_id");
  EXPECT_EQ(field(with("bank_bin", "9704150")), "bank_bin");
  EXPECT_EQ(field(with("account_number", std::string(20, '1'))), "account_number");
  EXPECT_EQ(field(with("amount_vnd", 0)), "amount_vnd");
  EXPECT_EQ(field(with("amount_vnd", -16000)), "amount_vnd");
  EXPECT_EQ(field(with("amount_vnd", 16000.0)), "amount_vnd");
  EXPECT_EQ(field(with("amount_vnd", "16000")), "amount_vnd");
  EXPECT_EQ(field(with("amount_vnd", UINT64_MAX)), "amount_vnd");
  EXPECT_EQ(field(with("booked_at", nullptr)), "booked_at");
  const std::string whole = Notice{.memo = "x"}.Json();
  EXPECT_EQ(field(whole.substr(0, whole.size() - 1) + ",\"amount_vnd\":1}"), "body") << "a member twice";
  EXPECT_EQ(field(with("memo", nullptr)), "memo");
  EXPECT_EQ(field(with("memo", std::string(5000, 'a'))), "memo");
  EXPECT_EQ(field(with("new_member", "of a later version")), "OK");
  EXPECT_EQ(Suspense().size(), 1u) << "only the last one was booked";
}

class SuspenseTest : public PaymentsTest {
 protected:
  absl::StatusOr<pb::SuspenseItem> Resolve(const std::string& id, const std::string& charge, bool refund, bool sent,
                                           const auth::Principal& as) {
    pb::ResolveSuspenseRequest request;
    request.set_id(id);
    request.set_charge(charge);
    request.set_refund(refund);
    request.set_refund_sent(sent);
    request.set_note("Người nộp đã gọi điện");
    return Call<pb::SuspenseItem>("ResolveSuspense", request, as);
  }
  absl::StatusOr<pb::SuspenseItem> Resolve(const std::string& id, const std::string& charge, bool refund = false,
                                           bool sent = false) {
    return Resolve(id, charge, refund, sent, Accountant());
  }
};

TEST_F(SuspenseTest, IsAssignedToACharge) {
  const pb::Charge charge = Open();
  EXPECT_EQ(Notify({.amount = 20000, .memo = "tien ban sao"}), "suspense");
  const std::string item = Suspense()[0].id();
  auto resolved = Resolve(item, charge.id());
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(resolved->remaining_vnd(), 4000);
  EXPECT_EQ(resolved->resolution(), "open") << "the rest still needs a decision";
  EXPECT_EQ(resolved->charge(), charge.id());
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_PAID);
  EXPECT_EQ(ReasonOf(Resolve(item, charge.id()).status()), "CHARGE_NOT_PAYABLE");
  const pb::Charge second = Open();
  resolved = Resolve(item, second.id());
  ASSERT_TRUE(resolved.ok()) << resolved.status();
  EXPECT_EQ(resolved->resolution(), "assigned");
  EXPECT_TRUE(resolved->has_resolve_time());
  EXPECT_EQ(Get(second.id()).paid_vnd(), 4000);
  EXPECT_EQ(ReasonOf(Resolve(item, second.id()).status()), "SUSPENSE_RESOLVED");
  EXPECT_THAT(Suspense(), IsEmpty());
  EXPECT_EQ(Suspense(true).size(), 1u);
  EXPECT_THAT(WaitForEvents(4), ElementsAre("payments.charge_opened", "payments.credit_suspended",
                                            "payments.charge_paid", "payments.charge_opened"));
}

TEST_F(SuspenseTest, IsGivenBackInTwoSteps) {
  EXPECT_EQ(Notify({.memo = "?"}), "suspense");
  const std::string item = Suspense()[0].id();
  EXPECT_EQ(ReasonOf(Resolve(item, "", false, true).status()), "SUSPENSE_RESOLVED") << "not decided yet";
  ASSERT_TRUE(Resolve(item, "", true).ok());
  ASSERT_EQ(Suspense().size(), 1u) << "still to be sent, so still in sight";
  EXPECT_EQ(Suspense()[0].resolution(), "refund_due");
  ExpectSound();
  ASSERT_TRUE(Resolve(item, "", false, true).ok());
  EXPECT_THAT(Suspense(), IsEmpty());
  EXPECT_EQ(Suspense(true)[0].resolution(), "refunded");
  EXPECT_EQ(ReasonOf(Resolve(item, "", true).status()), "SUSPENSE_RESOLVED");
}

TEST_F(SuspenseTest, NeedsExactlyOneDecisionByTheRightOfficer) {
  const pb::Charge charge = Open();
  EXPECT_EQ(Notify({.memo = "?"}), "suspense");
  const std::string item = Suspense()[0].id();
  EXPECT_EQ(ReasonOf(Resolve(item, "").status()), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(Resolve(item, charge.id(), true).status()), "INVALID_FIELD");
  EXPECT_EQ(ReasonOf(Resolve(item, harness_->ids().Next()).status()), "CHARGE_NOT_FOUND");
  const absl::Status absent = Resolve(harness_->ids().Next(), charge.id()).status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Resolve(item, charge.id(), false, false, Accountant("ubnd-15889", "15889")).status(), absent);
  EXPECT_FALSE(Resolve(item, charge.id(), false, false, Owner()).ok());
  EXPECT_FALSE(Resolve(item, charge.id(), false, false, Peer("procedures")).ok());
  const auto desk = Officer("desk", "p", {{"one_stop", "ubnd-15865", "15865", {"charge.read"}}});
  EXPECT_FALSE(Resolve(item, charge.id(), false, false, desk).ok());
  EXPECT_EQ(Suspense()[0].remaining_vnd(), 16000);
}

}  // namespace
}  // namespace dinh::payments

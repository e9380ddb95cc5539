// Charges through the real pipeline.
#include "services/payments/payments_fixture.h"

namespace dinh::payments {
namespace {

TEST_F(PaymentsTest, AChargeIsOpenedOnce) {
  const pb::OpenChargeRequest request = Request();
  const pb::Charge charge = Open(request);
  EXPECT_EQ(charge.id(), request.id());
  EXPECT_EQ(charge.state(), pb::Charge::STATE_OPEN);
  EXPECT_EQ(charge.amount_vnd(), 16000);
  EXPECT_EQ(charge.paid_vnd(), 0);
  EXPECT_TRUE(IsReference(charge.reference()));
  EXPECT_THAT(FindReferences(charge.memo()).valid, ElementsAre(charge.reference()));
  EXPECT_LE(charge.memo().size(), kMemoMax);
  EXPECT_EQ(charge.collecting_account().account_number(), kAccount);
  EXPECT_EQ(charge.collecting_account().holder_name(), "UBND XA HOANG HOA");
  EXPECT_EQ(charge.create_time().seconds(), testing::kTestNow / base::kMicrosPerSecond);

  EXPECT_EQ(Open(request).SerializeAsString(), charge.SerializeAsString());
  pb::OpenChargeRequest other = request;
  other.mutable_lines(0)->set_count(3);
  other.mutable_lines(0)->set_amount_vnd(24000);
  EXPECT_EQ(ReasonOf(Call<pb::Charge>("OpenCharge", other, Peer("procedures")).status()), "CHARGE_EXISTS");
  EXPECT_THAT(WaitForEvents(1), ElementsAre("payments.charge_opened"));
}

TEST_F(PaymentsTest, ChargesThatCannotBeAreRefused) {
  const auto refused = [&](auto change) {
    pb::OpenChargeRequest request = Request();
    change(request);
    return ReasonOf(Call<pb::Charge>("OpenCharge", request, Peer("procedures")).status());
  };
  EXPECT_EQ(refused([](auto& r) { r.mutable_lines(0)->set_amount_vnd(15999); }), "INVALID_FIELD");
  EXPECT_EQ(refused([](auto& r) { r.mutable_lines(0)->set_unit_price_vnd(-8000); }), "INVALID_FIELD");
  EXPECT_EQ(refused([](auto& r) { r.mutable_lines(0)->set_count(0); }), "INVALID_FIELD");
  EXPECT_EQ(refused([](auto& r) { r.mutable_lines(0)->clear_text(); }), "INVALID_FIELD");
  EXPECT_EQ(refused([](auto& r) {
              r.mutable_lines(0)->set_unit_price_vnd(0);
              r.mutable_lines(0)->set_amount_vnd(0);
            }),
            "INVALID_FIELD");
  EXPECT_EQ(refused([](auto& r) {
              r.mutable_lines(0)->set_unit_price_vnd(INT64_MAX);
              r.mutable_lines(0)->set_amount_vnd(INT64_MAX);
            }),
            "INVALID_FIELD");
  EXPECT_EQ(refused([](auto& r) { r.clear_lines(); }), "INVALID_FIELD");
  EXPECT_EQ(refused([](auto& r) { r.mutable_expire_time()->set_seconds(1); }), "INVALID_FIELD");
  EXPECT_EQ(refused([](auto& r) { r.set_agency("ubnd-00001"); }), "NO_COLLECTING_ACCOUNT");
  EXPECT_EQ(refused([](auto& r) { r.set_id("not-a-uuid"); }), "INVALID_FIELD");
}

TEST_F(PaymentsTest, OnlyWhoMaySeesACharge) {
  const pb::Charge charge = Open();
  EXPECT_TRUE(Get(charge.id(), Owner()).ok());
  EXPECT_TRUE(Get(charge.id(), Accountant()).ok());
  const absl::Status foreign = Get(charge.id(), Citizen("account-b", "person-b")).status();
  const absl::Status absent = Get(harness_->ids().Next(), Owner()).status();
  EXPECT_EQ(foreign.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(foreign, absent) << "absent and foreign are the same, byte for byte";
  EXPECT_EQ(Get(charge.id(), Accountant("ubnd-15889", "15889")).status(), absent);
  EXPECT_EQ(Get(charge.id(), Accountant("ca-15865", "15865")).status(), absent) << "the police of the same commune";
  EXPECT_FALSE(Get(charge.id(), Anonymous()).ok());
  EXPECT_FALSE(Get(charge.id(), Peer("procedures")).ok());
  for (const auth::Principal& who : {Owner(), Accountant(), Anonymous(), Peer("identity"), Signed()}) {
    EXPECT_FALSE(Call<pb::Charge>("OpenCharge", Request(), who).ok());
    pb::CancelChargeRequest cancel;
    cancel.set_id(charge.id());
    EXPECT_FALSE(Call<pb::Charge>("CancelCharge", cancel, who).ok());
  }
  pb::GetChargeQrRequest qr;
  qr.set_id(charge.id());
  EXPECT_EQ(Call<options::v1::RawBody>("GetChargeQr", qr, Citizen("account-b", "person-b")).status(), absent);
}

TEST_F(PaymentsTest, ListsShowOnesOwnNewestFirst) {
  std::vector<std::string> mine;
  for (int i = 0; i < 7; ++i) {
    harness_->clock().Advance(i % 2 == 0 ? kHour : 0);  // some opened in the same instant
    mine.push_back(Open().id());
    Open(Request("person-b"));
  }
  ASSERT_TRUE(Cancel(mine[3]).ok());
  const auto list = [&](const auth::Principal& as, pb::Charge::State state) {
    std::vector<std::string> ids;
    pb::ListChargesRequest request;
    request.set_state(state);
    request.set_page_size(3);
    do {
      auto page = Call<pb::ListChargesResponse>("ListCharges", request, as);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const pb::Charge& charge : page->charges()) ids.push_back(charge.id());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty() && ids.size() < 100);
    return ids;
  };
  EXPECT_THAT(list(Owner(), pb::Charge::STATE_UNSPECIFIED), ::testing::UnorderedElementsAreArray(mine));
  EXPECT_EQ(list(Owner(), pb::Charge::STATE_UNSPECIFIED)[0], mine[6]);
  EXPECT_THAT(list(Owner(), pb::Charge::STATE_CANCELLED), ElementsAre(mine[3]));
  EXPECT_EQ(list(Accountant(), pb::Charge::STATE_UNSPECIFIED).size(), 14u);
  EXPECT_THAT(list(Accountant("ubnd-15889", "15889"), pb::Charge::STATE_UNSPECIFIED), IsEmpty());
  EXPECT_THAT(list(Citizen("account-a", ""), pb::Charge::STATE_UNSPECIFIED), IsEmpty()) << "no person chosen yet";
  pb::ListChargesRequest forged;
  forged.set_page_token("AAAA");
  EXPECT_EQ(Call<pb::ListChargesResponse>("ListCharges", forged, Owner()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(PaymentsTest, TheQrIsTheChargesVietQr) {
  const pb::Charge charge = Open();
  pb::GetChargeQrRequest request;
  request.set_id(charge.id());
  request.set_format("text");
  auto text = Call<options::v1::RawBody>("GetChargeQr", request, Owner());
  ASSERT_TRUE(text.ok()) << text.status();
  auto qr = ParseVietQr(text->data());
  ASSERT_TRUE(qr.ok()) << qr.status();
  EXPECT_EQ(qr->initiation, QrInitiation::kDynamic);
  EXPECT_EQ(qr->bin, "970415");
  EXPECT_EQ(qr->account, kAccount);
  EXPECT_EQ(qr->amount_vnd, 16000);
  EXPECT_EQ(qr->purpose, charge.memo());

  request.set_format("");
  auto png = Call<options::v1::RawBody>("GetChargeQr", request, Owner());
  ASSERT_TRUE(png.ok());
  EXPECT_EQ(png->content_type(), "image/png");
  EXPECT_EQ(png->data().substr(1, 3), "PNG");
  EXPECT_EQ(png->cache_seconds(), 0);
  request.set_format("svg");
  auto svg = Call<options::v1::RawBody>("GetChargeQr", request, Owner());
  ASSERT_TRUE(svg.ok());
  EXPECT_EQ(svg->content_type(), "image/svg+xml");
  request.set_format("gif");
  EXPECT_EQ(Call<options::v1::RawBody>("GetChargeQr", request, Owner()).status().code(),
            absl::StatusCode::kInvalidArgument);

  // What is asked for after a part was paid is the rest.
  EXPECT_EQ(Notify({.amount = 10000, .memo = charge.memo()}), "part_paid");
  request.set_format("text");
  EXPECT_EQ(ParseVietQr(Call<options::v1::RawBody>("GetChargeQr", request, Owner())->data())->amount_vnd, 6000);
  EXPECT_EQ(Notify({.transaction = "FT2", .amount = 6000, .memo = charge.memo()}), "paid");
  EXPECT_EQ(ReasonOf(Call<options::v1::RawBody>("GetChargeQr", request, Owner()).status()), "CHARGE_NOT_PAYABLE");
}

TEST_F(PaymentsTest, CancellingIsRepeatableButNotAfterPayment) {
  const pb::Charge charge = Open();
  auto cancelled = Cancel(charge.id());
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), pb::Charge::STATE_CANCELLED);
  EXPECT_EQ(Cancel(charge.id())->SerializeAsString(), cancelled->SerializeAsString());
  const pb::Charge paid = Open();
  EXPECT_EQ(Notify({.memo = paid.memo()}), "paid");
  EXPECT_EQ(ReasonOf(Cancel(paid.id()).status()), "CHARGE_PAID");
  EXPECT_EQ(ReasonOf(Cancel(harness_->ids().Next()).status()), "CHARGE_NOT_FOUND");
  EXPECT_THAT(WaitForEvents(4), ElementsAre("payments.charge_opened", "payments.charge_cancelled",
                                            "payments.charge_opened", "payments.charge_paid"));
}

TEST_F(PaymentsTest, APartPaidChargeReleasesItsMoneyWhenItIsCancelled) {
  const pb::Charge charge = Open();
  EXPECT_EQ(Notify({.amount = 6000, .memo = charge.memo()}), "part_paid");
  ASSERT_TRUE(Cancel(charge.id()).ok());
  EXPECT_EQ(Get(charge.id()).paid_vnd(), 0);
  const auto items = Suspense();
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].cause(), pb::SuspenseItem::CAUSE_RELEASED);
  EXPECT_EQ(items[0].amount_vnd(), 6000);
  EXPECT_EQ(items[0].charge(), charge.id());
}

// The worker ends what was not paid in time; a payment in time that is told of late takes the expiry back.
TEST_F(PaymentsTest, UnpaidChargesExpire) {
  ASSERT_TRUE(TryRestart("", {"DINH_PAYMENTS_EXPIRY_INTERVAL=1s"}).ok());
  ASSERT_TRUE(harness_->WaitForJobs("payments", "charges.expire", 1)) << "the round of the start";
  pb::OpenChargeRequest request = Request();
  const int64_t end = harness_->clock().Now() / base::kMicrosPerSecond + 3600;
  request.mutable_expire_time()->set_seconds(end);
  const pb::Charge charge = Open(request);
  const pb::Charge endless = Open();
  EXPECT_EQ(Notify({.amount = 6000, .memo = charge.memo()}), "part_paid");
  harness_->clock().Advance(2 * kHour);
  pb::GetChargeQrRequest qr;
  qr.set_id(charge.id());
  EXPECT_EQ(ReasonOf(Call<options::v1::RawBody>("GetChargeQr", qr, Owner()).status()), "CHARGE_NOT_PAYABLE");
  ASSERT_TRUE(harness_->WaitForJobs("payments", "charges.expire", 2));
  // opened, opened, then by the worker: suspended (the part that was paid) and expired.
  EXPECT_THAT(WaitForEvents(4), ElementsAre("payments.charge_opened", "payments.charge_opened",
                                            "payments.credit_suspended", "payments.charge_expired"));
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_EXPIRED);
  EXPECT_EQ(Get(charge.id()).paid_vnd(), 0);
  EXPECT_EQ(Get(endless.id()).state(), pb::Charge::STATE_OPEN);
  EXPECT_EQ(Cancel(charge.id())->state(), pb::Charge::STATE_EXPIRED) << "nothing can be paid to it any more";

  EXPECT_EQ(Notify({.transaction = "late", .memo = charge.memo(), .booked_at = end + 1}), "suspense");
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_EXPIRED);
  EXPECT_EQ(Notify({.transaction = "in time", .memo = charge.memo(), .booked_at = end - 1}), "NOTIFICATION_MALFORMED");
  EXPECT_EQ(Notify({.transaction = "in-time", .memo = charge.memo(), .booked_at = end - 1}), "paid");
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_PAID);
}

// Not yet ended by the worker, but over: the late payment ends it itself.
TEST_F(PaymentsTest, ALatePaymentExpiresTheCharge) {
  pb::OpenChargeRequest request = Request();
  const int64_t end = harness_->clock().Now() / base::kMicrosPerSecond + 3600;
  request.mutable_expire_time()->set_seconds(end);
  const pb::Charge charge = Open(request);
  harness_->clock().Advance(2 * kHour);
  EXPECT_EQ(Notify({.memo = charge.memo(), .booked_at = end + 60}), "suspense");
  EXPECT_EQ(Get(charge.id()).state(), pb::Charge::STATE_EXPIRED);
  EXPECT_EQ(Suspense().at(0).cause(), pb::SuspenseItem::CAUSE_LATE);
  EXPECT_EQ(Suspense().at(0).charge(), charge.id());
}

}  // namespace
}  // namespace dinh::payments

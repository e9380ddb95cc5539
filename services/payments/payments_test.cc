// The service through the real pipeline, on a real SQLite file.
#include "services/payments/module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "dinh/events/v1/service.pb.h"
#include "dinh/options/v1/common.pb.h"
#include "dinh/payments/v1/events.pb.h"
#include "dinh/payments/v1/service.pb.h"
#include "dinh/territory/v1/resources.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "libs/testing/service_harness.h"
#include "nlohmann/json.hpp"
#include "services/payments/domain/memo.h"
#include "services/payments/domain/notification.h"
#include "services/payments/domain/vietqr.h"
#include "services/payments/ledger_check.h"

namespace dinh::payments {
namespace {

namespace pb = ::dinh::payments::v1;
namespace territory = ::dinh::territory::v1;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Anonymous;
using testing::Citizen;
using testing::Officer;
using testing::Peer;
using testing::Signed;

constexpr base::Micros kHour = 3600 * base::kMicrosPerSecond;
const SigningKey kBank{"bank-2026", "a-secret-of-the-test-bank-0123456789"};
constexpr const char* kAccount = "900000158650";  // of ubnd-15865 in deploy/data/demo.json

std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : std::string(status.ok() ? "OK" : "?");
}

// What the bank sends.
struct Notice {
  std::string transaction = "FT1";
  std::string bin = "970415";
  std::string account = kAccount;
  base::Vnd amount = 16000;
  std::string memo;
  int64_t booked_at = testing::kTestNow / base::kMicrosPerSecond;
  std::string Json() const {
    return nlohmann::json{{"transaction_id", transaction}, {"bank_bin", bin}, {"account_number", account},
                          {"amount_vnd", amount},          {"memo", memo},    {"booked_at", booked_at}}
        .dump();
  }
};

class PaymentsTest : public ::testing::Test {
 protected:
  static auth::Principal Owner() { return Citizen("account-a", "person-a"); }
  static auth::Principal Accountant(std::string agency = "ubnd-15865", std::string unit = "15865") {
    return Officer("accountant", "person-x", {{"accountant", agency, unit, {"charge.read", "suspense.manage"}}});
  }

  void SetUp() override { Restart(""); }

  void Restart(const std::string& data_dir) {
    harness_.reset();
    testing::HarnessOptions options;
    options.data_dir = data_dir;
    options.settings = {"DINH_PAYMENTS_BANK_KEYS=" + kBank.id + ":" + kBank.secret};
    auto fake = std::make_unique<testing::FakeService>("territory");
    fake->On<territory::GetAgencyRequest, territory::Agency>(
        "dinh.territory.v1.TerritoryService.GetAgency",
        [](rpc::Context&, const territory::GetAgencyRequest& request) -> absl::StatusOr<territory::Agency> {
          territory::Agency agency;
          agency.set_id(request.id());
          agency.set_unit(request.id().substr(request.id().find('-') + 1));
          return agency;
        });
    options.modules.push_back(std::move(fake));
    options.modules.push_back(MakePaymentsModule());
    auto harness = testing::ServiceHarness::Start(std::move(options));
    ASSERT_TRUE(harness.ok()) << harness.status();
    harness_ = *std::move(harness);
  }

  template <typename Resp, typename Req>
  absl::StatusOr<Resp> Call(std::string_view method, const Req& request, const auth::Principal& as) {
    return harness_->Call<Resp>("/dinh.payments.v1.PaymentsService/" + std::string(method), request, as);
  }

  pb::OpenChargeRequest Request(const std::string& owner = "person-a", base::Vnd unit_price = 8000, int64_t count = 2) {
    pb::OpenChargeRequest request;
    request.set_id(harness_->ids().Next());
    request.set_purpose_kind("dossier");
    request.set_purpose_ref("H56.15865-260213-0001");
    request.set_description("Lệ phí cấp bản sao trích lục hộ tịch");
    pb::ChargeLine& line = *request.add_lines();
    line.set_text("Bản sao trích lục");
    line.set_unit_price_vnd(unit_price);
    line.set_count(count);
    line.set_amount_vnd(unit_price * count);
    request.set_agency("ubnd-15865");
    request.set_unit("15865");
    request.add_owner_persons(owner);
    return request;
  }
  pb::Charge Open(const pb::OpenChargeRequest& request) {
    auto charge = Call<pb::Charge>("OpenCharge", request, Peer("procedures"));
    EXPECT_TRUE(charge.ok()) << charge.status();
    return charge.ok() ? *charge : pb::Charge();
  }
  pb::Charge Open() { return Open(Request()); }
  absl::StatusOr<pb::Charge> Cancel(const std::string& id) {
    pb::CancelChargeRequest request;
    request.set_id(id);
    return Call<pb::Charge>("CancelCharge", request, Peer("procedures"));
  }
  absl::StatusOr<pb::Charge> Get(const std::string& id, const auth::Principal& as) {
    pb::GetChargeRequest request;
    request.set_id(id);
    return Call<pb::Charge>("GetCharge", request, as);
  }
  pb::Charge Get(const std::string& id) {
    auto charge = Get(id, Owner());
    EXPECT_TRUE(charge.ok()) << charge.status();
    return charge.ok() ? *charge : pb::Charge();
  }
  absl::StatusOr<pb::NotifyCreditResponse> Deliver(const std::string& body, const std::string& signature) {
    options::v1::SignedRequest request;
    request.set_body(body);
    if (!signature.empty()) (*request.mutable_headers())[std::string(kSignatureHeader)] = signature;
    return Call<pb::NotifyCreditResponse>("NotifyCredit", request, Signed());
  }
  absl::StatusOr<pb::NotifyCreditResponse> Send(const std::string& body) {
    return Deliver(body, SignatureHeader({kBank}, body, harness_->clock().Now()));
  }
  std::string Notify(const Notice& notice) {
    auto response = Send(notice.Json());
    return response.ok() ? response->outcome() : ReasonOf(response.status());
  }
  std::vector<pb::SuspenseItem> Suspense(bool resolved, const auth::Principal& as) {
    pb::ListSuspenseRequest request;
    request.set_include_resolved(resolved);
    auto response = Call<pb::ListSuspenseResponse>("ListSuspense", request, as);
    EXPECT_TRUE(response.ok()) << response.status();
    if (!response.ok()) return {};
    return {response->items().begin(), response->items().end()};
  }
  std::vector<pb::SuspenseItem> Suspense(bool resolved = false) { return Suspense(resolved, Accountant()); }
  // The books agree with everything, after whatever a test did.
  void ExpectSound() {
    auto ctx = harness_->NewContext();
    const auto report = VerifyLedger(*ctx, *harness_->database("payments"));
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_THAT(report->problems, IsEmpty());
  }
  void TearDown() override {
    if (harness_ != nullptr) ExpectSound();
  }
  // The types of the first events; the relay numbers after the commit, on its own thread.
  std::vector<std::string> WaitForEvents(size_t count) {
    events::v1::ReadEventsRequest request;
    auto sink = harness_->Subscribe("/dinh.events.v1.EventFeedService/ReadEvents", request, Peer("procedures"),
                                    "payments");
    EXPECT_TRUE(sink.ok()) << sink.status();
    EXPECT_TRUE((*sink)->WaitFor(count));
    (*sink)->Close();
    std::vector<std::string> out;
    for (const auto& event : (*sink)->Messages<events::v1::FeedEvent>()) out.push_back(event.type());
    return out;
  }

  std::unique_ptr<testing::ServiceHarness> harness_;
};

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
  EXPECT_THAT(seen, ::testing::UnorderedElementsAre(
                        ::testing::Pair(pb::SuspenseItem::CAUSE_UNKNOWN_MEMO, 16000),
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
  EXPECT_EQ(field(with("memo", nullptr)), "memo");
  EXPECT_EQ(field(with("memo", std::string(5000, 'a'))), "memo");
  EXPECT_EQ(field(with("new_member", "of a later version")), "OK");
  EXPECT_EQ(Suspense().size(), 1u) << "only the last one was booked";
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

class SuspenseTest : public PaymentsTest {
 protected:
  absl::StatusOr<pb::SuspenseItem> Resolve(const std::string& id, const std::string& charge, bool refund,
                                           bool sent, const auth::Principal& as) {
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

TEST_F(PaymentsTest, MemosLieSealed) {
  EXPECT_EQ(Notify({.memo = "NGUYEN VAN KIEM THU chuyen tien"}), "suspense");
  auto ctx = harness_->NewContext();
  auto found = harness_->database("payments")->Read(*ctx, [](db::Tx& tx) {
    return tx.QueryOne("SELECT instr(memo_sealed, CAST('KIEM THU' AS BLOB)) FROM bank_credits", {},
                       [](const db::Row& row) { return row.Int(0); });
  });
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(**found, 0);
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
  const auto bend = [&](std::string_view there, std::string_view back) {
    auto ctx = harness_->NewContext();
    db::Database& database = *harness_->database("payments");
    const auto run = [&](std::string_view sql) {
      return database.Transact(*ctx, [&](db::Tx& tx) { return tx.Exec(sql).status(); });
    };
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
  bend("UPDATE bank_credits SET amount_vnd = amount_vnd + 1000", "UPDATE bank_credits SET amount_vnd = amount_vnd - 1000");
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
    return tx.QueryOne("SELECT CAST(SUM(amount_vnd) AS BIGINT) FROM transfers WHERE reason IN ('charge_paid', "
                       "'credit_held')",
                       {}, [](const db::Row& row) { return row.Int(0); });
  });
  ASSERT_TRUE(booked.ok());
  EXPECT_EQ(**booked, received) << "every đồng once";
}

}  // namespace
}  // namespace dinh::payments

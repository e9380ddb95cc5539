// The service through the real pipeline, on a real SQLite file; after each test the books are held against all records.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

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
#include "services/payments/module.h"

namespace dinh::payments {

namespace pb = ::dinh::payments::v1;
namespace territory = ::dinh::territory::v1;
using testing::Anonymous;
using testing::Citizen;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Officer;
using testing::Peer;
using testing::Signed;

inline constexpr base::Micros kHour = 3600 * base::kMicrosPerSecond;
inline const SigningKey kBank{"bank-2026", "a-secret-of-the-test-bank-0123456789"};
inline const SigningKey kOtherBank{"other-2026", "a-secret-of-another-bank-0123456789ab"};  // may speak for 970436 only
inline constexpr const char* kAccount = "900000158650";  // of ubnd-15865 in deploy/data/demo.json

inline std::string ReasonOf(const absl::Status& status) {
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
    const absl::Status status = TryRestart(data_dir, {});
    ASSERT_TRUE(status.ok()) << status;
  }
  // With further settings.
  absl::Status TryRestart(const std::string& data_dir, const std::vector<std::string>& settings) {
    harness_.reset();
    testing::HarnessOptions options;
    options.data_dir = data_dir;
    options.settings = settings;
    options.settings.push_back("DINH_PAYMENTS_BANK_KEYS=" + kBank.id + ":" + kBank.secret + "," + kOtherBank.id +
                               "@970436:" + kOtherBank.secret);
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
    if (!harness.ok()) return harness.status();
    harness_ = *std::move(harness);
    return absl::OkStatus();
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
    auto sink =
        harness_->Subscribe("/dinh.events.v1.EventFeedService/ReadEvents", request, Peer("procedures"), "payments");
    EXPECT_TRUE(sink.ok()) << sink.status();
    EXPECT_TRUE((*sink)->WaitFor(count));
    (*sink)->Close();
    std::vector<std::string> out;
    for (const auto& event : (*sink)->Messages<events::v1::FeedEvent>()) out.push_back(event.type());
    return out;
  }

  std::unique_ptr<testing::ServiceHarness> harness_;
};

}  // namespace dinh::payments

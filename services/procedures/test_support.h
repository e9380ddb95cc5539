// A running service for tests, with a territory, an identity and a payments of the test's own, and shorthand for calls
// as anybody.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "dinh/identity/v1/person_service.pb.h"
#include "dinh/payments/v1/events.pb.h"
#include "dinh/payments/v1/service.pb.h"
#include "dinh/procedures/v1/catalogue_service.pb.h"
#include "dinh/procedures/v1/desk_service.pb.h"
#include "dinh/procedures/v1/dossier_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "google/protobuf/util/json_util.h"
#include "libs/base/civil.h"
#include "libs/events/event_hub.h"
#include "libs/testing/service_harness.h"
#include "services/procedures/module.h"

namespace dinh::procedures {

namespace pb = ::dinh::procedures::v1;

// Keeps charges in memory and tells when one is paid, as payments does.
class TestPayments final : public app::ServiceModule {
 public:
  using Charge = payments::v1::Charge;
  std::string_view name() const override { return "payments"; }
  absl::Status Init(app::Platform& platform) override {
    platform_ = &platform;
    ASSIGN_OR_RETURN(db_, platform.OpenDatabase({}));
    hub_ = std::make_unique<events::EventHub>(*db_, platform.service(), platform.clock(), platform.random(),
                                              platform.ids(), platform.logger(), platform.metrics(),
                                              events::PayloadSeal{});
    return hub_->Init();
  }
  void RegisterMethods(rpc::MethodTable& table) override {
    hub_->RegisterMethods(table);
    const std::string service = "dinh.payments.v1.PaymentsService";
    table.Unary(service + ".OpenCharge", this, &TestPayments::OpenCharge);
    table.Unary(service + ".CancelCharge", this, &TestPayments::CancelCharge);
    table.LeaveOthersUnimplemented(service);
  }
  absl::Status Start() override { return hub_->Start(); }
  void Stop() override { hub_->Stop(); }

  absl::StatusOr<Charge> OpenCharge(rpc::Context&, const payments::v1::OpenChargeRequest& request) {
    std::lock_guard lock(mutex_);
    if (down_) return base::Unavailable("PEER_DOWN", {"tạm nghỉ", "down"});
    Charge& charge = charges_[request.id()];
    charge.set_id(request.id());
    charge.set_state(Charge::STATE_OPEN);
    charge.set_purpose_ref(request.purpose_ref());
    charge.set_agency(request.agency());
    charge.set_amount_vnd(0);
    for (const auto& line : request.lines()) charge.set_amount_vnd(charge.amount_vnd() + line.amount_vnd());
    return charge;
  }
  absl::StatusOr<Charge> CancelCharge(rpc::Context&, const payments::v1::CancelChargeRequest& request) {
    std::lock_guard lock(mutex_);
    const auto found = charges_.find(request.id());
    if (found == charges_.end()) return base::NotFound("CHARGE_NOT_FOUND", {"không có", "none"});
    found->second.set_state(Charge::STATE_CANCELLED);
    return found->second;
  }
  std::optional<Charge> Find(const std::string& id) const {
    std::lock_guard lock(mutex_);
    const auto found = charges_.find(id);
    return found == charges_.end() ? std::nullopt : std::optional<Charge>(found->second);
  }
  void SetDown(bool down) {
    std::lock_guard lock(mutex_);
    down_ = down;
  }
  absl::Status Pay(const std::string& id) {
    payments::v1::ChargePaid paid;
    paid.set_charge(id);
    paid.set_purpose_kind("dossier");
    base::OpContext ctx(platform_->clock(), platform_->clock().Steady() + std::chrono::seconds(10));
    return db_->Transact(ctx, [&](db::Tx& tx) { return hub_->outbox().Append(tx, id, paid); });
  }

 private:
  app::Platform* platform_ = nullptr;
  db::Database* db_ = nullptr;
  std::unique_ptr<events::EventHub> hub_;
  mutable std::mutex mutex_;
  std::map<std::string, Charge> charges_;
  bool down_ = false;
};

inline std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : (status.ok() ? "OK" : "no detail");
}

inline std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> out;
  if (const auto detail = base::DetailOf(status)) {
    for (const auto& v : detail->violations) out.push_back(v.field);
  }
  return out;
}

inline constexpr char kPersonA[] = "0190a5b2-7e3c-7abc-8def-00000000000a";
inline constexpr char kPersonB[] = "0190a5b2-7e3c-7abc-8def-00000000000b";
inline constexpr char kPersonSameAccount[] = "0190a5b2-7e3c-7abc-8def-00000000000c";

class ProceduresServiceTest : public ::testing::Test {
 protected:
  using Principal = auth::Principal;

  void SetUp() override { Start("", 1); }

  // Another seed for each start on the same data: ids must differ.
  void Start(const std::string& data_dir, uint64_t seed) {
    harness_.reset();
    ::dinh::testing::HarnessOptions options;
    options.seed = seed;
    options.data_dir = data_dir;
    options.modules.push_back(Territory());
    options.modules.push_back(MakeProceduresModule());
    auto payments = std::make_unique<TestPayments>();
    payments_ = payments.get();
    options.modules.push_back(std::move(payments));
    auto identity = std::make_unique<::dinh::testing::FakeService>("identity");
    identity->On<identity::v1::GetPersonRequest, identity::v1::Person>(
        "dinh.identity.v1.PersonService.GetPerson",
        [](rpc::Context&, const identity::v1::GetPersonRequest& r) -> absl::StatusOr<identity::v1::Person> {
          if (r.id() != kPersonA && r.id() != kPersonB && r.id() != kPersonSameAccount) {
            return base::NotFound("PERSON_NOT_FOUND", {"không có", "none"});
          }
          identity::v1::Person person;
          person.set_id(r.id());
          person.set_full_name(r.id() == kPersonA ? "Công dân Một" : "Công dân Hai");
          person.set_phone("0900000001");
          person.set_personal_number("038190000001");
          person.mutable_address()->set_text("Thôn Quang Trung");
          person.mutable_address()->set_unit("15952");
          person.mutable_address()->set_at("2024-05-01");
          return person;
        });
    options.modules.push_back(std::move(identity));
    auto harness = ::dinh::testing::ServiceHarness::Start(std::move(options));
    ASSERT_TRUE(harness.ok()) << harness.status();
    harness_ = *std::move(harness);
  }

  // Today's communes 15865 and 15889, the commune 15952 that became 15865, and a village.
  static std::unique_ptr<::dinh::testing::FakeService> Territory() {
    namespace tv = ::dinh::territory::v1;
    auto territory = std::make_unique<::dinh::testing::FakeService>("territory");
    territory->On<tv::ResolveUnitRequest, tv::ResolveUnitResponse>(
        "dinh.territory.v1.TerritoryService.ResolveUnit",
        [](rpc::Context&, const tv::ResolveUnitRequest& r) -> absl::StatusOr<tv::ResolveUnitResponse> {
          static const std::map<std::string, std::pair<std::string, std::string>> kUnits = {
              {"15865", {"15865", "Hoằng Hóa"}}, {"15952", {"15865", "Hoằng Hóa"}}, {"15889", {"15889", "Hoằng Phú"}}};
          tv::ResolveUnitResponse response;
          if (r.code() == "v-quang-trung-15952") {
            response.mutable_unit()->set_code(r.code());
            response.mutable_unit()->set_level(tv::Unit::LEVEL_VILLAGE);
            response.mutable_unit()->set_parent("15865");
            return response;
          }
          const auto unit = kUnits.find(r.code());
          if (unit == kUnits.end()) return base::NotFound("UNIT_NOT_FOUND", {"không có", "none"});
          response.mutable_unit()->set_code(unit->second.first);
          response.mutable_unit()->set_name(unit->second.second);
          response.mutable_unit()->set_level(tv::Unit::LEVEL_COMMUNE);
          return response;
        });
    territory->On<tv::ListAgenciesRequest, tv::ListAgenciesResponse>(
        "dinh.territory.v1.TerritoryService.ListAgencies",
        [](rpc::Context&, const tv::ListAgenciesRequest& r) -> absl::StatusOr<tv::ListAgenciesResponse> {
          const bool police = r.kind() == tv::Agency::KIND_POLICE;
          tv::ListAgenciesResponse response;
          if (police && r.unit() != "15865") return response;
          tv::Agency* agency = response.add_agencies();
          agency->set_id((police ? "ca-" : "ubnd-") + r.unit());
          agency->set_name((police ? "Công an xã " : "UBND xã ") +
                           std::string(r.unit() == "15865" ? "Hoằng Hóa" : "Hoằng Phú"));
          agency->set_kind(r.kind());
          agency->set_unit(r.unit());
          agency->set_dossier_prefix("H56." + r.unit() + (police ? ".CA" : ""));
          return response;
        });
    return territory;
  }

  static Principal CitizenA() { return ::dinh::testing::Citizen("account-a", kPersonA); }
  static Principal CitizenB() { return ::dinh::testing::Citizen("account-b", kPersonB); }
  // The same login acting for another person of the household.
  static Principal SameAccountOtherPerson() { return ::dinh::testing::Citizen("account-a", kPersonSameAccount); }
  static Principal OfficerOf(const std::string& account, const std::string& role, const std::string& agency,
                             const std::string& unit) {
    static const std::map<std::string, std::vector<std::string>> kPermissions = {
        {"one_stop", {"dossier.read", "dossier.accept", "dossier.file_for", "charge.read"}},
        {"specialist", {"dossier.read", "dossier.process"}},
        {"chair", {"dossier.read", "dossier.sign"}},
        {"vice_chair", {"dossier.read", "dossier.sign"}},
        {"police_desk", {"dossier.read", "dossier.accept", "dossier.file_for"}},
        {"police_specialist", {"dossier.read", "dossier.process"}},
        {"police_chief", {"dossier.read", "dossier.sign"}}};
    return ::dinh::testing::Officer(account, "person-" + account, {{role, agency, unit, kPermissions.at(role)}});
  }
  static Principal Desk() { return OfficerOf("desk", "one_stop", "ubnd-15865", "15865"); }
  static Principal Specialist() { return OfficerOf("specialist", "specialist", "ubnd-15865", "15865"); }
  static Principal Chair() { return OfficerOf("chair", "chair", "ubnd-15865", "15865"); }
  static Principal ElsewhereDesk() { return OfficerOf("elsewhere", "one_stop", "ubnd-15889", "15889"); }
  static Principal PoliceDesk() { return OfficerOf("police", "police_desk", "ca-15865", "15865"); }

  template <typename Resp, typename Req>
  absl::StatusOr<Resp> Call(const std::string& method, const Req& request, const Principal& who,
                            const std::string& request_id = "") {
    static const std::map<std::string, std::string> kServices = {
        {"ListProcedures", "CatalogueService"}, {"GetProcedure", "CatalogueService"},
        {"GetProcedureQr", "CatalogueService"}, {"GetForm", "CatalogueService"},
        {"AcceptDossier", "DeskService"},       {"RejectDossier", "DeskService"},
        {"RequestSupplement", "DeskService"},   {"ForwardDossier", "DeskService"},
        {"SignDossier", "DeskService"},         {"SendBackDossier", "DeskService"},
        {"ReturnDossier", "DeskService"},       {"StopDossier", "DeskService"}};
    const auto service = kServices.find(method);
    const std::string path =
        "/dinh.procedures.v1." + (service == kServices.end() ? "DossierService" : service->second) + "/" + method;
    ::dinh::testing::ServiceHarness::CallExtras extras;
    extras.request_id = request_id;
    return harness_->Call<Resp>(path, request, who, extras);
  }

  static std::string Pdf(const std::string& marker = "DINH-TEST-CONTENT") {
    return "%PDF-1.4\n1 0 obj\n(" + marker + ")\nendobj\ntrailer\n%%EOF\n";
  }
  absl::StatusOr<pb::Attachment> Upload(const Principal& who, const std::string& bytes,
                                        const std::string& name = "giay-to.pdf", const std::string& request_id = "") {
    std::vector<options::v1::UploadChunk> chunks(1);
    chunks[0].mutable_head()->set_file_name(name);
    for (size_t at = 0; at < bytes.size(); at += 100'000) chunks.emplace_back().set_data(bytes.substr(at, 100'000));
    ::dinh::testing::ServiceHarness::CallExtras extras;
    extras.request_id = request_id;
    return harness_->CallStream<pb::Attachment>("/dinh.procedures.v1.DossierService/UploadAttachment", chunks, who,
                                                extras);
  }

  static pb::CreateDossierRequest Filing(const std::string& form_json =
                                             R"({"relation": "self", "record_kind": "birth", "register_place": "15952",
                                                 "copies": 2, "delivery": "electronic"})") {
    pb::CreateDossierRequest request;
    request.set_procedure("2.000635");
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(form_json, request.mutable_form()).ok());
    return request;
  }
  static pb::CreateDossierRequest FreeFiling(const std::string& procedure = "1.004873") {
    pb::CreateDossierRequest request = Filing(R"({"content": "Đề nghị cấp giấy xác nhận", "delivery": "desk"})");
    request.set_procedure(procedure);
    return request;
  }
  absl::StatusOr<pb::Dossier> File(const pb::CreateDossierRequest& request, const Principal& who = CitizenA(),
                                   const std::string& request_id = "") {
    return Call<pb::Dossier>("CreateDossier", request, who, request_id);
  }
  absl::StatusOr<pb::Dossier> Get(const std::string& code, const Principal& who = CitizenA()) {
    pb::GetDossierRequest request;
    request.set_code(code);
    return Call<pb::Dossier>("GetDossier", request, who);
  }
  template <typename Req>
  absl::StatusOr<pb::Dossier> Do(const std::string& method, const std::string& code, const Principal& who) {
    Req request;
    request.set_code(code);
    if constexpr (requires { request.set_reason(""); }) request.set_reason("Lý do để thử nghiệm");
    if constexpr (requires { request.set_stars(1); }) request.set_stars(5);
    return Call<pb::Dossier>(method, request, who);
  }
  absl::StatusOr<pb::Dossier> Accept(const std::string& code, const Principal& who = Desk()) {
    return Do<pb::AcceptDossierRequest>("AcceptDossier", code, who);
  }
  absl::StatusOr<pb::Dossier> Forward(const std::string& code, const Principal& who,
                                      const std::vector<std::string>& results = {}) {
    pb::ForwardDossierRequest request;
    request.set_code(code);
    for (const std::string& id : results) request.add_results(id);
    return Call<pb::Dossier>("ForwardDossier", request, who);
  }
  absl::StatusOr<pb::Dossier> Sign(const std::string& code, const Principal& who) {
    return Do<pb::SignDossierRequest>("SignDossier", code, who);
  }
  std::shared_ptr<::dinh::testing::CollectingSink> Watch(const std::string& code, const Principal& who = CitizenA(),
                                                         int64_t after = 0) {
    pb::WatchDossierRequest request;
    request.set_code(code);
    request.set_after_sequence(after);
    auto sink = harness_->Subscribe("/dinh.procedures.v1.DossierService/WatchDossier", request, who);
    EXPECT_TRUE(sink.ok()) << sink.status();
    return sink.ok() ? *sink : nullptr;
  }
  // Files, accepts and (when something is due) pays; the dossier is in state 4 afterwards.
  std::string InProcessing(const pb::CreateDossierRequest& filing = FreeFiling(), const Principal& who = CitizenA()) {
    auto filed = File(filing, who);
    EXPECT_TRUE(filed.ok()) << filed.status();
    auto accepted = Accept(filed->code());
    EXPECT_TRUE(accepted.ok()) << accepted.status();
    if (accepted->national_state() == 2) PayAndWait(*accepted, who);
    return filed->code();
  }
  void PayAndWait(const pb::Dossier& dossier, const Principal& who = CitizenA()) {
    auto sink = Watch(dossier.code(), who);
    ASSERT_NE(sink, nullptr);
    ASSERT_TRUE(payments_->Pay(dossier.charge()).ok());
    ASSERT_TRUE(sink->WaitFor(4)) << "submit, accept, pay, start";
    sink->Close();
  }
  void At(base::CivilDate date, int hour, int minute = 0) {
    harness_->clock().Set(base::FromVietnam({date, hour, minute, 0}));
  }

  TestPayments* payments_ = nullptr;
  std::unique_ptr<::dinh::testing::ServiceHarness> harness_;
};

}  // namespace dinh::procedures

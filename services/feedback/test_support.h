// A running service for tests, with a territory and an identity of the test's own, photos that need no program, and
// shorthand for calls as anybody.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dinh/feedback/v1/board_service.pb.h"
#include "dinh/feedback/v1/desk_service.pb.h"
#include "dinh/feedback/v1/open311_service.pb.h"
#include "dinh/feedback/v1/photo_service.pb.h"
#include "dinh/feedback/v1/report_service.pb.h"
#include "dinh/identity/v1/auth_service.pb.h"
#include "dinh/identity/v1/officer_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "libs/base/civil.h"
#include "libs/testing/service_harness.h"
#include "services/feedback/module.h"

namespace dinh::feedback {

namespace pb = ::dinh::feedback::v1;

inline std::string ReasonOf(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : (status.ok() ? "OK" : "no detail");
}

// Takes any bytes for a picture; those that begin with "refuse" are none.
class TestPhotos final : public PhotoProcessor {
 public:
  absl::StatusOr<ProcessedPhoto> Process(base::OpContext&, std::string_view bytes) override {
    if (bytes.substr(0, 6) == "refuse") {
      return base::InvalidField("file", {"không phải ảnh", "no picture"}, "PHOTO_TYPE_REFUSED");
    }
    ProcessedPhoto out;
    out.full_jpeg = "full:" + std::string(bytes);
    out.thumbnail_jpeg = "thumbnail:" + std::string(bytes);
    out.width = 640;
    out.height = 480;
    out.source_type = "image/jpeg";
    if (bytes.find("gps") != std::string_view::npos) out.position = GeoPoint{19.85, 105.85};
    return out;
  }
  absl::StatusOr<ProcessedPhoto> Blur(base::OpContext&, std::string_view jpeg,
                                      const std::vector<BlurBox>& boxes) override {
    ProcessedPhoto out;
    out.full_jpeg = "blurred" + std::to_string(boxes.size()) + ":" + std::string(jpeg);
    out.thumbnail_jpeg = "blurred-thumbnail";
    out.width = 640;
    out.height = 480;
    return out;
  }
};

inline constexpr char kPersonA[] = "0190a5b2-7e3c-7abc-8def-00000000000a";
inline constexpr char kPersonB[] = "0190a5b2-7e3c-7abc-8def-00000000000b";
inline constexpr char kPersonSameAccount[] = "0190a5b2-7e3c-7abc-8def-00000000000c";

class FeedbackServiceTest : public ::testing::Test {
 protected:
  using Principal = auth::Principal;
  using FakeService = ::dinh::testing::FakeService;

  void SetUp() override { Start({}); }

  void Start(std::vector<std::string> settings, const std::string& data_dir = "", uint64_t seed = 1) {
    harness_.reset();
    ::dinh::testing::HarnessOptions options;
    options.seed = seed;
    options.data_dir = data_dir;
    options.settings = std::move(settings);
    options.modules.push_back(Territory());
    options.modules.push_back(Identity());
    options.modules.push_back(MakeFeedbackModule(std::make_unique<TestPhotos>()));
    auto harness = ::dinh::testing::ServiceHarness::Start(std::move(options));
    ASSERT_TRUE(harness.ok()) << harness.status();
    harness_ = *std::move(harness);
  }

  // Communes 15865 and 15889 of province 38, the commune 15952 that became 15865, and a village.
  static std::unique_ptr<FakeService> Territory() {
    namespace tv = ::dinh::territory::v1;
    auto territory = std::make_unique<FakeService>("territory");
    const auto fill = [](const std::string& code, tv::Unit* unit) {
      static const std::map<std::string, std::pair<std::string, std::string>> kCommunes = {
          {"15865", {"15865", "Hoằng Hóa"}}, {"15952", {"15865", "Hoằng Hóa"}}, {"15889", {"15889", "Hoằng Phú"}}};
      if (code == "v-quang-trung-15952") {
        unit->set_code(code);
        unit->set_name("Quang Trung");
        unit->set_type("thôn");
        unit->set_level(tv::Unit::LEVEL_VILLAGE);
        unit->set_parent("15865");
        return true;
      }
      if (code == "38") {
        unit->set_code(code);
        unit->set_name("Thanh Hóa");
        unit->set_type("tỉnh");
        unit->set_level(tv::Unit::LEVEL_PROVINCE);
        return true;
      }
      const auto commune = kCommunes.find(code);
      if (commune == kCommunes.end()) return false;
      unit->set_code(commune->second.first);
      unit->set_name(commune->second.second);
      unit->set_type("xã");
      unit->set_level(tv::Unit::LEVEL_COMMUNE);
      unit->set_parent("38");
      return true;
    };
    territory->On<tv::ResolveUnitRequest, tv::ResolveUnitResponse>(
        "dinh.territory.v1.TerritoryService.ResolveUnit",
        [fill](rpc::Context&, const tv::ResolveUnitRequest& r) -> absl::StatusOr<tv::ResolveUnitResponse> {
          tv::ResolveUnitResponse response;
          if (!fill(r.code(), response.mutable_unit())) return base::NotFound("UNIT_NOT_FOUND", {"không có", "none"});
          return response;
        });
    territory->On<tv::ListUnitsRequest, tv::ListUnitsResponse>(
        "dinh.territory.v1.TerritoryService.ListUnits",
        [fill](rpc::Context&, const tv::ListUnitsRequest&) -> absl::StatusOr<tv::ListUnitsResponse> {
          tv::ListUnitsResponse response;
          for (const char* code : {"38", "15865", "15889"}) fill(code, response.add_units());
          return response;
        });
    territory->On<tv::ListAgenciesRequest, tv::ListAgenciesResponse>(
        "dinh.territory.v1.TerritoryService.ListAgencies",
        [](rpc::Context&, const tv::ListAgenciesRequest& r) -> absl::StatusOr<tv::ListAgenciesResponse> {
          tv::ListAgenciesResponse response;
          const bool police = r.kind() == tv::Agency::KIND_POLICE;
          tv::Agency* agency = response.add_agencies();
          agency->set_id((police ? "ca-" : "ubnd-") + r.unit());
          agency->set_name(police ? "Công an" : "UBND");
          agency->set_kind(r.kind());
          agency->set_unit(r.unit());
          return response;
        });
    territory->On<tv::GetAgencyRequest, tv::Agency>(
        "dinh.territory.v1.TerritoryService.GetAgency",
        [](rpc::Context&, const tv::GetAgencyRequest& r) -> absl::StatusOr<tv::Agency> {
          tv::Agency agency;
          agency.set_id(r.id());
          agency.set_name("Cơ quan " + r.id());
          return agency;
        });
    return territory;
  }

  // The officers below, and codes "123456" that belong to phone 0900000009.
  std::unique_ptr<FakeService> Identity() {
    namespace iv = ::dinh::identity::v1;
    auto identity = std::make_unique<FakeService>("identity");
    identity->On<iv::ListColleaguesRequest, iv::ListColleaguesResponse>(
        "dinh.identity.v1.OfficerService.ListColleagues",
        [this](rpc::Context&, const iv::ListColleaguesRequest& r) -> absl::StatusOr<iv::ListColleaguesResponse> {
          iv::ListColleaguesResponse response;
          for (const auto& [id, roles] : colleagues_[r.agency()]) {
            iv::Colleague* one = response.add_colleagues();
            one->set_id(id);
            for (const std::string& role : roles) one->add_roles(role);
          }
          return response;
        });
    identity->On<iv::ConfirmOtpRequest, iv::ConfirmOtpResponse>(
        "dinh.identity.v1.AuthService.ConfirmOtp",
        [](rpc::Context&, const iv::ConfirmOtpRequest& r) -> absl::StatusOr<iv::ConfirmOtpResponse> {
          if (r.code() != "123456") return base::Unauthenticated("OTP_INVALID", {"sai", "wrong"});
          iv::ConfirmOtpResponse response;
          response.set_phone(r.challenge());
          return response;
        });
    return identity;
  }
  std::map<std::string, std::map<std::string, std::vector<std::string>>> colleagues_ = {
      {"ubnd-15865",
       {{"desk", {"one_stop"}}, {"worker1", {"specialist"}}, {"worker2", {"specialist"}}, {"chair", {"chair"}}}},
      {"ca-15865",
       {{"police", {"police_desk"}}, {"policeman", {"police_specialist"}}, {"police_chief", {"police_chief"}}}},
      {"ubnd-38", {{"province", {"one_stop", "chair"}}}}};

  static Principal CitizenA() { return ::dinh::testing::Citizen("account-a", kPersonA); }
  static Principal CitizenB() { return ::dinh::testing::Citizen("account-b", kPersonB); }
  static Principal SamePhone() { return ::dinh::testing::Citizen("account-a", kPersonSameAccount); }
  static Principal Stranger() { return ::dinh::testing::Anonymous(); }
  // With the permissions that deploy/data/roles.json gives the role.
  static Principal OfficerOf(const std::string& id, const std::string& role, const std::string& agency,
                             const std::string& unit) {
    static const std::map<std::string, std::vector<std::string>> kPermissions = {
        {"one_stop", {"report.read", "report.file_for", "report.assign", "report.work", "report.moderate"}},
        {"specialist", {"report.read", "report.work"}},
        {"chair", {"report.read", "report.assign", "report.moderate"}},
        {"police_desk", {"report.read", "report.file_for", "report.assign", "report.moderate"}},
        {"police_specialist", {"report.read", "report.work"}}};
    return ::dinh::testing::Officer(id, "person-" + id, {{role, agency, unit, kPermissions.at(role)}});
  }
  static Principal Desk() { return OfficerOf("desk", "one_stop", "ubnd-15865", "15865"); }
  static Principal Worker() { return OfficerOf("worker1", "specialist", "ubnd-15865", "15865"); }
  static Principal Chair() { return OfficerOf("chair", "chair", "ubnd-15865", "15865"); }
  static Principal Elsewhere() { return OfficerOf("elsewhere", "one_stop", "ubnd-15889", "15889"); }
  static Principal PoliceDesk() { return OfficerOf("police", "police_desk", "ca-15865", "15865"); }
  static Principal Province() { return OfficerOf("province", "one_stop", "ubnd-38", "38"); }

  template <typename Resp, typename Req>
  absl::StatusOr<Resp> Call(const std::string& method, const Req& request, const Principal& who,
                            const std::string& request_id = "") {
    static const std::map<std::string, std::string> kServices = {
        {"AssignReport", "Desk"},   {"StartReport", "Desk"},    {"AskReporter", "Desk"},    {"AnswerReport", "Desk"},
        {"ResolveReport", "Desk"},  {"RejectReport", "Desk"},   {"RouteReport", "Desk"},    {"HideReport", "Desk"},
        {"ModerateReport", "Desk"}, {"ListModeration", "Desk"}, {"DecideRemoval", "Desk"},  {"ListTemplates", "Desk"},
        {"GetPhoto", "Photo"},      {"ModeratePhoto", "Photo"}, {"BlurPhoto", "Photo"},     {"ListCategories", "Board"},
        {"GetBoard", "Board"},      {"GetAtom", "Board"},       {"ExportReports", "Board"}, {"GetIndicators", "Board"},
        {"CreateFollow", "Follow"}, {"ListFollows", "Follow"},  {"DeleteFollow", "Follow"}, {"ListNotices", "Follow"}};
    const auto service = kServices.find(method);
    const std::string path =
        "/dinh.feedback.v1." + (service == kServices.end() ? "Report" : service->second) + "Service/" + method;
    ::dinh::testing::CallExtras extras;
    extras.request_id = request_id;
    return harness_->Call<Resp>(path, request, who, extras);
  }

  static pb::CreateReportRequest Pothole(const std::string& text = "Ổ gà to giữa đường liên thôn") {
    pb::CreateReportRequest request;
    request.set_category("road.pothole");
    request.set_description(text);
    request.mutable_place()->mutable_point()->set_lat(19.8512);
    request.mutable_place()->mutable_point()->set_lng(105.8617);
    request.mutable_place()->set_unit("15952");
    (*request.mutable_answers())["size"] = "medium";
    (*request.mutable_answers())["danger"] = "false";
    return request;
  }
  absl::StatusOr<pb::Report> Create(const pb::CreateReportRequest& request, const Principal& who = CitizenA(),
                                    const std::string& request_id = "") {
    return Call<pb::Report>("CreateReport", request, who, request_id);
  }
  std::string MustCreate(const pb::CreateReportRequest& request = Pothole(), const Principal& who = CitizenA()) {
    const auto report = Create(request, who);
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ok() ? report->id() : "";
  }
  absl::StatusOr<pb::Report> Get(const std::string& id, const Principal& who, const std::string& token = "") {
    pb::GetReportRequest request;
    request.set_id(id);
    request.set_tracking_token(token);
    return Call<pb::Report>("GetReport", request, who);
  }
  template <typename Req>
  absl::StatusOr<pb::Report> Do(const std::string& method, const std::string& id, const Principal& who) {
    Req request;
    request.set_id(id);
    if constexpr (requires { request.set_reason(""); }) request.set_reason("Lý do để thử nghiệm");
    if constexpr (requires { request.set_text(""); }) request.set_text("Nội dung để thử nghiệm");
    if constexpr (requires { request.set_stars(1); }) request.set_stars(5);
    return Call<pb::Report>(method, request, who);
  }
  absl::StatusOr<pb::Report> Assign(const std::string& id, const std::string& officer = "worker1") {
    pb::AssignReportRequest request;
    request.set_id(id);
    request.set_officer(officer);
    return Call<pb::Report>("AssignReport", request, Desk());
  }
  absl::StatusOr<pb::Photo> Upload(const Principal& who, const std::string& bytes, const std::string& pass = "") {
    std::vector<options::v1::UploadChunk> chunks(2);
    chunks[0].mutable_head()->set_file_name("anh.jpg");
    if (!pass.empty()) (*chunks[0].mutable_head()->mutable_fields())["phone_pass"] = pass;
    chunks[1].set_data(bytes);
    return harness_->CallStream<pb::Photo>("/dinh.feedback.v1.PhotoService/UploadPhoto", chunks, who);
  }
  std::string Pass(const std::string& phone = "0900000009") {
    pb::ConfirmPhoneRequest request;
    request.set_challenge(phone);
    request.set_code("123456");
    const auto pass = Call<pb::PhonePass>("ConfirmPhone", request, Stranger());
    EXPECT_TRUE(pass.ok()) << pass.status();
    return pass.ok() ? pass->phone_pass() : "";
  }
  // The public view, once the publisher has come by; nullopt when it does not within a second.
  std::optional<pb::Report> OnBoard(
      const std::string& id, const std::function<bool(const pb::Report&)>& like = [](const auto&) { return true; }) {
    for (int i = 0; i < 200; ++i) {
      const auto shown = Get(id, Stranger());
      if (shown.ok() && like(*shown)) return *shown;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return std::nullopt;
  }
  void At(base::CivilDate date, int hour, int minute = 0) {
    harness_->clock().Set(base::FromVietnam({date, hour, minute, 0}));
  }
  std::vector<std::string> EventsOf(const pb::Report& report) {
    std::vector<std::string> events;
    for (const pb::Update& update : report.updates()) events.push_back(update.event());
    return events;
  }

  std::unique_ptr<::dinh::testing::ServiceHarness> harness_;
};

}  // namespace dinh::feedback

// For the service's tests: the module on a fake clock, a territory of two communes, and people who log in.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dinh/identity/v1/auth_service.pb.h"
#include "dinh/identity/v1/officer_service.pb.h"
#include "dinh/identity/v1/person_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "libs/auth/tokens.h"
#include "libs/base/status.h"
#include "libs/testing/service_harness.h"
#include "nlohmann/json.hpp"
#include "services/identity/admin.h"
#include "services/identity/module.h"

namespace dinh::identity {

namespace pb = ::dinh::identity::v1;

inline constexpr char kAuth[] = "/dinh.identity.v1.AuthService/";
inline constexpr char kPersons[] = "/dinh.identity.v1.PersonService/";
inline constexpr char kOfficers[] = "/dinh.identity.v1.OfficerService/";

inline std::string Reason(const absl::Status& status) {
  const auto detail = base::DetailOf(status);
  return detail ? detail->reason : std::string(status.ToString());
}

// 15865 and 15889 are communes of today; 15952 became part of 15865.
inline std::unique_ptr<testing::FakeService> FakeTerritory() {
  namespace territory = ::dinh::territory::v1;
  auto fake = std::make_unique<testing::FakeService>("territory");
  const auto missing = [] { return base::NotFound("UNIT_NOT_FOUND", {"Không có đơn vị.", "No such unit."}); };
  fake->On<territory::GetUnitRequest, territory::Unit>(
      "dinh.territory.v1.TerritoryService.GetUnit",
      [missing](rpc::Context&, const territory::GetUnitRequest& request) -> absl::StatusOr<territory::Unit> {
        territory::Unit unit;
        unit.set_code(request.code());
        unit.set_level(request.code() == "38" ? territory::Unit::LEVEL_PROVINCE : territory::Unit::LEVEL_COMMUNE);
        const bool today = request.code() == "15865" || request.code() == "15889" || request.code() == "38";
        const bool then = request.code() == "15952" && request.at() < "2025-07-01";
        if (!today && !then) return missing();
        return unit;
      });
  fake->On<territory::ResolveUnitRequest, territory::ResolveUnitResponse>(
      "dinh.territory.v1.TerritoryService.ResolveUnit",
      [missing](rpc::Context&,
                const territory::ResolveUnitRequest& request) -> absl::StatusOr<territory::ResolveUnitResponse> {
        territory::ResolveUnitResponse response;
        response.mutable_unit()->set_code(request.code() == "15952" ? "15865" : request.code());
        response.mutable_unit()->set_level(territory::Unit::LEVEL_COMMUNE);
        return response;
      });
  fake->On<territory::GetAgencyRequest, territory::Agency>(
      "dinh.territory.v1.TerritoryService.GetAgency",
      [missing](rpc::Context&, const territory::GetAgencyRequest& request) -> absl::StatusOr<territory::Agency> {
        if (request.id() != "ubnd-15865") return missing();
        territory::Agency agency;
        agency.set_id(request.id());
        agency.set_name("UBND xã Hoằng Hóa");
        return agency;
      });
  return fake;
}

class IdentityTest : public ::testing::Test {
 protected:
  // Development mode has wide limits and demo accounts; most tests want neither.
  void StartService(bool dev = false, std::string data_dir = "") {
    harness_.reset();
    testing::HarnessOptions options;
    options.dev = dev;
    options.data_dir = std::move(data_dir);
    options.modules.push_back(MakeIdentityModule());
    options.modules.push_back(FakeTerritory());
    options.now = now_;
    options.settings = {"DINH_IDENTITY_SMS_OUTBOX=" + outbox_.path(), "DINH_IDENTITY_PASSWORD_MEMORY_MIB=8"};
    auto started = testing::ServiceHarness::Start(std::move(options));
    ASSERT_TRUE(started.ok()) << started.status();
    harness_ = *std::move(started);
  }
  void SetUp() override { StartService(); }

  template <typename Resp, typename Req>
  absl::StatusOr<Resp> Auth(const std::string& method, const Req& request,
                            const auth::Principal& principal = testing::Anonymous()) {
    return harness_->Call<Resp>(kAuth + method, request, principal);
  }
  template <typename Resp, typename Req>
  absl::StatusOr<Resp> OfPerson(const std::string& method, const Req& request, const auth::Principal& principal) {
    return harness_->Call<Resp>(kPersons + method, request, principal);
  }
  template <typename Resp, typename Req>
  absl::StatusOr<Resp> OfOfficer(const std::string& method, const Req& request, const auth::Principal& principal) {
    return harness_->Call<Resp>(kOfficers + method, request, principal);
  }

  // Files of the outbox, in the order of sending.
  std::vector<std::filesystem::path> Messages() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(outbox_.path())) {
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  // The text of message number `count` once it is there; the sender is a thread of its own.
  nlohmann::json WaitForMessage(size_t count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < until) {
      const auto files = Messages();
      if (files.size() >= count) {
        std::ifstream in(files[count - 1]);
        return nlohmann::json::parse(in, nullptr, false);
      }
      std::this_thread::yield();
    }
    ADD_FAILURE() << "message " << count << " did not arrive";
    return {};
  }
  static std::string CodeIn(const nlohmann::json& message) {
    const std::string text = message.value("text", "");
    const size_t at = text.find_first_of("0123456789");
    return at == std::string::npos ? "" : text.substr(at, 6);
  }

  absl::StatusOr<pb::SendOtpResponse> Send(const std::string& phone, const std::string& device_token = "",
                                           const auth::Principal& principal = testing::Anonymous()) {
    pb::SendOtpRequest request;
    request.set_phone(phone);
    request.set_device_token(device_token);
    auto answer = Auth<pb::SendOtpResponse>("SendOtp", request, principal);
    sent_ += answer.ok() ? 1 : 0;
    return answer;
  }
  // The code of the last answer; waits until every message has arrived.
  std::string LastCode() { return CodeIn(WaitForMessage(sent_)); }
  absl::StatusOr<pb::TokenPair> Verify(const std::string& challenge, const std::string& code) {
    pb::VerifyOtpRequest request;
    request.set_challenge(challenge);
    request.set_code(code);
    request.set_device("Firefox, điện thoại");
    return Auth<pb::TokenPair>("VerifyOtp", request);
  }
  pb::TokenPair LoginByPhone(const std::string& phone, const std::string& device_token = "") {
    const auto sent = Send(phone, device_token);
    EXPECT_TRUE(sent.ok()) << sent.status();
    if (!sent.ok()) return {};
    const auto tokens = Verify(sent->challenge(), LastCode());
    EXPECT_TRUE(tokens.ok()) << tokens.status();
    harness_->clock().Advance(31 * base::kMicrosPerSecond);  // the pause between two codes
    return tokens.ok() ? *tokens : pb::TokenPair();
  }
  absl::StatusOr<pb::TokenPair> LoginByPassword(const std::string& username, const std::string& password,
                                                const std::string& address = "192.0.2.1") {
    pb::LoginWithPasswordRequest request;
    request.set_username(username);
    request.set_password(password);
    return Auth<pb::TokenPair>("LoginWithPassword", request, testing::Anonymous(address));
  }
  absl::StatusOr<pb::TokenPair> Refresh(const std::string& token) {
    pb::RefreshTokenRequest request;
    request.set_refresh_token(token);
    return Auth<pb::TokenPair>("RefreshToken", request);
  }

  // Who a token is today, as every service's authenticator learns it.
  absl::StatusOr<auth::Principal> WhoIs(const pb::TokenPair& tokens) {
    auth::TokenVerifier verifier(harness_->host().parts().keys, harness_->clock(), 0);
    ASSIGN_OR_RETURN(const auth::AccessClaims claims, verifier.Verify(tokens.access_token()));
    pb::ResolvePrincipalRequest request;
    request.set_account(claims.account);
    request.set_session(claims.session);
    request.set_person(claims.person);
    ASSIGN_OR_RETURN(const pb::ResolvedPrincipal resolved,
                     OfPerson<pb::ResolvedPrincipal>("ResolvePrincipal", request, testing::Peer("procedures")));
    auth::Principal principal = testing::Anonymous();
    principal.kind = resolved.kind() == "officer" ? auth::CallerKind::kOfficer : auth::CallerKind::kCitizen;
    principal.id = resolved.account();
    principal.person = resolved.person();
    principal.session = resolved.session();
    principal.assurance = static_cast<auth::Assurance>(resolved.assurance());
    for (const pb::RoleGrant& grant : resolved.grants()) {
      principal.grants.push_back(
          {grant.role(), grant.agency(), grant.unit(), {grant.permissions().begin(), grant.permissions().end()}});
    }
    return principal;
  }
  auth::Principal MustBe(const pb::TokenPair& tokens) {
    const auto principal = WhoIs(tokens);
    EXPECT_TRUE(principal.ok()) << principal.status();
    return principal.ok() ? *principal : auth::Principal();
  }

  // An officer as the command line makes the first one.
  std::string MakeOfficer(const std::string& username, const std::vector<RoleGrant>& grants) {
    const AdminTools tools{*harness_->database("identity"), harness_->host().parts().keys, harness_->random(),
                           harness_->ids(), std::string(DINH_SOURCE_DIR) + "/deploy/data"};
    auto ctx = harness_->NewContext();
    const auto id = CreateOfficer(*ctx, tools, {username, "Cán bộ Thử nghiệm", "Công chức", grants}, kPassword);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or("");
  }
  auth::Principal OfficerCalled(const std::string& username) {
    const auto tokens = LoginByPassword(username, kPassword);
    EXPECT_TRUE(tokens.ok()) << tokens.status();
    return tokens.ok() ? MustBe(*tokens) : auth::Principal();
  }

  static pb::Person NewPerson(const std::string& name, const std::string& number = "") {
    pb::Person person;
    person.set_full_name(name);
    person.set_personal_number(number);
    person.set_birth_date("1990-05");
    person.mutable_address()->set_text("Thôn Quang Trung");
    person.mutable_address()->set_unit("15952");
    person.mutable_address()->set_at("2024-05-01");
    return person;
  }
  absl::StatusOr<pb::Person> Create(const auth::Principal& citizen, const pb::Person& person) {
    pb::CreatePersonRequest request;
    *request.mutable_person() = person;
    return OfPerson<pb::Person>("CreatePerson", request, citizen);
  }
  absl::StatusOr<pb::Me> Me(const auth::Principal& who) { return OfPerson<pb::Me>("GetMe", pb::GetMeRequest(), who); }

  static constexpr char kPassword[] = "mat-khau-thu-nghiem-1";
  base::Micros now_ = testing::kTestNow;
  size_t sent_ = 0;  // messages that must arrive
  testing::TempDir outbox_;
  std::unique_ptr<testing::ServiceHarness> harness_;
};

}  // namespace dinh::identity

#include "tests/e2e/access_cast.h"

#include <fstream>

#include "dinh/events/v1/service.pb.h"
#include "dinh/identity/v1/auth_service.pb.h"
#include "dinh/identity/v1/officer_service.pb.h"
#include "dinh/identity/v1/person_service.pb.h"
#include "dinh/payments/v1/service.pb.h"
#include "dinh/procedures/v1/catalogue_service.pb.h"
#include "dinh/procedures/v1/desk_service.pb.h"
#include "dinh/procedures/v1/dossier_service.pb.h"
#include "dinh/procedures/v1/upload_service.pb.h"
#include "dinh/territory/v1/service.pb.h"
#include "google/api/annotations.pb.h"
#include "gtest/gtest.h"
#include "libs/base/strings.h"
#include "tests/support/server_process.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using google::protobuf::MethodDescriptor;

constexpr char kAbsentUuid[] = "0190a5b2-7e3c-7abc-8def-0000000000ff";

std::vector<auth::Grant> GrantsOf(const Json& officer) {
  std::ifstream in(ServerProcess::Resources() + "/roles.json");
  const Json roles = Json::parse(in, nullptr, false);
  std::vector<auth::Grant> grants;
  for (const Json& grant : officer.value("grants", Json::array())) {
    auth::Grant out{grant.value("role", ""), grant.value("agency", ""), grant.value("unit", ""), {}};
    for (const Json& role : roles.value("roles", Json::array())) {
      if (role.value("role", "") == out.role) out.permissions = role.at("permissions").get<std::vector<std::string>>();
    }
    grants.push_back(std::move(out));
  }
  return grants;
}

bool IsVariable(const std::string& segment) { return segment.size() > 1 && segment.front() == '{'; }

// "{code}:accept" against "H56-1:accept" or "{dossier}:accept": the verb must agree, a variable takes anything.
bool SegmentMatches(const std::string& pattern, const std::string& segment) {
  const size_t close = pattern.find('}');
  if (!IsVariable(pattern)) return pattern == segment;
  const std::string verb = pattern.substr(close + 1);
  const size_t colon = segment.rfind(':');
  return verb == (colon == std::string::npos ? "" : segment.substr(colon));
}

std::vector<std::string> Segments(const std::string& path) {
  std::vector<std::string> out;
  const std::string plain = path.substr(0, path.find('?'));
  for (const std::string_view part : base::Split(plain, '/')) out.emplace_back(part);
  return out;
}

}  // namespace

void Cast::Assemble() {
  for (const std::string& who : CastNames()) {
    auth::Principal& principal = principals_[who];
    if (who == "anonymous") {
      clients_.emplace(who, village_.Anonymous());
      continue;
    }
    const bool citizen = who.starts_with("citizen");
    clients_.emplace(who, citizen ? village_.Citizen(who) : village_.Officer(who));
    const ApiAnswer me = clients_.at(who).Get("/v1/me");
    ASSERT_EQ(me.status, 200) << who << me.raw;
    principal.kind = citizen ? auth::CallerKind::kCitizen : auth::CallerKind::kOfficer;
    principal.id = me.Text("account");
    principal.person = me.Text("active_person");
    if (!citizen) principal.grants = GrantsOf(village_.story().Officer(who));
    if (!citizen) resources_["officer_" + who] = me.body["officer"].value("id", "");
  }
  resources_["absent"] = kAbsentUuid;
  resources_["person_a"] = principals_["citizen_a"].person;
  const ApiAnswer logins = Fresh("citizen_a").Get("/v1/me/logins");
  ASSERT_EQ(logins.status, 200) << logins.raw;
  for (const Json& login : logins.body["logins"]) {
    if (login.value("current", false)) resources_["login_a"] = login.value("id", "");
  }
  const ApiAnswer officer = Client("admin").Post(
      "/v1/officers", {{"officer",
                        {{"username", "thu.nghiem"},
                         {"full_name", "Cán bộ Thử"},
                         {"grants", {{{"role", "specialist"}, {"agency", "ubnd-15865"}, {"unit", "15865"}}}}}},
                       {"password", "mot-mat-khau-du-dai"}});
  ASSERT_EQ(officer.status, 200) << officer.raw;
  resources_["officer"] = officer.Text("id");
  AssembleDossiers();
  AssembleMoney();
}

void Cast::AssembleDossiers() {
  ApiClient& a = Client("citizen_a");
  // {dossier}: paid and being worked on, with {attachment}, {charge} and {track}.
  const std::string attachment = village_.Upload(a);
  Json filing = village_.CopyFiling();
  filing["attachments"] = {attachment};
  resources_["attachment"] = attachment;
  const ApiAnswer upload = a.Post("/v1/uploads", {{"file_name", "giay.pdf"}, {"size_bytes", 1000}});
  ASSERT_EQ(upload.status, 200) << upload.raw;
  resources_["upload"] = upload.Text("id");
  resources_["dossier"] = village_.File(a, filing).Text("code");
  const ApiAnswer accepted = Client("desk").Post("/v1/dossiers/" + resource("dossier") + ":accept");
  ASSERT_EQ(accepted.status, 200) << accepted.raw;
  resources_["charge"] = accepted.Text("charge");
  const auto charge = village_.story().WaitFor(a, "/v1/charges/" + resource("charge"), "state", "STATE_OPEN");
  ASSERT_TRUE(charge.ok()) << charge.status();
  const Village::Accepted due{resource("dossier"), resource("charge"), charge->body["collecting_account"],
                              charge->Text("memo"), charge->Int("amount_vnd")};
  ASSERT_EQ(village_.Pay(due).status, 200);
  const auto moved = village_.story().WaitFor(a, "/v1/dossiers/" + resource("dossier"), "national_state", 4);
  ASSERT_TRUE(moved.ok()) << moved.status();
  const std::string tracking = moved->Text("tracking_path");
  resources_["track"] = tracking.substr(tracking.rfind('/') + 1);
  // {new}: filed only. {police}: filed with the police of the same commune.
  resources_["new"] = village_.File(a, village_.GeneralFiling()).Text("code");
  resources_["police_dossier"] = village_.File(a, village_.GeneralFiling("1.004194")).Text("code");
}

void Cast::AssembleMoney() {
  // {suspense} lies with the commune, {suspense_elsewhere} with another one.
  for (const auto& [name, account] : {std::pair("suspense", "900000158650"), {"suspense_elsewhere", "900000158890"}}) {
    const ApiAnswer told = village_.Notify({{"transaction_id", std::string("ACCESS-") + name},
                                            {"bank_bin", "970415"},
                                            {"account_number", account},
                                            {"amount_vnd", 12345},
                                            {"memo", "khong ro noi dung"},
                                            {"booked_at", UnixNow()}});
    ASSERT_EQ(told.status, 200) << told.raw;
    ASSERT_EQ(told.Text("outcome"), "suspense") << told.raw;
  }
  const ApiAnswer list = Client("accountant").Get("/v1/suspense?page_size=100");
  ASSERT_EQ(list.status, 200) << list.raw;
  for (const Json& item : list.body.value("items", Json::array())) {
    if (item.value("bank_transaction", "") == "ACCESS-suspense") resources_["suspense"] = item.value("id", "");
    EXPECT_NE(item.value("bank_transaction", ""), "ACCESS-suspense_elsewhere") << "another agency's money is shown";
  }
  EXPECT_FALSE(resources_["suspense"].empty()) << list.raw;
  // Nobody of the demo may list it; an id that could be its own must be answered like an absent one.
  resources_["suspense_elsewhere"] = kAbsentUuid;
}

std::string Cast::Fill(std::string text) const {
  for (size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
    const size_t close = text.find('}', open);
    if (close == std::string::npos) break;
    const auto found = resources_.find(text.substr(open + 1, close - open - 1));
    if (found != resources_.end()) text.replace(open, close - open + 1, found->second);
  }
  return text;
}

auth::ResourceScope Cast::ScopeOf(const std::string& path, const std::string& body) const {
  const auto names = [&](const char* name) { return path.find(name) != std::string::npos; };
  const std::string& a = principals_.at("citizen_a").person;
  if (names("{person_a}") || names("{login_a}")) {
    return {{}, principals_.at("citizen_a").id, "ubnd-15865", "15865"};
  }
  if (names("elsewhere}") || body.find("15889") != std::string::npos) return {{}, "", "ubnd-15889", "15889"};
  if (names("{police_dossier}")) return {{a}, "", "ca-15865", "15865"};
  if (names("{dossier}") || names("{new}") || names("{charge}") || names("{attachment}")) {
    return {{a}, "", "ubnd-15865", "15865"};
  }
  if (names("{absent}")) return {};
  return {{}, "", "ubnd-15865", "15865"};
}

ApiClient Cast::Fresh(const std::string& who) {
  return who.starts_with("citizen") ? village_.Citizen(who) : village_.Officer(who);
}

std::vector<const MethodDescriptor*> AllMethods() {
  // One message of each file keeps the file in the program.
  const google::protobuf::FileDescriptor* files[] = {
      territory::v1::GetUnitRequest::descriptor()->file(),        identity::v1::SendOtpRequest::descriptor()->file(),
      identity::v1::GetMeRequest::descriptor()->file(),           identity::v1::SetGrantsRequest::descriptor()->file(),
      payments::v1::OpenChargeRequest::descriptor()->file(),      procedures::v1::GetFormRequest::descriptor()->file(),
      procedures::v1::GetDossierRequest::descriptor()->file(),    events::v1::ReadEventsRequest::descriptor()->file(),
      procedures::v1::AcceptDossierRequest::descriptor()->file(), procedures::v1::Upload::descriptor()->file(),
  };
  std::vector<const MethodDescriptor*> methods;
  for (const auto* file : files) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) methods.push_back(file->service(s)->method(m));
    }
  }
  return methods;
}

HttpRule HttpRuleOf(const MethodDescriptor& method) {
  const google::api::HttpRule& rule = method.options().GetExtension(google::api::http);
  if (!rule.get().empty()) return {"GET", rule.get(), rule.body()};
  if (!rule.post().empty()) return {"POST", rule.post(), rule.body()};
  if (!rule.patch().empty()) return {"PATCH", rule.patch(), rule.body()};
  if (!rule.put().empty()) return {"PUT", rule.put(), rule.body()};
  if (!rule.delete_().empty()) return {"DELETE", rule.delete_(), rule.body()};
  return {};
}

const MethodDescriptor* MethodOf(const std::string& verb, const std::string& path) {
  const std::vector<std::string> segments = Segments(path);
  for (const MethodDescriptor* method : AllMethods()) {
    const HttpRule rule = HttpRuleOf(*method);
    const std::vector<std::string> pattern = Segments(rule.path);
    if (rule.verb != verb || pattern.size() != segments.size()) continue;
    bool same = true;
    for (size_t i = 0; i < pattern.size(); ++i) same = same && SegmentMatches(pattern[i], segments[i]);
    if (same) return method;
  }
  return nullptr;
}

}  // namespace dinh::testing

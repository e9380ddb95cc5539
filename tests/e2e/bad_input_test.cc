// Bad input for every RPC, made from the descriptors: a clear problem+json each time, never a 5xx, nothing
// half-written. Texts that must be taken (or refused) as they are, wrong states and foreign resources follow by hand.
#include "dinh/options/v1/options.pb.h"
#include "gmock/gmock.h"
#include "tests/e2e/access_cast.h"
#include "tests/e2e/sample_request.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

namespace opt = ::dinh::options::v1;
using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class BadInputTest : public PlatformTest {
 protected:
  static void SetUpTestSuite() {
    PlatformTest::SetUpTestSuite();
    cast_ = std::make_unique<Cast>(Village(StoryOptionsFor(*server_)));
    cast_->Assemble();
  }
  static void TearDownTestSuite() {
    cast_.reset();
    PlatformTest::TearDownTestSuite();
  }

  struct Target {
    const MethodDescriptor* method = nullptr;
    HttpRule rule;
    std::string path;                  // filled in
    const Descriptor* body = nullptr;  // of the JSON body; nullptr: none
    Json sample;
    ApiClient* client = nullptr;  // somebody who may
  };

  // Every method with an HTTP route that is neither a stream nor the bank's, with somebody who may call it.
  std::vector<Target> Targets() {
    std::vector<Target> targets;
    for (const MethodDescriptor* method : AllMethods()) {
      Target target{method, HttpRuleOf(*method)};
      if (target.rule.verb.empty() || method->client_streaming() || method->server_streaming()) continue;
      if (method->name() == "NotifyCredit" || method->name() == "Logout") continue;
      std::set<std::string> variables;
      target.path = Path(*method, &variables);
      if (!target.rule.body.empty()) {
        target.body = target.rule.body == "*" ? method->input_type()
                                              : method->input_type()->FindFieldByName(target.rule.body)->message_type();
        target.sample = SampleOf(*target.body, variables);
      }
      target.client = &cast_->Client(CallerFor(*method));
      targets.push_back(std::move(target));
    }
    return targets;
  }

  static std::string CallerFor(const MethodDescriptor& method) {
    const std::string service = method.service()->name(), name = method.name();
    if (service == "DeskService")
      return name == "SignDossier" || name == "SendBackDossier" ? "chair"
             : name == "StopDossier"                            ? "specialist"
                                                                : "desk";
    if (service == "OfficerService") return "admin";
    if (service == "PaymentsService") return name.ends_with("Suspense") ? "accountant" : "citizen_a";
    if (name == "RegisterPerson" || name == "VerifyPerson" || name == "ChangePassword") return "desk";
    return "citizen_a";
  }

  std::string Path(const MethodDescriptor& method, std::set<std::string>* variables) {
    std::string path = HttpRuleOf(method).path;
    const size_t open = path.find('{');
    if (open == std::string::npos) return path;
    const size_t close = path.find('}', open);
    variables->insert(path.substr(open + 1, close - open - 1));
    const std::string service = method.service()->name();
    std::string value = "15865";
    if (service == "DossierService" || service == "DeskService") value = cast_->resource("new");
    if (method.name() == "GetAttachment") value = cast_->resource("attachment");
    if (method.name() == "TrackDossier") value = cast_->resource("track");
    if (service == "PaymentsService")
      value = cast_->resource(method.name() == "ResolveSuspense" ? "suspense" : "charge");
    if (service == "UploadService") value = cast_->resource("upload");
    if (service == "CatalogueService") value = "2.000635";
    if (service == "OfficerService") value = cast_->resource("officer");
    if (service == "PersonService") value = cast_->resource("person_a");
    if (service == "AuthService") value = cast_->resource("absent");
    if (method.name() == "GetAgency") value = "ubnd-15865";
    return path.replace(open, close - open + 1, value);
  }

  // A 400 with a problem, and still the same platform.
  void ExpectRefused(const Target& target, const std::string& body, const std::string& what) {
    SCOPED_TRACE(target.method->full_name() + ": " + what);
    const ApiAnswer answer = target.client->Send(target.rule.verb, target.path, body, "application/json");
    ExpectProblem(answer, 400);
  }

  static inline std::unique_ptr<Cast> cast_;
};

TEST_F(BadInputTest, MalformedBodies) {
  const std::string deep = "{\"x\":" + std::string(70, '[') + std::string(70, ']') + "}";
  const std::pair<const char*, std::string> bodies[] = {
      {"cut off", "{\"reason\": \"Thi"},
      {"no JSON", "reason=1&etag=2"},
      {"empty text", " "},
      {"single quotes", "{'etag': 'x'}"},
      {"trailing comma", "{\"etag\": \"x\",}"},
      {"unquoted name", "{etag: \"x\"}"},
      {"comment", "{/* ? */ \"etag\": \"x\"}"},
      {"two values", "{} {}"},
      {"an array", "[]"},
      {"a text", "\"etag\""},
      {"a number", "12"},
      {"not a number", "{\"etag\": NaN}"},
      {"bare control character", std::string("{\"etag\": \"a\nb\"}")},
      {"broken UTF-8", "{\"etag\": \"\xC3\x28\"}"},
      {"lone surrogate", "{\"etag\": \"\\ud800\"}"},
      {"null byte", std::string("{\"etag\": \"a\0b\"}", 15)},
      {"byte order mark", "\xEF\xBB\xBF{}x"},
      {"unknown field", "{\"khong_co_truong_nay\": 1}"},
      {"name twice", "{\"etag\": \"a\", \"etag\": \"b\"}"},
      {"too deep", deep},
  };
  int calls = 0;
  for (const Target& target : Targets()) {
    if (target.body == nullptr) continue;
    for (const auto& [what, body] : bodies) {
      ExpectRefused(target, body, what);
      ++calls;
    }
  }
  EXPECT_GE(calls, 400);
}

// A value no field of that type can take.
Json WrongTypeFor(const FieldDescriptor& field) {
  if (field.is_map()) return Json::array({1});
  if (field.is_repeated()) return "không phải danh sách";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return Json{{"a", 1}};
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return 12.5;
    case FieldDescriptor::CPPTYPE_BOOL:
      return "có";
    case FieldDescriptor::CPPTYPE_ENUM:
      return "KHONG_CO_GIA_TRI_NAY";
    default:
      return "mười hai";
  }
}

TEST_F(BadInputTest, WrongTypesAndTooLongInEveryField) {
  int calls = 0;
  for (const Target& target : Targets()) {
    if (target.body == nullptr) continue;
    for (int i = 0; i < target.body->field_count(); ++i) {
      const FieldDescriptor& field = *target.body->field(i);
      const opt::FieldRule& rule = field.options().GetExtension(opt::rule);
      if (target.rule.path.find("{" + field.name() + "}") != std::string::npos) continue;  // stands in the path
      Json body = target.sample;
      body[field.name()] = WrongTypeFor(field);
      ExpectRefused(target, body.dump(), field.name() + " of a wrong type");
      ++calls;
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && rule.max_length() > 0 && !field.is_repeated() &&
          !rule.output_only()) {
        body[field.name()] = std::string(rule.max_length() + 1, 'a');
        ExpectRefused(target, body.dump(), field.name() + " too long");
        ++calls;
      }
      if (rule.output_only()) {
        body[field.name()] = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING ? Json("của tôi") : Json(1);
        ExpectRefused(target, body.dump(), field.name() + " is output only");
      }
      if (rule.required()) {
        body.erase(field.name());
        ExpectRefused(target, body.dump(), field.name() + " missing");
      }
    }
  }
  EXPECT_GE(calls, 60);
}

TEST_F(BadInputTest, StrangeTextsAreTakenOrRefusedNeverAnError) {
  const std::string texts[] = {
      "Cong da\xCC\x82n Một",  // NFD: brought to NFC
      "Công\u200Bdân",         // zero width
      "Công\u202Edân",         // turns the direction round
      "<script>alert(1)</script>",
      "'; DROP TABLE dossiers; --",
      "👩‍👩‍👧 gia đình",  // joined by U+200D
      "🏠 nhà",
      std::string("\0", 1),
      "\x7F",
      "../../../etc/passwd",
      "%00%0a%s%n",
      std::string(300, 'x'),
      "\u1EC4\u1EEE\u1ED8\u1EB0\u1EF6\u0111",
  };
  int calls = 0;
  for (const Target& target : Targets()) {
    if (target.body == nullptr) continue;
    for (int i = 0; i < target.body->field_count(); ++i) {
      const FieldDescriptor& field = *target.body->field(i);
      if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING || field.is_map()) continue;
      if (target.rule.path.find("{" + field.name() + "}") != std::string::npos) continue;
      for (const std::string& text : texts) {
        Json body = target.sample;
        // What it would do must not happen: a stale etag, an absent thing.
        body[field.name()] = field.is_repeated() ? Json::array({text}) : Json(text);
        const ApiAnswer answer = target.client->Send(target.rule.verb, target.path, body.dump(), "application/json");
        SCOPED_TRACE(target.method->full_name() + "." + field.name() + " " + body.dump());
        EXPECT_NE(answer.status, 0) << answer.error;
        EXPECT_LT(answer.status, 500) << answer.raw;
        if (!answer.ok()) ExpectProblem(answer, answer.status);
        // What comes back is never markup to a browser.
        EXPECT_THAT(answer.Header("Content-Type"), AnyOf(HasSubstr("json"), std::string()));
        ++calls;
      }
    }
  }
  EXPECT_GE(calls, 400);
  // A name in NFD is stored in NFC.
  ApiClient& b = cast_->Client("citizen_b");
  const ApiAnswer made = b.Post("/v1/me/persons", {{"full_name", "Co\xCC\x82ng da\xCC\x82n Na\xCC\x86m"}});
  EXPECT_EQ(made.status, 200) << made.raw;
  EXPECT_EQ(made.Text("full_name"), "Công dân Năm");
  for (const char* name : {"Công\u200Bdân Sáu", "Công\u202Edân Sáu"}) {
    ExpectProblem(b.Post("/v1/me/persons", {{"full_name", name}}), 400, "INVALID_FIELD");
  }
}

TEST_F(BadInputTest, QueriesOfEveryRead) {
  int calls = 0;
  for (const Target& target : Targets()) {
    if (target.rule.verb != "GET") continue;
    SCOPED_TRACE(target.method->full_name());
    const Descriptor& request = *target.method->input_type();
    const auto refused = [&](const std::string& query) {
      SCOPED_TRACE(query);
      ExpectProblem(target.client->Get(target.path + "?" + query), 400);
      ++calls;
    };
    refused("khong_co=1");
    refused("%zz=1");
    refused("khong_co=%00");
    for (int i = 0; i < request.field_count(); ++i) {
      const FieldDescriptor& field = *request.field(i);
      if (target.rule.path.find("{" + field.name() + "}") != std::string::npos) {
        refused(field.name() + "=1");
        continue;
      }
      const opt::FieldRule& rule = field.options().GetExtension(opt::rule);
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 || field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
        refused(field.name() + "=-1");
        refused(field.name() + "=abc");
        refused(field.name() + "=99999999999999999999");
        refused(field.name() + "=1.5");
      }
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) refused(field.name() + "=vang");
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) refused(field.name() + "=KHONG_CO");
      if (field.name() == "page_token") {
        refused("page_token=khong-phai-the");
        refused("page_token=" + std::string(600, 'A'));
        refused("page_token=..%2F..%2Fetc%2Fpasswd");
      }
      if (rule.format() == opt::FORMAT_DATE) {
        for (const char* date : {"2026-02-30", "2026-13-01", "13/02/2026", "2026-2-3", "hom-nay", "0000-00-00"}) {
          refused(field.name() + "=" + date);
        }
      }
      if (rule.max_length() > 0) refused(field.name() + "=" + std::string(rule.max_length() + 1, 'a'));
      if (!field.is_repeated()) refused(field.name() + "=1&" + field.name() + "=2");
    }
  }
  EXPECT_GE(calls, 100);
}

TEST_F(BadInputTest, PathsThatAreNone) {
  ApiClient& a = cast_->Client("citizen_a");
  for (const char* path : {"/v1/dossiers/..%2F..%2Fetc%2Fpasswd", "/v1/attachments/..%2f..%2fkeys", "/v1/units/%00",
                           "/v1/units/%ff%fe", "/v1/units/%zz", "/v1/units/abc", "/v1/procedures/x", "/v1/charges/1",
                           "/v1/attachments/khong-phai-uuid", "/v1/track/ngan", "/v1/units/999999", "/v1/units/%20"}) {
    SCOPED_TRACE(path);
    const ApiAnswer answer = a.Get(path);
    EXPECT_THAT(answer.status, AnyOf(400, 403, 404)) << answer.raw;
    ExpectProblem(answer, answer.status);
  }
  for (const char* path : {"/v1", "/v1/", "/v2/units", "/v1/dossiers/", "/v1//dossiers", "/v1/dossiers/x/y/z",
                           "/v1/dossiers/x:khongco", "/../etc/passwd", "/v1/../../etc/passwd", "/.git/config", "/keys",
                           "/addresses.json", "/outbox/", "/docs/../../../etc/passwd", "/v1/units/15865:resolve:x",
                           "/dinh.procedures.v1.DossierService/KhongCo", "/metrics"}) {
    SCOPED_TRACE(path);
    const ApiAnswer answer = a.Get(path);
    EXPECT_THAT(answer.status, AnyOf(400, 403, 404)) << answer.raw;
    ExpectProblem(answer, answer.status);
  }
  ExpectProblem(a.Get("/v1/units/15865?at=2024-02-30"), 400);
  ExpectProblem(a.Get("/v1/units/99999"), 404, "UNIT_NOT_FOUND");
  ExpectProblem(a.Get("/v1/procedures/9.999999"), 404, "PROCEDURE_NOT_FOUND");
}

TEST_F(BadInputTest, FilingsThatLackOrBreakTheirForm) {
  ApiClient& a = cast_->Client("citizen_a");
  const auto violations = [](const ApiAnswer& answer) {
    std::set<std::string> fields;
    for (const Json& one : answer.body.value("violations", Json::array())) fields.insert(one.value("field", ""));
    return fields;
  };
  const int before = static_cast<int>(a.Get("/v1/dossiers?page_size=100").body["dossiers"].size());
  Json filing = cast_->village().CopyFiling();
  filing["form"] = Json::object();
  const ApiAnswer empty = a.Post("/v1/dossiers", filing);
  ExpectProblem(empty, 400, "INVALID_FIELD");
  EXPECT_THAT(violations(empty), ::testing::IsSupersetOf({"form.copies", "form.relation", "form.delivery"}));
  const std::pair<const char*, Json> wrong[] = {{"copies", -1},
                                                {"copies", 2.5},
                                                {"copies", "hai"},
                                                {"copies", 1e18},
                                                {"relation", "nobody"},
                                                {"relation", Json::array({"self"})},
                                                {"register_place", "xã nào đó"},
                                                {"register_date", "2026-02-30"},
                                                {"register_date", "9999"},
                                                {"khong_co", 1},
                                                {"purpose", std::string(20000, 'x')},
                                                {"delivery", nullptr}};
  for (const auto& [name, value] : wrong) {
    filing = cast_->village().CopyFiling();
    filing["form"][name] = value;
    const ApiAnswer answer = a.Post("/v1/dossiers", filing);
    SCOPED_TRACE(std::string(name) + " = " + value.dump().substr(0, 60));
    ExpectProblem(answer, 400);
    EXPECT_THAT(violations(answer), ::testing::Contains(std::string("form.") + name)) << answer.raw;
  }
  filing = cast_->village().CopyFiling();
  filing["attachments"] = {cast_->resource("absent")};
  ExpectProblem(a.Post("/v1/dossiers", filing), 400, "ATTACHMENT_UNKNOWN");
  filing["attachments"] = {cast_->resource("attachment")};  // in another dossier already
  ExpectProblem(a.Post("/v1/dossiers", filing), 400, "ATTACHMENT_UNKNOWN");
  filing = cast_->village().CopyFiling();
  filing["filer"] = cast_->Principal("citizen_b").person;
  ExpectProblem(a.Post("/v1/dossiers", filing), 403, "PERMISSION_DENIED");
  const int after = static_cast<int>(a.Get("/v1/dossiers?page_size=100").body["dossiers"].size());
  EXPECT_EQ(after, before) << "a refused filing left a dossier";
}

// Whatever is changed under an etag: a stale one changes nothing, in the body and as If-Match.
TEST_F(BadInputTest, StaleEtagsOfEveryChange) {
  int calls = 0;
  for (const Target& target : Targets()) {
    if (target.body == nullptr || target.body->FindFieldByName("etag") == nullptr) continue;
    if (target.rule.verb == "POST" && target.body->full_name() != target.method->input_type()->full_name()) continue;
    SCOPED_TRACE(target.method->full_name());
    const auto send = [&](const Json& body, const http::ClientHeaders& headers) {
      return target.client->Send(target.rule.verb, target.path, body.dump(), "application/json", headers);
    };
    ExpectProblem(send(target.sample, {}), 409, "STALE_ETAG");
    ++calls;
    if (target.body != target.method->input_type()) continue;  // If-Match fills an etag of the request itself
    Json body = target.sample;
    body.erase("etag");
    ExpectProblem(send(body, {{"If-Match", "\"khong-con-moi\""}}), 409, "STALE_ETAG");
  }
  EXPECT_GE(calls, 10);
}

TEST_F(BadInputTest, WrongStatesAreConflicts) {
  ApiClient& a = cast_->Client("citizen_a");
  ApiClient& desk = cast_->Client("desk");
  const std::string fresh = "/v1/dossiers/" + cast_->resource("new");
  const std::string busy = "/v1/dossiers/" + cast_->resource("dossier");
  ExpectProblem(a.Get(fresh + "/receipt"), 409, "RECEIPT_NOT_YET");
  ExpectProblem(a.Post(fresh + ":rate", {{"stars", 5}}), 409);
  ExpectProblem(a.Post(fresh + ":supply"), 409);
  ExpectProblem(desk.Post(fresh + ":return"), 409);
  ExpectProblem(cast_->Client("chair").Post(fresh + ":sign"), 409);
  ExpectProblem(desk.Post(busy + ":accept"), 409);
  ExpectProblem(desk.Post(busy + ":reject", {{"reason", "Đã nhận rồi"}}), 409);
  ExpectProblem(desk.Post(busy + ":return"), 409);
  ExpectProblem(a.Get("/v1/charges/" + cast_->resource("charge") + "/qr"), 409, "CHARGE_NOT_PAYABLE");
  // Stale etags, in the body and as If-Match.
  ExpectProblem(desk.Post(fresh + ":accept", {{"etag", "r999"}}), 409, "STALE_ETAG");
  ExpectProblem(desk.Post(fresh + ":accept", Json::object(), {{"If-Match", "\"r999\""}}), 409, "STALE_ETAG");
  EXPECT_EQ(a.Get(fresh).Int("national_state"), 1) << "nothing of it happened";
}

}  // namespace
}  // namespace dinh::testing

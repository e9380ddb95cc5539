// The access matrix, generated: every RPC of the contract × everybody, over HTTP, about a resource of citizen A; what
// the access rule says must happen. (What the rules ought to say is told by hand in access_rows.h.)
#include "gmock/gmock.h"
#include "libs/testing/service_harness.h"
#include "services/standalone/modules.h"
#include "tests/e2e/access_cast.h"
#include "tests/e2e/sample_request.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using google::protobuf::MethodDescriptor;

class AccessMatrixTest : public PlatformTest {
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

  // Which of citizen A's resources a method's path variable means.
  static std::string ResourceFor(const MethodDescriptor& method) {
    const std::string service = method.service()->name(), name = method.name();
    if (service == "DeskService" || service == "DossierService") {
      if (name == "GetAttachment") return "{attachment}";
      return name == "TrackDossier" ? "{track}" : "{dossier}";
    }
    if (service == "PaymentsService") return name == "ResolveSuspense" ? "{suspense}" : "{charge}";
    if (service == "UploadService") return "{upload}";
    if (service == "CatalogueService") return "2.000635";
    if (service == "OfficerService") return "{officer}";
    if (service == "PersonService") return "{person_a}";
    if (service == "AuthService") return "{login_a}";
    return name == "GetAgency" ? "ubnd-15865" : "15865";
  }

  // The path with its variable replaced by the resource's name, and the variable.
  static std::string PathFor(const MethodDescriptor& method, std::set<std::string>* variables) {
    std::string path = HttpRuleOf(method).path;
    const size_t open = path.find('{');
    if (open == std::string::npos) return path;
    const size_t close = path.find('}', open);
    variables->insert(path.substr(open + 1, close - open - 1));
    return path.replace(open, close - open + 1, ResourceFor(method));
  }

  static Json BodyFor(const MethodDescriptor& method, const std::set<std::string>& variables) {
    const HttpRule rule = HttpRuleOf(method);
    const google::protobuf::Descriptor* message = method.input_type();
    if (!rule.body.empty() && rule.body != "*") message = message->FindFieldByName(rule.body)->message_type();
    return SampleOf(*message, variables);
  }

  ApiAnswer Call(const MethodDescriptor& method, const std::string& who) {
    // What ends a login is called with one of its own.
    const bool ends_login = method.name() == "Logout" || method.name() == "ChangePassword";
    ApiClient own = ends_login && who != "anonymous" ? cast_->Fresh(who) : Anonymous();
    ApiClient& client = ends_login ? own : cast_->Client(who);
    std::set<std::string> variables;
    const std::string path = cast_->Fill(PathFor(method, &variables));
    const HttpRule rule = HttpRuleOf(method);
    if (method.name() == "AppendUpload") return client.SendPiece(path, 0, "%PDF-1.4");
    if (method.client_streaming()) {
      return client.Upload(path, "giay.pdf", "application/pdf", demo::SamplePdf("DINH-MATRIX"));
    }
    if (method.server_streaming()) return FirstOf(client, path);
    const std::string body = rule.body.empty() ? "" : BodyFor(method, variables).dump();
    return client.Send(rule.verb, path, body, body.empty() ? "" : "application/json");
  }

  // Status and headers of a stream; a refusal with its body.
  ApiAnswer FirstOf(ApiClient& client, const std::string& path) {
    http::ClientRequest request;
    request.target = path;
    if (!client.token().empty()) request.headers.emplace_back("Authorization", "Bearer " + client.token());
    ApiAnswer answer;
    http::ClientOptions options;
    options.port = server_->http_port();
    http::Client stream(options);
    const auto head = stream.Open(request);
    if (!head.ok()) return answer;
    answer.status = head->status;
    if (head->status >= 400) return client.Get(path);
    return answer;
  }

  // The platform refused who called, not what was said.
  static bool IsRefusal(const ApiAnswer& answer) {
    const std::string reason = answer.Reason();
    return (answer.status == 401 && reason == "LOGIN_REQUIRED") ||
           (answer.status == 403 && reason == "PERMISSION_DENIED");
  }

  static inline std::unique_ptr<Cast> cast_;
};

// Rows whose place the rule alone does not tell: a login is its account's, and so is an upload; a person is seen by
// whichever desk of their commune asks, the police' too.
std::optional<bool> Special(const MethodDescriptor& method, const std::string& who) {
  if (method.name() == "EndLogin") return who == "citizen_a";
  if (method.name() == "GetUpload" || method.name() == "AppendUpload") return who == "citizen_a";
  if (method.name() == "VerifyPerson" && who == "police") return true;
  // Anonymous callers are told that the signature is missing, which is no refusal of theirs.
  if (method.name() == "NotifyCredit") return who == "anonymous";
  return std::nullopt;
}

TEST_F(AccessMatrixTest, EveryMethodByEverybody) {
  int cells = 0;
  std::map<bool, int> outcomes;
  for (const MethodDescriptor* method : AllMethods()) {
    if (HttpRuleOf(*method).verb.empty()) continue;
    const absl::StatusOr<auth::AccessRule> rule = auth::ReadAccessRule(*method);
    ASSERT_TRUE(rule.ok()) << rule.status();
    std::set<std::string> variables;
    const std::string path = PathFor(*method, &variables);
    for (const std::string& who : CastNames()) {
      SCOPED_TRACE(who + " " + method->full_name());
      const auth::Principal& caller = cast_->Principal(who);
      // Own logins and persons end or change by what is allowed: A's own are made anew each time.
      const bool may =
          Special(*method, who)
              .value_or(auth::Authorise(*rule, caller).ok() && auth::InScope(*rule, caller, cast_->ScopeOf(path, "")));
      const ApiAnswer answer = Call(*method, who);
      ++cells;
      ++outcomes[may];
      EXPECT_EQ(IsRefusal(answer), !may) << answer.status << " " << answer.raw.substr(0, 300) << answer.error;
      EXPECT_LT(answer.status, 500) << answer.raw;
      EXPECT_NE(answer.status, 0) << answer.error;
    }
  }
  EXPECT_GE(cells, 45 * static_cast<int>(CastNames().size()));
  EXPECT_GE(outcomes[true], 100);
  EXPECT_GE(outcomes[false], 200);
}

TEST_F(AccessMatrixTest, InternalMethodsHaveNoWayInOverHttp) {
  int internal = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    if (!HttpRuleOf(*method).verb.empty()) continue;
    ++internal;
    for (const char* who : {"anonymous", "citizen_a", "desk", "admin"}) {
      SCOPED_TRACE(who + (" " + method->full_name()));
      const std::string path = "/" + method->service()->full_name() + "/" + method->name();
      for (const char* type : {"application/json", "application/proto"}) {
        const ApiAnswer answer = cast_->Client(who).Send("POST", path, type[12] == 'j' ? "{}" : "", type);
        EXPECT_EQ(answer.status, 404) << answer.raw;
      }
      EXPECT_EQ(cast_->Client(who).Get(path + "?encoding=json&message=%7B%7D").status, 404);
    }
  }
  EXPECT_GE(internal, 6);
}

// The same methods through the pipeline in process: what gRPC callers and other services meet.
TEST(AccessPipelineTest, EveryMethodByPeersAndPeople) {
  HarnessOptions options;
  options.modules = standalone::MakeServices();
  auto harness = ServiceHarness::Start(std::move(options));
  ASSERT_TRUE(harness.ok()) << harness.status();
  std::vector<auth::Principal> callers = {Anonymous(), Citizen("account-x", "person-x"),
                                          Officer("account-y", "person-y", {}), Signed()};
  for (const char* peer : {"procedures", "payments", "identity", "territory", "gateway", "stranger", ""}) {
    callers.push_back(Peer(peer));
  }
  int calls = 0, refused = 0;
  for (const auto& method : (*harness)->host().pipeline().methods()) {
    if (!method->entry->unary) continue;
    for (const auth::Principal& caller : callers) {
      SCOPED_TRACE(method->label + " by " + std::to_string(static_cast<int>(caller.kind)) + " " + caller.id);
      const bool may = auth::Authorise(method->entry->rule, caller).ok();
      const std::unique_ptr<google::protobuf::Message> request(method->entry->request_prototype->New());
      const std::unique_ptr<google::protobuf::Message> response(method->entry->response_prototype->New());
      rpc::CallHead head;
      head.principal = &caller;
      const absl::Status status = (*harness)->host().pipeline().Unary(*method, head, *request, response.get());
      const auto detail = base::DetailOf(status);
      const std::string reason = detail ? detail->reason : "";
      // An empty request may be foreign to an allowed caller, which is no refusal of the caller: skip scoped rows.
      if (!may) {
        EXPECT_TRUE(reason == "PERMISSION_DENIED" || reason == "LOGIN_REQUIRED") << status;
        ++refused;
      } else if (method->entry->rule.scope == auth::Scope::kNone) {
        EXPECT_NE(reason, "LOGIN_REQUIRED") << status;
        EXPECT_NE(reason, "PERMISSION_DENIED") << status;
      }
      EXPECT_FALSE(absl::IsInternal(status)) << status;
      ++calls;
    }
  }
  EXPECT_GE(calls, 400);
  EXPECT_GE(refused, 200);
}

// Who of the services may call what is not for people: by hand, so that a rule that grows weaker fails here.
TEST(AccessPipelineTest, InternalMethodsByHand) {
  struct Row {
    const char* method;
    std::set<std::string> peers;  // "*": every service
  };
  const Row rows[] = {
      {"dinh.identity.v1.PersonService.GetPerson", {"procedures", "payments"}},
      {"dinh.identity.v1.PersonService.ResolvePrincipal", {"*"}},
      {"dinh.identity.v1.PersonService.RecordAccesses", {"*"}},
      {"dinh.identity.v1.AuthService.ConfirmOtp", {"feedback"}},
      {"dinh.identity.v1.OfficerService.ListColleagues", {"feedback"}},
      {"dinh.payments.v1.PaymentsService.OpenCharge", {"procedures"}},
      {"dinh.payments.v1.PaymentsService.CancelCharge", {"procedures"}},
      {"dinh.events.v1.EventFeedService.ReadEvents", {"*"}},
  };
  std::set<std::string> named;
  for (const Row& row : rows) {
    named.insert(row.method);
    const MethodDescriptor* method = google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(row.method);
    ASSERT_NE(method, nullptr) << row.method;
    const absl::StatusOr<auth::AccessRule> rule = auth::ReadAccessRule(*method);
    ASSERT_TRUE(rule.ok()) << rule.status();
    for (const char* peer : {"identity", "procedures", "payments", "territory", "feedback", "gateway"}) {
      const bool may = row.peers.contains("*") || row.peers.contains(peer);
      EXPECT_EQ(auth::Authorise(*rule, Peer(peer)).ok(), may) << row.method << " by " << peer;
    }
    for (const auth::Principal& person :
         {Anonymous(), Citizen("account-x", "person-x"), Signed("bank"), Peer(""),
          Officer("account-y", "person-y", {{"admin", "a", "u", {"officer.manage"}}})}) {
      EXPECT_FALSE(auth::Authorise(*rule, person).ok()) << row.method << " by " << static_cast<int>(person.kind);
    }
  }
  for (const MethodDescriptor* method : AllMethods()) {
    EXPECT_TRUE(!HttpRuleOf(*method).verb.empty() || named.contains(method->full_name()))
        << method->full_name() << " is internal and stands in no row";
  }
}

}  // namespace
}  // namespace dinh::testing

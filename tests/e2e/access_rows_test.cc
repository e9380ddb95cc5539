// Access, told by hand: every row over HTTP; and every way of weakening a rule of the proto changes some row.
#include <sstream>

#include "dinh/options/v1/options.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "tests/e2e/access_cast.h"
#include "tests/e2e/access_rows.h"
#include "tests/support/platform_test.h"

namespace dinh::testing {
namespace {

namespace opt = ::dinh::options::v1;
using demo::ApiAnswer;
using demo::ApiClient;
using demo::Json;
using google::protobuf::DescriptorPool;
using google::protobuf::MethodDescriptor;

std::vector<std::string> Words(const char* text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

class AccessRowsTest : public PlatformTest {
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

  ApiAnswer Send(const AccessRow& row, const std::string& who) {
    ApiClient& client = cast_->Client(who);
    const std::string path = cast_->Fill(row.path);
    const std::string body = row.body;
    if (body == "file") return client.Upload(path, "giay.pdf", "application/pdf", demo::SamplePdf("DINH-ACCESS"));
    if (body == "piece") return client.SendPiece(path, 0, "%PDF-1.4");
    return client.Send(row.method, path, body, body.empty() ? "" : "application/json");
  }

  static inline std::unique_ptr<Cast> cast_;
};

TEST_F(AccessRowsTest, EveryRowHolds) {
  EXPECT_GE(AccessRows().size(), 40u);
  int calls = 0;
  for (const AccessRow& row : AccessRows()) {
    for (const std::string& who : Words(row.who)) {
      SCOPED_TRACE(who + " " + row.method + " " + row.path);
      const ApiAnswer answer = Send(row, who);
      ++calls;
      EXPECT_EQ(answer.status, row.expected) << answer.raw.substr(0, 400) << answer.error;
      if (row.expected == 403) ExpectProblem(answer, 403, "PERMISSION_DENIED");
      if (row.expected == 401) ExpectProblem(answer, 401, row.by_handler ? "" : "LOGIN_REQUIRED");
    }
  }
  EXPECT_GE(calls, 200);
}

std::string WithoutTrace(const ApiAnswer& answer) {
  std::string text = answer.raw;
  const std::string trace = answer.Text("trace_id");
  for (size_t at = text.find(trace); !trace.empty() && at != std::string::npos; at = text.find(trace)) {
    text.replace(at, trace.size(), "-");
  }
  return text;
}

// Names and values but those of the moment.
std::vector<std::string> Headers(const ApiAnswer& answer) {
  std::vector<std::string> out;
  for (const auto& [name, value] : answer.headers) {
    if (name != "Date" && name != "traceparent") out.push_back(name + ": " + value);
  }
  return out;
}

TEST_F(AccessRowsTest, AbsentAndForeignAreTheSameBytes) {
  struct Pair {
    const char* who;
    const char* method;
    const char* foreign;
    const char* absent;
    const char* body;
  };
  const Pair pairs[] = {
      {"citizen_b", "GET", "/v1/dossiers/{dossier}", "/v1/dossiers/H56.15865-260101-9999", ""},
      {"citizen_b", "GET", "/v1/dossiers/{dossier}/receipt", "/v1/dossiers/H56.15865-260101-9999/receipt", ""},
      {"citizen_b", "GET", "/v1/dossiers/{dossier}/events", "/v1/dossiers/H56.15865-260101-9999/events", ""},
      {"citizen_b", "POST", "/v1/dossiers/{new}:withdraw", "/v1/dossiers/H56.15865-260101-9999:withdraw", "{}"},
      {"citizen_b", "GET", "/v1/attachments/{attachment}", "/v1/attachments/{absent}", ""},
      {"citizen_b", "GET", "/v1/uploads/{upload}", "/v1/uploads/{absent}", ""},
      {"citizen_b", "PATCH", "/v1/uploads/{upload}", "/v1/uploads/{absent}", "piece"},
      {"desk", "PATCH", "/v1/uploads/{upload}", "/v1/uploads/{absent}", "piece"},
      {"citizen_b", "GET", "/v1/charges/{charge}", "/v1/charges/{absent}", ""},
      {"citizen_b", "GET", "/v1/charges/{charge}/qr", "/v1/charges/{absent}/qr", ""},
      {"citizen_b", "POST", "/v1/me/persons/{person_a}:select", "/v1/me/persons/{absent}:select", "{}"},
      {"citizen_b", "POST", "/v1/me/logins/{login_a}:end", "/v1/me/logins/{absent}:end", "{}"},
      {"elsewhere", "GET", "/v1/dossiers/{dossier}", "/v1/dossiers/H56.15865-260101-9999", ""},
      {"elsewhere", "POST", "/v1/dossiers/{new}:accept", "/v1/dossiers/H56.15865-260101-9999:accept", "{}"},
      {"police", "POST", "/v1/dossiers/{dossier}:forward", "/v1/dossiers/H56.15865-260101-9999:forward", "{}"},
      {"elsewhere", "GET", "/v1/charges/{charge}", "/v1/charges/{absent}", ""},
      {"admin", "POST", "/v1/officers/{officer_elsewhere}:lock", "/v1/officers/{absent}:lock", "{}"},
  };
  for (const Pair& pair : pairs) {
    SCOPED_TRACE(std::string(pair.who) + " " + pair.foreign);
    const ApiAnswer foreign = Send({pair.who, pair.method, pair.foreign, pair.body, 403}, pair.who);
    const ApiAnswer absent = Send({pair.who, pair.method, pair.absent, pair.body, 403}, pair.who);
    EXPECT_EQ(foreign.status, 403) << foreign.raw;
    EXPECT_EQ(absent.status, 403) << absent.raw;
    EXPECT_EQ(WithoutTrace(foreign), WithoutTrace(absent));
    EXPECT_EQ(Headers(foreign), Headers(absent));
  }
}

TEST_F(AccessRowsTest, TheBanksSignatureIsChecked) {
  const std::string body = Json{{"transaction_id", "SIG-1"}, {"bank_bin", "970415"}, {"account_number", "900000158650"},
                                {"amount_vnd", 1000},        {"memo", "x"},          {"booked_at", UnixNow()}}
                               .dump();
  const std::string secret = cast_->village().bank_secret();
  const auto send = [&](const std::string& signature, const std::string& text) {
    http::ClientHeaders headers;
    if (!signature.empty()) headers.emplace_back("X-Dinh-Signature", signature);
    return Anonymous().Send("POST", "/v1/bank/notifications", text, "application/json", headers);
  };
  ExpectProblem(send("", body), 401, "SIGNATURE_MISSING");
  ExpectProblem(send("t=1,v1=zz", body), 401, "SIGNATURE_MALFORMED");
  ExpectProblem(send("chữ ký", body), 401, "SIGNATURE_MALFORMED");
  ExpectProblem(send(demo::SignNotification("another secret", UnixNow(), body), body), 401, "SIGNATURE_INVALID");
  ExpectProblem(send(demo::SignNotification(secret, UnixNow(), body), body + " "), 401, "SIGNATURE_INVALID");
  ExpectProblem(send(demo::SignNotification(secret, UnixNow() - 400, body), body), 401, "SIGNATURE_EXPIRED");
  ExpectProblem(send(demo::SignNotification(secret, UnixNow() + 400, body), body), 401, "SIGNATURE_EXPIRED");
  const ApiAnswer good = send(demo::SignNotification(secret, UnixNow(), body), body);
  EXPECT_EQ(good.status, 200) << good.raw;
}

// What a rule makes of a call, as far as rules go.
enum class Verdict { kPass, kUnauthenticated, kDenied };

Verdict Judge(const auth::AccessRule& rule, const auth::Principal& caller, const auth::ResourceScope& row) {
  const absl::Status status = auth::Authorise(rule, caller);
  if (absl::IsUnauthenticated(status)) return Verdict::kUnauthenticated;
  if (!status.ok()) return Verdict::kDenied;
  return auth::InScope(rule, caller, row) ? Verdict::kPass : Verdict::kDenied;
}

Verdict VerdictOf(int status) {
  if (status == 401) return Verdict::kUnauthenticated;
  return status == 403 ? Verdict::kDenied : Verdict::kPass;
}

// The method with another rule, read as a starting server reads it: a rule it would refuse cannot do harm.
absl::StatusOr<auth::AccessRule> ReadWith(const MethodDescriptor& method, const opt::Access& access) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("mutant.proto");
  file.set_package("mutant");
  file.set_syntax("proto3");
  file.add_dependency(method.input_type()->file()->name());
  if (method.output_type()->file() != method.input_type()->file()) {
    file.add_dependency(method.output_type()->file()->name());
  }
  auto* service = file.add_service();
  service->set_name("Mutant");
  auto* rpc = service->add_method();
  rpc->set_name("Call");
  rpc->set_input_type("." + method.input_type()->full_name());
  rpc->set_output_type("." + method.output_type()->full_name());
  rpc->mutable_options()->CopyFrom(method.options());
  *rpc->mutable_options()->MutableExtension(opt::access) = access;
  DescriptorPool pool(DescriptorPool::generated_pool());
  const google::protobuf::FileDescriptor* built = pool.BuildFile(file);
  if (built == nullptr) return absl::InternalError("the mutant cannot be built");
  return auth::ReadAccessRule(*built->service(0)->method(0));
}

struct Mutant {
  std::string name;
  opt::Access access;
};

std::vector<Mutant> MutantsOf(const MethodDescriptor& method, const std::vector<std::string>& permissions) {
  const opt::Access original = method.options().GetExtension(opt::access);
  std::vector<Mutant> mutants;
  const auto add = [&](const std::string& name, const auto& change) {
    Mutant mutant{method.full_name() + " " + name, original};
    change(mutant.access);
    mutants.push_back(std::move(mutant));
  };
  for (const opt::CallerKind kind : {opt::CALLER_KIND_ANONYMOUS, opt::CALLER_KIND_CITIZEN, opt::CALLER_KIND_OFFICER}) {
    add("lets " + opt::CallerKind_Name(kind) + " in", [&](opt::Access& access) { access.add_callers(kind); });
    add("lets " + opt::CallerKind_Name(kind) + " in anywhere", [&](opt::Access& access) {
      access.add_callers(kind);
      access.clear_scope();
    });
  }
  add("has no scope", [](opt::Access& access) { access.clear_scope(); });
  add("asks for no permission", [](opt::Access& access) { access.clear_permissions(); });
  add("asks for nothing", [](opt::Access& access) {
    access.clear_permissions();
    access.clear_scope();
  });
  for (const std::string& permission : permissions) {
    add("takes " + permission, [&](opt::Access& access) { access.add_permissions(permission); });
  }
  return mutants;
}

std::vector<std::string> AllPermissions() {
  std::ifstream in(ServerProcess::Resources() + "/roles.json");
  std::set<std::string> all;
  const Json data = Json::parse(in, nullptr, false);
  for (const Json& role : data.at("roles")) {
    for (const Json& permission : role.at("permissions")) all.insert(permission.get<std::string>());
  }
  return {all.begin(), all.end()};
}

TEST_F(AccessRowsTest, TheRowsAgreeWithTheRules) {
  for (const AccessRow& row : AccessRows()) {
    if (row.by_handler) continue;
    const MethodDescriptor* method = MethodOf(row.method, row.path);
    ASSERT_NE(method, nullptr) << row.path;
    const absl::StatusOr<auth::AccessRule> rule = auth::ReadAccessRule(*method);
    ASSERT_TRUE(rule.ok()) << rule.status();
    for (const std::string& who : Words(row.who)) {
      EXPECT_EQ(Judge(*rule, cast_->Principal(who), cast_->ScopeOf(row.path, row.body)), VerdictOf(row.expected))
          << who << " " << row.method << " " << row.path;
    }
  }
}

TEST_F(AccessRowsTest, WeakeningAnyRuleChangesARow) {
  const std::vector<std::string> permissions = AllPermissions();
  ASSERT_GE(permissions.size(), 8u);
  std::map<const MethodDescriptor*, std::vector<AccessRow>> rows_of;
  for (const AccessRow& row : AccessRows()) {
    if (!row.by_handler) rows_of[MethodOf(row.method, row.path)].push_back(row);
  }
  int weaker = 0, refused = 0, harmless = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    if (HttpRuleOf(*method).verb.empty()) continue;
    const absl::StatusOr<auth::AccessRule> original = auth::ReadAccessRule(*method);
    ASSERT_TRUE(original.ok()) << original.status();
    for (const Mutant& mutant : MutantsOf(*method, permissions)) {
      const absl::StatusOr<auth::AccessRule> rule = ReadWith(*method, mutant.access);
      if (!rule.ok()) {
        ++refused;  // the server would not start
        continue;
      }
      bool caught = false, weakens = false;
      for (const AccessRow& row : rows_of[method]) {
        for (const std::string& who : Words(row.who)) {
          const auth::ResourceScope scope = cast_->ScopeOf(row.path, row.body);
          caught = caught || Judge(*rule, cast_->Principal(who), scope) != VerdictOf(row.expected);
        }
      }
      for (const std::string& who : CastNames()) {
        for (const char* place : {"{dossier}", "{police_dossier}", "{absent}", "elsewhere}", "{login_a}"}) {
          const auth::ResourceScope scope = cast_->ScopeOf(place, "");
          weakens = weakens || (Judge(*rule, cast_->Principal(who), scope) == Verdict::kPass &&
                                Judge(*original, cast_->Principal(who), scope) != Verdict::kPass);
        }
      }
      EXPECT_TRUE(caught || !weakens) << mutant.name << " changes no row";
      ++(weakens ? weaker : harmless);
    }
  }
  // The test itself must bite: most mutants are real ones.
  EXPECT_GE(weaker, 100) << refused << " refused at start, " << harmless << " change nothing for anybody";
  RecordProperty("weaker", weaker);
}

}  // namespace
}  // namespace dinh::testing

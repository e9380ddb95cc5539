#include "libs/auth/access.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/auth/test_types.h"
#include "libs/base/status.h"

namespace dinh::auth {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kRead[] = "idempotency_level: NO_SIDE_EFFECTS ";

// The rule of a method whose options are given in the text format.
absl::StatusOr<AccessRule> RuleOf(const std::string& options) {
  const TestTypes types(
      "dependency: 'dinh/options/v1/options.proto' message_type { name: 'M' } service { name: 'S' method { name: 'Do' "
      "input_type: '.t.M' output_type: '.t.M' options { " +
      options + " } } }");
  return ReadAccessRule(*types.file().service(0)->method(0));
}

std::string Access(const std::string& fields) { return "[dinh.options.v1.access] { " + fields + " }"; }

absl::StatusOr<AccessRule> ReadRule(const std::string& fields) { return RuleOf(kRead + Access(fields)); }
absl::StatusOr<AccessRule> WriteRule(const std::string& fields) { return RuleOf(Access(fields)); }

void ExpectRefused(const absl::StatusOr<AccessRule>& rule, const std::string& why) {
  ASSERT_FALSE(rule.ok()) << why;
  EXPECT_EQ(rule.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(base::DetailOf(rule.status())->reason, "ACCESS_RULE_INVALID");
  EXPECT_THAT(std::string(rule.status().message()), HasSubstr("t.S.Do"));
  EXPECT_THAT(std::string(rule.status().message()), HasSubstr(why));
}

TEST(ReadAccessRule, ReadsEveryField) {
  const auto rule = WriteRule(
      "callers: CALLER_KIND_CITIZEN callers: CALLER_KIND_OFFICER callers: CALLER_KIND_PEER "
      "permissions: 'dossier.accept' permissions: 'dossier.read' scope: SCOPE_OWN_OR_AGENCY_UNIT audit: AUDIT_WRITE "
      "rate: RATE_CLASS_UPLOAD peers: 'payments' peers: 'procedures' store_no_answer: true deadline_s: 120");
  ASSERT_TRUE(rule.ok()) << rule.status();
  EXPECT_FALSE(rule->Allows(CallerKind::kAnonymous));
  EXPECT_TRUE(rule->Allows(CallerKind::kCitizen));
  EXPECT_TRUE(rule->Allows(CallerKind::kOfficer));
  EXPECT_TRUE(rule->Allows(CallerKind::kPeer));
  EXPECT_FALSE(rule->Allows(CallerKind::kSigned));
  EXPECT_THAT(rule->permissions, ElementsAre("dossier.accept", "dossier.read"));
  EXPECT_THAT(rule->peers, ElementsAre("payments", "procedures"));
  EXPECT_EQ(rule->scope, Scope::kOwnOrAgencyUnit);
  EXPECT_EQ(rule->audit, Audit::kWrite);
  EXPECT_EQ(rule->rate, RateClass::kUpload);
  EXPECT_TRUE(rule->store_no_answer);
  EXPECT_FALSE(rule->light);
  EXPECT_EQ(rule->deadline_s, 120);
}

TEST(ReadAccessRule, AcceptsTheUsualRules) {
  EXPECT_TRUE(ReadRule("callers: CALLER_KIND_ANONYMOUS callers: CALLER_KIND_CITIZEN callers: CALLER_KIND_OFFICER "
                       "callers: CALLER_KIND_PEER peers: '*' rate: RATE_CLASS_READ light: true")
                  .ok());
  EXPECT_TRUE(ReadRule("callers: CALLER_KIND_CITIZEN scope: SCOPE_OWN rate: RATE_CLASS_READ "
                       "audit: AUDIT_READ_PERSONAL")
                  .ok());
  EXPECT_TRUE(ReadRule("callers: CALLER_KIND_ANONYMOUS scope: SCOPE_TOKEN rate: RATE_CLASS_READ").ok());
  EXPECT_TRUE(WriteRule("callers: CALLER_KIND_SIGNED rate: RATE_CLASS_NONE audit: AUDIT_WRITE").ok());
  EXPECT_TRUE(WriteRule("callers: CALLER_KIND_OFFICER permissions: 'a.b' scope: SCOPE_AGENCY_UNIT "
                        "rate: RATE_CLASS_WRITE audit: AUDIT_WRITE")
                  .ok());
}

TEST(ReadAccessRule, RefusesAMethodWithoutRule) {
  ExpectRefused(RuleOf(""), "is missing");
  ExpectRefused(ReadRule("rate: RATE_CLASS_READ"), "names no caller");
}

TEST(ReadAccessRule, RefusesCallersThatContradict) {
  ExpectRefused(ReadRule("callers: CALLER_KIND_UNSPECIFIED rate: RATE_CLASS_READ"), "unknown caller");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_READ"),
                "a caller twice");
  ExpectRefused(ReadRule("callers: CALLER_KIND_PEER rate: RATE_CLASS_NONE"), "names no peers");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN peers: 'payments' rate: RATE_CLASS_READ"),
                "without CALLER_KIND_PEER");
  ExpectRefused(ReadRule("callers: CALLER_KIND_PEER peers: '*' peers: 'a' rate: RATE_CLASS_NONE"), "beside other");
  ExpectRefused(ReadRule("callers: CALLER_KIND_PEER peers: 'a' peers: 'a' rate: RATE_CLASS_NONE"), "a peer twice");
  ExpectRefused(ReadRule("callers: CALLER_KIND_PEER peers: 'A b' rate: RATE_CLASS_NONE"), "malformed name");
  ExpectRefused(ReadRule("callers: CALLER_KIND_PEER peers: '' rate: RATE_CLASS_NONE"), "malformed name");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN permissions: 'a.b' rate: RATE_CLASS_READ"),
                "without CALLER_KIND_OFFICER");
  ExpectRefused(ReadRule("callers: CALLER_KIND_OFFICER permissions: 'accept' rate: RATE_CLASS_READ"),
                "malformed permission");
  ExpectRefused(ReadRule("callers: CALLER_KIND_OFFICER permissions: '' rate: RATE_CLASS_READ"), "malformed permission");
  ExpectRefused(ReadRule("callers: CALLER_KIND_OFFICER permissions: 'a.b' permissions: 'a.b' rate: RATE_CLASS_READ"),
                "a permission twice");
}

TEST(ReadAccessRule, RefusesScopesThatSomeCallerCouldNeverPass) {
  const std::string rate = " rate: RATE_CLASS_READ";
  ExpectRefused(ReadRule("callers: CALLER_KIND_PEER peers: 'a' scope: SCOPE_OWN" + rate),
                "without CALLER_KIND_CITIZEN");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN callers: CALLER_KIND_OFFICER scope: SCOPE_OWN" + rate),
                "could never pass");
  ExpectRefused(ReadRule("callers: CALLER_KIND_ANONYMOUS callers: CALLER_KIND_CITIZEN scope: SCOPE_OWN" + rate),
                "CALLER_KIND_ANONYMOUS could never pass");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN scope: SCOPE_AGENCY_UNIT" + rate),
                "without CALLER_KIND_OFFICER");
  ExpectRefused(ReadRule("callers: CALLER_KIND_OFFICER scope: SCOPE_AGENCY_UNIT" + rate), "without permissions");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN callers: CALLER_KIND_OFFICER permissions: 'a.b' "
                         "scope: SCOPE_AGENCY_UNIT" +
                         rate),
                "could never pass");
  ExpectRefused(ReadRule("callers: CALLER_KIND_OFFICER permissions: 'a.b' scope: SCOPE_OWN_OR_AGENCY_UNIT" + rate),
                "without both");
  ExpectRefused(
      ReadRule("callers: CALLER_KIND_CITIZEN callers: CALLER_KIND_OFFICER scope: SCOPE_OWN_OR_AGENCY_UNIT" + rate),
      "without permissions");
  ExpectRefused(ReadRule("callers: CALLER_KIND_PEER peers: 'a' scope: SCOPE_TOKEN" + rate), "without any person");
}

TEST(ReadAccessRule, RefusesConductThatContradicts) {
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN"), "no rate class");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_NONE"), "for peers and signed");
  ExpectRefused(WriteRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_WRITE"), "without AUDIT_WRITE");
  ExpectRefused(WriteRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_WRITE audit: AUDIT_READ_PERSONAL"),
                "without AUDIT_WRITE");
  ExpectRefused(
      RuleOf("idempotency_level: IDEMPOTENT " + Access("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_WRITE")),
      "without AUDIT_WRITE");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_READ audit: AUDIT_WRITE"), "NO_SIDE_EFFECTS");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_READ store_no_answer: true"),
                "nothing is ever stored");
  ExpectRefused(WriteRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_WRITE audit: AUDIT_WRITE light: true"),
                "light but changes");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_READ audit: AUDIT_READ_PERSONAL light: true"),
                "wait for its audit batch");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_READ deadline_s: -1"), "deadline_s");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_READ deadline_s: 601"), "deadline_s");
  ExpectRefused(ReadRule("callers: CALLER_KIND_CITIZEN rate: RATE_CLASS_READ light: true deadline_s: 5"), "deadline");
}

Principal Citizen(const std::string& account, const std::string& person) {
  Principal p;
  p.kind = CallerKind::kCitizen;
  p.id = account;
  p.person = person;
  return p;
}

Principal Officer(std::vector<Grant> grants) {
  Principal p;
  p.kind = CallerKind::kOfficer;
  p.id = "officer-1";
  p.person = "person-officer";
  p.grants = std::move(grants);
  return p;
}

Principal Peer(const std::string& name) {
  Principal p;
  p.kind = CallerKind::kPeer;
  p.id = name;
  return p;
}

AccessRule Rule(std::vector<CallerKind> callers, Scope scope = Scope::kNone, std::vector<std::string> permissions = {},
                std::vector<std::string> peers = {}) {
  AccessRule rule;
  for (const CallerKind kind : callers) rule.callers |= 1u << static_cast<int>(kind);
  rule.scope = scope;
  rule.permissions = std::move(permissions);
  rule.peers = std::move(peers);
  return rule;
}

TEST(Authorise, AsksAnonymousToLogInWhereThatHelps) {
  const Principal nobody;
  const absl::Status status = Authorise(Rule({CallerKind::kCitizen}), nobody);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(base::DetailOf(status)->reason, "LOGIN_REQUIRED");
  EXPECT_EQ(Authorise(Rule({CallerKind::kOfficer}), nobody).code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Authorise(Rule({CallerKind::kPeer}, Scope::kNone, {}, {"*"}), nobody), base::PermissionDenied());
  EXPECT_EQ(Authorise(Rule({CallerKind::kSigned}), nobody), base::PermissionDenied());
  EXPECT_TRUE(Authorise(Rule({CallerKind::kAnonymous}), nobody).ok());
}

TEST(Authorise, LetsInOnlyTheKindsNamed) {
  EXPECT_TRUE(Authorise(Rule({CallerKind::kCitizen}), Citizen("a", "p")).ok());
  EXPECT_EQ(Authorise(Rule({CallerKind::kOfficer}), Citizen("a", "p")), base::PermissionDenied());
  EXPECT_EQ(Authorise(Rule({CallerKind::kAnonymous}), Citizen("a", "p")), base::PermissionDenied());
  EXPECT_EQ(Authorise(Rule({CallerKind::kCitizen}), Officer({})), base::PermissionDenied());
  EXPECT_EQ(Authorise(Rule({CallerKind::kCitizen}), Citizen("", "p")).code(), absl::StatusCode::kUnauthenticated);
}

TEST(Authorise, LetsInOnlyThePeersNamed) {
  const AccessRule rule = Rule({CallerKind::kPeer}, Scope::kNone, {}, {"payments"});
  EXPECT_TRUE(Authorise(rule, Peer("payments")).ok());
  EXPECT_EQ(Authorise(rule, Peer("procedures")), base::PermissionDenied());
  EXPECT_EQ(Authorise(rule, Peer("payments2")), base::PermissionDenied());
  EXPECT_EQ(Authorise(rule, Peer("")), base::PermissionDenied());
  const AccessRule any = Rule({CallerKind::kPeer}, Scope::kNone, {}, {"*"});
  EXPECT_TRUE(Authorise(any, Peer("procedures")).ok());
  EXPECT_EQ(Authorise(any, Peer("")), base::PermissionDenied());
}

TEST(Authorise, OfficersNeedOneOfThePermissionsSomewhere) {
  const AccessRule rule = Rule({CallerKind::kOfficer}, Scope::kNone, {"a.b", "c.d"});
  EXPECT_TRUE(Authorise(rule, Officer({{"r", "x", "1", {"c.d"}}})).ok());
  EXPECT_EQ(Authorise(rule, Officer({{"r", "x", "1", {"c.e"}}})), base::PermissionDenied());
  EXPECT_EQ(Authorise(rule, Officer({})), base::PermissionDenied());
  EXPECT_TRUE(Authorise(Rule({CallerKind::kOfficer}), Officer({})).ok());
}

TEST(Authorise, PermissionsOfANonOfficerAreNothing) {
  Principal citizen = Citizen("a", "p");
  citizen.grants = {{"chair", "x", "1", {"a.b"}}};
  EXPECT_FALSE(citizen.HasAnywhere("a.b"));
  EXPECT_FALSE(citizen.Has("a.b", "x", "1"));
  EXPECT_FALSE(citizen.HasRole("chair", "x"));
}

TEST(InScope, OwnIsThePersonOrTheAccount) {
  const AccessRule rule = Rule({CallerKind::kCitizen}, Scope::kOwn);
  const ResourceScope by_person{.owner_persons = {"p1", "p2"}};
  EXPECT_TRUE(InScope(rule, Citizen("a", "p2"), by_person));
  EXPECT_FALSE(InScope(rule, Citizen("a", "p3"), by_person));
  // One phone, two persons: the login alone does not open what belongs to the other person.
  const ResourceScope of_other{.owner_persons = {"p1"}};
  EXPECT_FALSE(InScope(rule, Citizen("a", "p2"), of_other));
  const ResourceScope by_account{.owner_account = "a"};
  EXPECT_TRUE(InScope(rule, Citizen("a", "p9"), by_account));
  EXPECT_FALSE(InScope(rule, Citizen("b", "p9"), by_account));
}

TEST(InScope, EmptyMatchesNobody) {
  const AccessRule own = Rule({CallerKind::kCitizen}, Scope::kOwn);
  EXPECT_FALSE(InScope(own, Citizen("a", ""), {.owner_persons = {""}}));
  EXPECT_FALSE(InScope(own, Citizen("", ""), {.owner_account = ""}));
  EXPECT_FALSE(InScope(own, Citizen("a", "p"), {}));
  const AccessRule agency = Rule({CallerKind::kOfficer}, Scope::kAgencyUnit, {"a.b"});
  EXPECT_FALSE(InScope(agency, Officer({{"r", "", "", {"a.b"}}}), {}));
  EXPECT_FALSE(InScope(agency, Officer({{"r", "x", "", {"a.b"}}}), {.agency = "x"}));
  EXPECT_FALSE(InScope(agency, Officer({{"r", "", "1", {"a.b"}}}), {.unit = "1"}));
}

TEST(InScope, AgencyAndUnitAndPermissionInOneGrant) {
  const AccessRule rule = Rule({CallerKind::kOfficer}, Scope::kAgencyUnit, {"a.b", "c.d"});
  const ResourceScope row{.agency = "ubnd", .unit = "15865"};
  EXPECT_TRUE(InScope(rule, Officer({{"r", "ubnd", "15865", {"c.d"}}}), row));
  EXPECT_FALSE(InScope(rule, Officer({{"r", "police", "15865", {"a.b"}}}), row)) << "another agency of the unit";
  EXPECT_FALSE(InScope(rule, Officer({{"r", "ubnd", "15880", {"a.b"}}}), row)) << "another unit";
  EXPECT_FALSE(InScope(rule, Officer({{"r", "ubnd", "15865", {"x.y"}}}), row)) << "another permission";
  // Three grants that only together would do.
  EXPECT_FALSE(InScope(
      rule,
      Officer({{"r", "ubnd", "15880", {"a.b"}}, {"r", "police", "15865", {"a.b"}}, {"r", "ubnd", "15865", {"x.y"}}}),
      row));
}

TEST(InScope, OfficersOwnNothingByTheirPerson) {
  const AccessRule rule = Rule({CallerKind::kCitizen, CallerKind::kOfficer}, Scope::kOwnOrAgencyUnit, {"a.b"});
  const ResourceScope row{
      .owner_persons = {"person-officer"}, .owner_account = "officer-1", .agency = "x", .unit = "1"};
  EXPECT_FALSE(InScope(rule, Officer({}), row));
  EXPECT_TRUE(InScope(rule, Officer({{"r", "x", "1", {"a.b"}}}), row));
  EXPECT_TRUE(InScope(rule, Citizen("a", "person-officer"), row));
  Principal citizen = Citizen("a", "p9");
  citizen.grants = {{"r", "x", "1", {"a.b"}}};
  EXPECT_FALSE(InScope(rule, citizen, row));
}

TEST(InScope, PeersAndSignedPassAndKindsNotAllowedDoNot) {
  const AccessRule rule =
      Rule({CallerKind::kCitizen, CallerKind::kPeer, CallerKind::kSigned}, Scope::kOwn, {}, {"payments"});
  EXPECT_TRUE(InScope(rule, Peer("payments"), {}));
  Principal signer;
  signer.kind = CallerKind::kSigned;
  EXPECT_TRUE(InScope(rule, signer, {}));
  const AccessRule citizens = Rule({CallerKind::kCitizen}, Scope::kNone);
  EXPECT_FALSE(InScope(citizens, Peer("payments"), {}));
  EXPECT_FALSE(InScope(citizens, signer, {}));
  EXPECT_FALSE(InScope(citizens, Principal(), {}));
  EXPECT_TRUE(InScope(citizens, Citizen("a", "p"), {}));
  EXPECT_TRUE(InScope(Rule({CallerKind::kAnonymous}, Scope::kToken), Principal(), {}));
}

// Every caller against every scope, by hand: a rule that became weaker anywhere shows here.
TEST(InScope, WholeMatrix) {
  const ResourceScope row{.owner_persons = {"p1"}, .owner_account = "a1", .agency = "ubnd", .unit = "15865"};
  const std::vector<Principal> callers = {Principal(),
                                          Citizen("a1", "p9"),
                                          Citizen("a9", "p1"),
                                          Citizen("a9", "p9"),
                                          Officer({{"r", "ubnd", "15865", {"a.b"}}}),
                                          Officer({{"r", "police", "15865", {"a.b"}}}),
                                          Officer({{"r", "ubnd", "15880", {"a.b"}}}),
                                          Peer("payments")};
  const std::vector<std::pair<Scope, std::string>> expected = {{Scope::kNone, "11111111"},
                                                               {Scope::kOwn, "01100001"},
                                                               {Scope::kAgencyUnit, "00001001"},
                                                               {Scope::kOwnOrAgencyUnit, "01101001"},
                                                               {Scope::kToken, "11111111"}};
  for (const auto& [scope, answers] : expected) {
    const AccessRule rule =
        Rule({CallerKind::kAnonymous, CallerKind::kCitizen, CallerKind::kOfficer, CallerKind::kPeer}, scope, {"a.b"});
    std::string got;
    for (const Principal& caller : callers) got.push_back(InScope(rule, caller, row) ? '1' : '0');
    EXPECT_EQ(got, answers) << static_cast<int>(scope);
  }
}

}  // namespace
}  // namespace dinh::auth

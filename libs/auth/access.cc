#include "libs/auth/access.h"

#include <algorithm>
#include <utility>

#include "dinh/options/v1/options.pb.h"
#include "libs/base/status.h"

namespace dinh::auth {
namespace {

namespace opt = ::dinh::options::v1;
using google::protobuf::MethodDescriptor;
using google::protobuf::MethodOptions;

constexpr int kDeadlineSecondsMax = 600;
constexpr std::string_view kAnyPeer = "*";

constexpr unsigned Bit(CallerKind kind) { return 1u << static_cast<int>(kind); }
constexpr unsigned kPeople = Bit(CallerKind::kAnonymous) | Bit(CallerKind::kCitizen) | Bit(CallerKind::kOfficer);

bool IsName(std::string_view name, std::string_view more) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
  });
}

// "dossier.accept": at least two parts.
bool IsPermission(std::string_view name) {
  return IsName(name, "._") && name.find('.') != std::string_view::npos && name.front() != '.' && name.back() != '.';
}

template <typename T>
bool HasDuplicate(std::vector<T> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

// What a rule says twice in different ways, in the words of the one who must correct the proto. Empty: consistent.
std::string CallersProblem(const AccessRule& rule) {
  const bool peer = rule.Allows(CallerKind::kPeer);
  if (rule.callers == 0) return "names no caller";
  if (peer && rule.peers.empty()) return "lets CALLER_KIND_PEER in but names no peers (or \"*\")";
  if (!peer && !rule.peers.empty()) return "names peers without CALLER_KIND_PEER";
  if (HasDuplicate(rule.peers)) return "names a peer twice";
  if (rule.peers.size() > 1 && std::find(rule.peers.begin(), rule.peers.end(), kAnyPeer) != rule.peers.end()) {
    return "names \"*\" beside other peers";
  }
  for (const std::string& name : rule.peers) {
    if (name != kAnyPeer && !IsName(name, "-_")) return "names a peer with a malformed name '" + name + "'";
  }
  if (!rule.Allows(CallerKind::kOfficer) && !rule.permissions.empty()) {
    return "asks for permissions without CALLER_KIND_OFFICER";
  }
  if (HasDuplicate(rule.permissions)) return "names a permission twice";
  for (const std::string& name : rule.permissions) {
    if (!IsPermission(name)) return "names a malformed permission '" + name + "' (want \"thing.verb\")";
  }
  return {};
}

std::string ScopeProblem(const AccessRule& rule) {
  const bool anonymous = rule.Allows(CallerKind::kAnonymous);
  const bool citizen = rule.Allows(CallerKind::kCitizen);
  const bool officer = rule.Allows(CallerKind::kOfficer);
  switch (rule.scope) {
    case Scope::kNone:
      return {};
    case Scope::kOwn:
      if (!citizen) return "has SCOPE_OWN without CALLER_KIND_CITIZEN";
      if (officer) return "has SCOPE_OWN with CALLER_KIND_OFFICER, who could never pass";
      break;
    case Scope::kAgencyUnit:
      if (!officer) return "has SCOPE_AGENCY_UNIT without CALLER_KIND_OFFICER";
      if (citizen) return "has SCOPE_AGENCY_UNIT with CALLER_KIND_CITIZEN, who could never pass";
      if (rule.permissions.empty()) return "has SCOPE_AGENCY_UNIT without permissions";
      break;
    case Scope::kOwnOrAgencyUnit:
      if (!citizen || !officer) return "has SCOPE_OWN_OR_AGENCY_UNIT without both citizens and officers";
      if (rule.permissions.empty()) return "has SCOPE_OWN_OR_AGENCY_UNIT without permissions";
      break;
    case Scope::kToken:
      if ((rule.callers & kPeople) == 0) return "has SCOPE_TOKEN without any person as caller";
      return {};
  }
  if (anonymous) return "has a scope that CALLER_KIND_ANONYMOUS could never pass";
  return {};
}

std::string ConductProblem(const AccessRule& rule, bool mutation) {
  if (rule.rate == RateClass::kUnspecified) return "names no rate class";
  if (rule.rate == RateClass::kNone && (rule.callers & kPeople) != 0) {
    return "has RATE_CLASS_NONE, which is for peers and signed callers only";
  }
  if (mutation && rule.audit != Audit::kWrite) {
    return "changes something without AUDIT_WRITE (or lacks idempotency_level = NO_SIDE_EFFECTS)";
  }
  if (!mutation && rule.audit == Audit::kWrite) return "has AUDIT_WRITE and NO_SIDE_EFFECTS";
  if (!mutation && rule.store_no_answer) return "has store_no_answer and NO_SIDE_EFFECTS: nothing is ever stored";
  if (rule.light && mutation) return "is light but changes something";
  if (rule.light && rule.audit == Audit::kReadPersonal) return "is light but must wait for its audit batch";
  if (rule.light && rule.deadline_s != 0) return "is light but has a longer deadline";
  if (rule.deadline_s < 0 || rule.deadline_s > kDeadlineSecondsMax) {
    return "has a deadline_s outside 0 … " + std::to_string(kDeadlineSecondsMax);
  }
  return {};
}

// The enums of the proto become ours by number; a number from a newer proto is a problem, never a default.
std::string ReadEnums(const opt::Access& access, AccessRule* rule) {
  for (const int caller : access.callers()) {
    if (caller < opt::CALLER_KIND_ANONYMOUS || caller > opt::CALLER_KIND_SIGNED) return "names an unknown caller";
    const unsigned bit = 1u << caller;
    if ((rule->callers & bit) != 0) return "names a caller twice";
    rule->callers |= bit;
  }
  if (!opt::Scope_IsValid(access.scope())) return "has an unknown scope";
  if (!opt::Audit_IsValid(access.audit())) return "has an unknown audit class";
  if (!opt::RateClass_IsValid(access.rate())) return "has an unknown rate class";
  rule->scope = static_cast<Scope>(access.scope());
  rule->audit = static_cast<Audit>(access.audit());
  rule->rate = static_cast<RateClass>(access.rate());
  return {};
}

static_assert(static_cast<int>(Scope::kToken) == opt::SCOPE_TOKEN);
static_assert(static_cast<int>(Scope::kOwnOrAgencyUnit) == opt::SCOPE_OWN_OR_AGENCY_UNIT);
static_assert(static_cast<int>(Audit::kReadPersonal) == opt::AUDIT_READ_PERSONAL);
static_assert(static_cast<int>(RateClass::kNone) == opt::RATE_CLASS_NONE);
static_assert(static_cast<int>(CallerKind::kSigned) == opt::CALLER_KIND_SIGNED);
static_assert(opt::Scope_ARRAYSIZE == 5 && opt::Audit_ARRAYSIZE == 3 && opt::RateClass_ARRAYSIZE == 7);
static_assert(static_cast<int>(RateClass::kPublicList) == opt::RATE_CLASS_PUBLIC_LIST);

absl::Status RuleError(const MethodDescriptor& method, const std::string& problem) {
  const std::string& name = method.full_name();
  return base::FailedPrecondition(
      "ACCESS_RULE_INVALID",
      {"Quy tắc truy cập của " + name + " chưa hợp lệ: " + problem +
           ". Hãy sửa tùy chọn dinh.options.v1.access trong tệp proto.",
       "The access rule of " + name + " " + problem + ". Correct the option dinh.options.v1.access in its proto file."},
      {{"method", name}});
}

bool IsOwn(const Principal& principal, const ResourceScope& row) {
  if (principal.kind != CallerKind::kCitizen) return false;
  if (!principal.id.empty() && principal.id == row.owner_account) return true;
  return !principal.person.empty() &&
         std::find(row.owner_persons.begin(), row.owner_persons.end(), principal.person) != row.owner_persons.end();
}

bool IsInAgency(const AccessRule& rule, const Principal& principal, const ResourceScope& row) {
  return std::any_of(rule.permissions.begin(), rule.permissions.end(),
                     [&](const std::string& permission) { return principal.Has(permission, row.agency, row.unit); });
}

absl::Status LoginRequired() {
  return base::Unauthenticated("LOGIN_REQUIRED", {"Việc này cần đăng nhập. Hãy đăng nhập rồi thực hiện lại.",
                                                  "This needs a login. Log in, then repeat the call."});
}

}  // namespace

absl::StatusOr<AccessRule> ReadAccessRule(const MethodDescriptor& method) {
  if (!method.options().HasExtension(opt::access)) return RuleError(method, "is missing");
  const opt::Access& access = method.options().GetExtension(opt::access);
  AccessRule rule;
  std::string problem = ReadEnums(access, &rule);
  if (!problem.empty()) return RuleError(method, problem);
  rule.permissions.assign(access.permissions().begin(), access.permissions().end());
  rule.peers.assign(access.peers().begin(), access.peers().end());
  rule.light = access.light();
  rule.store_no_answer = access.store_no_answer();
  rule.deadline_s = access.deadline_s();
  const bool mutation = method.options().idempotency_level() != MethodOptions::NO_SIDE_EFFECTS;
  problem = CallersProblem(rule);
  if (problem.empty()) problem = ScopeProblem(rule);
  if (problem.empty()) problem = ConductProblem(rule, mutation);
  if (!problem.empty()) return RuleError(method, problem);
  return rule;
}

absl::Status Authorise(const AccessRule& rule, const Principal& principal) {
  // A login without its account is no login.
  const bool person = principal.kind == CallerKind::kCitizen || principal.kind == CallerKind::kOfficer;
  if (person && principal.id.empty()) return LoginRequired();
  if (!rule.Allows(principal.kind)) {
    const bool login_helps = rule.Allows(CallerKind::kCitizen) || rule.Allows(CallerKind::kOfficer);
    return principal.anonymous() && login_helps ? LoginRequired() : base::PermissionDenied();
  }
  if (principal.kind == CallerKind::kPeer) {
    const bool listed = std::any_of(rule.peers.begin(), rule.peers.end(),
                                    [&](const std::string& peer) { return peer == kAnyPeer || peer == principal.id; });
    return listed && !principal.id.empty() ? absl::OkStatus() : base::PermissionDenied();
  }
  if (principal.kind == CallerKind::kOfficer && !rule.permissions.empty()) {
    const bool held = std::any_of(rule.permissions.begin(), rule.permissions.end(),
                                  [&](const std::string& permission) { return principal.HasAnywhere(permission); });
    return held ? absl::OkStatus() : base::PermissionDenied();
  }
  return absl::OkStatus();
}

bool InScope(const AccessRule& rule, const Principal& principal, const ResourceScope& row) {
  if (!rule.Allows(principal.kind)) return false;
  // Peers are let in by name, signed callers by their key: neither owns rows. Their handlers narrow by themselves.
  if (principal.kind == CallerKind::kPeer || principal.kind == CallerKind::kSigned) return true;
  switch (rule.scope) {
    case Scope::kNone:
    case Scope::kToken:
      return true;
    case Scope::kOwn:
      return IsOwn(principal, row);
    case Scope::kAgencyUnit:
      return IsInAgency(rule, principal, row);
    case Scope::kOwnOrAgencyUnit:
      return principal.kind == CallerKind::kOfficer ? IsInAgency(rule, principal, row) : IsOwn(principal, row);
  }
  return false;
}

}  // namespace dinh::auth

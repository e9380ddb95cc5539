// Access rules, read once from the descriptors into tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "libs/auth/principal.h"

namespace dinh::auth {

enum class Scope { kNone, kOwn, kAgencyUnit, kOwnOrAgencyUnit, kToken };
enum class Audit { kNone, kWrite, kReadPersonal };
enum class RateClass { kUnspecified, kRead, kWrite, kAuth, kUpload, kNone, kPublicList };

struct AccessRule {
  unsigned callers = 0;  // bit (1 << CallerKind)
  std::vector<std::string> permissions;
  Scope scope = Scope::kNone;
  Audit audit = Audit::kNone;
  RateClass rate = RateClass::kUnspecified;
  std::vector<std::string> peers;
  bool light = false;
  bool store_no_answer = false;
  int deadline_s = 0;

  bool Allows(CallerKind kind) const { return (callers & (1u << static_cast<int>(kind))) != 0; }
};

// FAILED_PRECONDITION when the method has no rule, names no caller, or contradicts itself (the server must not start).
absl::StatusOr<AccessRule> ReadAccessRule(const google::protobuf::MethodDescriptor& method);

// The part of authorisation that needs no row: kind of caller, peer name, and for officers one of the permissions
// somewhere. UNAUTHENTICATED for an anonymous caller where a login would help, else PERMISSION_DENIED.
absl::Status Authorise(const AccessRule& rule, const Principal& principal);

// The part that hangs on the row. true: the caller may.
bool InScope(const AccessRule& rule, const Principal& principal, const ResourceScope& row);

}  // namespace dinh::auth

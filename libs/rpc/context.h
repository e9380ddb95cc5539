// The context of one call, as handlers see it: an OpContext plus who is calling and under which rule.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/auth/access.h"
#include "libs/auth/principal.h"
#include "libs/base/op_context.h"
#include "libs/base/status.h"

namespace dinh::rpc {

struct MethodEntry;

// Not thread-safe; lives as long as the call.
class Context : public base::OpContext {
 public:
  Context(const base::Clock& clock, Deadline deadline, const MethodEntry& method, auth::Principal principal)
      : OpContext(clock, deadline), method_(method), principal_(std::move(principal)) {}

  const MethodEntry& method() const { return method_; }
  const auth::Principal& principal() const { return principal_; }
  const auth::AccessRule& rule() const;

  // The check that hangs on the row. `row` is a StatusOr<std::optional<T>> or StatusOr<T> from the store, T having
  // `auth::ResourceScope scope() const`. Absent and foreign give the same PERMISSION_DENIED, byte for byte. Every
  // handler of a scoped method must pass through here (or through CheckScope); the pipeline refuses the answer of one
  // that did not.
  template <typename T>
  absl::StatusOr<T> InScope(absl::StatusOr<std::optional<T>> row) {
    scope_checked_ = true;
    if (!row.ok()) return absl::IsNotFound(row.status()) ? base::PermissionDenied() : row.status();
    if (!row->has_value() || !auth::InScope(rule(), principal_, (*row)->scope())) return base::PermissionDenied();
    return **std::move(row);
  }
  template <typename T>
    requires requires(const T& t) { t.scope(); }
  absl::StatusOr<T> InScope(absl::StatusOr<T> row) {
    scope_checked_ = true;
    if (!row.ok()) return absl::IsNotFound(row.status()) ? base::PermissionDenied() : row.status();
    if (!auth::InScope(rule(), principal_, row->scope())) return base::PermissionDenied();
    return row;
  }
  absl::Status CheckScope(const auth::ResourceScope& row) {
    scope_checked_ = true;
    return auth::InScope(rule(), principal_, row) ? absl::OkStatus() : base::PermissionDenied();
  }
  // For lists and creations whose rows are selected by the principal itself: says so explicitly.
  void ScopeByPrincipal() { scope_checked_ = true; }
  bool scope_checked() const { return scope_checked_; }

  // Whose personal data the call touched and why: goes into the audit row ("who read my data, when, why").
  void AuditSubject(std::string person, std::string resource) {
    audit_subjects_.push_back({std::move(person), std::move(resource)});
  }
  struct Subject {
    std::string person;
    std::string resource;
  };
  const std::vector<Subject>& audit_subjects() const { return audit_subjects_; }
  // A method that reads personal data for some callers answered this one with what is public: no row is written.
  void NothingPersonal() { nothing_personal_ = true; }
  bool nothing_personal() const { return nothing_personal_; }
  std::string audit_reason;  // free of personal data: "dossier H56.15865-260213-0001"

  // The call carries a request id. The claim of a client stream exists from its end on: before, only this tells that
  // the call may be one that was answered already.
  bool has_request_id = false;

  // The caller's own access token, for calls in the user's name to another process; empty when it came by another way.
  // Never logged or stored.
  std::string bearer;

  // The caller's language for texts made by handlers: "vi" or "en".
  std::string language = "vi";

 private:
  const MethodEntry& method_;
  auth::Principal principal_;
  bool scope_checked_ = false;
  bool nothing_personal_ = false;
  std::vector<Subject> audit_subjects_;
};

}  // namespace dinh::rpc

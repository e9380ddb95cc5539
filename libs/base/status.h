// Errors of the platform: an absl::Status that carries a reason, texts in Vietnamese and English, metadata, field
// violations and a retry delay. Handlers never build a status by hand: they call these constructors, or the named
// ones in their service's errors.h. The transports (gRPC, REST, Connect) render them; see libs/rpc/status_proto.h.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::base {

// A text in the two languages of the platform. Vietnamese is what a citizen reads; English is for developers.
struct Text {
  std::string vi;
  std::string en;
};

struct FieldViolation {
  std::string field;  // proto field path, e.g. "form.copies" or "attachments[2]"
  Text description;
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

struct ErrorDetail {
  std::string reason;  // UPPER_SNAKE, stable, unique in the domain "dinh"
  Text text;           // tells the reader what to do next; never personal data, SQL or a path
  Metadata metadata;   // every value that varies in the text
  std::vector<FieldViolation> violations;
  int64_t retry_after_ms = 0;  // > 0: waiting helps
};

// The status' message is the English text; the rest travels as a payload.
absl::Status MakeError(absl::StatusCode code, const ErrorDetail& detail);
// nullopt for a status that was not made by MakeError.
std::optional<ErrorDetail> DetailOf(const absl::Status& status);

absl::Status Error(absl::StatusCode code, std::string_view reason, Text text, Metadata metadata = {});

// INVALID_ARGUMENT, reason INVALID_FIELD (or the one given), one violation.
absl::Status InvalidField(std::string_view field, Text description, std::string_view reason = "INVALID_FIELD");
// INVALID_ARGUMENT with all violations of a request at once.
absl::Status InvalidFields(std::vector<FieldViolation> violations);
absl::Status NotFound(std::string_view reason, Text text, Metadata metadata = {});
absl::Status FailedPrecondition(std::string_view reason, Text text, Metadata metadata = {});
absl::Status Unauthenticated(std::string_view reason, Text text);
// The one answer to "absent or foreign": same bytes whatever the cause. Never add details to it.
absl::Status PermissionDenied();
// ABORTED, reason STALE_ETAG.
absl::Status StaleEtag();
absl::Status ResourceExhausted(std::string_view reason, Text text, int64_t retry_after_ms);
absl::Status Unavailable(std::string_view reason, Text text, int64_t retry_after_ms = 1000);
// INTERNAL. `what` is for the log only: the transports replace it by a general text.
absl::Status Internal(std::string_view what);

}  // namespace dinh::base

#define DINH_CONCAT_INNER(a, b) a##b
#define DINH_CONCAT(a, b) DINH_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expr)                                                     \
  do {                                                                            \
    if (absl::Status dinh_status = (expr); !dinh_status.ok()) return dinh_status; \
  } while (false)

#define DINH_ASSIGN_OR_RETURN(tmp, lhs, expr)    \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = *std::move(tmp)
#define ASSIGN_OR_RETURN(lhs, ...) DINH_ASSIGN_OR_RETURN(DINH_CONCAT(dinh_or_, __LINE__), lhs, (__VA_ARGS__))

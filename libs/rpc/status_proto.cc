#include "libs/rpc/status_proto.h"

#include <algorithm>
#include <array>
#include <optional>

#include "google/rpc/error_details.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::rpc {
namespace {

using google::rpc::BadRequest;
using google::rpc::ErrorInfo;
using google::rpc::LocalizedMessage;
using google::rpc::RetryInfo;

constexpr std::array<std::string_view, 17> kNames = {
    "OK",       "Canceled",       "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated"};
constexpr std::array<std::string_view, 17> kConstants = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};
constexpr int64_t kMillisPerSecond = 1000;
constexpr int64_t kNanosPerMilli = 1'000'000;

size_t Index(absl::StatusCode code) {
  const auto index = static_cast<size_t>(code);
  return index < kNames.size() ? index : static_cast<size_t>(absl::StatusCode::kUnknown);
}

bool IsOurFault(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss;
}

void PackViolations(const base::ErrorDetail& detail, std::string base::Text::*language, google::rpc::Status* proto) {
  BadRequest bad;
  for (const base::FieldViolation& violation : detail.violations) {
    auto* field = bad.add_field_violations();
    field->set_field(violation.field);
    field->set_description(violation.description.*language);
  }
  proto->add_details()->PackFrom(bad);
}

void PackText(std::string_view locale, const std::string& text, google::rpc::Status* proto) {
  if (text.empty()) return;
  LocalizedMessage message;
  message.set_locale(std::string(locale));
  message.set_message(text);
  proto->add_details()->PackFrom(message);
}

void ReadViolations(const BadRequest& bad, bool second, base::ErrorDetail* detail) {
  if (!second) {
    for (const auto& field : bad.field_violations()) {
      detail->violations.push_back({field.field(), {field.description(), field.description()}});
    }
    return;
  }
  const int count = std::min<int>(bad.field_violations_size(), static_cast<int>(detail->violations.size()));
  for (int i = 0; i < count; ++i) detail->violations[i].description.en = bad.field_violations(i).description();
}

}  // namespace

absl::Status ForOutside(const absl::Status& status, std::string_view trace_id) {
  if (status.ok()) return status;
  const std::optional<base::ErrorDetail> detail = base::DetailOf(status);
  if (!IsOurFault(status.code()) && detail.has_value()) return status;
  // A commit whose outcome the store cannot tell (libs/db/database.h): whoever asks again, with the same request id,
  // learns it. Its text says so.
  if (status.code() == absl::StatusCode::kUnknown && detail.has_value()) {
    return base::MakeError(absl::StatusCode::kUnavailable, *detail);
  }
  // Deadline and cancellation of libraries below carry no text of ours but mean what they say.
  if (status.code() == absl::StatusCode::kCancelled || status.code() == absl::StatusCode::kDeadlineExceeded) {
    const bool cancelled = status.code() == absl::StatusCode::kCancelled;
    return base::Error(status.code(), cancelled ? "CANCELLED" : "DEADLINE_EXCEEDED",
                       cancelled
                           ? base::Text{"Yêu cầu đã bị hủy. Hãy gửi lại nếu bạn vẫn cần.",
                                        "The call was cancelled. Send it again if needed."}
                           : base::Text{"Yêu cầu quá thời gian cho phép. Hãy thử lại với cùng mã yêu cầu.",
                                        "The call took longer than allowed. Try again with the same request id."});
  }
  std::optional<base::ErrorDetail> general = base::DetailOf(base::Internal(""));
  general->metadata = {{"trace_id", std::string(trace_id)}};
  return base::MakeError(absl::StatusCode::kInternal, *general);
}

google::rpc::Status ToProto(const absl::Status& status) {
  google::rpc::Status proto;
  proto.set_code(static_cast<int>(status.code()));
  proto.set_message(std::string(base::FromAbsl(status.message())));
  if (status.ok()) return proto;
  const base::ErrorDetail detail = base::DetailOf(status).value_or(base::ErrorDetail{});
  ErrorInfo info;
  info.set_reason(detail.reason.empty() ? std::string(CodeConstant(status.code())) : detail.reason);
  info.set_domain(std::string(kErrorDomain));
  for (const auto& [key, value] : detail.metadata) (*info.mutable_metadata())[key] = value;
  proto.add_details()->PackFrom(info);
  if (!detail.violations.empty()) {
    PackViolations(detail, &base::Text::vi, &proto);
    PackViolations(detail, &base::Text::en, &proto);
  }
  if (detail.retry_after_ms > 0) {
    RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(detail.retry_after_ms / kMillisPerSecond);
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(detail.retry_after_ms % kMillisPerSecond * kNanosPerMilli));
    proto.add_details()->PackFrom(retry);
  }
  PackText("vi", detail.text.vi, &proto);
  PackText("en", detail.text.en, &proto);
  return proto;
}

absl::Status FromProto(const google::rpc::Status& proto) {
  const auto code = static_cast<absl::StatusCode>(proto.code());
  if (code == absl::StatusCode::kOk) return absl::OkStatus();
  base::ErrorDetail detail;
  bool has_violations = false;
  for (const google::protobuf::Any& any : proto.details()) {
    ErrorInfo info;
    BadRequest bad;
    RetryInfo retry;
    LocalizedMessage text;
    if (any.Is<ErrorInfo>() && any.UnpackTo(&info)) {
      detail.reason = info.reason();
      for (const auto& [key, value] : info.metadata()) detail.metadata.emplace_back(key, value);
    } else if (any.Is<BadRequest>() && any.UnpackTo(&bad)) {
      ReadViolations(bad, has_violations, &detail);
      has_violations = true;
    } else if (any.Is<RetryInfo>() && any.UnpackTo(&retry)) {
      detail.retry_after_ms =
          retry.retry_delay().seconds() * kMillisPerSecond + retry.retry_delay().nanos() / kNanosPerMilli;
    } else if (any.Is<LocalizedMessage>() && any.UnpackTo(&text)) {
      (text.locale() == "vi" ? detail.text.vi : detail.text.en) = text.message();
    }
  }
  if (detail.reason.empty()) return absl::Status(code, base::ToAbsl(proto.message()));
  if (detail.text.en.empty()) detail.text.en = proto.message();
  if (detail.text.vi.empty()) detail.text.vi = detail.text.en;
  std::sort(detail.metadata.begin(), detail.metadata.end());  // a protobuf map has no order
  return base::MakeError(code, detail);
}

std::string_view CodeName(absl::StatusCode code) { return kNames[Index(code)]; }
std::string_view CodeConstant(absl::StatusCode code) { return kConstants[Index(code)]; }

}  // namespace dinh::rpc

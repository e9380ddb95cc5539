#include "libs/base/status.h"

#include <charconv>
#include <cstdint>

#include "absl/strings/cord.h"
#include "libs/base/strings.h"

namespace dinh::base {
namespace {

// The payload is private to this file: a sequence of netstrings ("<length>:<bytes>"), lists preceded by their count.
constexpr std::string_view kPayloadUrl = "dinh/error_detail";

class Writer {
 public:
  void String(std::string_view s) {
    Number(static_cast<int64_t>(s.size()));
    out_.append(s);
  }
  void Number(int64_t n) {
    out_.append(std::to_string(n));
    out_.push_back(':');
  }
  std::string Take() && { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  bool Number(int64_t* n) {
    const size_t colon = in_.find(':');
    if (colon == std::string_view::npos) return false;
    const auto [end, error] = std::from_chars(in_.data(), in_.data() + colon, *n);
    if (error != std::errc() || end != in_.data() + colon) return false;
    in_.remove_prefix(colon + 1);
    return true;
  }
  bool String(std::string* s) {
    int64_t size = 0;
    if (!Number(&size) || size < 0 || static_cast<size_t>(size) > in_.size()) return false;
    s->assign(in_.substr(0, static_cast<size_t>(size)));
    in_.remove_prefix(static_cast<size_t>(size));
    return true;
  }
  // Every item takes at least one byte, so a count above what is left is a lie.
  bool Count(int64_t* n) { return Number(n) && *n >= 0 && static_cast<size_t>(*n) <= in_.size(); }
  bool AtEnd() const { return in_.empty(); }

 private:
  std::string_view in_;
};

std::string Encode(const ErrorDetail& detail) {
  Writer out;
  out.String(detail.reason);
  out.String(detail.text.vi);
  out.String(detail.text.en);
  out.Number(static_cast<int64_t>(detail.metadata.size()));
  for (const auto& [key, value] : detail.metadata) {
    out.String(key);
    out.String(value);
  }
  out.Number(static_cast<int64_t>(detail.violations.size()));
  for (const FieldViolation& violation : detail.violations) {
    out.String(violation.field);
    out.String(violation.description.vi);
    out.String(violation.description.en);
  }
  out.Number(detail.retry_after_ms);
  return std::move(out).Take();
}

std::optional<ErrorDetail> Decode(std::string_view bytes) {
  Reader in(bytes);
  ErrorDetail detail;
  if (!in.String(&detail.reason) || !in.String(&detail.text.vi) || !in.String(&detail.text.en)) return std::nullopt;
  int64_t count = 0;
  if (!in.Count(&count)) return std::nullopt;
  for (int64_t i = 0; i < count; ++i) {
    auto& [key, value] = detail.metadata.emplace_back();
    if (!in.String(&key) || !in.String(&value)) return std::nullopt;
  }
  if (!in.Count(&count)) return std::nullopt;
  for (int64_t i = 0; i < count; ++i) {
    FieldViolation& violation = detail.violations.emplace_back();
    if (!in.String(&violation.field) || !in.String(&violation.description.vi) ||
        !in.String(&violation.description.en)) {
      return std::nullopt;
    }
  }
  if (!in.Number(&detail.retry_after_ms) || !in.AtEnd()) return std::nullopt;
  return detail;
}

absl::Status WithDetail(absl::StatusCode code, std::string_view message, const ErrorDetail& detail) {
  // An error that came out as OK would be taken for success.
  if (code == absl::StatusCode::kOk) code = absl::StatusCode::kUnknown;
  absl::Status status(code, ToAbsl(message));
  status.SetPayload(ToAbsl(kPayloadUrl), absl::Cord(Encode(detail)));
  return status;
}

}  // namespace

absl::Status MakeError(absl::StatusCode code, const ErrorDetail& detail) {
  return WithDetail(code, detail.text.en, detail);
}

std::optional<ErrorDetail> DetailOf(const absl::Status& status) {
  const auto payload = status.GetPayload(ToAbsl(kPayloadUrl));
  if (!payload.has_value()) return std::nullopt;
  return Decode(std::string(*payload));
}

absl::Status Error(absl::StatusCode code, std::string_view reason, Text text, Metadata metadata) {
  return MakeError(code, {.reason = std::string(reason), .text = std::move(text), .metadata = std::move(metadata)});
}

absl::Status InvalidField(std::string_view field, Text description, std::string_view reason) {
  ErrorDetail detail;
  detail.reason = std::string(reason);
  detail.text.vi = "Trường “" + std::string(field) + "” chưa hợp lệ: " + description.vi;
  detail.text.en = "Field '" + std::string(field) + "' is not valid: " + description.en;
  detail.metadata = {{"field", std::string(field)}};
  detail.violations = {{std::string(field), std::move(description)}};
  return MakeError(absl::StatusCode::kInvalidArgument, detail);
}

absl::Status InvalidFields(std::vector<FieldViolation> violations) {
  if (violations.size() == 1) return InvalidField(violations[0].field, std::move(violations[0].description));
  const std::string count = std::to_string(violations.size());
  ErrorDetail detail;
  detail.reason = "INVALID_FIELD";
  detail.text.vi = "Có " + count + " trường chưa hợp lệ. Hãy sửa từng trường theo chỉ dẫn rồi gửi lại.";
  detail.text.en = count + " fields are not valid. Correct each as its description says and send again.";
  detail.metadata = {{"count", count}};
  detail.violations = std::move(violations);
  return MakeError(absl::StatusCode::kInvalidArgument, detail);
}

absl::Status NotFound(std::string_view reason, Text text, Metadata metadata) {
  return Error(absl::StatusCode::kNotFound, reason, std::move(text), std::move(metadata));
}

absl::Status FailedPrecondition(std::string_view reason, Text text, Metadata metadata) {
  return Error(absl::StatusCode::kFailedPrecondition, reason, std::move(text), std::move(metadata));
}

absl::Status Unauthenticated(std::string_view reason, Text text) {
  return Error(absl::StatusCode::kUnauthenticated, reason, std::move(text));
}

absl::Status PermissionDenied() {
  return Error(
      absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
      {"Bạn không có quyền thực hiện việc này, hoặc nội dung không tồn tại. Hãy kiểm tra lại đường dẫn và tài "
       "khoản đang đăng nhập.",
       "You may not do this, or it does not exist. Check the address and the account you are logged in with."});
}

absl::Status StaleEtag() {
  return Error(absl::StatusCode::kAborted, "STALE_ETAG",
               {"Nội dung đã được người khác thay đổi. Hãy tải lại rồi thực hiện lại thay đổi của bạn.",
                "The resource was changed in the meantime. Read it again and repeat your change."});
}

absl::Status ResourceExhausted(std::string_view reason, Text text, int64_t retry_after_ms) {
  return MakeError(absl::StatusCode::kResourceExhausted,
                   {.reason = std::string(reason), .text = std::move(text), .retry_after_ms = retry_after_ms});
}

absl::Status Unavailable(std::string_view reason, Text text, int64_t retry_after_ms) {
  return MakeError(absl::StatusCode::kUnavailable,
                   {.reason = std::string(reason), .text = std::move(text), .retry_after_ms = retry_after_ms});
}

absl::Status Internal(std::string_view what) {
  // `what` is the status' message only, so that whoever renders the detail cannot let it out.
  return WithDetail(absl::StatusCode::kInternal, what,
                    {.reason = "INTERNAL",
                     .text = {"Hệ thống gặp lỗi. Hãy thử lại sau ít phút; nếu vẫn lỗi, báo mã truy vết cho nơi hỗ trợ.",
                              "Something failed on our side. Try again in a few minutes; if it persists, give support "
                              "the trace id."}});
}

}  // namespace dinh::base

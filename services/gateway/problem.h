// Errors as HTTP clients see them: application/problem+json (RFC 9457) with the status table of the API conventions.
//
//   {"type":"about:blank","title":…,"status":409,"detail":…,"reason":"STALE_ETAG","violations":[{"field":…,
//    "description":…}],"metadata":{…},"trace_id":…}
//
// Texts are Vietnamese unless Accept-Language prefers English. Only statuses that rpc::ForOutside has passed are
// rendered, so no internal text can leave. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/base/status.h"
#include "libs/http/message.h"

namespace dinh::gateway {

// "vi" or "en", by the qualities of Accept-Language; "vi" when it names neither.
std::string_view ChooseLanguage(std::string_view accept_language);

// INVALID_ARGUMENT → 400 …; reasons with a status of their own (IDEMPOTENCY_KEY_REUSED → 422, BODY_TOO_LARGE → 413).
int HttpStatusOf(const absl::Status& status);

// Made of `status` with ForOutside; Retry-After and RateLimit where waiting helps. Without security headers.
http::Response Problem(const absl::Status& status, std::string_view language, std::string_view trace_id);

// What the server or the gateway itself refuses, in the same form.
struct Refusal {
  int status = 400;
  std::string_view reason;
  std::string_view vi;
  std::string_view en;
};
http::Response Problem(const Refusal& refusal, std::string_view language, std::string_view trace_id);

// What every error answer says in its header, whatever the form of its body.
void AddErrorHeaders(int status, const base::ErrorDetail& detail, bool vi, http::ResponseHeaders* headers);

inline constexpr Refusal kNoSuchRoute = {404, "NO_SUCH_ROUTE",
                                         "Không có địa chỉ này. Hãy kiểm tra lại đường dẫn; danh sách ở /docs.",
                                         "There is nothing at this address. Check the path; /docs lists them all."};
inline constexpr Refusal kMethodNotAllowed = {
    405, "METHOD_NOT_ALLOWED", "Địa chỉ này không nhận phương thức đó. Hãy dùng phương thức ghi trong tiêu đề Allow.",
    "This address does not take that method. Use one of those in Allow."};
inline constexpr Refusal kUnsupportedType = {
    415, "UNSUPPORTED_MEDIA_TYPE",
    "Kiểu nội dung chưa đúng. Hãy gửi đúng Content-Type mà địa chỉ này nhận (thường là application/json).",
    "Wrong media type. Send the Content-Type this address takes (mostly application/json)."};
inline constexpr Refusal kNotAcceptable = {
    406, "NOT_ACCEPTABLE", "Không có dạng trả lời mà bạn yêu cầu. Hãy để Accept nhận application/json.",
    "The answer has none of the forms you accept. Let Accept take application/json."};
inline constexpr Refusal kCsrf = {
    403, "CSRF_TOKEN_MISSING",
    "Thiếu mã chống giả mạo. Hãy gửi tiêu đề X-CSRF-Token bằng giá trị cookie __Host-dinh-csrf.",
    "The anti-forgery token is missing. Send X-CSRF-Token with the value of cookie __Host-dinh-csrf."};

}  // namespace dinh::gateway

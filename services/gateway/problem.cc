#include "services/gateway/problem.h"

#include <algorithm>
#include <charconv>

#include "libs/base/strings.h"
#include "libs/rpc/status_proto.h"
#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway {
namespace {

using transcode::AppendQuoted;

constexpr int64_t kMillisPerSecond = 1000;

struct ReasonStatus {
  std::string_view reason;
  int status;
};
// Reasons whose HTTP status says more than that of their code.
constexpr ReasonStatus kReasonStatus[] = {
    {"IDEMPOTENCY_KEY_REUSED", 422}, {"BODY_TOO_LARGE", 413},  {"UPLOAD_TOO_LARGE", 413},
    {"FILE_TOO_LARGE", 413},         {"UPLOAD_TOO_SLOW", 408},
};

std::string_view TitleOf(int status, bool vi) {
  switch (status) {
    case 400:
      return vi ? "Yêu cầu chưa hợp lệ" : "Invalid request";
    case 401:
      return vi ? "Cần đăng nhập" : "Login needed";
    case 403:
      return vi ? "Không có quyền" : "Not allowed";
    case 404:
      return vi ? "Không tìm thấy" : "Not found";
    case 405:
      return vi ? "Phương thức không được nhận" : "Method not allowed";
    case 406:
      return vi ? "Không có dạng trả lời này" : "Not acceptable";
    case 408:
      return vi ? "Gửi quá chậm" : "Too slow";
    case 409:
      return vi ? "Trạng thái không cho phép" : "Conflict";
    case 412:
      return vi ? "Điều kiện không thỏa" : "Precondition failed";
    case 413:
      return vi ? "Nội dung quá lớn" : "Content too large";
    case 415:
      return vi ? "Kiểu nội dung chưa đúng" : "Unsupported media type";
    case 422:
      return vi ? "Mã yêu cầu đã dùng" : "Request id used before";
    case 429:
      return vi ? "Gửi quá nhanh" : "Too many requests";
    case 499:
      return vi ? "Đã hủy" : "Cancelled";
    case 501:
      return vi ? "Chưa hỗ trợ" : "Not implemented";
    case 503:
      return vi ? "Tạm thời gián đoạn" : "Temporarily unavailable";
    case 504:
      return vi ? "Quá thời gian" : "Timed out";
    default:
      return vi ? "Lỗi hệ thống" : "Server error";
  }
}

void AppendMember(std::string_view name, std::string_view value, std::string* out) {
  out->push_back(',');
  AppendQuoted(name, out);
  out->push_back(':');
  AppendQuoted(value, out);
}

std::string Render(int status, const base::ErrorDetail& detail, bool vi, std::string_view trace_id) {
  std::string out = "{\"type\":\"about:blank\",\"title\":";
  AppendQuoted(TitleOf(status, vi), &out);
  out += ",\"status\":" + std::to_string(status);
  AppendMember("detail", vi ? detail.text.vi : detail.text.en, &out);
  AppendMember("reason", detail.reason, &out);
  if (!detail.violations.empty()) {
    out += ",\"violations\":[";
    for (const base::FieldViolation& violation : detail.violations) {
      if (out.back() != '[') out.push_back(',');
      out += "{\"field\":";
      AppendQuoted(violation.field, &out);
      AppendMember("description", vi ? violation.description.vi : violation.description.en, &out);
      out.push_back('}');
    }
    out.push_back(']');
  }
  if (!detail.metadata.empty()) {
    out += ",\"metadata\":{";
    for (const auto& [key, value] : detail.metadata) {
      if (out.back() != '{') out.push_back(',');
      AppendQuoted(key, &out);
      out.push_back(':');
      AppendQuoted(value, &out);
    }
    out.push_back('}');
  }
  if (!trace_id.empty()) AppendMember("trace_id", trace_id, &out);
  out.push_back('}');
  return out;
}

http::Response Finish(int status, const base::ErrorDetail& detail, bool vi, std::string_view trace_id) {
  http::Response response;
  response.status = status;
  response.body = Render(status, detail, vi, trace_id);
  response.headers.Add("Content-Type", "application/problem+json");
  AddErrorHeaders(status, detail, vi, &response.headers);
  return response;
}

// "en;q=0.8" -> 0.8; 1 without a quality.
double QualityOf(std::string_view item) {
  const size_t at = item.find("q=");
  if (at == std::string_view::npos) return 1;
  double quality = 0;
  const std::string_view text = item.substr(at + 2);
  std::from_chars(text.data(), text.data() + text.size(), quality);
  return quality;
}

}  // namespace

std::string_view ChooseLanguage(std::string_view accept_language) {
  if (accept_language.empty()) return "vi";
  double vi = 0;
  double en = 0;
  for (const std::string_view raw : base::Split(accept_language, ',')) {
    const std::string_view item = base::Trim(raw);
    const std::string_view primary = item.substr(0, std::min<size_t>(2, item.size()));
    const bool whole = item.size() <= 2 || item[2] == '-' || item[2] == ';' || item[2] == ' ';
    if (!whole) continue;
    if (http::EqualsIgnoreCase(primary, "vi")) vi = std::max(vi, QualityOf(item));
    if (http::EqualsIgnoreCase(primary, "en")) en = std::max(en, QualityOf(item));
  }
  return en > vi ? "en" : "vi";
}

int HttpStatusOf(const absl::Status& status) {
  if (const auto detail = base::DetailOf(status)) {
    for (const auto& [reason, http] : kReasonStatus) {
      if (detail->reason == reason) return http;
    }
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    default:
      return 500;
  }
}

void AddErrorHeaders(int status, const base::ErrorDetail& detail, bool vi, http::ResponseHeaders* headers) {
  headers->Add("Content-Language", vi ? "vi" : "en");
  headers->Add("Cache-Control", "no-store");
  headers->Add("Vary", "Accept-Language");
  if (status == 401) headers->Add("WWW-Authenticate", "Bearer realm=\"dinh\"");
  if (detail.retry_after_ms <= 0) return;
  const int64_t seconds = (detail.retry_after_ms + kMillisPerSecond - 1) / kMillisPerSecond;
  headers->Add("Retry-After", std::to_string(seconds));
  // draft-ietf-httpapi-ratelimit-headers: nothing remains until the window ends.
  if (status == 429) headers->Add("RateLimit", "\"default\";r=0;t=" + std::to_string(seconds));
}

http::Response Problem(const absl::Status& status, std::string_view language, std::string_view trace_id) {
  const absl::Status outside = rpc::ForOutside(status, trace_id);
  const base::ErrorDetail detail = base::DetailOf(outside).value_or(base::ErrorDetail{});
  return Finish(HttpStatusOf(outside), detail, language != "en", trace_id);
}

http::Response Problem(const Refusal& refusal, std::string_view language, std::string_view trace_id) {
  const base::ErrorDetail detail = {.reason = std::string(refusal.reason),
                                    .text = {std::string(refusal.vi), std::string(refusal.en)}};
  return Finish(refusal.status, detail, language != "en", trace_id);
}

}  // namespace dinh::gateway

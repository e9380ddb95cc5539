// Unary calls over REST: message in, message or raw body out.
#include <optional>
#include <utility>

#include "dinh/options/v1/common.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/url.h"
#include "libs/telemetry/traceparent.h"
#include "services/gateway/binding.h"
#include "services/gateway/connect.h"
#include "services/gateway/content_hash.h"
#include "services/gateway/edge.h"
#include "services/gateway/session.h"

namespace dinh::gateway {
namespace {

constexpr size_t kContentTagDigits = 16;
constexpr size_t kMaxContentTypeBytes = 128;

// `"3f2a.0123456789abcdef"` or W/"3f2a" -> "3f2a": what stands before our own content tag.
std::string EtagOfHeader(std::string_view header) {
  if (header.starts_with("W/")) header.remove_prefix(2);
  if (header.size() >= 2 && header.front() == '"' && header.back() == '"') header = header.substr(1, header.size() - 2);
  const size_t dot = header.rfind('.');
  if (dot != std::string_view::npos && header.size() - dot - 1 == kContentTagDigits) header = header.substr(0, dot);
  return std::string(header);
}

// The resource's own etag, so that If-Match can name it, and a tag of the bytes, because an answer also holds what is
// derived (overdue, texts in the reader's language).
std::string EtagOf(const Endpoint& endpoint, const Message& response, std::string_view body) {
  std::string tag = "\"";
  if (endpoint.response_etag != nullptr) {
    const std::string own = response.GetReflection()->GetString(response, endpoint.response_etag);
    bool plain = !own.empty();
    for (const char c : own) plain = plain && c > 0x20 && c < 0x7F && c != '"';
    if (plain) tag += own + ".";
  }
  return tag + ContentTag(body) + "\"";
}

bool EtagMatches(std::string_view if_none_match, std::string_view etag) {
  if (if_none_match.empty()) return false;
  if (base::Trim(if_none_match) == "*") return true;
  for (const std::string_view raw : base::Split(if_none_match, ',')) {
    std::string_view one = base::Trim(raw);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
  }
  return false;
}

// A media type that can stand in a header; what is not one is plain bytes.
std::string SafeContentType(const std::string& type) {
  if (type.empty() || type.size() > kMaxContentTypeBytes || type.find('/') == std::string::npos) {
    return "application/octet-stream";
  }
  for (const char c : type) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F)
      return "application/octet-stream";
  }
  return type;
}

absl::Status CsrfMissing() {
  return base::Error(absl::StatusCode::kPermissionDenied, kCsrf.reason, {std::string(kCsrf.vi), std::string(kCsrf.en)});
}

}  // namespace

bool Edge::LacksLogin(const EdgeCall& call) {
  const auth::AccessRule& rule = call.endpoint->entry().rule;
  return !call.credentials && !rule.Allows(auth::CallerKind::kAnonymous) && !rule.Allows(auth::CallerKind::kSigned);
}

absl::Status Edge::CheckSession(const EdgeCall& call) const {
  if (!call.by_cookie || call.endpoint->read_only) return absl::OkStatus();
  return CsrfOk(call.http().headers) ? absl::OkStatus() : CsrfMissing();
}

absl::Status Edge::ApplyHeaders(const EdgeCall& call, Message* request) const {
  const http::HeaderList& headers = call.http().headers;
  const FieldDescriptor* etag = call.endpoint->request_etag;
  if (etag != nullptr) {
    const std::string_view if_match = headers.Get("if-match");
    const auto* reflection = request->GetReflection();
    if (!if_match.empty() && if_match != "*" && reflection->GetString(*request, etag).empty()) {
      reflection->SetString(request, etag, EtagOfHeader(if_match));
    }
  }
  if (!call.endpoint->issues_tokens || !WantsCookies(headers)) return absl::OkStatus();
  const FieldDescriptor* refresh = request->GetDescriptor()->FindFieldByName("refresh_token");
  const auto cookie = FindCookie(headers, kRefreshCookie);
  if (refresh == nullptr || !cookie.has_value()) return absl::OkStatus();
  if (!request->GetReflection()->GetString(*request, refresh).empty()) return absl::OkStatus();
  if (!CsrfOk(headers)) return CsrfMissing();
  request->GetReflection()->SetString(request, refresh, std::string(*cookie));
  return absl::OkStatus();
}

void Edge::RunUnary(EdgeCall& call) const {
  const rpc::MethodEntry& entry = call.endpoint->entry();
  const std::unique_ptr<Message> request(entry.request_prototype->New());
  const std::unique_ptr<Message> response(entry.response_prototype->New());
  absl::Status status;
  if (!LacksLogin(call)) {
    status = BindRequest(*routes_, *call.route, call.segments, call.http(), request.get());
    if (status.ok()) status = ApplyHeaders(call, request.get());
  }
  call.reached = status.ok();
  if (call.reached) status = parts_.pipeline.Unary(*call.endpoint->method, call.head, *request, response.get());
  if (!status.ok()) return AnswerProblem(call, status);
  if (call.endpoint->raw_response) return AnswerRaw(call, response.get());
  AnswerMessage(call, response.get());
}

void Edge::Tag(const http::Request& http, const std::string& etag, http::Response* answer) {
  answer->headers.Add("ETag", etag);
  if (!EtagMatches(http.headers.Get("if-none-match"), etag)) return;
  answer->status = 304;
  answer->body.clear();
}

void Edge::AnswerMessage(EdgeCall& call, Message* response) const {
  const Endpoint& endpoint = *call.endpoint;
  constexpr size_t kUsualBodyBytes = 1024;
  http::Response answer;
  answer.body.reserve(kUsualBodyBytes);
  if (endpoint.issues_tokens && WantsCookies(call.http().headers)) {
    TokensToCookies(response, parts_.random, &answer.headers);
  }
  if (endpoint.ends_session && call.by_cookie) ClearCookies(&answer.headers);
  const transcode::Transcoder& transcoder = routes_->transcoder();
  const absl::Status printed = call.route != nullptr && call.route->response_field != nullptr
                                   ? transcoder.PrintField(*call.route->response_field, *response, &answer.body)
                                   : transcoder.Print(*endpoint.response, *response, &answer.body);
  if (!printed.ok()) {
    parts_.logger.Error("print_failed", {{"method", endpoint.method->label}});
    return AnswerProblem(call, printed);
  }
  if (endpoint.response_offset != nullptr && endpoint.response_length != nullptr) {
    const auto* reflection = response->GetReflection();
    const auto number = [&](const FieldDescriptor* field) {
      return std::to_string(reflection->GetInt64(*response, field));
    };
    answer.headers.Add("Upload-Offset", number(endpoint.response_offset));
    answer.headers.Add("Upload-Length", number(endpoint.response_length));
  }
  const bool shared = endpoint.publicly_cacheable && !call.credentials;
  answer.headers.AddAll(shared ? public_json_headers_ : private_json_headers_);
  if (endpoint.read_only) {
    Tag(call.http(), EtagOf(endpoint, *response, answer.body), &answer);
  }
  Send(call, std::move(answer));
}

void Edge::AnswerRaw(EdgeCall& call, Message* response) const {
  auto* raw = static_cast<dinh::options::v1::RawBody*>(response);
  http::Response answer;
  answer.body = std::move(*raw->mutable_data());
  answer.headers.Add("Content-Type", SafeContentType(raw->content_type()));
  if (!raw->file_name().empty()) {
    answer.headers.Add("Content-Disposition", "attachment; filename*=UTF-8''" + http::PercentEncode(raw->file_name()));
  }
  const bool shared = raw->cache_seconds() > 0 && call.endpoint->publicly_cacheable && !call.credentials;
  answer.headers.Add("Cache-Control",
                     shared ? "public, max-age=" + std::to_string(raw->cache_seconds()) : std::string("no-store"));
  if (call.endpoint->read_only) {
    Tag(call.http(), "\"" + ContentTag(answer.body) + "\"", &answer);
  }
  Send(call, std::move(answer));
}

void Edge::AnswerProblem(EdgeCall& call, const absl::Status& status) const {
  if (call.head.trace.trace_id.empty()) call.head.trace = telemetry::NewTrace(parts_.random, false);
  const open311::Operation* operation = call.open311.operation;
  const std::string& trace_id = call.head.trace.trace_id;
  http::Response response = operation != nullptr
                                ? open311::ErrorResponse(status, call.open311.format, call.head.language, trace_id)
                            : call.route == nullptr ? ConnectProblem(status, trace_id)
                                                    : Problem(status, call.head.language, trace_id);
  if (call.by_cookie && absl::IsUnauthenticated(status)) ClearAccessCookie(&response.headers);
  if (!call.reached) {
    const auto detail = base::DetailOf(status);
    const std::string_view route = operation != nullptr    ? operation->label
                                   : call.route != nullptr ? std::string_view(call.route->label)
                                                           : call.endpoint->entry().path;
    LogRefused(route, response.status, detail.has_value() ? std::string_view(detail->reason) : "", trace_id);
  }
  Send(call, std::move(response));
}

}  // namespace dinh::gateway

#include "services/gateway/connect.h"

#include <charconv>

#include "google/rpc/status.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/url.h"
#include "libs/rpc/status_proto.h"
#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway {
namespace {

constexpr size_t kTimeoutDigitsMax = 10;

std::string_view MediaType(std::string_view content_type) {
  return base::Trim(content_type.substr(0, content_type.find(';')));
}

absl::Status BadParameter(std::string_view name, base::Text text) {
  return base::InvalidField(name, std::move(text), "BAD_VALUE");
}

// The specification's table; not that of our REST answers.
int ConnectStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kCancelled:
      return 499;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kDeadlineExceeded:
      return 504;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kAborted:
      return 409;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    default:
      return 500;
  }
}

// "INVALID_ARGUMENT" -> "invalid_argument"; Connect spells "canceled".
std::string ConnectCode(absl::StatusCode code) {
  if (code == absl::StatusCode::kCancelled) return "canceled";
  std::string text(rpc::CodeConstant(code));
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

absl::StatusOr<ConnectRequest> ReadQuery(std::string_view query) {
  ConnectRequest request;
  const absl::StatusOr<http::Parameters> parameters = http::ParseQuery(query);
  if (!parameters.ok()) return BadParameter("query", {"mã hóa sai.", "it is not encoded correctly."});
  bool base64 = false;
  bool has_encoding = false;
  bool has_message = false;
  for (const auto& [name, value] : *parameters) {
    if (name == "message") {
      request.message = value;
      has_message = true;
    } else if (name == "encoding") {
      has_encoding = value == "json" || value == "proto";
      request.codec = value == "proto" ? ConnectCodec::kProto : ConnectCodec::kJson;
    } else if (name == "base64") {
      base64 = value == "1";
    } else if (name == "connect") {
      if (value != "v1") return BadParameter("connect", {"chỉ nhận v1.", "only v1 is known."});
    } else if (name == "compression") {
      if (value != "identity")
        return BadParameter("compression", {"không hỗ trợ nén.", "compression is not supported."});
    } else {
      return BadParameter(name.substr(0, 32), {"không có tham số này.", "there is no such parameter."});
    }
  }
  if (!has_encoding) return BadParameter("encoding", {"cần json hoặc proto.", "json or proto is needed."});
  if (!has_message) return BadParameter("message", {"thiếu tham số này.", "it is missing."});
  std::string decoded;
  if (base64) {
    if (!transcode::ParseBase64(request.message, &decoded)) {
      return BadParameter("message", {"cần base64.", "base64 is needed."});
    }
    request.message = std::move(decoded);
  }
  return request;
}

}  // namespace

bool IsConnectType(std::string_view content_type) {
  const std::string_view type = MediaType(content_type);
  return http::EqualsIgnoreCase(type, "application/json") || http::EqualsIgnoreCase(type, "application/proto");
}

absl::StatusOr<ConnectRequest> ReadConnectRequest(const http::Request& http) {
  const auto version = http.headers.Find("connect-protocol-version");
  if (version.has_value() && *version != "1") {
    return BadParameter("connect-protocol-version", {"chỉ nhận 1.", "only 1 is known."});
  }
  if (http.method == http::Method::kGet) return ReadQuery(http.query);
  const std::string_view encoding = http.headers.Get("content-encoding");
  if (!encoding.empty() && !http::EqualsIgnoreCase(encoding, "identity")) {
    return base::Error(absl::StatusCode::kUnimplemented, "COMPRESSION_UNSUPPORTED",
                       {"Không nhận nội dung nén. Hãy gửi lại không nén.",
                        "Compressed content is not taken. Send it again uncompressed."});
  }
  ConnectRequest request;
  const bool proto = http::EqualsIgnoreCase(MediaType(http.headers.Get("content-type")), "application/proto");
  request.codec = proto ? ConnectCodec::kProto : ConnectCodec::kJson;
  return request;
}

absl::StatusOr<std::optional<std::chrono::milliseconds>> ConnectTimeout(std::string_view header) {
  if (header.empty()) return std::nullopt;
  int64_t millis = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), millis);
  const bool good = error == std::errc() && end == header.data() + header.size() && millis >= 0 &&
                    header.size() <= kTimeoutDigitsMax && header[0] != '-';
  if (!good) return BadParameter("connect-timeout-ms", {"cần số mili giây.", "a number of milliseconds is needed."});
  return std::chrono::milliseconds(millis);
}

http::Response ConnectProblem(const absl::Status& status, std::string_view trace_id) {
  const absl::Status outside = rpc::ForOutside(status, trace_id);
  const google::rpc::Status proto = rpc::ToProto(outside);
  http::Response response;
  response.status = ConnectStatus(outside.code());
  std::string& out = response.body;
  out = "{\"code\":";
  transcode::AppendQuoted(ConnectCode(outside.code()), &out);
  out += ",\"message\":";
  transcode::AppendQuoted(proto.message(), &out);
  out += ",\"details\":[";
  for (const google::protobuf::Any& detail : proto.details()) {
    if (out.back() != '[') out.push_back(',');
    const std::string_view url = detail.type_url();
    out += "{\"type\":";
    transcode::AppendQuoted(url.substr(url.rfind('/') + 1), &out);
    out += ",\"value\":\"";
    transcode::AppendBase64(detail.value(), &out);
    while (out.back() == '=') out.pop_back();  // Connect writes base64 without padding
    out += "\"}";
  }
  out += "]}";
  response.headers.Add("Content-Type", "application/json");
  response.headers.Add("Cache-Control", "no-store");
  return response;
}

}  // namespace dinh::gateway

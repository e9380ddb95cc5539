// Unary calls over Connect.
#include <utility>

#include "libs/base/status.h"
#include "services/gateway/connect.h"
#include "services/gateway/content_hash.h"
#include "services/gateway/edge.h"
#include "services/gateway/session.h"

namespace dinh::gateway {
namespace {

absl::Status ParseMessage(const RouteTable& table, const Endpoint& endpoint, ConnectCodec codec, std::string_view bytes,
                          Message* request) {
  if (codec == ConnectCodec::kJson) {
    // An empty body is an empty message, as for the binary form.
    return bytes.empty() ? absl::OkStatus() : table.transcoder().Parse(*endpoint.request, bytes, request);
  }
  if (request->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return absl::OkStatus();
  return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_MESSAGE",
                     {"Nội dung không phải thông điệp protobuf hợp lệ. Hãy gửi lại đúng định dạng.",
                      "The body is not a valid protobuf message. Send it again in the right form."});
}

}  // namespace

void Edge::RunConnect(EdgeCall& call) const {
  const http::Request& http = call.http();
  const Endpoint& endpoint = *call.endpoint;
  absl::StatusOr<ConnectRequest> connect = ReadConnectRequest(http);
  if (!connect.ok()) return AnswerProblem(call, connect.status());
  const auto timeout = ConnectTimeout(http.headers.Get("connect-timeout-ms"));
  if (!timeout.ok()) return AnswerProblem(call, timeout.status());
  if (timeout->has_value()) call.head.deadline = http.received + **timeout;
  const std::unique_ptr<Message> request(endpoint.entry().request_prototype->New());
  const std::unique_ptr<Message> response(endpoint.entry().response_prototype->New());
  const bool get = http.method == http::Method::kGet;
  const std::string_view bytes = get ? std::string_view(connect->message) : http.body;
  absl::Status status;
  if (!LacksLogin(call)) {
    status = ParseMessage(*routes_, endpoint, connect->codec, bytes, request.get());
    if (status.ok()) status = ApplyHeaders(call, request.get());
  }
  call.reached = status.ok();
  if (call.reached) status = parts_.pipeline.Unary(*endpoint.method, call.head, *request, response.get());
  if (!status.ok()) return AnswerProblem(call, status);

  http::Response answer;
  if (endpoint.issues_tokens && WantsCookies(http.headers)) {
    TokensToCookies(response.get(), parts_.random, &answer.headers);
  }
  if (endpoint.ends_session && call.by_cookie) ClearCookies(&answer.headers);
  if (connect->codec == ConnectCodec::kJson) {
    status = routes_->transcoder().Print(*endpoint.response, *response, &answer.body);
    if (!status.ok()) return AnswerProblem(call, status);
    answer.headers.Add("Content-Type", "application/json");
  } else {
    response->SerializeToString(&answer.body);
    answer.headers.Add("Content-Type", "application/proto");
  }
  const bool shared = get && endpoint.publicly_cacheable && !call.credentials;
  answer.headers.Add("Cache-Control", shared ? "public, max-age=60" : "no-store");
  if (shared) answer.headers.Add("Vary", "Authorization, Cookie");
  if (get) Tag(http, "\"" + ContentTag(answer.body) + "\"", &answer);
  Send(call, std::move(answer));
}

}  // namespace dinh::gateway

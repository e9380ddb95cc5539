#include "libs/http/client.h"

#include "libs/base/status.h"
#include "libs/http/client_connection.h"
#include "libs/http/message.h"
#include "libs/http/multipart.h"

namespace dinh::http {
namespace {

using TimePoint = ClientConnection::TimePoint;

constexpr size_t kSourceBytes = 64 * 1024;

absl::Status BadAnswer() {
  return base::Error(absl::StatusCode::kDataLoss, "HTTP_BAD_ANSWER",
                     {.vi = "Câu trả lời của máy chủ bị hỏng hoặc thiếu; hãy thử lại.",
                      .en = "The server's answer is malformed or cut off; try again."});
}

absl::Status AnswerTooLarge(size_t max) {
  return base::Error(absl::StatusCode::kResourceExhausted, "HTTP_ANSWER_TOO_LARGE",
                     {.vi = "Câu trả lời của máy chủ quá lớn.", .en = "The server's answer is too large."},
                     {{"max_bytes", std::to_string(max)}});
}

bool MayRepeat(std::string_view method) {
  for (std::string_view safe : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    if (method == safe) return true;
  }
  return false;
}

TimePoint In(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

}  // namespace

std::string_view ClientResponse::Header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (EqualsIgnoreCase(field, name)) return value;
  }
  return {};
}

Client::Client(ClientOptions options) : options_(std::move(options)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

absl::Status Client::Connect() {
  if (connection_ != nullptr && connection_->used && connection_->Stale()) connection_.reset();
  if (connection_ != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(connection_, ClientConnection::Open(options_, In(options_.timeout)));
  return absl::OkStatus();
}

std::string Client::RenderHead(const ClientRequest& request, std::string_view framing) const {
  const bool ipv6 = options_.host.find(':') != std::string::npos;
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\nHost: ";
  out += ipv6 ? "[" + options_.host + "]" : options_.host;
  out += ":" + std::to_string(options_.port) + "\r\n";
  for (const auto& [name, value] : request.headers) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  out += framing;
  out += "\r\n";
  return out;
}

absl::StatusOr<ClientResponse> Client::Send(const ClientRequest& request) {
  const bool kept = connection_ != nullptr && connection_->used;
  bool answer_begun = false;
  absl::StatusOr<ClientResponse> response = SendOnce(request, &answer_begun);
  if (response.ok() || !kept || answer_begun || !MayRepeat(request.method) || !absl::IsUnavailable(response.status())) {
    return response;
  }
  connection_.reset();
  return SendOnce(request, &answer_begun);
}

absl::StatusOr<ClientResponse> Client::SendOnce(const ClientRequest& request, bool* answer_begun) {
  RETURN_IF_ERROR(Connect());
  const bool has_body =
      !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  const std::string framing = has_body ? "Content-Length: " + std::to_string(request.body.size()) + "\r\n" : "";
  const std::string bytes = RenderHead(request, framing) + request.body;
  // A server that refuses early may close before everything is sent: its answer counts all the same.
  const absl::Status sent = connection_->Send(bytes, In(options_.timeout), /*stop_on_answer=*/true);
  if (absl::IsDeadlineExceeded(sent)) {
    connection_.reset();
    return sent;
  }
  return ReadAnswer(request.method == "HEAD", answer_begun);
}

absl::StatusOr<ClientResponse> Client::ReadAnswer(bool to_head_request, bool* answer_begun) {
  const TimePoint deadline = In(options_.timeout);
  auto parser = std::make_unique<ResponseParser>(to_head_request);
  for (;;) {
    std::string& input = connection_->input();
    input.erase(0, parser->Feed(input));
    if (parser->done() && parser->response.status / 100 == 1) {
      parser = std::make_unique<ResponseParser>(to_head_request);  // 100 Continue: the answer comes behind it
      continue;
    }
    *answer_begun |= parser->response.status != 0;
    absl::Status failure;
    if (parser->failed()) failure = BadAnswer();
    if (parser->response.body.size() > options_.response_bytes_max)
      failure = AnswerTooLarge(options_.response_bytes_max);
    if (failure.ok() && !parser->done()) {
      const absl::StatusOr<bool> more = connection_->Receive(deadline);
      if (!more.ok()) failure = more.status();
      if (more.ok() && !*more) {
        const bool begun = *answer_begun || !connection_->input().empty();
        parser->FeedEnd();
        if (parser->failed()) {
          failure = begun
                        ? BadAnswer()
                        : base::Unavailable("HTTP_CONNECTION", {.vi = "Máy chủ đã ngắt kết nối; hãy thử lại.",
                                                                .en = "The server closed the connection; try again."});
        }
      }
      if (failure.ok() && !parser->done()) continue;
    }
    if (!failure.ok()) {
      connection_.reset();
      return failure;
    }
    connection_->used = true;
    if (!parser->keep_alive() || connection_->answer_waiting()) connection_.reset();
    return std::move(parser->response);
  }
}

absl::StatusOr<ClientResponse> Client::Get(std::string_view target, ClientHeaders headers) {
  return Send({.method = "GET", .target = std::string(target), .headers = std::move(headers), .body = {}});
}

absl::StatusOr<ClientResponse> Client::Post(std::string_view target, std::string_view content_type, std::string body,
                                            ClientHeaders headers) {
  headers.emplace_back("Content-Type", content_type);
  return Send(
      {.method = "POST", .target = std::string(target), .headers = std::move(headers), .body = std::move(body)});
}

absl::Status Client::SendBody(const Source& source, std::optional<uint64_t> length) {
  std::string buffer(kSourceBytes, '\0');
  for (;;) {
    ASSIGN_OR_RETURN(const size_t n, source(std::span<char>(buffer.data(), buffer.size())));
    std::string_view piece(buffer.data(), n);
    std::string chunk;
    if (!length.has_value()) {
      char size[24];
      const int digits = std::snprintf(size, sizeof(size), "%zx\r\n", n);
      chunk.assign(size, digits);
      chunk += piece;
      chunk += "\r\n";
      piece = chunk;
    }
    // The time-out is for each piece: a long upload may take longer than one call.
    absl::Status sent = connection_->Send(piece, In(options_.timeout), /*stop_on_answer=*/true);
    if (absl::IsDeadlineExceeded(sent)) return sent;
    if (n == 0 || !sent.ok() || connection_->answer_waiting()) return absl::OkStatus();
  }
}

absl::StatusOr<ClientResponse> Client::SendStream(const ClientRequest& head, const Source& source,
                                                  std::optional<uint64_t> length) {
  RETURN_IF_ERROR(Connect());
  const std::string framing =
      length.has_value() ? "Content-Length: " + std::to_string(*length) + "\r\n" : "Transfer-Encoding: chunked\r\n";
  absl::Status status = connection_->Send(RenderHead(head, framing), In(options_.timeout));
  if (status.ok()) status = SendBody(source, length);
  if (!status.ok()) {
    connection_.reset();
    return status;
  }
  bool answer_begun = false;
  return ReadAnswer(head.method == "HEAD", &answer_begun);
}

absl::StatusOr<ClientResponse> Client::Upload(const ClientRequest& head, const ClientHeaders& fields, const File& file,
                                              std::string_view boundary) {
  MultipartWriter writer{std::string(boundary)};
  std::string before;
  for (const auto& [name, value] : fields) before += writer.Field(name, value);
  before += writer.FileHead(file.field, file.filename, file.content_type);
  const std::string after = writer.End();
  ClientRequest request = head;
  request.headers.emplace_back("Content-Type", writer.ContentType());
  size_t before_sent = 0, after_sent = 0;
  const auto take = [](std::string_view from, size_t* sent, std::span<char> out) {
    const size_t n = from.copy(out.data(), out.size(), *sent);
    *sent += n;
    return n;
  };
  const Source source = [&](std::span<char> out) -> absl::StatusOr<size_t> {
    if (before_sent < before.size()) return take(before, &before_sent, out);
    if (after_sent == 0) {
      ASSIGN_OR_RETURN(const size_t n, file.content(out));
      if (n > 0) return n;
    }
    return take(after, &after_sent, out);
  };
  return SendStream(request, source, before.size() + file.bytes + after.size());
}

absl::StatusOr<ClientResponse> Client::Open(const ClientRequest& request) {
  RETURN_IF_ERROR(Connect());
  const std::string framing =
      request.body.empty() ? "" : "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  const TimePoint deadline = In(options_.timeout);
  RETURN_IF_ERROR(connection_->Send(RenderHead(request, framing) + request.body, deadline));
  connection_->open_answer = std::make_unique<ResponseParser>(request.method == "HEAD");
  ResponseParser& parser = *connection_->open_answer;
  while (!parser.header_done()) {
    absl::StatusOr<bool> more = connection_->Receive(deadline);
    if (more.ok() && !*more) more = BadAnswer();
    std::string& input = connection_->input();
    if (more.ok()) input.erase(0, parser.Feed(input));
    if (more.ok() && parser.failed()) more = BadAnswer();
    if (!more.ok()) {
      connection_.reset();
      return more.status();
    }
  }
  return ClientResponse{.status = parser.response.status, .headers = parser.response.headers, .body = {}};
}

absl::StatusOr<std::string> Client::ReadSome(std::chrono::milliseconds wait) {
  if (connection_ == nullptr || connection_->open_answer == nullptr) return BadAnswer();
  ResponseParser& parser = *connection_->open_answer;
  const TimePoint deadline = In(wait);
  for (;;) {
    std::string& input = connection_->input();
    input.erase(0, parser.Feed(input));
    if (!parser.response.body.empty()) return std::exchange(parser.response.body, std::string());
    if (parser.failed()) return BadAnswer();
    if (parser.done()) {
      connection_.reset();
      return std::string();
    }
    ASSIGN_OR_RETURN(const bool more, connection_->Receive(deadline));
    if (!more) parser.FeedEnd();
  }
}

absl::Status Client::SendRaw(std::string_view bytes) {
  if (connection_ == nullptr) RETURN_IF_ERROR(Connect());
  return connection_->Send(bytes, In(options_.timeout));
}

absl::StatusOr<ClientResponse> Client::ReadResponse(bool to_head_request) {
  if (connection_ == nullptr) return BadAnswer();
  bool answer_begun = false;
  return ReadAnswer(to_head_request, &answer_begun);
}

absl::StatusOr<std::string> Client::ReadToEnd() {
  if (connection_ == nullptr) return BadAnswer();
  const TimePoint deadline = In(options_.timeout);
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, connection_->Receive(deadline));
    if (!more) break;
    if (connection_->input().size() > options_.response_bytes_max) return AnswerTooLarge(options_.response_bytes_max);
  }
  std::string all = std::move(connection_->input());
  connection_.reset();
  return all;
}

bool Client::WaitClosed(std::chrono::milliseconds wait) {
  if (connection_ == nullptr) return true;
  const TimePoint deadline = In(wait);
  for (;;) {
    const absl::StatusOr<bool> more = connection_->Receive(deadline);
    if (absl::IsDeadlineExceeded(more.status())) return false;
    if (!more.ok() || !*more) {
      connection_.reset();
      return true;
    }
  }
}

void Client::ShutdownWrite() {
  if (connection_ != nullptr) connection_->ShutdownWrite();
}

void Client::Reset() {
  if (connection_ != nullptr) connection_->CloseWithReset();
  connection_.reset();
}

void Client::Close() { connection_.reset(); }
bool Client::connected() const { return connection_ != nullptr; }

}  // namespace dinh::http

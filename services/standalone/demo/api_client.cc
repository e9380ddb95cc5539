#include "services/standalone/demo/api_client.h"

#include <cstdlib>
#include <cstring>
#include <utility>

namespace dinh::demo {
namespace {

http::ClientOptions Options(std::string host, uint16_t port) {
  http::ClientOptions options;
  options.host = std::move(host);
  options.port = port;
  return options;
}

}  // namespace

std::string ApiAnswer::Text(std::string_view key) const {
  if (!body.is_object()) return "";
  auto it = body.find(std::string(key));
  return it != body.end() && it->is_string() ? it->get<std::string>() : "";
}

int64_t ApiAnswer::Int(std::string_view key) const {
  if (!body.is_object()) return 0;
  auto it = body.find(std::string(key));
  if (it == body.end()) return 0;
  if (it->is_number_integer()) return it->get<int64_t>();
  return it->is_string() ? std::strtoll(it->get<std::string>().c_str(), nullptr, 10) : 0;
}

std::string ApiAnswer::Header(std::string_view name) const {
  http::ClientResponse response;
  response.headers = headers;
  return std::string(response.Header(name));
}

ApiClient::ApiClient(std::string host, uint16_t port) : client_(Options(std::move(host), port)) {}

http::ClientHeaders ApiClient::WithToken(http::ClientHeaders headers) const {
  if (!token_.empty()) headers.emplace_back("Authorization", "Bearer " + token_);
  return headers;
}

ApiAnswer ApiClient::ToAnswer(absl::StatusOr<http::ClientResponse> response) {
  ApiAnswer answer;
  if (!response.ok()) {
    answer.error = std::string(response.status().message());
    return answer;
  }
  answer.status = response->status;
  answer.headers = std::move(response->headers);
  answer.raw = std::move(response->body);
  answer.body = Json::parse(answer.raw, nullptr, /*allow_exceptions=*/false);
  return answer;
}

ApiAnswer ApiClient::Get(std::string_view path, http::ClientHeaders headers) {
  return ToAnswer(client_.Get(path, WithToken(std::move(headers))));
}

ApiAnswer ApiClient::Post(std::string_view path, const Json& body, http::ClientHeaders headers) {
  return Send("POST", path, body.dump(), "application/json", std::move(headers));
}

ApiAnswer ApiClient::Patch(std::string_view path, const Json& body, http::ClientHeaders headers) {
  return Send("PATCH", path, body.dump(), "application/json", std::move(headers));
}

ApiAnswer ApiClient::Send(std::string_view method, std::string_view path, std::string body,
                          std::string_view content_type, http::ClientHeaders headers) {
  http::ClientRequest request;
  request.method = std::string(method);
  request.target = std::string(path);
  request.headers = WithToken(std::move(headers));
  if (!content_type.empty()) request.headers.emplace_back("Content-Type", std::string(content_type));
  request.body = std::move(body);
  return ToAnswer(client_.Send(request));
}

ApiAnswer ApiClient::Upload(std::string_view path, const std::string& file_name, const std::string& content_type,
                            const std::string& bytes, http::ClientHeaders headers) {
  http::ClientRequest head;
  head.method = "POST";
  head.target = std::string(path);
  head.headers = WithToken(std::move(headers));
  size_t sent = 0;
  http::Client::File file;
  file.field = "file";
  file.filename = file_name;
  file.content_type = content_type;
  file.bytes = bytes.size();
  file.content = [&bytes, &sent](std::span<char> out) -> absl::StatusOr<size_t> {
    const size_t n = std::min(out.size(), bytes.size() - sent);
    std::memcpy(out.data(), bytes.data() + sent, n);
    sent += n;
    return n;
  };
  return ToAnswer(client_.Upload(head, {}, file));
}

ApiAnswer ApiClient::SendPiece(std::string_view path, int64_t offset, std::string_view bytes,
                               http::ClientHeaders headers) {
  headers.emplace_back("Upload-Offset", std::to_string(offset));
  return Send("PATCH", path, std::string(bytes), "application/offset+octet-stream", std::move(headers));
}

}  // namespace dinh::demo

// The platform's REST API as an app would call it: JSON in and out, a bearer token, one keep-alive connection. Used by
// `dinh demo`, the end-to-end tests and the benches. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "libs/http/client.h"
#include "nlohmann/json.hpp"

namespace dinh::demo {

using Json = nlohmann::json;

struct ApiAnswer {
  int status = 0;  // 0: no answer (the transport's error stands in `error`)
  Json body;       // discarded value when the answer is not JSON
  std::string raw;
  http::ClientHeaders headers;
  std::string error;

  bool ok() const { return status >= 200 && status < 300; }
  // A string member of the body, "" when absent.
  std::string Text(std::string_view key) const;
  // int64 members arrive as strings, int32 as numbers: both are understood.
  int64_t Int(std::string_view key) const;
  std::string Reason() const { return Text("reason"); }
  std::string Header(std::string_view name) const;
};

class ApiClient {
 public:
  ApiClient(std::string host, uint16_t port);
  explicit ApiClient(http::ClientOptions options) : client_(std::move(options)) {}

  void set_token(std::string token) { token_ = std::move(token); }
  const std::string& token() const { return token_; }

  ApiAnswer Get(std::string_view path, http::ClientHeaders headers = {});
  ApiAnswer Post(std::string_view path, const Json& body = Json::object(), http::ClientHeaders headers = {});
  ApiAnswer Patch(std::string_view path, const Json& body, http::ClientHeaders headers = {});
  // Any method and body, e.g. malformed JSON.
  ApiAnswer Send(std::string_view method, std::string_view path, std::string body, std::string_view content_type,
                 http::ClientHeaders headers = {});
  // multipart/form-data with the one field "file".
  ApiAnswer Upload(std::string_view path, const std::string& file_name, const std::string& content_type,
                   const std::string& bytes, http::ClientHeaders headers = {});

  // Bytes of an upload in pieces, from `offset` on.
  ApiAnswer SendPiece(std::string_view path, int64_t offset, std::string_view bytes, http::ClientHeaders headers = {});

  http::Client& transport() { return client_; }

 private:
  http::ClientHeaders WithToken(http::ClientHeaders headers) const;
  static ApiAnswer ToAnswer(absl::StatusOr<http::ClientResponse> response);

  http::Client client_;
  std::string token_;
};

}  // namespace dinh::demo

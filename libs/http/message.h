// Requests and responses as handlers see them: views on what was read, and one string per thing to be written.
//
// Thread safety: values. The views of a Request live as long as the Exchange they came with.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dinh::http {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

bool EqualsIgnoreCase(std::string_view a, std::string_view b);  // ASCII

// Header fields in wire order. Names compare without regard to case; values have no blanks at their ends.
class HeaderList {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  void Add(std::string_view name, std::string_view value) { fields_.push_back({name, value}); }
  void Clear() { fields_.clear(); }
  // The first one of that name.
  std::optional<std::string_view> Find(std::string_view name) const;
  // The same, empty when absent.
  std::string_view Get(std::string_view name) const { return Find(name).value_or(std::string_view()); }
  size_t Count(std::string_view name) const;
  // true when a comma-separated list (all fields of that name together) holds `token`, without regard to case.
  bool HasToken(std::string_view name, std::string_view token) const;
  size_t size() const { return fields_.size(); }
  std::vector<Field>::const_iterator begin() const { return fields_.begin(); }
  std::vector<Field>::const_iterator end() const { return fields_.end(); }

 private:
  std::vector<Field> fields_;
};

struct Request {
  Method method = Method::kOther;
  std::string_view method_name;  // as sent
  std::string_view target;       // as sent; "*" for OPTIONS *
  std::string_view path;         // up to "?", not decoded; begins with "/" (or is "*")
  std::string_view query;        // after "?", not decoded
  std::string_view host;         // of an absolute-form target, else of Host; empty only with HTTP/1.0
  int version_minor = 1;         // HTTP/1.x
  HeaderList headers;
  // The whole body when it was buffered, else empty.
  std::string_view body;
  bool has_body = false;                   // a Content-Length above 0, or chunked
  std::optional<uint64_t> content_length;  // unknown when chunked
  // The client's address: the peer's, or what a trusted proxy says in X-Forwarded-For. "192.0.2.7", "2001:db8::1".
  std::string_view client_address;
  bool is_tls = false;                             // this connection
  bool is_https = false;                           // this connection, or what a trusted proxy says in X-Forwarded-Proto
  std::chrono::steady_clock::time_point received;  // when its header was complete
};

// Fields to be sent. The server itself writes Content-Length, Transfer-Encoding, Connection and Date.
class ResponseHeaders {
 public:
  // Control characters in `value` (which could split a response) become blanks. A name that is no token, or one that
  // the server writes itself, is left out.
  void Add(std::string_view name, std::string_view value);
  // Lines made before by Add of another list: security headers are rendered once, not per request.
  void AddAll(const ResponseHeaders& other) { lines_ += other.lines_; }
  std::optional<std::string_view> Find(std::string_view name) const;
  // "Name: value\r\n"…
  const std::string& lines() const { return lines_; }

 private:
  std::string lines_;
};

struct Response {
  int status = 200;  // 200..599
  ResponseHeaders headers;
  // The body: `shared` when set (content that many answers share), else `body`. Neither is sent for HEAD, 204 and 304,
  // but Content-Length tells the size for HEAD.
  std::string body;
  std::shared_ptr<const std::string> shared;
  bool close = false;  // end the connection after this answer

  std::string_view content() const { return shared ? std::string_view(*shared) : std::string_view(body); }
};

// "Not Found"; empty when unknown.
std::string_view ReasonPhrase(int status);
// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, IMF-fixdate).
std::string HttpDate(int64_t unix_seconds);

// What the server itself refuses, before or instead of a handler.
enum class ProtocolError : uint8_t {
  kMalformed,           // 400: not HTTP/1.1 as RFC 9112 has it
  kTimeout,             // 408: header or body came too slowly
  kBodyTooLarge,        // 413
  kTargetTooLong,       // 414
  kExpectationFailed,   // 417
  kHeadersTooLarge,     // 431
  kInternal,            // 500: a handler lost the exchange
  kNotImplemented,      // 501: a transfer coding or CONNECT
  kTooManyConnections,  // 503
  kHandlerTimeout,      // 504
  kVersion,             // 505
};

struct ProtocolErrorInfo {
  int status;
  std::string_view reason;  // "MALFORMED_REQUEST"
  std::string_view title;
  std::string_view vi;  // what went wrong and what to do
  std::string_view en;
};
const ProtocolErrorInfo& Describe(ProtocolError error);

// application/problem+json (RFC 9457), Vietnamese: what a handler answers unless it renders its own.
Response ProblemResponse(ProtocolError error);

}  // namespace dinh::http

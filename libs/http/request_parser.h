// Boost.Beast's HTTP/1.1 parser, with what it leaves open decided strictly (request smuggling: RFC 9112, section 11.2),
// behind a header without Beast. Internal to libs/http.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "libs/http/message.h"

namespace dinh::http {

// Positions in a request's bytes: the buffer may move while it fills.
struct ByteSpan {
  uint32_t offset = 0;
  uint32_t size = 0;
  std::string_view In(const char* base) const { return {base + offset, size}; }
};

struct ParsedHead {
  struct Field {
    ByteSpan name;
    ByteSpan value;
  };
  ByteSpan method;
  ByteSpan target;
  int version_minor = 1;
  std::vector<Field> fields;
  bool keep_alive = false;
  bool expects_continue = false;
  bool chunked = false;
  std::optional<uint64_t> content_length;
  size_t bytes = 0;    // of the head: the body, or the next request, begins here
  ByteSpan authority;  // of an absolute-form target, else the Host field
  ByteSpan origin;     // path and query of the target, or "*"; empty: "/"
};

struct ParserLimits {
  uint32_t header_bytes_max;
  uint32_t target_bytes_max;
  uint32_t fields_max;
};

// Not thread-safe. Used again for each request of a connection.
class RequestParser {
 public:
  enum class HeadResult : uint8_t { kNeedMore, kDone, kError };
  struct BodyPiece {
    std::string_view data;  // part of the input
    size_t consumed = 0;    // 0 and not done and no error: needs more input than this
    bool done = false;
    bool failed = false;  // malformed
  };

  explicit RequestParser(const ParserLimits& limits);
  ~RequestParser();

  void Reset();
  // `request` holds everything read since the request's first byte, each time more of it.
  HeadResult ParseHead(std::string_view request);
  const ParsedHead& head() const { return head_; }
  ProtocolError error() const { return error_; }
  // What follows the head; call until done, each time with what was not consumed. Pieces may be empty.
  BodyPiece ParseBody(std::string_view input);
  bool has_body() const { return head_.chunked || head_.content_length.value_or(0) > 0; }

 private:
  class Impl;
  HeadResult Fail(ProtocolError error);
  HeadResult FinishHead(std::string_view request);
  bool ReadTarget(std::string_view request);
  bool CheckHost(std::string_view request);

  const ParserLimits limits_;
  std::unique_ptr<Impl> impl_;
  ParsedHead head_;
  ProtocolError error_ = ProtocolError::kMalformed;
};

}  // namespace dinh::http

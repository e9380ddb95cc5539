#include <utility>  // before Asio and Beast, which forget it under gcc 12

#include "libs/http/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <functional>

namespace dinh::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string_view FromBeast(BeastView view) { return {view.data(), view.size()}; }

// What may stand in a request target (RFC 3986 plus the few characters that browsers leave alone): no blanks, control
// characters, bytes above 0x7e, fragments, or characters that logs and proxies quote.
constexpr std::array<bool, 256> MakeTargetCharacters() {
  std::array<bool, 256> table{};
  for (int c = 0x21; c <= 0x7e; ++c) table[c] = true;
  for (char c : {'#', '"', '<', '>', '\\', '^', '`'}) table[static_cast<unsigned char>(c)] = false;
  return table;
}
constexpr std::array<bool, 256> kTargetCharacters = MakeTargetCharacters();

// The longest method registered has 17 characters (UPDATEREDIRECTREF). A limit, so that a request line has one too.
constexpr size_t kMethodBytesMax = 32;
// Of a request line beside its target: the method, two blanks and the version, with some room.
constexpr size_t kLineRestBytesMax = kMethodBytesMax + 32;

bool AllDigits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// reg-name, IPv4 or [IPv6], with an optional port; also the authority of a target. No user part.
bool IsHost(std::string_view text) {
  for (char c : text) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    std::string_view("-._~:[]%!$&'()*+,;=").find(c) != std::string_view::npos;
    if (!ok) return false;
  }
  return true;
}

}  // namespace

class RequestParser::Impl final {
 public:
  class Parser final : public beast_http::basic_parser<true> {
   public:
    Parser(const ParserLimits& limits, ParsedHead& head) : limits_(limits), head_(head) {
      header_limit(limits.header_bytes_max);
      body_limit(boost::none);  // the connection counts, so that each request has a limit of its own
    }

    std::string_view request;              // while the head is parsed
    std::optional<ProtocolError> failure;  // more exact than Beast's code
    std::string_view piece;                // of the body, from the last put
    bool transfer_encoding = false;
    int content_lengths = 0;

   private:
    ByteSpan Span(BeastView view) const {
      return {static_cast<uint32_t>(view.data() - request.data()), static_cast<uint32_t>(view.size())};
    }

    static void Refuse(error_code& ec) { ec = beast_http::error::bad_value; }

    void on_request_impl(beast_http::verb, BeastView method, BeastView target, int version, error_code& ec) override {
      if (method.size() > kMethodBytesMax) {
        failure = ProtocolError::kNotImplemented;  // RFC 9112, section 3
        return Refuse(ec);
      }
      if (target.size() > limits_.target_bytes_max) {
        failure = ProtocolError::kTargetTooLong;
        return Refuse(ec);
      }
      head_.method = Span(method);
      head_.target = Span(target);
      head_.version_minor = version % 10;
    }

    void on_field_impl(beast_http::field id, BeastView name, BeastView value, error_code& ec) override {
      if (is_header_done()) return;  // trailers are read past
      if (head_.fields.size() == limits_.fields_max) {
        failure = ProtocolError::kHeadersTooLarge;
        return Refuse(ec);
      }
      // A folded value lies in Beast's own buffer, or has a line end before it (RFC 9112, section 5.2: refuse).
      const char* after_name = name.data() + name.size();
      const char* end = request.data() + request.size();
      const std::less<const char*> before;
      if (before(value.data(), after_name) || before(end, value.data() + value.size()) ||
          std::memchr(after_name, '\r', value.data() - after_name) != nullptr) {
        return Refuse(ec);
      }
      if (!CheckFraming(id, FromBeast(value))) return Refuse(ec);
      head_.fields.push_back({Span(name), Span(value)});
    }

    // Each length and each coding that two readers could read differently is refused.
    bool CheckFraming(beast_http::field id, std::string_view value) {
      if (id == beast_http::field::content_length) return ++content_lengths == 1 && AllDigits(value);
      if (id == beast_http::field::transfer_encoding) {
        if (std::exchange(transfer_encoding, true) || head_.version_minor == 0) return false;
        if (EqualsIgnoreCase(value, "chunked")) return true;
        failure = ProtocolError::kNotImplemented;
        return false;
      }
      if (id == beast_http::field::expect && head_.version_minor == 1) {
        if (EqualsIgnoreCase(value, "100-continue")) {
          head_.expects_continue = true;
        } else {
          failure = ProtocolError::kExpectationFailed;
          return false;
        }
      }
      return true;
    }

    void on_header_impl(error_code&) override {}
    void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
    std::size_t on_body_impl(BeastView body, error_code&) override {
      piece = FromBeast(body);
      return body.size();
    }
    void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, error_code&) override {
      piece = FromBeast(body);
      return body.size();
    }
    void on_finish_impl(error_code&) override {}
    // Of responses only.
    void on_response_impl(int, BeastView, int, error_code&) override {}

    const ParserLimits& limits_;
    ParsedHead& head_;
  };

  std::optional<Parser> parser;
  size_t consumed = 0;
};

RequestParser::RequestParser(const ParserLimits& limits) : limits_(limits), impl_(std::make_unique<Impl>()) { Reset(); }
RequestParser::~RequestParser() = default;

void RequestParser::Reset() {
  head_.fields.clear();
  head_.expects_continue = false;
  head_.content_length.reset();
  head_.authority = {};
  head_.bytes = 0;
  impl_->parser.emplace(limits_, head_);
  impl_->consumed = 0;
}

RequestParser::HeadResult RequestParser::Fail(ProtocolError error) {
  error_ = error;
  return HeadResult::kError;
}

RequestParser::HeadResult RequestParser::ParseHead(std::string_view request) {
  Impl::Parser& parser = *impl_->parser;
  if (request.size() == impl_->consumed) return HeadResult::kNeedMore;
  parser.request = request;
  const size_t head_size = std::min<size_t>(request.size(), limits_.header_bytes_max);
  error_code ec;
  while (!ec && !parser.is_header_done() && impl_->consumed < request.size()) {
    impl_->consumed +=
        parser.put(boost::asio::const_buffer(request.data() + impl_->consumed, request.size() - impl_->consumed), ec);
  }
  if (parser.is_header_done() && !ec) {
    if (impl_->consumed > limits_.header_bytes_max) return Fail(ProtocolError::kHeadersTooLarge);
    return FinishHead(request);
  }
  if (!ec || ec == beast_http::error::need_more || ec == beast_http::error::header_limit) {
    const bool line_complete = std::memchr(request.data(), '\n', head_size) != nullptr;
    if (!line_complete && request.size() > limits_.target_bytes_max + kLineRestBytesMax)
      return Fail(ProtocolError::kTargetTooLong);
    if (ec == beast_http::error::header_limit || request.size() >= limits_.header_bytes_max) {
      return Fail(ProtocolError::kHeadersTooLarge);
    }
    return HeadResult::kNeedMore;
  }
  if (parser.failure.has_value()) return Fail(*parser.failure);
  if (ec == beast_http::error::bad_version) {
    const std::string_view line = request.substr(0, request.find('\r'));
    const size_t version = line.rfind(" HTTP/");
    const bool well_formed = version != std::string_view::npos && line.size() == version + 9 &&
                             std::count(line.begin(), line.end(), ' ') == 2 &&
                             std::isdigit(static_cast<unsigned char>(line[version + 6])) != 0;
    return Fail(well_formed ? ProtocolError::kVersion : ProtocolError::kMalformed);
  }
  return Fail(ProtocolError::kMalformed);
}

RequestParser::HeadResult RequestParser::FinishHead(std::string_view request) {
  const Impl::Parser& parser = *impl_->parser;
  head_.bytes = impl_->consumed;
  head_.keep_alive = parser.keep_alive();
  head_.chunked = parser.chunked();
  if (const auto length = parser.content_length()) head_.content_length = *length;
  if (EqualsIgnoreCase(head_.method.In(request.data()), "CONNECT")) return Fail(ProtocolError::kNotImplemented);
  if (!ReadTarget(request) || !CheckHost(request)) return Fail(ProtocolError::kMalformed);
  return HeadResult::kDone;
}

// origin-form, absolute-form or asterisk-form (RFC 9112, section 3.2).
bool RequestParser::ReadTarget(std::string_view request) {
  const std::string_view target = head_.target.In(request.data());
  for (char c : target) {
    if (!kTargetCharacters[static_cast<unsigned char>(c)]) return false;
  }
  head_.origin = head_.target;
  if (target[0] == '/') return true;
  if (target == "*") return head_.method.In(request.data()) == "OPTIONS";
  const size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return false;
  if (!EqualsIgnoreCase(target.substr(0, scheme), "http") && !EqualsIgnoreCase(target.substr(0, scheme), "https")) {
    return false;
  }
  const size_t begin = scheme + 3;
  const size_t end = std::min(target.find_first_of("/?", begin), target.size());
  if (end == begin || !IsHost(target.substr(begin, end - begin))) return false;
  if (end < target.size() && target[end] == '?') return false;  // no path: nobody sends it, and it has no path to give
  head_.authority = {static_cast<uint32_t>(head_.target.offset + begin), static_cast<uint32_t>(end - begin)};
  head_.origin = {static_cast<uint32_t>(head_.target.offset + end), static_cast<uint32_t>(target.size() - end)};
  return true;
}

// RFC 9112, section 3.2: exactly one Host in HTTP/1.1.
bool RequestParser::CheckHost(std::string_view request) {
  int hosts = 0;
  for (const ParsedHead::Field& field : head_.fields) {
    if (!EqualsIgnoreCase(field.name.In(request.data()), "Host")) continue;
    if (++hosts > 1 || !IsHost(field.value.In(request.data()))) return false;
    if (head_.authority.size == 0) head_.authority = field.value;
  }
  return hosts == 1 || head_.version_minor == 0;
}

RequestParser::BodyPiece RequestParser::ParseBody(std::string_view input) {
  Impl::Parser& parser = *impl_->parser;
  BodyPiece out;
  if (parser.is_done()) {
    out.done = true;
    return out;
  }
  // "0 CRLF CRLF" is the shortest end of a chunked body: fewer bytes never complete anything, and Beast asserts that it
  // is not asked again with four of them.
  constexpr size_t kChunkedEndBytes = 5;
  if (input.empty() || (head_.chunked && input.size() < kChunkedEndBytes)) return out;
  parser.piece = {};
  error_code ec;
  out.consumed = parser.put(boost::asio::const_buffer(input.data(), input.size()), ec);
  out.data = parser.piece;
  out.done = parser.is_done();
  out.failed = ec && ec != beast_http::error::need_more;
  return out;
}

}  // namespace dinh::http

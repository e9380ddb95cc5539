#include <utility>  // before Asio and Beast, which forget it under gcc 12

#include "libs/http/response_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace dinh::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

constexpr uint32_t kHeaderBytesMax = 64 * 1024;
constexpr size_t kChunkedEndBytes = 5;  // see RequestParser::ParseBody

}  // namespace

class ResponseParser::Impl final : public beast_http::basic_parser<false> {
 public:
  Impl(bool to_head_request, ClientResponse& response) : response_(response) {
    header_limit(kHeaderBytesMax);
    body_limit(boost::none);
    skip(to_head_request);
  }

  bool failed = false;

 private:
  void on_request_impl(beast_http::verb, BeastView, BeastView, int, error_code&) override {}
  void on_response_impl(int status, BeastView, int, error_code&) override { response_.status = status; }
  void on_field_impl(beast_http::field, BeastView name, BeastView value, error_code&) override {
    if (!is_header_done()) response_.headers.emplace_back(std::string(name), std::string(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
  std::size_t on_body_impl(BeastView body, error_code&) override {
    response_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView body, error_code&) override {
    response_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  ClientResponse& response_;
};

ResponseParser::ResponseParser(bool to_head_request) : impl_(std::make_unique<Impl>(to_head_request, response)) {}
ResponseParser::~ResponseParser() = default;

size_t ResponseParser::Feed(std::string_view input) {
  size_t used = 0;
  while (!impl_->is_done() && used < input.size()) {
    if (impl_->is_header_done() && impl_->chunked() && input.size() - used < kChunkedEndBytes) break;
    error_code ec;
    const size_t n = impl_->put(boost::asio::const_buffer(input.data() + used, input.size() - used), ec);
    used += n;
    if (ec && ec != beast_http::error::need_more) impl_->failed = true;
    if (ec) break;
  }
  return used;
}

void ResponseParser::FeedEnd() {
  if (impl_->is_done()) return;
  error_code ec;
  if (impl_->is_header_done()) impl_->put_eof(ec);
  if (ec || !impl_->is_done()) impl_->failed = true;
}

bool ResponseParser::header_done() const { return impl_->is_header_done(); }
bool ResponseParser::done() const { return impl_->is_done(); }
bool ResponseParser::failed() const { return impl_->failed; }
bool ResponseParser::keep_alive() const { return impl_->keep_alive(); }

}  // namespace dinh::http

// Boost.Beast's parser for answers, behind a header without Beast. Internal to libs/http.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "libs/http/client.h"

namespace dinh::http {

// One answer. Not thread-safe.
class ResponseParser {
 public:
  explicit ResponseParser(bool to_head_request);
  ~ResponseParser();

  // Uses as much of `input` as it can and returns how much; the rest comes again, with more behind it. Status, headers
  // and body grow in `response`.
  size_t Feed(std::string_view input);
  void FeedEnd();  // the connection has ended
  bool header_done() const;
  bool done() const;
  bool failed() const;
  bool keep_alive() const;  // once done

  ClientResponse response;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dinh::http

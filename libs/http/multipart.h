// multipart/form-data (RFC 7578), read as it arrives, and written for clients. Pure: no sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::http {

struct MultipartLimits {
  size_t parts_max = 16;
  size_t header_bytes_max = 4096;  // of one part
  size_t name_bytes_max = 64;
  size_t filename_bytes_max = 255;
  size_t epilogue_bytes_max = 1024;
};

struct MultipartPart {
  std::string name;
  std::optional<std::string> filename;  // its last component, valid UTF-8, no control characters; for display only
  std::string content_type;             // as the client claims; "text/plain" when absent
};

// "multipart/form-data; boundary=…" -> the boundary (1..70 characters, RFC 2046). INVALID_ARGUMENT otherwise.
absl::StatusOr<std::string> MultipartBoundary(std::string_view content_type);

class MultipartParser {
 public:
  // An error from a callback ends the parsing and comes back from Feed.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual absl::Status OnPartBegin(const MultipartPart& part) = 0;
    virtual absl::Status OnPartData(std::string_view bytes) = 0;  // any number of times; never empty
    virtual absl::Status OnPartEnd() = 0;
  };

  // `boundary` as MultipartBoundary gives it. `listener` outlives the parser.
  MultipartParser(std::string_view boundary, const MultipartLimits& limits, Listener& listener);

  // Holds back no more than a boundary's length of a part's data and one part's header. INVALID_ARGUMENT when
  // malformed or over a limit; every later call returns the same error.
  absl::Status Feed(std::string_view bytes);
  // The body has ended: INVALID_ARGUMENT unless the final boundary was seen.
  absl::Status Finish();

 private:
  enum class State : uint8_t { kStart, kAfterBoundary, kHeaders, kData, kEpilogue };

  absl::Status Consume();
  absl::Status Step(std::string_view rest, size_t* used);
  absl::Status StartLine(std::string_view rest, size_t* used);
  absl::Status AfterBoundary(std::string_view rest, size_t* used);
  absl::Status Headers(std::string_view rest, size_t* used);
  absl::Status Data(std::string_view rest, size_t* used);
  absl::Status ParsePartHeader(std::string_view block, MultipartPart* part) const;
  absl::Status ParseDisposition(std::string_view value, MultipartPart* part) const;

  const std::string delimiter_;  // CRLF "--" boundary
  const MultipartLimits limits_;
  Listener& listener_;
  State state_ = State::kStart;
  std::string pending_;  // not yet understood
  size_t parts_ = 0;
  size_t epilogue_bytes_ = 0;
  absl::Status failure_;
};

// The client's side: pieces to put around the content of each part. Content must not contain the boundary.
class MultipartWriter {
 public:
  explicit MultipartWriter(std::string boundary) : boundary_(std::move(boundary)) {}
  std::string ContentType() const;
  // A whole field, and the head of a file whose content the caller sends next.
  std::string Field(std::string_view name, std::string_view value);
  std::string FileHead(std::string_view name, std::string_view filename, std::string_view content_type);
  std::string End() const;

 private:
  std::string Separator();

  const std::string boundary_;
  bool first_ = true;
};

}  // namespace dinh::http

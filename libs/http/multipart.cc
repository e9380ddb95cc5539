#include "libs/http/multipart.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/base/text.h"
#include "libs/http/message.h"

namespace dinh::http {
namespace {

constexpr size_t kBoundaryMax = 70;  // RFC 2046, section 5.1.1
constexpr size_t kPaddingMax = 64;   // blanks behind a boundary: allowed there, of use to nobody

absl::Status Malformed(std::string_view what) {
  return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_MULTIPART",
                     {.vi = "Biểu mẫu tải lên bị hỏng hoặc thiếu; hãy gửi lại từ đầu.",
                      .en = "The uploaded form is malformed (" + std::string(what) + "); send it again."});
}

absl::Status OverLimit(std::string_view what, size_t max) {
  return base::Error(
      absl::StatusCode::kInvalidArgument, "MULTIPART_LIMIT",
      {.vi = "Biểu mẫu tải lên vượt giới hạn cho phép; hãy bớt số phần hoặc rút ngắn tên tệp.",
       .en = "The uploaded form exceeds a limit (" + std::string(what) + "); send fewer or shorter parts."},
      {{"limit", std::string(what)}, {"max", std::to_string(max)}});
}

bool IsBoundaryCharacter(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// One `name=value` or `name="value"` of a header field's parameters; `rest` starts behind a ';'. false: malformed.
bool NextParameter(std::string_view* rest, std::string* name, std::string* value) {
  *rest = base::Trim(*rest);
  const size_t equals = rest->find('=');
  if (equals == std::string_view::npos) return false;
  *name = base::Trim(rest->substr(0, equals));
  rest->remove_prefix(equals + 1);
  *rest = base::Trim(*rest);
  value->clear();
  if (!rest->starts_with('"')) {
    const size_t end = rest->find(';');
    *value = base::Trim(rest->substr(0, end));
    *rest = end == std::string_view::npos ? std::string_view() : rest->substr(end + 1);
    return !name->empty() && !value->empty();
  }
  size_t i = 1;
  for (; i < rest->size() && (*rest)[i] != '"'; ++i) {
    // Only these two are ever escaped so; old clients send Windows paths with plain backslashes.
    const bool escape = (*rest)[i] == '\\' && i + 1 < rest->size() && ((*rest)[i + 1] == '"' || (*rest)[i + 1] == '\\');
    if (escape) ++i;
    value->push_back((*rest)[i]);
  }
  if (i >= rest->size()) return false;
  rest->remove_prefix(i + 1);
  *rest = base::Trim(*rest);
  if (!rest->empty() && !rest->starts_with(';')) return false;
  if (!rest->empty()) rest->remove_prefix(1);
  return !name->empty();
}

// Browsers write exactly these three so (WHATWG HTML, multipart/form-data encoding algorithm).
void UndoBrowserEscapes(std::string* text) {
  for (auto [escape, plain] : {std::pair{"%22", "\""}, std::pair{"%0D", "\r"}, std::pair{"%0A", "\n"}}) {
    for (size_t at = text->find(escape); at != std::string::npos; at = text->find(escape, at + 1)) {
      text->replace(at, 3, plain);
    }
  }
}

std::string EscapeForBrowser(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '"') {
      out += "%22";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

}  // namespace

absl::StatusOr<std::string> MultipartBoundary(std::string_view content_type) {
  const size_t semicolon = content_type.find(';');
  if (!EqualsIgnoreCase(base::Trim(content_type.substr(0, semicolon)), "multipart/form-data")) {
    return Malformed("the content type is not multipart/form-data");
  }
  std::string_view rest = semicolon == std::string_view::npos ? std::string_view() : content_type.substr(semicolon + 1);
  std::string boundary, name, value;
  while (!base::Trim(rest).empty()) {
    if (!NextParameter(&rest, &name, &value)) return Malformed("bad parameter of the content type");
    if (!EqualsIgnoreCase(name, "boundary")) continue;
    if (!boundary.empty()) return Malformed("two boundaries");
    boundary = value;
    if (boundary.empty()) return Malformed("empty boundary");
  }
  if (boundary.empty()) return Malformed("no boundary");
  if (boundary.size() > kBoundaryMax) return OverLimit("boundary", kBoundaryMax);
  if (boundary.back() == ' ' || !std::all_of(boundary.begin(), boundary.end(), IsBoundaryCharacter)) {
    return Malformed("bad character in the boundary");
  }
  return boundary;
}

MultipartParser::MultipartParser(std::string_view boundary, const MultipartLimits& limits, Listener& listener)
    : delimiter_("\r\n--" + std::string(boundary)), limits_(limits), listener_(listener) {}

absl::Status MultipartParser::Feed(std::string_view bytes) {
  if (!failure_.ok()) return failure_;
  pending_ += bytes;
  failure_ = Consume();
  return failure_;
}

absl::Status MultipartParser::Finish() {
  if (!failure_.ok()) return failure_;
  if (state_ != State::kEpilogue) failure_ = Malformed("it ends before the final boundary");
  return failure_;
}

absl::Status MultipartParser::Consume() {
  size_t done = 0;
  absl::Status status;
  for (;;) {
    size_t used = 0;
    const State before = state_;
    status = Step(std::string_view(pending_).substr(done), &used);
    done += used;
    if (!status.ok() || (used == 0 && state_ == before)) break;
  }
  pending_.erase(0, done);
  return status;
}

absl::Status MultipartParser::Step(std::string_view rest, size_t* used) {
  switch (state_) {
    case State::kStart:
      return StartLine(rest, used);
    case State::kAfterBoundary:
      return AfterBoundary(rest, used);
    case State::kHeaders:
      return Headers(rest, used);
    case State::kData:
      return Data(rest, used);
    case State::kEpilogue:
      *used = rest.size();
      epilogue_bytes_ += rest.size();
      if (epilogue_bytes_ > limits_.epilogue_bytes_max) return OverLimit("epilogue", limits_.epilogue_bytes_max);
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

// No preamble: no client of forms sends one, and it would only hide where the form begins.
absl::Status MultipartParser::StartLine(std::string_view rest, size_t* used) {
  const std::string_view first = std::string_view(delimiter_).substr(2);
  const size_t known = std::min(rest.size(), first.size());
  if (rest.substr(0, known) != first.substr(0, known)) return Malformed("it does not begin with the boundary");
  if (rest.size() < first.size()) return absl::OkStatus();
  *used = first.size();
  state_ = State::kAfterBoundary;
  return absl::OkStatus();
}

absl::Status MultipartParser::AfterBoundary(std::string_view rest, size_t* used) {
  if (rest.size() < 2) return absl::OkStatus();
  if (rest.starts_with("--")) {
    if (parts_ == 0) return Malformed("it has no part");
    *used = 2;
    state_ = State::kEpilogue;
    return absl::OkStatus();
  }
  const size_t end = rest.find_first_not_of(" \t");
  if (std::min(end, rest.size()) > kPaddingMax) return Malformed("blanks behind a boundary");
  if (end == std::string_view::npos || end + 1 == rest.size()) {
    if (end != std::string_view::npos && rest[end] != '\r') return Malformed("bad boundary line");
    return absl::OkStatus();
  }
  if (rest.substr(end, 2) != "\r\n") return Malformed("bad boundary line");
  *used = end + 2;
  if (++parts_ > limits_.parts_max) return OverLimit("parts", limits_.parts_max);
  state_ = State::kHeaders;
  return absl::OkStatus();
}

absl::Status MultipartParser::Headers(std::string_view rest, size_t* used) {
  // The CRLF of the boundary line has gone already, so a part without any header begins with CRLF at once.
  if (rest.starts_with("\r\n")) return Malformed("a part without a name");
  constexpr std::string_view kEnd = "\r\n\r\n";
  const size_t end = rest.find(kEnd);
  // The last bytes may be a part of the end: the limit is the same however the body arrives.
  const size_t size = end == std::string_view::npos ? rest.size() - std::min(rest.size(), kEnd.size() - 1) : end;
  if (size > limits_.header_bytes_max) return OverLimit("part header", limits_.header_bytes_max);
  if (end == std::string_view::npos) return absl::OkStatus();
  MultipartPart part;
  RETURN_IF_ERROR(ParsePartHeader(rest.substr(0, end), &part));
  *used = end + kEnd.size();
  state_ = State::kData;
  return listener_.OnPartBegin(part);
}

absl::Status MultipartParser::Data(std::string_view rest, size_t* used) {
  const size_t at = rest.find(delimiter_);
  if (at != std::string_view::npos) {
    if (at > 0) RETURN_IF_ERROR(listener_.OnPartData(rest.substr(0, at)));
    *used = at + delimiter_.size();
    state_ = State::kAfterBoundary;
    return listener_.OnPartEnd();
  }
  // The end may be the beginning of a delimiter: keep from the first CR on that could be one.
  size_t keep = rest.size() >= delimiter_.size() ? rest.size() - delimiter_.size() + 1 : 0;
  for (; keep < rest.size(); ++keep) {
    keep = std::min(rest.find('\r', keep), rest.size());
    if (std::string_view(delimiter_).starts_with(rest.substr(keep))) break;
  }
  keep = std::min(keep, rest.size());
  if (keep > 0) RETURN_IF_ERROR(listener_.OnPartData(rest.substr(0, keep)));
  *used = keep;
  return absl::OkStatus();
}

absl::Status MultipartParser::ParsePartHeader(std::string_view block, MultipartPart* part) const {
  bool disposition = false, type = false;
  while (!block.empty()) {
    const size_t end = block.find("\r\n");
    const std::string_view line = block.substr(0, end);
    block = end == std::string_view::npos ? std::string_view() : block.substr(end + 2);
    if (HasControl(line)) return Malformed("a control character in a part's header");
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line[0] == ' ') return Malformed("bad header line of a part");
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = base::Trim(line.substr(colon + 1));
    if (EqualsIgnoreCase(name, "Content-Disposition")) {
      if (std::exchange(disposition, true)) return Malformed("two Content-Disposition fields");
      RETURN_IF_ERROR(ParseDisposition(value, part));
    } else if (EqualsIgnoreCase(name, "Content-Type")) {
      if (std::exchange(type, true)) return Malformed("two Content-Type fields");
      part->content_type = value;
    } else if (EqualsIgnoreCase(name, "Content-Transfer-Encoding") && !EqualsIgnoreCase(value, "binary") &&
               !EqualsIgnoreCase(value, "8bit") && !EqualsIgnoreCase(value, "7bit")) {
      return Malformed("an encoded part");  // deprecated by RFC 7578, section 4.7; decoding it is nobody's work here
    }
  }
  if (!disposition) return Malformed("a part without Content-Disposition");
  if (part->content_type.empty()) part->content_type = "text/plain";
  return absl::OkStatus();
}

absl::Status MultipartParser::ParseDisposition(std::string_view value, MultipartPart* part) const {
  const size_t semicolon = value.find(';');
  if (!EqualsIgnoreCase(base::Trim(value.substr(0, semicolon)), "form-data"))
    return Malformed("a part that is not form-data");
  std::string_view rest = semicolon == std::string_view::npos ? std::string_view() : value.substr(semicolon + 1);
  std::string name, text;
  bool named = false;
  while (!base::Trim(rest).empty()) {
    if (!NextParameter(&rest, &name, &text)) return Malformed("bad Content-Disposition");
    UndoBrowserEscapes(&text);
    if (EqualsIgnoreCase(name, "name")) {
      if (std::exchange(named, true)) return Malformed("two names of a part");
      part->name = text;
    } else if (EqualsIgnoreCase(name, "filename")) {
      if (part->filename.has_value()) return Malformed("two file names of a part");
      const size_t slash = text.find_last_of("/\\");
      part->filename = slash == std::string::npos ? text : text.substr(slash + 1);
    }
  }
  if (part->name.empty()) return Malformed("a part without a name");
  if (part->name.size() > limits_.name_bytes_max) return OverLimit("part name", limits_.name_bytes_max);
  const std::string filename = part->filename.value_or("");
  if (filename.size() > limits_.filename_bytes_max) return OverLimit("file name", limits_.filename_bytes_max);
  if (HasControl(part->name) || HasControl(filename)) return Malformed("a control character in a name");
  if (!base::IsValidUtf8(part->name) || !base::IsValidUtf8(filename)) return Malformed("a name that is not UTF-8");
  return absl::OkStatus();
}

std::string MultipartWriter::ContentType() const { return "multipart/form-data; boundary=\"" + boundary_ + "\""; }

std::string MultipartWriter::Separator() {
  return (std::exchange(first_, false) ? std::string("--") : std::string("\r\n--")) + boundary_ + "\r\n";
}

std::string MultipartWriter::Field(std::string_view name, std::string_view value) {
  return Separator() + "Content-Disposition: form-data; name=\"" + EscapeForBrowser(name) + "\"\r\n\r\n" +
         std::string(value);
}

std::string MultipartWriter::FileHead(std::string_view name, std::string_view filename, std::string_view content_type) {
  return Separator() + "Content-Disposition: form-data; name=\"" + EscapeForBrowser(name) + "\"; filename=\"" +
         EscapeForBrowser(filename) + "\"\r\nContent-Type: " + std::string(content_type) + "\r\n\r\n";
}

std::string MultipartWriter::End() const { return "\r\n--" + boundary_ + "--\r\n"; }

}  // namespace dinh::http

#include "libs/http/message.h"

#include <array>
#include <cstdio>

#include "libs/base/civil.h"

namespace dinh::http {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool IsTokenCharacter(char c) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  for (char c : text) {
    if (!IsTokenCharacter(c)) return false;
  }
  return !text.empty();
}

// Those that frame the message: a handler that set them could break the framing.
bool IsServersOwn(std::string_view name) {
  for (std::string_view own : {"Content-Length", "Transfer-Encoding", "Connection", "Date"}) {
    if (EqualsIgnoreCase(name, own)) return true;
  }
  return false;
}

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && Lower(a[i]) != Lower(b[i])) return false;
  }
  return true;
}

std::optional<std::string_view> HeaderList::Find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (EqualsIgnoreCase(field.name, name)) return field.value;
  }
  return std::nullopt;
}

size_t HeaderList::Count(std::string_view name) const {
  size_t count = 0;
  for (const Field& field : fields_) count += EqualsIgnoreCase(field.name, name) ? 1 : 0;
  return count;
}

bool HeaderList::HasToken(std::string_view name, std::string_view token) const {
  for (const Field& field : fields_) {
    if (!EqualsIgnoreCase(field.name, name)) continue;
    std::string_view rest = field.value;
    for (;;) {
      const size_t comma = rest.find(',');
      if (EqualsIgnoreCase(TrimBlanks(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

void ResponseHeaders::Add(std::string_view name, std::string_view value) {
  if (!IsToken(name) || IsServersOwn(name)) return;
  lines_.reserve(lines_.size() + name.size() + value.size() + 4);
  lines_ += name;
  lines_ += ": ";
  for (char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    lines_.push_back((byte < 0x20 && c != '\t') || byte == 0x7f ? ' ' : c);
  }
  lines_ += "\r\n";
}

std::optional<std::string_view> ResponseHeaders::Find(std::string_view name) const {
  std::string_view rest = lines_;
  while (!rest.empty()) {
    const size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    const size_t colon = line.find(": ");
    if (EqualsIgnoreCase(line.substr(0, colon), name)) return line.substr(colon + 2);
    rest.remove_prefix(end + 2);
  }
  return std::nullopt;
}

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

std::string HttpDate(int64_t unix_seconds) {
  static constexpr std::array<const char*, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr int64_t kDaySeconds = 86'400;
  int64_t days = unix_seconds / kDaySeconds;
  int64_t rest = unix_seconds % kDaySeconds;
  if (rest < 0) {
    rest += kDaySeconds;
    --days;
  }
  const base::CivilDate date = base::CivilFromDays(days);
  char buffer[64];
  const int size =
      std::snprintf(buffer, sizeof(buffer), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[base::Weekday(date) - 1],
                    date.day, kMonths[date.month - 1], date.year, static_cast<int>(rest / 3600),
                    static_cast<int>(rest / 60 % 60), static_cast<int>(rest % 60));
  return std::string(buffer, size);
}

const ProtocolErrorInfo& Describe(ProtocolError error) {
  static constexpr ProtocolErrorInfo kMalformed = {
      400, "MALFORMED_REQUEST", "Bad Request", "Yêu cầu không đúng chuẩn HTTP/1.1; hãy kiểm tra phần mềm gửi yêu cầu.",
      "The request is not valid HTTP/1.1; check the program that sent it."};
  static constexpr ProtocolErrorInfo kTimeout = {
      408, "REQUEST_TOO_SLOW", "Request Timeout", "Dữ liệu đến quá chậm; hãy kiểm tra đường truyền rồi gửi lại.",
      "The request came too slowly; check the connection and send it again."};
  static constexpr ProtocolErrorInfo kBodyTooLarge = {413, "BODY_TOO_LARGE", "Content Too Large",
                                                      "Nội dung gửi lên quá lớn; hãy gửi tệp nhỏ hơn.",
                                                      "The content is too large; send a smaller one."};
  static constexpr ProtocolErrorInfo kTargetTooLong = {414, "TARGET_TOO_LONG", "URI Too Long",
                                                       "Địa chỉ quá dài; hãy rút ngắn tham số.",
                                                       "The address is too long; shorten its parameters."};
  static constexpr ProtocolErrorInfo kExpectation = {
      417, "EXPECTATION_FAILED", "Expectation Failed",
      "Máy chủ chỉ hiểu Expect: 100-continue; hãy bỏ trường Expect khác.",
      "Only Expect: 100-continue is understood; leave out any other expectation."};
  static constexpr ProtocolErrorInfo kHeaders = {
      431, "HEADERS_TOO_LARGE", "Request Header Fields Too Large",
      "Phần đầu của yêu cầu quá lớn; hãy xóa cookie của trang rồi thử lại.",
      "The request's header is too large; clear this site's cookies and try again."};
  static constexpr ProtocolErrorInfo kInternal = {500, "INTERNAL", "Internal Server Error",
                                                  "Máy chủ gặp lỗi; hãy thử lại sau ít phút.",
                                                  "The server failed; try again in a few minutes."};
  static constexpr ProtocolErrorInfo kNotImplemented = {
      501, "NOT_IMPLEMENTED", "Not Implemented", "Máy chủ không hỗ trợ cách truyền này; hãy gửi với Content-Length.",
      "This transfer coding or method is not supported; send a Content-Length."};
  static constexpr ProtocolErrorInfo kTooMany = {503, "TOO_MANY_CONNECTIONS", "Service Unavailable",
                                                 "Quá nhiều kết nối cùng lúc; hãy thử lại sau giây lát.",
                                                 "Too many connections at the moment; try again shortly."};
  static constexpr ProtocolErrorInfo kHandlerTimeout = {
      504, "DEADLINE_EXCEEDED", "Gateway Timeout", "Xử lý quá lâu; hãy kiểm tra kết quả trước khi gửi lại.",
      "Handling took too long; look whether it took effect before sending again."};
  static constexpr ProtocolErrorInfo kVersion = {505, "HTTP_VERSION_NOT_SUPPORTED", "HTTP Version Not Supported",
                                                 "Máy chủ chỉ hiểu HTTP/1.0 và HTTP/1.1.",
                                                 "Only HTTP/1.0 and HTTP/1.1 are understood; send one of them."};
  switch (error) {
    case ProtocolError::kMalformed:
      return kMalformed;
    case ProtocolError::kTimeout:
      return kTimeout;
    case ProtocolError::kBodyTooLarge:
      return kBodyTooLarge;
    case ProtocolError::kTargetTooLong:
      return kTargetTooLong;
    case ProtocolError::kExpectationFailed:
      return kExpectation;
    case ProtocolError::kHeadersTooLarge:
      return kHeaders;
    case ProtocolError::kInternal:
      return kInternal;
    case ProtocolError::kNotImplemented:
      return kNotImplemented;
    case ProtocolError::kTooManyConnections:
      return kTooMany;
    case ProtocolError::kHandlerTimeout:
      return kHandlerTimeout;
    case ProtocolError::kVersion:
      return kVersion;
  }
  return kInternal;
}

Response ProblemResponse(ProtocolError error) {
  const ProtocolErrorInfo& info = Describe(error);
  Response response;
  response.status = info.status;
  response.headers.Add("Content-Type", "application/problem+json");
  response.headers.Add("Content-Language", "vi");
  response.headers.Add("Cache-Control", "no-store");
  // None of the texts holds a character that JSON would escape (tested).
  response.body = "{\"type\":\"about:blank\",\"title\":\"" + std::string(info.title) +
                  "\",\"status\":" + std::to_string(info.status) + ",\"detail\":\"" + std::string(info.vi) +
                  "\",\"reason\":\"" + std::string(info.reason) + "\"}";
  return response;
}

}  // namespace dinh::http

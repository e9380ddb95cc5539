#include "libs/http/url.h"

#include <array>
#include <charconv>

#include "libs/base/status.h"

namespace dinh::http {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<bool, 256> MakeUnreserved() {
  std::array<bool, 256> table{};
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c : {'-', '.', '_', '~'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> kUnreserved = MakeUnreserved();

absl::Status BadEscape() {
  return base::Error(absl::StatusCode::kInvalidArgument, "BAD_PERCENT_ENCODING",
                     {.vi = "Địa chỉ có dấu % không kèm hai chữ số thập lục phân; hãy mã hóa lại tham số.",
                      .en = "A % in the address is not followed by two hexadecimal digits (or encodes NUL); encode the "
                            "parameter again."});
}

absl::StatusOr<std::string> Decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return BadEscape();
      const int high = HexValue(text[i + 1]), low = HexValue(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0)) return BadEscape();
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(plus_is_blank && c == '+' ? ' ' : c);
    }
  }
  return out;
}

absl::Status BadUrl(std::string_view url) {
  return base::Error(absl::StatusCode::kInvalidArgument, "BAD_URL",
                     {.vi = "Địa chỉ phải có dạng http://máy:cổng/đường-dẫn.",
                      .en = "The address must look like http://host:port/path."},
                     {{"url", std::string(url)}});
}

}  // namespace

absl::StatusOr<std::string> PercentDecode(std::string_view text) { return Decode(text, false); }

std::string PercentEncode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kUnreserved[byte]) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

absl::StatusOr<Parameters> ParseQuery(std::string_view query) {
  Parameters out;
  while (!query.empty()) {
    const size_t end = query.find('&');
    const std::string_view piece = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (piece.empty()) continue;
    if (out.size() == kQueryParametersMax) {
      return base::Error(absl::StatusCode::kInvalidArgument, "TOO_MANY_PARAMETERS",
                         {.vi = "Quá nhiều tham số trong địa chỉ; hãy bỏ bớt.",
                          .en = "Too many parameters in the address; send fewer."},
                         {{"max", std::to_string(kQueryParametersMax)}});
    }
    const size_t equals = piece.find('=');
    ASSIGN_OR_RETURN(std::string name, Decode(piece.substr(0, equals), true));
    if (name.empty()) {
      return base::Error(absl::StatusCode::kInvalidArgument, "EMPTY_PARAMETER_NAME",
                         {.vi = "Một tham số trong địa chỉ không có tên; hãy sửa lại thành tên=giá_trị.",
                          .en = "A parameter in the address has no name; write name=value."});
    }
    std::string value;
    if (equals != std::string_view::npos) {
      ASSIGN_OR_RETURN(value, Decode(piece.substr(equals + 1), true));
    }
    out.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

std::string EncodeQuery(const Parameters& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out.push_back('&');
    out += PercentEncode(name);
    out.push_back('=');
    out += PercentEncode(value);
  }
  return out;
}

absl::StatusOr<Url> ParseUrl(std::string_view url) {
  Url out;
  std::string_view rest = url;
  if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("https://")) {
    out.tls = true;
    rest.remove_prefix(8);
  } else {
    return BadUrl(url);
  }
  const size_t slash = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, slash);
  out.target = slash == std::string_view::npos ? "/" : std::string(rest.substr(slash));
  if (out.target[0] == '?') out.target.insert(0, "/");
  if (out.target.find('#') != std::string::npos || authority.find('@') != std::string_view::npos) return BadUrl(url);
  for (char c : url) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 127) return BadUrl(url);
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return BadUrl(url);
    out.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority[0] != ':') return BadUrl(url);
    if (!authority.empty()) port = authority.substr(1);
    if (!authority.empty() && port.empty()) return BadUrl(url);
  } else {
    const size_t colon = authority.find(':');
    out.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) {
      port = authority.substr(colon + 1);
      if (port.empty()) return BadUrl(url);
    }
  }
  if (out.host.empty() || out.host.find_first_of("[]") != std::string::npos) return BadUrl(url);
  out.port = out.tls ? 443 : 80;
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port == 0) return BadUrl(url);
  }
  return out;
}

}  // namespace dinh::http

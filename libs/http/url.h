// Percent-encoding (RFC 3986), query strings and application/x-www-form-urlencoded (WHATWG), and the few URLs a client
// is given. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace dinh::http {

inline constexpr size_t kQueryParametersMax = 256;

using Parameters = std::vector<std::pair<std::string, std::string>>;  // in wire order, names may repeat

// "%E1%BB%85" -> "ễ". `%` must stand before two hexadecimal digits: anything else is INVALID_ARGUMENT, as is a decoded
// NUL byte. Neither UTF-8 nor path separators are judged here.
absl::StatusOr<std::string> PercentDecode(std::string_view text);

// Everything but RFC 3986's unreserved characters (letters, digits, "-._~") becomes %XX.
std::string PercentEncode(std::string_view text);

// "a=1&b=x%20y&c" -> {{a,1},{b,"x y"},{c,""}}. `+` is a blank (as forms and Go's and Java's routers have it). Empty
// pieces ("a&&b") are skipped. INVALID_ARGUMENT on a bad escape, an empty name or more than kQueryParametersMax.
// Serves query strings and application/x-www-form-urlencoded bodies.
absl::StatusOr<Parameters> ParseQuery(std::string_view query);
std::string EncodeQuery(const Parameters& parameters);

struct Url {
  bool tls = false;
  std::string host;  // without brackets
  uint16_t port = 0;
  std::string target;  // path and query, at least "/"
};

// "http://127.0.0.1:8080/v1/me?x=1", "https://[::1]". No user part, no fragment. INVALID_ARGUMENT otherwise.
absl::StatusOr<Url> ParseUrl(std::string_view url);

}  // namespace dinh::http

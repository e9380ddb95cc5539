// The one place where std::string_view meets Debian's absl::string_view (its own type there), and small string work.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/string_view.h"

namespace dinh::base {

inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view FromAbsl(absl::string_view s) { return {s.data(), s.size()}; }

// Lower-case hexadecimal of bytes.
std::string HexEncode(std::string_view bytes);
// false (and `out` untouched) on an odd length or a foreign character.
bool HexDecode(std::string_view hex, std::string* out);
// RFC 4648 section 5, no padding.
std::string Base64UrlEncode(std::string_view bytes);
// Strict: refuses padding, foreign characters and non-zero trailing bits (one encoding per value).
bool Base64UrlDecode(std::string_view text, std::string* out);
// Time depends on the length only.
bool ConstantTimeEqual(std::string_view a, std::string_view b);
// SHA-256, 32 raw bytes.
std::string Sha256(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);
// "a,b,,c" -> {"a","b","","c"}
std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);

}  // namespace dinh::base

// Vietnamese text: normal form, folding for search, structure checks. Backed by utf8proc.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace dinh::base {

// Unicode code points of valid UTF-8; -1 when invalid.
int64_t CodePoints(std::string_view utf8);
bool IsValidUtf8(std::string_view text);

// NFC, control characters (but \n and \t) and zero-width characters removed, runs of blanks made one, ends trimmed.
// INVALID_ARGUMENT on invalid UTF-8.
absl::StatusOr<std::string> NormalizeText(std::string_view text);

// For search: NFC -> lower case -> marks off -> đ to d; blanks folded. "Trích lục Hộ tịch" -> "trich luc ho tich".
std::string Fold(std::string_view text);
// Lower case NFC with marks kept: tells "hoằng đồng" from "hoằng đông".
std::string LowerNfc(std::string_view text);
// ASCII only, for bank memos: Fold, upper case, anything but [A-Z0-9 ] dropped.
std::string ToAsciiUpper(std::string_view text);

}  // namespace dinh::base

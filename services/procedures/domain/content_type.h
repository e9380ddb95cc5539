// What an uploaded file really is: told by its bytes, never by its name or the client's word. Only PDF, JPEG, PNG and
// WebP are taken; everything else, and files that are two things at once, are refused.
//
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace dinh::procedures {

inline constexpr size_t kSniffHeadBytes = 4096;  // what the check needs of the beginning
inline constexpr size_t kSniffTailBytes = 2048;  // … and of the end
inline constexpr size_t kFileNameMax = 120;      // code points

// `head` is the file's first min(size, 4,096) bytes, `tail` its last min(size, 2,048); they may overlap.
// The media type: "application/pdf" | "image/jpeg" | "image/png" | "image/webp". Errors:
//   INVALID_ARGUMENT FILE_EMPTY, FILE_TYPE_REFUSED, FILE_BROKEN (cut off), FILE_POLYGLOT (pretends to be two things)
absl::StatusOr<std::string> DetectContentType(std::string_view head, std::string_view tail, int64_t size);

// A name safe to show and to put into Content-Disposition: the last path part, NFC, without control or reserved
// characters or leading dots, at most 120 code points, with the extension of the real type.
std::string CleanFileName(std::string_view name, std::string_view content_type);

}  // namespace dinh::procedures

// The outside of an uploaded file: what it is, and a file of the same picture with nothing else in it. Decoders see
// only the latter, so compressed texts, previews and whatever hides behind the end of the file never reach them.
#pragma once

#include <string>
#include <string_view>

#include "services/feedback/photo_worker/protocol.h"

namespace dinh::photo {

struct Source {
  SourceType type = SourceType::kNone;
  std::string bare;  // signature, headers, tables and coded pixels only
  std::string exif;  // TIFF structure, may be empty; untrusted
  std::string icc;   // colour profile, at most kProfileBytesMax, may be empty; untrusted
};

// Verdict::kOk, or why not. The type is told by the first bytes, and the whole structure must follow it.
Verdict OpenContainer(std::string_view file, Source* source);

}  // namespace dinh::photo

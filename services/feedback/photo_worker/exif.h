// The two facts of a photo's EXIF data (CIPA DC-008) that are of use before all of it is thrown away.
#pragma once

#include <optional>
#include <string_view>

#include "services/feedback/photo_worker/protocol.h"

namespace dinh::photo {

struct ExifFacts {
  int orientation = 1;               // 1..8, tag 0x0112
  std::optional<Position> position;  // none where it is incomplete, impossible, or 0,0 (a receiver without a fix)
};

// `tiff`: the TIFF structure, from its byte order mark on. Malformed data gives what could be read before.
ExifFacts ReadExif(std::string_view tiff);

}  // namespace dinh::photo

// Pixels to JPEG.
#pragma once

#include <string>

#include "services/feedback/photo_worker/picture.h"

namespace dinh::photo {

enum class JpegKind {
  kProgressive,  // smaller, and shows early on a slow line
  kBaseline,     // decodes faster: thumbnails
};

// Quality kJpegQuality, 4:2:0, sRGB by convention (no profile), no APPn and no comment. Empty when memory runs out.
std::string EncodeJpeg(const Picture& picture, JpegKind kind);

}  // namespace dinh::photo

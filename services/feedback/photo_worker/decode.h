// Bare files (see container.h) to pixels. Each decoder gives a picture whose longest side is at most kFullSideMax, with
// transparent parts on white, not yet upright, and never holds the picture at its full size unless the format forces
// it to; then kDecoderBytesMax bounds it.
#pragma once

#include <string_view>

#include "services/feedback/photo_worker/picture.h"
#include "services/feedback/photo_worker/protocol.h"

namespace dinh::photo {

Verdict DecodeJpeg(std::string_view bare, Picture* picture);
Verdict DecodePng(std::string_view bare, Picture* picture);
Verdict DecodeWebp(std::string_view bare, Picture* picture);

// kOk, kTooManyPixels or kTooNarrow.
Verdict CheckSize(int64_t width, int64_t height);

// `pixels` of R, G, B, A onto white.
void FlattenAlpha(const uint8_t* rgba, int pixels, uint8_t* rgb);

}  // namespace dinh::photo

// Colour profiles (ICC.1). Phones write wide-gamut pictures (Display P3) whose numbers mean other colours than sRGB's.
#pragma once

#include <string_view>

#include "services/feedback/photo_worker/picture.h"

namespace dinh::photo {

// Changes the pixels from what `icc_profile` says they mean to sRGB. A profile that is broken or not for R, G, B
// changes nothing: the numbers are then taken as sRGB, as they are without a profile.
void ToSrgb(Picture& picture, std::string_view icc_profile);

}  // namespace dinh::photo

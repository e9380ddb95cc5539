// What the worker program does with one request.
#pragma once

#include <string>
#include <vector>

#include "services/feedback/photo_worker/protocol.h"

namespace dinh::photo {

// Decodes, makes upright, makes smaller, and encodes `image` again with its thumbnail. With boxes these are covered.
// `image` is taken so that its memory is free while decoding.
Answer ProcessImage(std::string image, const std::vector<Box>& boxes);

}  // namespace dinh::photo

// The built web app, read into memory at start: a few hundred kilobytes that many answers share.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "services/gateway/edge.h"

namespace dinh::gateway {

inline constexpr size_t kAppFilesMax = 512;
inline constexpr size_t kAppBytesMax = 16 * 1024 * 1024;

// Every regular file below `folder` under its own path, index.html also as "/". Symbolic links are not followed out of
// the folder. A folder that does not exist is an error only when `required`.
absl::Status AddAppFiles(const std::filesystem::path& folder, bool required, Edge& edge);

}  // namespace dinh::gateway

// The configuration file as a flat list. Private to libs/config.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace dinh::config {

// {"http": {"address": "x", "trusted_proxies": ["a", "b"]}} becomes two entries. Comments (// and /* */) are allowed.
struct FileEntry {
  enum class Kind { kText, kBool, kNumber, kList, kOther };
  std::string component;
  std::string key;  // empty: the component is there but is no object
  Kind kind = Kind::kOther;
  std::string text;                // kText, kBool, kNumber
  std::vector<std::string> items;  // kList
};

// INVALID_ARGUMENT (reason INVALID_CONFIG): no such file, no JSON (the text gives the line, never the content), the
// same key twice, not an object.
absl::StatusOr<std::vector<FileEntry>> ReadConfigFile(const std::string& path);

}  // namespace dinh::config

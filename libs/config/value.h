// How one bound field is written and read. Private to libs/config.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/base/status.h"
#include "libs/config/registry.h"

namespace dinh::config {

// As it would be typed.
std::string FormatValue(const FieldPointer& field);
// What the reader of --help should type, e.g. "DURATION".
std::string TypeName(const FieldPointer& field);
// nullopt on success, else what is expected. Never repeats `text`, which may be a secret.
std::optional<base::Text> ParseValue(std::string_view text, const FieldPointer& field);

}  // namespace dinh::config

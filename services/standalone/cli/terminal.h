// Secrets from the person at the terminal (or, without one, from standard input: a line).
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace dinh::standalone {

// Without echo; on a terminal asked twice. INVALID_ARGUMENT when the two differ or nothing came.
absl::StatusOr<std::string> ReadNewSecret(const std::string& prompt);
// One that exists already: asked once.
absl::StatusOr<std::string> ReadSecret(const std::string& prompt);

}  // namespace dinh::standalone

// What a command says to the person at the terminal.
#pragma once

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "libs/base/status.h"

namespace dinh::standalone {

// The Vietnamese text, then the reason and the English one.
inline void PrintError(const absl::Status& status) {
  if (std::optional<base::ErrorDetail> detail = base::DetailOf(status)) {
    std::fprintf(stderr, "dinh: %s\n      %s (%s)\n", detail->text.vi.c_str(), detail->text.en.c_str(),
                 detail->reason.c_str());
    for (const base::FieldViolation& violation : detail->violations) {
      std::fprintf(stderr, "      %s: %s / %s\n", violation.field.c_str(), violation.description.vi.c_str(),
                   violation.description.en.c_str());
    }
  } else {
    std::fprintf(stderr, "dinh: %s\n", std::string(status.ToString()).c_str());
  }
}

}  // namespace dinh::standalone

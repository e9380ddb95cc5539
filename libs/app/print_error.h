// What a program says to the person at the terminal.
#pragma once

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "libs/base/status.h"

namespace dinh::app {

// The Vietnamese text, then the English one and the reason. `program`: "dinh", "identityd".
inline void PrintError(const absl::Status& status, const std::string& program = "dinh") {
  const std::string margin(program.size() + 2, ' ');
  if (std::optional<base::ErrorDetail> detail = base::DetailOf(status)) {
    std::fprintf(stderr, "%s: %s\n%s%s (%s)\n", program.c_str(), detail->text.vi.c_str(), margin.c_str(),
                 detail->text.en.c_str(), detail->reason.c_str());
    for (const base::FieldViolation& violation : detail->violations) {
      std::fprintf(stderr, "%s%s: %s / %s\n", margin.c_str(), violation.field.c_str(), violation.description.vi.c_str(),
                   violation.description.en.c_str());
    }
  } else {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), std::string(status.ToString()).c_str());
  }
}

}  // namespace dinh::app

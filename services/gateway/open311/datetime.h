// Date-times as GeoReport v2 has them: the W3C note's form with a zone (http://www.w3.org/TR/NOTE-datetime). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/base/clock.h"

namespace dinh::gateway::open311 {

// "2026-02-13T08:00:00+07:00", "…Z", seconds and their fraction optional. A blank stands for the plus sign that a
// client forgot to encode in its query. nullopt: anything else, a date without time or zone included.
std::optional<base::Micros> ParseDateTime(std::string_view text);

// In Vietnam's time, whole seconds: "2026-02-13T08:00:00+07:00".
std::string FormatDateTime(base::Micros instant);

}  // namespace dinh::gateway::open311

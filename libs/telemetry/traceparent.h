// W3C Trace Context, level 1, header `traceparent`: https://www.w3.org/TR/trace-context-1/
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/base/op_context.h"
#include "libs/base/random.h"

namespace dinh::telemetry {

// "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01". nullopt, and then a new trace begins, for version ff,
// ids that are all zero, upper-case digits, another length; a version above 00 is read by its first 55 characters.
std::optional<base::Trace> ParseTraceparent(std::string_view header);
std::string FormatTraceparent(const base::Trace& trace);

base::Trace NewTrace(base::Random& random, bool sampled);
// The same trace, a span of its own.
base::Trace NewChild(const base::Trace& parent, base::Random& random);

}  // namespace dinh::telemetry

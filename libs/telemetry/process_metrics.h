// Figures of the process itself, read when asked. Private to libs/telemetry.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace dinh::telemetry {

// `folder` is /proc/self or one of the same form. What cannot be read is left out.
std::vector<prometheus::MetricFamily> CollectProcess(const std::string& folder);

}  // namespace dinh::telemetry

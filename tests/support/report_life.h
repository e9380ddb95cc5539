// The life of one report (phản ánh) over HTTP, step by step: sent, assigned, started, answered, resolved, rated, shown.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "services/standalone/demo/story.h"

namespace dinh::testing {

// Plays it with the demo's people. `officer_options` may lead to another gateway than `citizen_options`: officers work
// through that one. `say`: one line a step; may be empty. The report's id.
absl::StatusOr<std::string> PlayReportLife(const demo::StoryOptions& citizen_options,
                                           const demo::StoryOptions& officer_options,
                                           const std::function<void(std::string_view)>& say);

}  // namespace dinh::testing

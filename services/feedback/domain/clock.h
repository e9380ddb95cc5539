// The time limit of a report in working hours, over the same calendar as procedures: when it is due, when the next step
// of its escalation is, whether it was in time. Waiting for the citizen does not count.
//
// All errors are the calendar's (FAILED_PRECONDITION WORKING_CALENDAR_UNKNOWN: a year nobody has entered holidays for).
// Pure; thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/working_calendar.h"
#include "services/feedback/domain/categories.h"
#include "services/feedback/domain/transitions.h"

namespace dinh::feedback {

// Adds the working minutes of a pause (rounded down) to progress.waited_minutes.
absl::Status AddPause(const base::WorkingCalendar& calendar, const Pause& pause, Progress& progress);

// The instant by which the answer is due: answer_hours of office time after started_at, and as much later as the
// citizen was waited for. Also after the answer, for the record. nullopt while waiting (the clock stands) and before
// submit.
absl::StatusOr<std::optional<base::Micros>> DueAt(const base::WorkingCalendar& calendar, int answer_hours,
                                                  const Progress& progress);

// Working minutes used of the limit until `now`, or until the answer, or until waiting began.
absl::StatusOr<int64_t> UsedMinutes(const base::WorkingCalendar& calendar, const Progress& progress, base::Micros now);

struct NextStep {
  size_t index = 0;     // in plan.steps
  base::Micros at = 0;  // may lie in the past: then it is due now
};

// The first step that is not in `done` (ids of this round of the report) and when it is due. nullopt: all are done, or
// the clock does not run (waiting, answered, finished).
absl::StatusOr<std::optional<NextStep>> NextStepOf(const base::WorkingCalendar& calendar, const EscalationPlan& plan,
                                                   int answer_hours, const Progress& progress,
                                                   const std::set<std::string, std::less<>>& done);

// Answered after `due`, or unanswered at `now` after it. Never while waiting. `due` as DueAt gives it.
bool IsOverdue(const Progress& progress, const std::optional<base::Micros>& due, base::Micros now);

}  // namespace dinh::feedback

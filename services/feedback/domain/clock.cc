#include "services/feedback/domain/clock.h"

#include <algorithm>

namespace dinh::feedback {
namespace {

constexpr int64_t kMinutesPerHour = 60;

// The instant at which `minutes` of the report's own working time have passed.
absl::StatusOr<base::Micros> After(const base::WorkingCalendar& calendar, int64_t minutes, const Progress& progress) {
  return calendar.AddWorkingMinutes(progress.started_at, minutes + progress.waited_minutes);
}

}  // namespace

absl::Status AddPause(const base::WorkingCalendar& calendar, const Pause& pause, Progress& progress) {
  ASSIGN_OR_RETURN(const int64_t minutes, calendar.WorkingMinutesBetween(pause.from, pause.to));
  progress.waited_minutes += std::max<int64_t>(minutes, 0);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<base::Micros>> DueAt(const base::WorkingCalendar& calendar, int answer_hours,
                                                  const Progress& progress) {
  if (progress.state == State::kNone || progress.state == State::kWaiting) return std::optional<base::Micros>();
  ASSIGN_OR_RETURN(const base::Micros due, After(calendar, answer_hours * kMinutesPerHour, progress));
  return std::optional<base::Micros>(due);
}

absl::StatusOr<int64_t> UsedMinutes(const base::WorkingCalendar& calendar, const Progress& progress, base::Micros now) {
  if (progress.state == State::kNone) return 0;
  base::Micros until = now;
  if (progress.answered_at) {
    until = *progress.answered_at;
  } else if (progress.waiting_since) {
    until = *progress.waiting_since;
  }
  ASSIGN_OR_RETURN(const int64_t passed, calendar.WorkingMinutesBetween(progress.started_at, until));
  return std::max<int64_t>(passed - progress.waited_minutes, 0);
}

absl::StatusOr<std::optional<NextStep>> NextStepOf(const base::WorkingCalendar& calendar, const EscalationPlan& plan,
                                                   int answer_hours, const Progress& progress,
                                                   const std::set<std::string, std::less<>>& done) {
  const bool runs = IsOpen(progress.state) && progress.state != State::kWaiting && !progress.answered_at;
  if (!runs) return std::optional<NextStep>();
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const EscalationStep& step = plan.steps[i];
    if (done.contains(step.id)) continue;
    const int64_t minutes = answer_hours * kMinutesPerHour * step.at_percent / 100;
    ASSIGN_OR_RETURN(const base::Micros at, After(calendar, minutes, progress));
    return std::optional<NextStep>(NextStep{i, at});
  }
  return std::optional<NextStep>();
}

bool IsOverdue(const Progress& progress, const std::optional<base::Micros>& due, base::Micros now) {
  if (!due || progress.state == State::kWaiting) return false;
  return progress.answered_at.value_or(now) > *due;
}

}  // namespace dinh::feedback

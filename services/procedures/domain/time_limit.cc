#include "services/procedures/domain/time_limit.h"

#include <algorithm>

namespace dinh::procedures {
namespace {

constexpr base::Micros kMicrosPerDay = 24LL * 60 * 60 * base::kMicrosPerSecond;

int64_t RoundHalfUp(int64_t amount, int64_t unit) { return unit <= 0 ? 0 : (amount + unit / 2) / unit; }

}  // namespace

absl::Status CheckTimeLimit(const TimeLimit& limit) {
  for (int days : limit.days) {
    if (days < 0 || days > kLimitDaysMax) return absl::InvalidArgumentError("time limit out of range");
    if (limit.unit == TimeLimit::Unit::kCalendarDays && days == 0) {
      return absl::InvalidArgumentError("calendar days must be at least 1");
    }
    if (limit.unit == TimeLimit::Unit::kNone && days != 0) return absl::InvalidArgumentError("days without a unit");
    if (limit.same_day && (limit.unit != TimeLimit::Unit::kWorkingDays || days > 1)) {
      return absl::InvalidArgumentError("same_day is for at most one working day");
    }
  }
  return absl::OkStatus();
}

base::Text TimeLimitText(const TimeLimit& limit, Channel channel) {
  const std::string days = std::to_string(limit.For(channel));
  if (limit.unit == TimeLimit::Unit::kNone) return {"không quy định", "not specified"};
  if (limit.unit == TimeLimit::Unit::kCalendarDays) return {days + " ngày", days + " days"};
  if (limit.same_day) {
    return {"trong ngày làm việc (tiếp nhận sau 15 giờ: ngày làm việc tiếp theo)",
            "within the working day (accepted after 15:00: the next working day)"};
  }
  if (limit.For(channel) == 0) return {"trong ngày làm việc", "within the working day"};
  return {days + " ngày làm việc", days + " working days"};
}

absl::Status AddPause(const base::WorkingCalendar& calendar, const Pause& pause, Waited& waited) {
  ASSIGN_OR_RETURN(const int64_t minutes, calendar.WorkingMinutesBetween(pause.from, pause.to));
  waited.working_minutes += std::max<int64_t>(minutes, 0);
  waited.elapsed += std::max<base::Micros>(pause.to - pause.from, 0);
  waited.resumed_at = pause.to;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<base::CivilDate>> DueDate(const base::WorkingCalendar& calendar, const TimeLimit& limit,
                                                       Channel channel, base::Micros accepted, const Waited& waited) {
  if (limit.unit == TimeLimit::Unit::kNone) return std::optional<base::CivilDate>();
  if (limit.unit == TimeLimit::Unit::kCalendarDays) {
    const int64_t days = limit.For(channel) + RoundHalfUp(waited.elapsed, kMicrosPerDay);
    const base::CivilDate end = base::AddDays(base::ToVietnam(accepted).date, days);
    ASSIGN_OR_RETURN(const base::CivilDate due, calendar.WorkingDayFrom(end));
    return std::optional<base::CivilDate>(due);
  }
  ASSIGN_OR_RETURN(base::CivilDate due, calendar.DueDate(accepted, limit.For(channel), limit.same_day));
  const int64_t moved = RoundHalfUp(waited.working_minutes, calendar.OfficeMinutesPerDay());
  if (moved > 0) {
    ASSIGN_OR_RETURN(due, calendar.AddWorkingDays(due, static_cast<int>(std::min<int64_t>(moved, 100'000))));
  }
  if (limit.same_day && waited.resumed_at) {
    ASSIGN_OR_RETURN(const base::CivilDate anew, calendar.DueDate(*waited.resumed_at, limit.For(channel), true));
    due = std::max(due, anew);
  }
  return std::optional<base::CivilDate>(due);
}

bool IsOverdue(const Progress& progress, const std::optional<base::CivilDate>& due, base::Micros now) {
  if (!due) return false;
  base::Micros at = now;
  if (progress.finished_at) {
    at = *progress.finished_at;
  } else if (progress.waiting_since) {
    at = *progress.waiting_since;
  }
  return base::ToVietnam(at).date > *due;
}

}  // namespace dinh::procedures

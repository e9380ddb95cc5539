// How long a procedure may take, and when a dossier is due: counted from acceptance, without the time the citizen was
// waited for (libs/base/working_calendar.h has the rules of counting and their sources).
//
// Pure; thread-safe when const.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/civil.h"
#include "libs/base/status.h"
#include "libs/base/working_calendar.h"
#include "services/procedures/domain/fees.h"
#include "services/procedures/domain/transitions.h"

namespace dinh::procedures {

struct TimeLimit {
  enum class Unit { kNone, kWorkingDays, kCalendarDays };
  Unit unit = Unit::kNone;
  std::array<int, 3> days = {0, 0, 0};  // by Channel; 0 working days: on the day itself
  // Within the day; accepted after 15:00: the next working day. Only for at most one working day.
  bool same_day = false;
  base::Text note;

  int For(Channel channel) const { return days[static_cast<size_t>(channel)]; }
};

inline constexpr int kLimitDaysMax = 400;

absl::Status CheckTimeLimit(const TimeLimit& limit);
// "1 ngày làm việc", "30 ngày", "trong ngày làm việc", "không quy định".
base::Text TimeLimitText(const TimeLimit& limit, Channel channel);

// Time a dossier's citizen was waited for, summed up over all pauses.
struct Waited {
  int64_t working_minutes = 0;
  base::Micros elapsed = 0;
  std::optional<base::Micros> resumed_at;  // end of the last pause
};
absl::Status AddPause(const base::WorkingCalendar& calendar, const Pause& pause, Waited& waited);

// The day by the end of which the result is due; nullopt when no limit is published. Working days: the waited office
// time moves the day by whole office days, rounded half up. Same-day procedures also get the 15:00 rule anew when
// waiting ends. Calendar days: moved by the elapsed days, and never ending on a day of rest.
absl::StatusOr<std::optional<base::CivilDate>> DueDate(const base::WorkingCalendar& calendar, const TimeLimit& limit,
                                                       Channel channel, base::Micros accepted, const Waited& waited);

// Late: the due day is over at the moment that counts (finished, or since when the citizen is waited for, or now).
bool IsOverdue(const Progress& progress, const std::optional<base::CivilDate>& due, base::Micros now);

}  // namespace dinh::procedures

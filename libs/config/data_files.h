// The shipped data files that more than one service reads.
//
// Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/working_calendar.h"

namespace dinh::config {

// A whole file; NOT_FOUND when it cannot be read.
absl::StatusOr<std::string> ReadDataFile(const std::string& path);

// deploy/data/holidays.json, for base::WorkingCalendar. INVALID_ARGUMENT, naming the place of the fault.
absl::StatusOr<std::vector<base::CalendarDay>> ReadHolidays(std::string_view json);

// Role -> name in Vietnamese, of deploy/data/roles.json. INVALID_ARGUMENT likewise.
absl::StatusOr<std::map<std::string, std::string, std::less<>>> ReadRoleNames(std::string_view json);

}  // namespace dinh::config

#include "libs/config/data_files.h"

#include <fstream>
#include <iterator>

#include "libs/config/json_object.h"

namespace dinh::config {

absl::StatusOr<std::string> ReadDataFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError("cannot read " + path);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) return absl::NotFoundError("cannot read " + path);
  return text;
}

absl::StatusOr<std::vector<base::CalendarDay>> ReadHolidays(std::string_view text) {
  std::vector<base::CalendarDay> out;
  RETURN_IF_ERROR(ReadJson(text, "holidays.json", [&](JsonObject& root) {
    root.Only({"about", "kinds", "status", "sources", "days"});
    root.Each("days", [&](JsonObject& o) {
      o.Only({"date", "kind", "status", "name"});
      base::CalendarDay day{o.Date("date"), base::DayKind::kStatutory};
      const std::string kind = o.Text("kind");
      if (kind == "compensatory") {
        day.kind = base::DayKind::kCompensatory;
      } else if (kind == "swap_off") {
        day.kind = base::DayKind::kSwapOff;
      } else if (kind == "working_makeup") {
        day.kind = base::DayKind::kWorkingMakeup;
      } else if (kind != "statutory") {
        o.Fail("kind", "statutory, compensatory, swap_off or working_makeup");
      }
      out.push_back(day);
    });
  }));
  return out;
}

absl::StatusOr<std::map<std::string, std::string, std::less<>>> ReadRoleNames(std::string_view text) {
  std::map<std::string, std::string, std::less<>> out;
  RETURN_IF_ERROR(ReadJson(text, "roles.json", [&](JsonObject& root) {
    root.Each("roles", [&](JsonObject& o) { out[o.Text("role")] = o.Text("name"); });
  }));
  return out;
}

}  // namespace dinh::config

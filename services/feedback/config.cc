#include "services/feedback/config.h"

namespace dinh::feedback {

void Config::Bind(config::Registry& registry) {
  registry.Bind("feedback", "outside_area", &outside_area,
                "reports of places outside the district: flag (taken and marked) or refuse");
  registry.Bind("feedback", "reports_per_login", &reports_per_login, "reports of one login a day",
                {.min = 1, .max = 1'000'000});
  registry.Bind("feedback", "reports_per_phone", &reports_per_phone, "reports of one phone without a login a day",
                {.min = 1, .max = 1'000'000});
  registry.Bind("feedback", "clock_interval", &clock_interval,
                "how often reminders, escalations and closings are looked for");
  registry.Bind("feedback", "photo_worker", &photo_worker,
                "program that decodes photos; found beside this one when empty");
  registry.Bind("feedback", "open311_keys", &open311_keys, "id:secret of every system that reports by Open311",
                {.secret = true});
}

}  // namespace dinh::feedback

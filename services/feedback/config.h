// What can be set for the service.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "libs/config/registry.h"

namespace dinh::feedback {

struct Config {
  // "flag": taken and marked for the office; "refuse".
  std::string outside_area = "flag";
  int64_t reports_per_login = 20;
  int64_t reports_per_phone = 5;
  std::chrono::milliseconds clock_interval{30'000};
  std::string photo_worker;
  std::vector<std::string> open311_keys;

  void Bind(config::Registry& registry);
};

}  // namespace dinh::feedback

#include "services/standalone/cli/dev_accounts.h"

#include <cstdio>
#include <fstream>

#include "nlohmann/json.hpp"

namespace dinh::standalone {

void PrintDevAccounts(const std::string& resources, const std::string& outbox) {
  std::ifstream in(resources + "/demo.json");
  const nlohmann::json demo = nlohmann::json::parse(in, nullptr, false);
  if (!demo.is_object()) return;
  std::printf("Tài khoản thử (chế độ phát triển):\n");
  for (const auto& citizen : demo.value("citizens", nlohmann::json::array())) {
    std::string names;
    for (const auto& person : citizen.value("persons", nlohmann::json::array())) {
      names += (names.empty() ? "" : ", ") + person.value("full_name", "");
    }
    std::printf("  %-24s điện thoại %s\n", names.empty() ? "(chưa khai)" : names.c_str(),
                citizen.value("phone", "").c_str());
  }
  for (const auto& officer : demo.value("officers", nlohmann::json::array())) {
    std::printf("  %-24s %s / %s\n", officer.value("full_name", "").c_str(), officer.value("username", "").c_str(),
                officer.value("password", "").c_str());
  }
  std::printf("  Mã OTP nằm trong %s/*.json\n", outbox.c_str());
}

}  // namespace dinh::standalone

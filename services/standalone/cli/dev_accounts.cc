#include "services/standalone/cli/dev_accounts.h"

#include <cstdio>
#include <fstream>

#include "libs/base/text.h"
#include "nlohmann/json.hpp"

namespace dinh::standalone {
namespace {

constexpr int64_t kNameLetters = 36;

// Filled up with blanks to the width of the column: printf would count bytes.
std::string Column(std::string name) {
  const int64_t letters = base::CodePoints(name);
  if (letters < kNameLetters) name.append(static_cast<size_t>(kNameLetters - letters), ' ');
  return name;
}

}  // namespace

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
    std::printf("  %s điện thoại %s\n", Column(names.empty() ? "(chưa khai)" : names).c_str(),
                citizen.value("phone", "").c_str());
  }
  for (const auto& officer : demo.value("officers", nlohmann::json::array())) {
    std::printf("  %s %s / %s\n", Column(officer.value("full_name", "")).c_str(), officer.value("username", "").c_str(),
                officer.value("password", "").c_str());
  }
  std::printf("  Mã OTP nằm trong %s/*.json\n", outbox.c_str());
}

}  // namespace dinh::standalone

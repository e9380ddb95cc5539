#include "services/identity/data_files.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "libs/base/status.h"
#include "nlohmann/json.hpp"

namespace dinh::identity {
namespace {

using Json = nlohmann::json;

absl::Status Invalid(const std::string& file, const std::string& what) {
  return base::FailedPrecondition(
      "DATA_FILE_INVALID",
      {"Tệp dữ liệu " + file + " sai: " + what + ". Hãy cài lại bộ dữ liệu kèm theo.",
       "The data file " + file + " is wrong: " + what + ". Install the shipped data again."},
      {{"file", file}});
}

// Missing keys and other types give "".
std::string Text(const Json& row, const char* key) {
  if (!row.is_object()) return "";
  const auto it = row.find(key);
  return it != row.end() && it->is_string() ? it->get<std::string>() : "";
}

Json List(const Json& row, const char* key) {
  if (!row.is_object()) return Json::array();
  const auto it = row.find(key);
  return it != row.end() && it->is_array() ? *it : Json::array();
}

Person ParsePerson(const Json& row) {
  Person person;
  person.full_name = Text(row, "full_name");
  person.personal_number = Text(row, "personal_number");
  person.birth_date = Text(row, "birth_date");
  if (row.is_object() && row.contains("address")) {
    const Json& address = row["address"];
    person.address = {Text(address, "text"), Text(address, "unit"), Text(address, "at")};
  }
  return person;
}

}  // namespace

absl::StatusOr<std::string> ReadDataFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    const std::string name = path.substr(path.rfind('/') + 1);
    return base::FailedPrecondition("DATA_FILE_MISSING",
                                    {"Thiếu tệp dữ liệu " + name + ". Hãy cài lại bộ dữ liệu kèm theo.",
                                     "The data file " + name + " is missing. Install the shipped data again."},
                                    {{"file", name}});
  }
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

absl::StatusOr<Roles> ParseRoles(std::string_view json) {
  const Json file = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  std::vector<Role> roles;
  bool admin = false;
  for (const Json& row : List(file, "roles")) {
    Role role{Text(row, "role"), Text(row, "name"), {}};
    if (role.id.empty() || role.name.empty()) return Invalid("roles.json", "a role lacks its id or name");
    for (const Json& permission : List(row, "permissions")) {
      if (!permission.is_string()) return Invalid("roles.json", "a permission is no text");
      role.permissions.push_back(permission.get<std::string>());
    }
    admin =
        admin || std::find(role.permissions.begin(), role.permissions.end(), kManageOfficers) != role.permissions.end();
    roles.push_back(std::move(role));
  }
  if (!admin) return Invalid("roles.json", "no role may manage officers");
  return Roles(std::move(roles));
}

absl::StatusOr<DemoAccounts> ParseDemoAccounts(std::string_view json) {
  const Json file = Json::parse(json, nullptr, /*allow_exceptions=*/false);
  DemoAccounts out;
  for (const Json& row : List(file, "citizens")) {
    DemoCitizen citizen{Text(row, "phone"), {}};
    if (citizen.phone.empty()) return Invalid("demo.json", "a citizen lacks the phone");
    for (const Json& person : List(row, "persons")) citizen.persons.push_back(ParsePerson(person));
    out.citizens.push_back(std::move(citizen));
  }
  for (const Json& row : List(file, "officers")) {
    DemoOfficer officer{{Text(row, "username"), Text(row, "full_name"), Text(row, "position"), {}},
                        Text(row, "password")};
    for (const Json& grant : List(row, "grants")) {
      officer.officer.grants.push_back({Text(grant, "role"), Text(grant, "agency"), Text(grant, "unit")});
    }
    if (officer.officer.username.empty() || officer.password.empty() || officer.officer.grants.empty()) {
      return Invalid("demo.json", "an officer lacks user name, password or roles");
    }
    out.officers.push_back(std::move(officer));
  }
  return out;
}

}  // namespace dinh::identity

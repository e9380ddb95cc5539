#include "services/territory/map_file.h"

#include <optional>
#include <string>
#include <utility>

#include "libs/base/civil.h"
#include "libs/base/status.h"
#include "nlohmann/json.hpp"

namespace dinh::territory {
namespace {

using Json = nlohmann::json;

absl::Status BadFile(const std::string& what) {
  return base::InvalidField("territory.json", {"Tệp bản đồ đơn vị hành chính sai: " + what, "bad map file: " + what},
                            "MAP_FILE_INVALID");
}

// Missing keys and wrong types are "" (then refused as empty where a value is needed).
std::string Text(const Json& row, const char* key) {
  auto it = row.find(key);
  return it != row.end() && it->is_string() ? it->get<std::string>() : "";
}

absl::StatusOr<Day> DayOr(const Json& row, const char* key, Day fallback) {
  const std::string text = Text(row, key);
  if (text.empty()) return fallback;
  std::optional<base::CivilDate> date = base::ParseDate(text);
  if (!date) return BadFile(std::string(key) + " is not a date: " + text);
  return base::DaysFromCivil(*date);
}

absl::StatusOr<Level> ParseLevel(const std::string& text) {
  if (text == "province") return Level::kProvince;
  if (text == "district") return Level::kDistrict;
  if (text == "commune") return Level::kCommune;
  if (text == "village") return Level::kVillage;
  return BadFile("unknown level " + text);
}

absl::StatusOr<AgencyKind> ParseKind(const std::string& text) {
  if (text == "peoples_committee") return AgencyKind::kPeoplesCommittee;
  if (text == "police") return AgencyKind::kPolice;
  if (text == "post_office") return AgencyKind::kPostOffice;
  return BadFile("unknown kind of agency " + text);
}

absl::StatusOr<Unit> ParseUnit(const Json& row) {
  Unit unit;
  unit.code = Text(row, "code");
  unit.name = Text(row, "name");
  unit.type = Text(row, "type");
  unit.parent = Text(row, "parent");
  ASSIGN_OR_RETURN(unit.level, ParseLevel(Text(row, "level")));
  ASSIGN_OR_RETURN(unit.from, DayOr(row, "valid_from", kOpenStart));
  ASSIGN_OR_RETURN(unit.to, DayOr(row, "valid_to", kOpenEnd));
  for (const Json& next : row.value("successors", Json::array())) {
    Succession succession{.code = Text(next, "code")};
    ASSIGN_OR_RETURN(succession.from, DayOr(next, "from", kOpenStart));
    unit.successors.push_back(std::move(succession));
  }
  return unit;
}

absl::StatusOr<Agency> ParseAgency(const Json& row) {
  Agency agency;
  agency.id = Text(row, "id");
  agency.name = Text(row, "name");
  agency.unit = Text(row, "unit");
  agency.dossier_prefix = Text(row, "dossier_prefix");
  agency.address = Text(row, "address");
  agency.phone = Text(row, "phone");
  ASSIGN_OR_RETURN(agency.kind, ParseKind(Text(row, "kind")));
  ASSIGN_OR_RETURN(agency.from, DayOr(row, "valid_from", kOpenStart));
  ASSIGN_OR_RETURN(agency.to, DayOr(row, "valid_to", kOpenEnd));
  if (agency.id.empty() || agency.name.empty()) return BadFile("agency without id or name");
  return agency;
}

}  // namespace

absl::StatusOr<MapRows> ParseMapFile(std::string_view json) {
  const Json file = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (!file.is_object() || !file.contains("units") || !file["units"].is_array() || !file.contains("agencies") ||
      !file["agencies"].is_array()) {
    return BadFile("not an object with the lists units and agencies");
  }
  MapRows rows;
  for (const Json& row : file["units"]) {
    if (!row.is_object()) return BadFile("a unit is not an object");
    ASSIGN_OR_RETURN(Unit unit, ParseUnit(row));
    rows.units.push_back(std::move(unit));
  }
  for (const Json& row : file["agencies"]) {
    if (!row.is_object()) return BadFile("an agency is not an object");
    ASSIGN_OR_RETURN(Agency agency, ParseAgency(row));
    rows.agencies.push_back(std::move(agency));
  }
  return rows;
}

}  // namespace dinh::territory

#include "services/territory/store.h"

#include <map>
#include <optional>
#include <utility>

namespace dinh::territory {
namespace {

std::optional<int64_t> Bound(Day day) {
  return day == kOpenStart || day == kOpenEnd ? std::nullopt : std::optional<int64_t>(day);
}

absl::Status InsertUnit(db::Tx& tx, const Unit& unit, int64_t ordinal) {
  RETURN_IF_ERROR(tx.ExecLater(
      "INSERT INTO units (code, ordinal, name, type, level, parent, from_day, to_day) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      {unit.code, ordinal, unit.name, unit.type, unit.level, unit.parent, Bound(unit.from), Bound(unit.to)}));
  for (size_t i = 0; i < unit.successors.size(); ++i) {
    const Succession& next = unit.successors[i];
    RETURN_IF_ERROR(
        tx.ExecLater("INSERT INTO successions (code, ordinal, position, successor, from_day) "
                     "VALUES ($1, $2, $3, $4, $5)",
                     {unit.code, ordinal, i, next.code, next.from}));
  }
  return absl::OkStatus();
}

absl::Status InsertAgency(db::Tx& tx, const Agency& agency) {
  return tx.ExecLater(
      "INSERT INTO agencies (id, name, kind, unit, dossier_prefix, address, phone, from_day, to_day) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      {agency.id, agency.name, agency.kind, agency.unit, agency.dossier_prefix, agency.address, agency.phone,
       Bound(agency.from), Bound(agency.to)});
}

}  // namespace

absl::StatusOr<std::string> Store::SourceHash(db::Tx& tx) const {
  ASSIGN_OR_RETURN(std::optional<std::string> hash, tx.QueryOne("SELECT sha256 FROM map_source WHERE id = 1", {},
                                                                [](const db::Row& row) { return row.Text(0); }));
  return hash.value_or("");
}

absl::Status Store::Replace(db::Tx& tx, const MapRows& rows, std::string_view source_hash) const {
  for (std::string_view table : {"DELETE FROM successions", "DELETE FROM units", "DELETE FROM agencies"}) {
    RETURN_IF_ERROR(tx.Exec(table).status());
  }
  std::map<std::string, int64_t> ordinals;
  for (const Unit& unit : rows.units) RETURN_IF_ERROR(InsertUnit(tx, unit, ordinals[unit.code]++));
  for (const Agency& agency : rows.agencies) RETURN_IF_ERROR(InsertAgency(tx, agency));
  return tx
      .Exec(
          "INSERT INTO map_source (id, sha256, loaded_at) VALUES (1, $1, $2) "
          "ON CONFLICT (id) DO UPDATE SET sha256 = excluded.sha256, loaded_at = excluded.loaded_at",
          {source_hash, tx.context().Now()})
      .status();
}

absl::StatusOr<MapRows> Store::Load(db::Tx& tx) const {
  MapRows rows;
  std::map<std::pair<std::string, int64_t>, size_t> index;
  RETURN_IF_ERROR(
      tx.Query("SELECT code, ordinal, name, type, level, parent, from_day, to_day FROM units ORDER BY code, ordinal",
               {}, [&](const db::Row& row) {
                 Unit unit;
                 unit.code = row.Text(0);
                 unit.name = row.Text(2);
                 unit.type = row.Text(3);
                 unit.level = static_cast<Level>(row.Int(4));
                 unit.parent = row.Text(5);
                 unit.from = row.OptInt(6).value_or(kOpenStart);
                 unit.to = row.OptInt(7).value_or(kOpenEnd);
                 index[{unit.code, row.Int(1)}] = rows.units.size();
                 rows.units.push_back(std::move(unit));
               }));
  RETURN_IF_ERROR(
      tx.Query("SELECT code, ordinal, successor, from_day FROM successions ORDER BY code, ordinal, position", {},
               [&](const db::Row& row) {
                 auto it = index.find({row.Text(0), row.Int(1)});
                 if (it != index.end()) rows.units[it->second].successors.push_back({row.Text(2), row.Int(3)});
               }));
  RETURN_IF_ERROR(tx.Query(
      "SELECT id, name, kind, unit, dossier_prefix, address, phone, from_day, to_day FROM agencies ORDER BY id", {},
      [&](const db::Row& row) {
        Agency agency;
        agency.id = row.Text(0);
        agency.name = row.Text(1);
        agency.kind = static_cast<AgencyKind>(row.Int(2));
        agency.unit = row.Text(3);
        agency.dossier_prefix = row.Text(4);
        agency.address = row.Text(5);
        agency.phone = row.Text(6);
        agency.from = row.OptInt(7).value_or(kOpenStart);
        agency.to = row.OptInt(8).value_or(kOpenEnd);
        rows.agencies.push_back(std::move(agency));
      }));
  return rows;
}

}  // namespace dinh::territory

// Every SQL statement of the service.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "services/territory/domain/gazetteer.h"

namespace dinh::territory {

// The files of migrations/, embedded at build time.
std::vector<db::Migration> Migrations();

struct MapRows {
  std::vector<Unit> units;
  std::vector<Agency> agencies;
};

// Thread-safe: holds no state.
class Store {
 public:
  // Hash of the loaded file; empty before the first load.
  absl::StatusOr<std::string> SourceHash(db::Tx& tx) const;
  // Replaces the whole map.
  absl::Status Replace(db::Tx& tx, const MapRows& rows, std::string_view source_hash) const;
  absl::StatusOr<MapRows> Load(db::Tx& tx) const;
};

}  // namespace dinh::territory

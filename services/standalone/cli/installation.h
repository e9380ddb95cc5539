// Where a command finds the data of an installation: SQLite files of the data folder, or PostgreSQL when DINH_DB_DSN
// stands in the environment, as for `dinh serve`.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/app/database_config.h"
#include "libs/base/clock.h"
#include "libs/db/database.h"

namespace CLI {
class App;
}

namespace dinh::standalone {

// The names of the services that have a store, in start order.
std::vector<std::string> StoreServices();

class Installation {
 public:
  Installation() = default;
  // SQLite files in this folder, whatever the environment says.
  explicit Installation(std::string data_dir) : data_dir_(std::move(data_dir)) {}

  // --data-dir.
  void Bind(CLI::App& command);
  // Reads the settings of "db" from the environment; others are not looked at.
  absl::Status Configure();

  const std::string& data_dir() const { return data_dir_; }
  std::string keys() const { return data_dir_ + "/keys"; }
  const app::DatabaseConfig& database() const { return database_; }
  bool postgres() const { return database_.postgres(); }

  // Whether there is data in the folder or on the configured engine: then keys must be there too.
  absl::StatusOr<bool> HoldsData() const;
  // The services whose stores are there. May be called while the platform runs.
  absl::StatusOr<std::vector<std::string>> Stores() const;
  // Opens one. SQLite: the file is made when it is not there, its folder too.
  absl::StatusOr<std::unique_ptr<db::Database>> Open(const std::string& service, const base::Clock& clock,
                                                     int64_t page_cache_kib = 2048) const;
  // For messages: the data folder, or "PostgreSQL".
  std::string Where() const { return postgres() ? "PostgreSQL" : data_dir_; }

 private:
  std::string data_dir_ = "var";
  app::DatabaseConfig database_;
};

// For data that is there without being configured: of a copy.
absl::StatusOr<std::unique_ptr<db::Database>> OpenSqliteStore(const std::string& data_dir, const std::string& service,
                                                              const base::Clock& clock, int64_t page_cache_kib = 2048);
// The services whose SQLite files lie in a data folder, sorted.
std::vector<std::string> SqliteStores(const std::string& data_dir);

}  // namespace dinh::standalone

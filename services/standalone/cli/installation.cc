#include "services/standalone/cli/installation.h"

#include <algorithm>
#include <filesystem>

#include "CLI/CLI.hpp"
#include "libs/base/status.h"
#include "libs/config/registry.h"
#include "services/standalone/modules.h"

namespace dinh::standalone {
namespace {

// One command at a time: no need for a pool as large as the platform's.
constexpr int64_t kConnectionsMax = 4;

}  // namespace

std::vector<std::string> StoreServices() {
  std::vector<std::string> names;
  for (const auto& module : MakeServices()) names.emplace_back(module->name());
  return names;
}

void Installation::Bind(CLI::App& command) {
  command.add_option("--data-dir", data_dir_, "data folder")->capture_default_str();
}

absl::Status Installation::Configure() {
  config::Registry registry;
  database_.Bind(registry);
  std::vector<std::string> own = config::ProcessEnvironment();
  std::erase_if(own, [](const std::string& variable) { return !variable.starts_with("DINH_DB_"); });
  RETURN_IF_ERROR(registry.Load("", own));
  database_.connections_max = std::min(database_.connections_max, kConnectionsMax);
  database_.connections_min = std::min(database_.connections_min, database_.connections_max);
  return absl::OkStatus();
}

absl::StatusOr<bool> Installation::HoldsData() const {
  if (!SqliteStores(data_dir_).empty()) return true;
  ASSIGN_OR_RETURN(const std::vector<std::string> stores, Stores());
  return !stores.empty();
}

absl::StatusOr<std::vector<std::string>> Installation::Stores() const {
  if (!postgres()) return SqliteStores(data_dir_);
  ASSIGN_OR_RETURN(const std::vector<std::string> schemas, db::PostgresSchemas(database_.Postgres("")));
  std::vector<std::string> stores;
  for (const std::string& service : StoreServices()) {
    if (std::find(schemas.begin(), schemas.end(), database_.schema_prefix + service) != schemas.end()) {
      stores.push_back(service);
    }
  }
  std::sort(stores.begin(), stores.end());
  return stores;
}

absl::StatusOr<std::unique_ptr<db::Database>> Installation::Open(const std::string& service, const base::Clock& clock,
                                                                 int64_t page_cache_kib) const {
  if (postgres()) return db::OpenPostgres(database_.Postgres(service), clock);
  return OpenSqliteStore(data_dir_, service, clock, page_cache_kib);
}

absl::StatusOr<std::unique_ptr<db::Database>> OpenSqliteStore(const std::string& data_dir, const std::string& service,
                                                              const base::Clock& clock, int64_t page_cache_kib) {
  const std::filesystem::path folder = std::filesystem::path(data_dir) / "db";
  std::error_code error;  // OpenSqlite tells when there is no folder
  std::filesystem::create_directories(folder, error);
  db::SqliteOptions options;
  options.path = folder / (service + ".sqlite");
  options.page_cache_kib = page_cache_kib;
  return db::OpenSqlite(options, clock);
}

std::vector<std::string> SqliteStores(const std::string& data_dir) {
  std::vector<std::string> stores;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(data_dir) / "db", error)) {
    if (entry.path().extension() == ".sqlite") stores.push_back(entry.path().stem());
  }
  std::sort(stores.begin(), stores.end());
  return stores;
}

}  // namespace dinh::standalone

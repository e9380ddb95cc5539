#include "services/territory/module.h"

#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/strings.h"
#include "services/territory/handlers/handlers.h"
#include "services/territory/map_file.h"
#include "services/territory/store.h"

namespace dinh::territory {
namespace {

constexpr std::chrono::seconds kLoadDeadline{30};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return base::FailedPrecondition("MAP_FILE_MISSING", {"Thiếu tệp bản đồ đơn vị hành chính territory.json.",
                                                         "The map file territory.json is missing."});
  }
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

class TerritoryModule final : public app::ServiceModule {
 public:
  std::string_view name() const override { return "territory"; }

  absl::Status Init(app::Platform& platform) override {
    platform_ = &platform;
    ASSIGN_OR_RETURN(db_, platform.OpenDatabase(Migrations()));
    handlers_.emplace(platform.page_tokens());
    return absl::OkStatus();
  }

  void RegisterMethods(rpc::MethodTable& table) override {
    const std::string service = "dinh.territory.v1.TerritoryService.";
    table.Unary(service + "GetUnit", &*handlers_, &Handlers::GetUnit);
    table.Unary(service + "ResolveUnit", &*handlers_, &Handlers::ResolveUnit);
    table.Unary(service + "ListUnits", &*handlers_, &Handlers::ListUnits);
    table.Unary(service + "GetAgency", &*handlers_, &Handlers::GetAgency);
    table.Unary(service + "ListAgencies", &*handlers_, &Handlers::ListAgencies);
  }

  // Loads the shipped map when it has changed since the last start, then answers from the store's copy.
  absl::Status Start() override {
    ASSIGN_OR_RETURN(const std::string json, ReadFile(platform_->resource_dir() + "/territory.json"));
    const std::string hash = base::HexEncode(base::Sha256(json));
    base::OpContext ctx(platform_->clock(), platform_->clock().Steady() + kLoadDeadline);
    ASSIGN_OR_RETURN(std::string stored, db_->Read(ctx, [&](db::Tx& tx) { return store_.SourceHash(tx); }));
    if (stored != hash) {
      ASSIGN_OR_RETURN(const MapRows rows, ParseMapFile(json));
      RETURN_IF_ERROR(Gazetteer::Build(rows.units, rows.agencies).status());
      RETURN_IF_ERROR(db_->Transact(ctx, [&](db::Tx& tx) { return store_.Replace(tx, rows, hash); }));
    }
    ASSIGN_OR_RETURN(MapRows rows, db_->Read(ctx, [&](db::Tx& tx) { return store_.Load(tx); }));
    ASSIGN_OR_RETURN(Gazetteer map, Gazetteer::Build(std::move(rows.units), std::move(rows.agencies)));
    handlers_->SetMap(std::make_shared<const Gazetteer>(std::move(map)));
    return absl::OkStatus();
  }

 private:
  app::Platform* platform_ = nullptr;
  db::Database* db_ = nullptr;
  Store store_;
  std::optional<Handlers> handlers_;
};

}  // namespace

std::unique_ptr<app::ServiceModule> MakeTerritoryModule() { return std::make_unique<TerritoryModule>(); }

}  // namespace dinh::territory

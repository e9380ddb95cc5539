#include "services/standalone/cli/db_copy.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "libs/app/host.h"
#include "libs/app/resources.h"
#include "libs/auth/audit.h"
#include "libs/auth/key_ring.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/base/random.h"
#include "libs/base/status.h"
#include "libs/db/blob_store.h"
#include "libs/db/store_copy.h"
#include "libs/telemetry/config.h"
#include "services/feedback/store_copy.h"
#include "services/standalone/cli/data_dir.h"
#include "services/standalone/cli/installation.h"
#include "services/standalone/cli/verification.h"
#include "services/standalone/modules.h"

namespace dinh::standalone {
namespace {

constexpr std::chrono::hours kFinishLimit{4};
constexpr std::chrono::hours kStatementLimit{4};  // counting a large table takes its time
constexpr int kConnectionsMax = 4;
constexpr size_t kFilesAtOnce = 500;

bool IsDsn(const std::string& text) {
  return text.find('=') != std::string::npos || text.find("://") != std::string::npos;
}

absl::Status SourceAbsent(const std::string& where) {
  return base::FailedPrecondition(
      "SOURCE_ABSENT", {"Không có dữ liệu trong “" + where + "”. Hãy ghi đúng thư mục dữ liệu của nơi đang dùng.",
                        "There is no data in '" + where + "'. Name the data folder of the installation."});
}

absl::Status TargetInUse(const std::string& schema) {
  return base::FailedPrecondition(
      "TARGET_IN_USE",
      {"Schema “" + schema + "” đã có dữ liệu. Chỉ sao chép vào schema trống: hãy dùng cơ sở dữ liệu khác.",
       "Schema '" + schema + "' holds data. A copy goes into empty schemas only: use another database."},
      {{"schema", schema}});
}

class Copy {
 public:
  explicit Copy(CopyPlan plan) : plan_(std::move(plan)) {
    from_config_ = Config(plan_.from, plan_.from_prefix);
    to_config_ = Config(plan_.to, plan_.to_prefix);
    to_config_.copying = true;
  }
  ~Copy() {
    if (host_ != nullptr) host_->Stop();
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  absl::StatusOr<bool> Run() {
    RETURN_IF_ERROR(OpenSource());
    RETURN_IF_ERROR(MarkTargets());
    RETURN_IF_ERROR(OpenTarget());
    bool sound = true;
    for (const std::string& service : services_) {
      ASSIGN_OR_RETURN(const bool same, CopyService(service));
      sound = sound && same;
    }
    ASSIGN_OR_RETURN(const bool verified, Verify());
    if (!sound || !verified) return false;
    std::vector<db::Database*> targets;
    for (const std::string& service : all_) targets.push_back(host_->database(service));
    base::OpContext ctx(clock_, clock_.Steady() + kFinishLimit);
    RETURN_IF_ERROR(db::FinishCopies(ctx, targets));
    return true;
  }

 private:
  static app::DatabaseConfig Config(const std::string& dsn, const std::string& prefix) {
    app::DatabaseConfig config;
    config.dsn = dsn;
    config.schema_prefix = prefix;
    config.connections_max = kConnectionsMax;
    config.statement_timeout = kStatementLimit;
    return config;
  }

  // Nobody serves a data folder while it is copied.
  absl::Status OpenSource() {
    const bool folder = !IsDsn(plan_.from);
    if (folder) {
      services_ = SqliteStores(plan_.from);
      if (services_.empty()) return SourceAbsent(plan_.from);
      ASSIGN_OR_RETURN(data_dir_, DataDir::Lock(plan_.from));
    } else {
      ASSIGN_OR_RETURN(const std::vector<std::string> schemas, db::PostgresSchemas(from_config_.Postgres("")));
      for (const std::string& service : StoreServices()) {
        const std::string schema = plan_.from_prefix + service;
        if (std::find(schemas.begin(), schemas.end(), schema) != schemas.end()) services_.push_back(service);
      }
      if (services_.empty()) return SourceAbsent("PostgreSQL");
    }
    for (const std::string& service : services_) {
      ASSIGN_OR_RETURN(from_[service], folder ? OpenSqliteStore(plan_.from, service, clock_)
                                              : db::OpenPostgres(from_config_.Postgres(service), clock_));
    }
    const std::string keys = (plan_.keys_dir.empty() ? plan_.from : plan_.keys_dir) + "/keys";
    ASSIGN_OR_RETURN(keys_, auth::KeyRing::Open({.folder = keys}, clock_, random_));
    return absl::OkStatus();
  }

  // All are looked at before any is touched.
  absl::Status MarkTargets() {
    all_ = StoreServices();
    for (const std::string& service : all_) {
      const db::PostgresOptions options = to_config_.Postgres(service);
      ASSIGN_OR_RETURN(const db::CopyTarget found, db::LookAtTarget(options));
      if (found == db::CopyTarget::kInUse) return TargetInUse(options.schema);
    }
    for (const std::string& service : all_) RETURN_IF_ERROR(db::PrepareTarget(to_config_.Postgres(service)));
    return absl::OkStatus();
  }

  // Every service's schema as this binary makes it, without running anything.
  absl::Status OpenTarget() {
    ASSIGN_OR_RETURN(resources_, app::FindResources(plan_.resource_dir));
    ASSIGN_OR_RETURN(logger_, telemetry::OpenLogger(clock_, "dinh", telemetry::LogConfig{.level = "warn"}));
    app::HostParts parts{.data_dir = plan_.keys_dir.empty() ? plan_.from : plan_.keys_dir,
                         .resource_dir = resources_,
                         .database = to_config_,
                         .clock = clock_,
                         .random = random_,
                         .ids = ids_,
                         .logger = *logger_,
                         .metrics = metrics_,
                         .keys = *keys_};
    parts.prepare_database = [](db::Database& database) { return auth::AuditLog::EnsureSchema(database); };
    host_ = std::make_unique<app::Host>(std::move(parts), MakeServices());
    RETURN_IF_ERROR(host_->Prepare());
    return host_->PrepareStores();
  }

  // Rows, what is made anew from them, files; true: the same number of each on both sides.
  absl::StatusOr<bool> CopyService(const std::string& service) {
    db::Database* const to = host_->database(service);
    if (to == nullptr) return base::Internal("the target has no store for " + service);
    db::CopyOptions options{.clock = clock_, .progress = {}};
    ASSIGN_OR_RETURN(const std::vector<db::CopiedTable> tables, db::CopyStore(*from_.at(service), *to, options));
    bool same = true;
    for (const db::CopiedTable& table : tables) {
      const bool equal = table.source_rows == table.target_rows;
      if (table.source_rows > 0 || !equal) Say(service + "." + table.table, table.source_rows, table.target_rows);
      same = same && equal;
    }
    if (service == "feedback") RETURN_IF_ERROR(feedback::FillTextIndex(*to, clock_));
    const std::filesystem::path files = std::filesystem::path(plan_.from) / service / "files";
    if (data_dir_ == nullptr || !std::filesystem::is_directory(files)) return same;
    ASSIGN_OR_RETURN(const bool all, CopyFiles(service, files));
    return same && all;
  }

  absl::StatusOr<bool> CopyFiles(const std::string& service, const std::filesystem::path& folder) {
    db::BlobStore* const to = host_->blobs(service);
    if (to == nullptr) return base::Internal("the target has no place for the files of " + service);
    ASSIGN_OR_RETURN(const std::unique_ptr<db::BlobStore> from, db::OpenDirBlobStore(folder, {}, random_));
    int64_t there = 0, here = 0;
    std::string last;
    for (bool more = true; more;) {
      ASSIGN_OR_RETURN(const std::vector<std::string> ids, from->List(last, kFilesAtOnce));
      for (const std::string& id : ids) {
        const absl::Status known = to->OpenPieces(id).status();
        if (absl::IsNotFound(known)) {
          RETURN_IF_ERROR(db::CopyBlob(*from, id, *to));
        } else if (!known.ok()) {
          return known;
        }
      }
      there += static_cast<int64_t>(ids.size());
      more = ids.size() == kFilesAtOnce;
      if (!ids.empty()) last = ids.back();
    }
    last.clear();
    for (bool more = true; more;) {
      ASSIGN_OR_RETURN(const std::vector<std::string> ids, to->List(last, kFilesAtOnce));
      here += static_cast<int64_t>(ids.size());
      more = ids.size() == kFilesAtOnce;
      if (!ids.empty()) last = ids.back();
    }
    Say(service + " tệp/files", there, here);
    return there == here;
  }

  absl::StatusOr<bool> Verify() {
    bool sound = true;
    for (const std::string& service : services_) {
      ASSIGN_OR_RETURN(const bool whole,
                       PrintAuditVerification(*host_->database(service), service, *keys_, {}, clock_));
      sound = sound && whole;
    }
    if (!from_.contains("payments")) return sound;
    ASSIGN_OR_RETURN(const bool balanced, PrintLedgerVerification(*host_->database("payments"), clock_));
    return sound && balanced;
  }

  static void Say(const std::string& what, int64_t source, int64_t target) {
    std::printf("%-36s %10lld%s\n", what.c_str(), static_cast<long long>(target),
                source == target ? "" : ("  ≠ " + std::to_string(source)).c_str());
    std::fflush(stdout);
  }

  const CopyPlan plan_;
  app::DatabaseConfig from_config_, to_config_;
  base::SystemClock clock_;
  base::SystemRandom random_;
  base::IdGenerator ids_{clock_, random_};
  telemetry::Metrics metrics_;
  std::unique_ptr<DataDir> data_dir_;  // of the source; null: PostgreSQL
  std::unique_ptr<auth::KeyRing> keys_;
  std::string resources_;
  std::unique_ptr<telemetry::Logger> logger_;
  std::vector<std::string> services_;  // that the source has
  std::vector<std::string> all_;
  std::map<std::string, std::unique_ptr<db::Database>> from_;
  std::unique_ptr<app::Host> host_;  // of the target
};

}  // namespace

absl::StatusOr<bool> CopyInstallation(const CopyPlan& plan) {
  if (!IsDsn(plan.to)) {
    return base::InvalidField("to", {"cần địa chỉ PostgreSQL, như “host=… dbname=… user=…”.",
                                     "a PostgreSQL address is needed, like 'host=… dbname=… user=…'."});
  }
  if (IsDsn(plan.from) && plan.keys_dir.empty()) {
    return base::InvalidField("keys", {"nguồn là PostgreSQL: cần thư mục dữ liệu có khóa của nó.",
                                       "the source is PostgreSQL: the data folder that has its keys is needed."});
  }
  return Copy(plan).Run();
}

}  // namespace dinh::standalone

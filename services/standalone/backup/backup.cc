#include "services/standalone/backup/backup.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "libs/auth/audit_chain.h"
#include "libs/auth/key_ring.h"
#include "libs/base/status.h"
#include "libs/db/blob_folder.h"
#include "libs/db/snapshots.h"
#include "services/standalone/backup/copy.h"
#include "services/standalone/backup/errors.h"
#include "services/standalone/backup/manifest.h"

namespace dinh::standalone {
namespace {

namespace fs = std::filesystem;

// Uploaded files are copied before the moment of the snapshots, twice: the second round takes what came during the
// first. What is left to copy while removals are held off is then next to nothing.
constexpr int kRoundsBefore = 2;
constexpr std::chrono::milliseconds kHoldOffWaitMax{30'000};
constexpr std::chrono::hours kReadDeadline{1};

class Run {
 public:
  Run(const BackupOptions& options, NewFolder& out, const base::Clock& clock)
      : options_(options), out_(out), clock_(clock) {}

  absl::StatusOr<BackupReport> Make(base::Random& random) {
    RETURN_IF_ERROR(Look());
    for (int round = 0; round < kRoundsBefore; ++round) RETURN_IF_ERROR(CopyNewFiles());
    RETURN_IF_ERROR(TakeTheMoment());
    // Read after the snapshots: keys are only ever added, so these are all that the snapshots need.
    ASSIGN_OR_RETURN(const std::unique_ptr<auth::KeyRing> keys,
                     auth::KeyRing::Open({.folder = options_.data_dir + "/keys"}, clock_, random));
    for (const auth::KeyInfo& key : keys->List()) {
      manifest_.keys.push_back(std::string(auth::KeyPurposeName(key.purpose)) + "/" + key.id);
    }
    for (size_t i = 0; i < stores_.size(); ++i) RETURN_IF_ERROR(CopyStore(i));
    if (options_.key_passphrase) RETURN_IF_ERROR(WriteKeys(*keys));
    return Finish();
  }

 private:
  absl::Status Look() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(options_.data_dir + "/db", error)) {
      if (entry.path().extension() == ".sqlite") stores_.push_back(entry.path().string());
    }
    if (stores_.empty()) return NothingToBackUp(options_.data_dir);
    // The same order every time: two backups at once wait for each other and never in a circle.
    std::sort(stores_.begin(), stores_.end());
    for (const auto& service : fs::directory_iterator(options_.data_dir, error)) {
      if (!service.is_directory()) continue;
      for (const auto& folder : fs::directory_iterator(service.path(), error)) {
        if (!db::IsBlobFolder(folder.path().string())) continue;
        folders_.push_back(service.path().filename().string() + "/" + folder.path().filename().string());
      }
    }
    std::sort(folders_.begin(), folders_.end());
    return absl::OkStatus();
  }

  std::string Source(const std::string& path) const { return options_.data_dir + "/" + path; }

  // What lies there and is not copied yet; files that go meanwhile are passed over. `all`: what was found.
  absl::Status CopyNewFiles(std::map<std::string, FileSum>* all = nullptr) {
    for (const std::string& folder : folders_) {
      ASSIGN_OR_RETURN(const std::vector<std::string> names, db::ListBlobFolder(Source(folder)));
      for (const std::string& name : names) {
        const std::string path = folder + "/" + name;
        auto known = copied_.find(path);
        if (known == copied_.end()) {
          absl::StatusOr<FileSum> sum = CopyFile(Source(path), out_.File(path));
          if (absl::IsNotFound(sum.status())) continue;
          RETURN_IF_ERROR(sum.status());
          known = copied_.emplace(path, *std::move(sum)).first;
        }
        if (all != nullptr) all->insert(*known);
      }
    }
    return absl::OkStatus();
  }

  // A file is there before its row, and goes after it: with removals held off from before the snapshots until the
  // files are listed, every row of the snapshots has its file.
  absl::Status TakeTheMoment() {
    std::vector<db::RemovalLock> holds;
    for (const std::string& folder : folders_) {
      ASSIGN_OR_RETURN(db::RemovalLock hold,
                       db::RemovalLock::Take(Source(folder), db::RemovalLock::Kind::kHoldOff, kHoldOffWaitMax));
      holds.push_back(std::move(hold));
    }
    ASSIGN_OR_RETURN(snapshots_, db::SqliteSnapshots::Open(stores_, {.log = options_.log}));
    manifest_.at = clock_.Now();
    std::map<std::string, FileSum> present;
    RETURN_IF_ERROR(CopyNewFiles(&present));
    holds.clear();
    // Copied early and removed before the moment: not to be kept longer than the platform keeps it.
    std::error_code error;
    for (const auto& [path, sum] : copied_) {
      if (!present.contains(path)) fs::remove(out_.File(path), error);
    }
    copied_ = std::move(present);
    return absl::OkStatus();
  }

  absl::Status CopyStore(size_t i) {
    BackupStore store;
    store.name = fs::path(stores_[i]).stem().string();
    base::OpContext ctx(clock_, clock_.Steady() + kReadDeadline);
    ASSIGN_OR_RETURN(store.schema, snapshots_->SchemaVersions(i, ctx));
    RETURN_IF_ERROR(snapshots_->Read(i, ctx, [&](db::Tx& tx) -> absl::Status {
      ASSIGN_OR_RETURN(const std::optional<auth::AuditHead> head, auth::NewestHead(tx, store.name));
      if (head) store.audit_head = auth::FormatHead(*head);
      return absl::OkStatus();
    }));
    const std::string path = "db/" + store.name + ".sqlite";
    std::error_code error;
    fs::create_directories(out_.File("db"), error);
    absl::Status copied = snapshots_->Copy(i, out_.File(path));
    const auto detail = base::DetailOf(copied);
    // The stores' own text is for citizens.
    if (detail && detail->reason == "STORAGE_UNAVAILABLE") return CannotWrite(out_.File(path), EIO);
    RETURN_IF_ERROR(copied);
    ASSIGN_OR_RETURN(const FileSum sum, SumFile(out_.File(path)));
    Add(path, sum);
    manifest_.stores.push_back(std::move(store));
    return absl::OkStatus();
  }

  absl::Status WriteKeys(const auth::KeyRing& keys) {
    const std::string path(kKeysFile);
    ASSIGN_OR_RETURN(const std::string exported, keys.Export(*options_.key_passphrase));
    RETURN_IF_ERROR(WriteNewFile(out_.File(path), exported));
    ASSIGN_OR_RETURN(const FileSum sum, SumFile(out_.File(path)));
    Add(path, sum);
    return absl::OkStatus();
  }

  void Add(const std::string& path, const FileSum& sum) {
    manifest_.files.push_back({path, sum.size, sum.sha256});
    report_.bytes += sum.size;
  }

  absl::StatusOr<BackupReport> Finish() {
    for (const auto& [path, sum] : copied_) Add(path, sum);
    std::sort(manifest_.files.begin(), manifest_.files.end(),
              [](const BackupFile& a, const BackupFile& b) { return a.path < b.path; });
    manifest_.version = options_.version;
    RETURN_IF_ERROR(out_.Sync());
    RETURN_IF_ERROR(WriteNewFile(out_.File(kManifestFile), ManifestJson(manifest_)));
    RETURN_IF_ERROR(out_.Finish());
    report_.stores = static_cast<int64_t>(stores_.size());
    report_.files = static_cast<int64_t>(copied_.size());
    report_.held = snapshots_->held();
    report_.tries = snapshots_->tries();
    return report_;
  }

  const BackupOptions& options_;
  NewFolder& out_;
  const base::Clock& clock_;
  std::vector<std::string> stores_;   // files
  std::vector<std::string> folders_;  // "procedures/files"
  std::map<std::string, FileSum> copied_;
  std::unique_ptr<db::SqliteSnapshots> snapshots_;
  Manifest manifest_;
  BackupReport report_;
};

}  // namespace

absl::StatusOr<BackupReport> MakeBackup(const BackupOptions& options, const base::Clock& clock, base::Random& random) {
  umask(077);
  ASSIGN_OR_RETURN(const std::unique_ptr<NewFolder> out, NewFolder::Begin(options.out));
  return Run(options, *out, clock).Make(random);
}

}  // namespace dinh::standalone

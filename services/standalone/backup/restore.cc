#include "services/standalone/backup/restore.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "libs/auth/key_ring.h"
#include "libs/base/status.h"
#include "services/standalone/backup/copy.h"
#include "services/standalone/backup/errors.h"
#include "services/standalone/backup/manifest.h"

namespace dinh::standalone {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kManifestBytesMax = int64_t{1} << 30;
constexpr int64_t kKeyExportBytesMax = int64_t{1} << 20;

bool HeldByAProcess(const std::string& data_dir) {
  const int fd = open((data_dir + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
  close(fd);
  return held;
}

absl::StatusOr<Manifest> ReadManifest(const std::string& from) {
  absl::StatusOr<std::string> text = ReadSmallFile(from + "/" + std::string(kManifestFile), kManifestBytesMax);
  if (absl::IsNotFound(text.status())) return BackupAbsent(from);
  RETURN_IF_ERROR(text.status());
  return ParseManifest(*text);
}

bool Holds(const Manifest& manifest, const std::string& path) {
  return std::any_of(manifest.files.begin(), manifest.files.end(),
                     [&](const BackupFile& file) { return file.path == path; });
}

class Run {
 public:
  Run(const RestoreOptions& options, NewFolder& out, const base::Clock& clock, base::Random& random)
      : options_(options), out_(out), clock_(clock), random_(random) {}

  absl::StatusOr<RestoreReport> Restore(const Manifest& manifest) {
    // First: without them the rest is of no use.
    RETURN_IF_ERROR(PutKeys(manifest));
    RETURN_IF_ERROR(CheckKeys(manifest));
    for (const BackupFile& file : manifest.files) {
      if (file.path != kKeysFile) RETURN_IF_ERROR(PutFile(file));
    }
    std::vector<auth::AuditHead> heads;
    for (const BackupStore& store : manifest.stores) {
      if (!Holds(manifest, "db/" + store.name + ".sqlite")) return BackupDamaged("db/" + store.name + ".sqlite");
      if (store.audit_head.empty()) continue;
      absl::StatusOr<auth::AuditHead> head = auth::ParseHead(store.audit_head);
      if (!head.ok()) return BackupDamaged(std::string(kManifestFile));
      heads.push_back(*std::move(head));
    }
    RETURN_IF_ERROR(options_.verify(out_.path(), heads));
    RETURN_IF_ERROR(out_.Finish());
    report_.at = manifest.at;
    return report_;
  }

 private:
  absl::Status PutFile(const BackupFile& file) {
    absl::StatusOr<FileSum> sum = CopyFile(options_.from + "/" + file.path, out_.File(file.path));
    if (absl::IsNotFound(sum.status())) return BackupDamaged(file.path);
    RETURN_IF_ERROR(sum.status());
    if (sum->size != file.size || sum->sha256 != file.sha256) return BackupDamaged(file.path);
    report_.bytes += sum->size;
    ++report_.files;
    return absl::OkStatus();
  }

  absl::Status PutKeys(const Manifest& manifest) {
    std::string source = options_.keys;
    if (source.empty()) {
      const auto own = std::find_if(manifest.files.begin(), manifest.files.end(),
                                    [](const BackupFile& file) { return file.path == kKeysFile; });
      if (own == manifest.files.end()) return RestoreNeedsKeys();
      source = options_.from + "/" + own->path;
      const absl::StatusOr<FileSum> sum = SumFile(source);
      if (absl::IsNotFound(sum.status())) return BackupDamaged(own->path);
      RETURN_IF_ERROR(sum.status());
      if (sum->sha256 != own->sha256) return BackupDamaged(own->path);
    }
    std::error_code error;
    if (fs::is_directory(source, error)) return CopyKeys(source);
    ASSIGN_OR_RETURN(const std::string exported, ReadSmallFile(source, kKeyExportBytesMax));
    ASSIGN_OR_RETURN(const std::string passphrase, options_.passphrase());
    return auth::KeyRing::Import({.folder = out_.File("keys")}, exported, passphrase, random_);
  }

  absl::Status CopyKeys(const std::string& folder) {
    RETURN_IF_ERROR(auth::KeyRing::Open({.folder = folder}, clock_, random_).status());
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.path().extension() != ".key") continue;
      const std::string name = entry.path().filename().string();
      RETURN_IF_ERROR(CopyFile(entry.path().string(), out_.File("keys/" + name)).status());
    }
    return error ? CannotRead(folder, error.value()) : absl::OkStatus();
  }

  absl::Status CheckKeys(const Manifest& manifest) {
    ASSIGN_OR_RETURN(const std::unique_ptr<auth::KeyRing> ring,
                     auth::KeyRing::Open({.folder = out_.File("keys")}, clock_, random_));
    std::vector<std::string> have;
    for (const auth::KeyInfo& key : ring->List()) {
      have.push_back(std::string(auth::KeyPurposeName(key.purpose)) + "/" + key.id);
    }
    for (const std::string& needed : manifest.keys) {
      if (std::find(have.begin(), have.end(), needed) == have.end()) return RestoreKeysWrong(needed);
    }
    return absl::OkStatus();
  }

  const RestoreOptions& options_;
  NewFolder& out_;
  const base::Clock& clock_;
  base::Random& random_;
  RestoreReport report_;
};

}  // namespace

absl::StatusOr<RestoreReport> RestoreBackup(const RestoreOptions& options, const base::Clock& clock,
                                            base::Random& random) {
  umask(077);
  ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(options.from));
  if (HeldByAProcess(options.data_dir)) return TargetInUse(options.data_dir);
  ASSIGN_OR_RETURN(const std::unique_ptr<NewFolder> out, NewFolder::Begin(options.data_dir));
  return Run(options, *out, clock, random).Restore(manifest);
}

}  // namespace dinh::standalone

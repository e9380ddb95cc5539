#include "libs/db/blob_store.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/blob_folder.h"
#include "libs/db/blob_seal.h"

namespace dinh::db {
namespace {

constexpr int kShelves = 256;  // by the first two digits
// A removal waits so long for a backup to take note of what lies here: it does that in far less.
constexpr std::chrono::milliseconds kRemovalWaitMax{10'000};

struct Names {
  std::string folder;
  std::string Unfinished(std::string_view id) const {
    return folder + "/" + std::string(kUnfinishedFolder) + "/" + std::string(id);
  }
  std::string Shelf(std::string_view id) const { return folder + "/" + std::string(id.substr(0, 2)); }
  std::string Final(std::string_view id) const { return Shelf(id) + "/" + std::string(id); }
};

// The 256 folders, made when first needed. Thread-safe.
class Shelves {
 public:
  Shelves(const Names& names, FileOps& files) : names_(names), files_(files) {}
  // The blob's folder exists on the disk, also after a power loss. What was there before the store was opened, was
  // synced then; what another writer is just making is waited for.
  absl::Status Ensure(std::string_view id) {
    std::string number;
    if (!base::HexDecode(id.substr(0, 2), &number)) return base::Internal("not a blob id");
    std::lock_guard lock(mutex_);
    State& state = states_[static_cast<unsigned char>(number[0])];
    if (state == State::kUnknown) {
      ASSIGN_OR_RETURN(const bool made, files_.MakeFolder(names_.Shelf(id)));
      state = made ? State::kMade : State::kSynced;
    }
    if (state == State::kMade) RETURN_IF_ERROR(files_.SyncFolder(names_.folder));
    state = State::kSynced;
    return absl::OkStatus();
  }

 private:
  enum class State { kUnknown, kMade, kSynced };
  const Names& names_;
  FileOps& files_;
  std::mutex mutex_;
  std::array<State, kShelves> states_{};
};

class DirSink final : public BlobSink {
 public:
  DirSink(const Names& names, Shelves& shelves, FileOps& files, std::string id, std::unique_ptr<OutFile> out)
      : names_(names), shelves_(shelves), files_(files), id_(std::move(id)), out_(std::move(out)) {}
  ~DirSink() override {
    if (committed_) return;
    out_.reset();
    (void)files_.Remove(names_.Unfinished(id_));
  }

  absl::Status Write(std::string_view piece) override { return out_->Write(piece); }

  absl::Status Commit() override {
    RETURN_IF_ERROR(out_->Sync());
    RETURN_IF_ERROR(out_->Close());
    RETURN_IF_ERROR(shelves_.Ensure(id_));
    RETURN_IF_ERROR(files_.Rename(names_.Unfinished(id_), names_.Final(id_)));
    if (absl::Status synced = files_.SyncFolder(names_.Shelf(id_)); !synced.ok()) {
      (void)files_.Remove(names_.Final(id_));
      return synced;
    }
    committed_ = true;
    return absl::OkStatus();
  }

 private:
  const Names& names_;
  Shelves& shelves_;
  FileOps& files_;
  const std::string id_;
  std::unique_ptr<OutFile> out_;
  bool committed_ = false;
};

class DirPieces final : public BlobPieces {
 public:
  explicit DirPieces(std::unique_ptr<InFile> in) : in_(std::move(in)) {}

  absl::StatusOr<std::string> Next() override {
    if (started_) return Take(kSealedChunkBytes);
    started_ = true;
    ASSIGN_OR_RETURN(std::string head, Take(kBlobHeadStartBytes));
    ASSIGN_OR_RETURN(const size_t size, BlobHeadBytes(head));
    ASSIGN_OR_RETURN(const std::string rest, Take(size - head.size()));
    return head + rest;
  }

 private:
  // Fewer only at the end of the file.
  absl::StatusOr<std::string> Take(size_t size) {
    std::string bytes(size, '\0');
    ASSIGN_OR_RETURN(const size_t got, in_->Read(bytes.data(), size));
    bytes.resize(got);
    return bytes;
  }

  std::unique_ptr<InFile> in_;
  bool started_ = false;
};

class DirBlobStore final : public BlobStore {
 public:
  DirBlobStore(const std::string& folder, BlobKeyWrap keys, base::Random& random, FileOps& files)
      : BlobStore(std::move(keys), random), names_{folder}, files_(files), shelves_(names_, files) {}

  absl::Status Prepare() {
    RETURN_IF_ERROR(files_.MakeFolder(names_.folder).status());
    RETURN_IF_ERROR(files_.SyncFolder(std::filesystem::absolute(names_.folder).parent_path().string()));
    const std::string unfinished = names_.folder + "/" + std::string(kUnfinishedFolder);
    RETURN_IF_ERROR(files_.MakeFolder(unfinished).status());
    RETURN_IF_ERROR(files_.SyncFolder(names_.folder));
    ASSIGN_OR_RETURN(const std::vector<std::string> left, files_.List(unfinished));
    for (const std::string& name : left) RETURN_IF_ERROR(files_.Remove(names_.Unfinished(name)));
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<BlobSink>> BeginPieces(std::string_view id) override {
    if (!IsBlobId(id)) return base::Internal("not a blob id");
    ASSIGN_OR_RETURN(std::unique_ptr<OutFile> out, files_.Create(names_.Unfinished(id)));
    return std::make_unique<DirSink>(names_, shelves_, files_, std::string(id), std::move(out));
  }

  absl::StatusOr<std::unique_ptr<BlobPieces>> OpenPieces(std::string_view id) override {
    if (!IsBlobId(id)) return BlobAbsent();
    ASSIGN_OR_RETURN(std::unique_ptr<InFile> in, files_.OpenRead(names_.Final(id)));
    return std::make_unique<DirPieces>(std::move(in));
  }

  absl::StatusOr<std::vector<std::string>> List(std::string_view after, size_t limit) override {
    std::string first(1, '\0');
    if (!after.empty() && (!IsBlobId(after) || !base::HexDecode(after.substr(0, 2), &first))) {
      return base::Internal("not a blob id");
    }
    std::vector<std::string> ids;
    for (int shelf = static_cast<unsigned char>(first[0]); shelf < kShelves && ids.size() < limit; ++shelf) {
      const char number = static_cast<char>(shelf);
      ASSIGN_OR_RETURN(std::vector<std::string> names, files_.List(names_.Shelf(base::HexEncode({&number, 1}))));
      std::erase_if(names, [&](const std::string& name) { return !IsBlobId(name) || name <= after; });
      std::sort(names.begin(), names.end());
      const size_t taken = std::min(names.size(), limit - ids.size());
      std::move(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(taken), std::back_inserter(ids));
    }
    return ids;
  }

  absl::Status Remove(std::string_view id) override {
    if (!IsBlobId(id)) return absl::OkStatus();
    ASSIGN_OR_RETURN(const RemovalLock lock,
                     RemovalLock::Take(names_.folder, RemovalLock::Kind::kRemove, kRemovalWaitMax));
    return files_.Remove(names_.Final(id));
  }

 private:
  const Names names_;
  FileOps& files_;
  Shelves shelves_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobStore>> OpenDirBlobStore(const std::string& folder, BlobKeyWrap keys,
                                                            base::Random& random, FileOps& files) {
  auto store = std::make_unique<DirBlobStore>(folder, std::move(keys), random, files);
  RETURN_IF_ERROR(store->Prepare());
  return std::unique_ptr<BlobStore>(std::move(store));
}

}  // namespace dinh::db

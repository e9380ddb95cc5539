#include "libs/db/blob_store.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/errors.h"

namespace dinh::db {
namespace {

// File: magic, two bytes length of the wrapped key (big endian), wrapped key, secretstream header, sealed chunks. All
// chunks but the last hold kBlobChunkBytes.
constexpr std::string_view kMagic = "DBL1";
constexpr size_t kIdDigits = 32;
constexpr int kShelves = 256;  // by the first two digits
constexpr size_t kSealedChunkBytes = kBlobChunkBytes + crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr std::string_view kUnfinishedFolder = "unfinished";

unsigned char* Raw(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }
const unsigned char* Raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

absl::Status FileDamaged() {
  return base::Error(absl::StatusCode::kDataLoss, "FILE_DAMAGED",
                     {"Tệp lưu trong kho bị hỏng. Hãy báo nơi hỗ trợ để khôi phục từ bản sao lưu.",
                      "The stored file is damaged. Tell support, so that it is restored from a backup."});
}

absl::Status FileAbsent() {
  return base::NotFound(
      "FILE_ABSENT", {"Tệp không còn trong kho. Hãy báo nơi hỗ trợ.", "The file is not in the store. Tell support."});
}

bool IsBlobId(std::string_view id) {
  return id.size() == kIdDigits &&
         std::all_of(id.begin(), id.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// A key that is wiped when it goes out of scope.
class SecretKey {
 public:
  SecretKey() : bytes_(crypto_secretstream_xchacha20poly1305_KEYBYTES, '\0') {}
  explicit SecretKey(std::string bytes) : bytes_(std::move(bytes)) {}
  ~SecretKey() { sodium_memzero(bytes_.data(), bytes_.size()); }
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
};

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

class DirBlobWriter final : public BlobWriter {
 public:
  DirBlobWriter(const Names& names, Shelves& shelves, FileOps& files, std::string id, std::unique_ptr<OutFile> out)
      : names_(names), shelves_(shelves), files_(files), id_(std::move(id)), out_(std::move(out)) {
    crypto_hash_sha256_init(&hash_);
    pending_.reserve(kBlobChunkBytes);
  }
  ~DirBlobWriter() override {
    sodium_memzero(&stream_, sizeof(stream_));
    if (committed_) return;
    out_.reset();
    (void)files_.Remove(names_.Unfinished(id_));
  }

  absl::Status WriteHead(const BlobKeyWrap& keys) {
    SecretKey key;
    crypto_secretstream_xchacha20poly1305_keygen(Raw(key.bytes()));
    ASSIGN_OR_RETURN(const std::string wrapped, keys.wrap(key.bytes(), id_));
    std::string header(crypto_secretstream_xchacha20poly1305_HEADERBYTES, '\0');
    crypto_secretstream_xchacha20poly1305_init_push(&stream_, Raw(header), Raw(key.bytes()));
    std::string head(kMagic);
    head.push_back(static_cast<char>(wrapped.size() >> 8));
    head.push_back(static_cast<char>(wrapped.size() & 0xff));
    return out_->Write(head + wrapped + header);
  }

  absl::Status Write(std::string_view bytes) override {
    crypto_hash_sha256_update(&hash_, Raw(bytes), bytes.size());
    size_ += static_cast<int64_t>(bytes.size());
    while (!bytes.empty()) {
      // A full chunk is sealed only when more comes: the last one carries the final tag.
      if (pending_.size() == kBlobChunkBytes) RETURN_IF_ERROR(Seal(false));
      const size_t taken = std::min(bytes.size(), kBlobChunkBytes - pending_.size());
      pending_.append(bytes.substr(0, taken));
      bytes.remove_prefix(taken);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<BlobInfo> Commit() override {
    RETURN_IF_ERROR(Seal(true));
    RETURN_IF_ERROR(out_->Sync());
    RETURN_IF_ERROR(out_->Close());
    RETURN_IF_ERROR(shelves_.Ensure(id_));
    RETURN_IF_ERROR(files_.Rename(names_.Unfinished(id_), names_.Final(id_)));
    if (absl::Status synced = files_.SyncFolder(names_.Shelf(id_)); !synced.ok()) {
      (void)files_.Remove(names_.Final(id_));
      return synced;
    }
    committed_ = true;
    BlobInfo info{id_, size_, std::string(crypto_hash_sha256_BYTES, '\0')};
    crypto_hash_sha256_final(&hash_, Raw(info.sha256));
    return info;
  }

 private:
  absl::Status Seal(bool last) {
    std::string sealed(pending_.size() + crypto_secretstream_xchacha20poly1305_ABYTES, '\0');
    const unsigned char tag =
        last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
    crypto_secretstream_xchacha20poly1305_push(&stream_, Raw(sealed), nullptr, Raw(pending_), pending_.size(), Raw(id_),
                                               id_.size(), tag);
    sodium_memzero(pending_.data(), pending_.size());
    pending_.clear();
    return out_->Write(sealed);
  }

  const Names& names_;
  Shelves& shelves_;
  FileOps& files_;
  std::string id_;
  std::unique_ptr<OutFile> out_;
  crypto_secretstream_xchacha20poly1305_state stream_{};
  crypto_hash_sha256_state hash_;
  std::string pending_;
  int64_t size_ = 0;
  bool committed_ = false;
};

class DirBlobReader final : public BlobReader {
 public:
  DirBlobReader(std::string id, std::unique_ptr<InFile> in) : id_(std::move(id)), in_(std::move(in)) {}
  ~DirBlobReader() override { sodium_memzero(&stream_, sizeof(stream_)); }

  absl::Status ReadHead(const BlobKeyWrap& keys) {
    ASSIGN_OR_RETURN(const std::string head, Take(kMagic.size() + 2));
    if (!head.starts_with(kMagic)) return FileDamaged();
    const size_t wrapped_size = static_cast<size_t>(static_cast<unsigned char>(head[kMagic.size()])) << 8 |
                                static_cast<unsigned char>(head[kMagic.size() + 1]);
    ASSIGN_OR_RETURN(const std::string wrapped, Take(wrapped_size));
    ASSIGN_OR_RETURN(const std::string header, Take(crypto_secretstream_xchacha20poly1305_HEADERBYTES));
    absl::StatusOr<std::string> opened = keys.unwrap(wrapped, id_);
    if (!opened.ok()) return absl::IsUnavailable(opened.status()) ? opened.status() : FileDamaged();
    SecretKey key(*std::move(opened));
    if (key.bytes().size() != crypto_secretstream_xchacha20poly1305_KEYBYTES ||
        crypto_secretstream_xchacha20poly1305_init_pull(&stream_, Raw(header), Raw(key.bytes())) != 0) {
      return FileDamaged();
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Next() override {
    if (finished_) return std::string();
    std::string sealed(kSealedChunkBytes, '\0');
    ASSIGN_OR_RETURN(const size_t got, in_->Read(sealed.data(), sealed.size()));
    if (got < crypto_secretstream_xchacha20poly1305_ABYTES) return FileDamaged();
    std::string plain(got - crypto_secretstream_xchacha20poly1305_ABYTES, '\0');
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&stream_, Raw(plain), nullptr, &tag, Raw(sealed), got, Raw(id_),
                                                   id_.size()) != 0) {
      return FileDamaged();
    }
    finished_ = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    if (!finished_) return plain;
    char beyond = 0;
    ASSIGN_OR_RETURN(const size_t more, in_->Read(&beyond, 1));
    if (more != 0) return FileDamaged();
    return plain;
  }

 private:
  absl::StatusOr<std::string> Take(size_t size) {
    std::string bytes(size, '\0');
    ASSIGN_OR_RETURN(const size_t got, in_->Read(bytes.data(), size));
    if (got != size) return FileDamaged();
    return bytes;
  }

  std::string id_;
  std::unique_ptr<InFile> in_;
  crypto_secretstream_xchacha20poly1305_state stream_{};
  bool finished_ = false;
};

class DirBlobStore final : public BlobStore {
 public:
  DirBlobStore(const std::string& folder, BlobKeyWrap keys, base::Random& random, FileOps& files)
      : names_{folder}, keys_(std::move(keys)), random_(random), files_(files), shelves_(names_, files) {}

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

  absl::StatusOr<std::unique_ptr<BlobWriter>> Begin() override {
    std::string id = base::HexEncode(random_.Bytes(kIdDigits / 2));
    ASSIGN_OR_RETURN(std::unique_ptr<OutFile> out, files_.Create(names_.Unfinished(id)));
    auto writer = std::make_unique<DirBlobWriter>(names_, shelves_, files_, std::move(id), std::move(out));
    RETURN_IF_ERROR(writer->WriteHead(keys_));
    return std::unique_ptr<BlobWriter>(std::move(writer));
  }

  absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view id) override {
    if (!IsBlobId(id)) return FileAbsent();
    ASSIGN_OR_RETURN(std::unique_ptr<InFile> in, files_.OpenRead(names_.Final(id)));
    auto reader = std::make_unique<DirBlobReader>(std::string(id), std::move(in));
    RETURN_IF_ERROR(reader->ReadHead(keys_));
    return std::unique_ptr<BlobReader>(std::move(reader));
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
    return IsBlobId(id) ? files_.Remove(names_.Final(id)) : absl::OkStatus();
  }

 private:
  const Names names_;
  const BlobKeyWrap keys_;
  base::Random& random_;
  FileOps& files_;
  Shelves shelves_;
};

}  // namespace

absl::StatusOr<std::string> ReadBlob(BlobStore& store, std::string_view id, size_t size_max) {
  ASSIGN_OR_RETURN(const std::unique_ptr<BlobReader> reader, store.Open(id));
  std::string content;
  while (true) {
    ASSIGN_OR_RETURN(const std::string piece, reader->Next());
    if (piece.empty()) return content;
    if (content.size() + piece.size() > size_max) {
      return base::ResourceExhausted(
          "FILE_TOO_LARGE",
          {"Tệp lớn hơn mức cho phép. Hãy dùng tệp nhỏ hơn.", "The file is larger than allowed. Use a smaller one."},
          0);
    }
    content += piece;
  }
}

absl::StatusOr<BlobInfo> WriteBlob(BlobStore& store, std::string_view content) {
  ASSIGN_OR_RETURN(const std::unique_ptr<BlobWriter> writer, store.Begin());
  RETURN_IF_ERROR(writer->Write(content));
  return writer->Commit();
}

absl::StatusOr<std::unique_ptr<BlobStore>> OpenDirBlobStore(const std::string& folder, BlobKeyWrap keys,
                                                            base::Random& random, FileOps& files) {
  if (sodium_init() < 0) return base::Internal("libsodium does not start");
  auto store = std::make_unique<DirBlobStore>(folder, std::move(keys), random, files);
  RETURN_IF_ERROR(store->Prepare());
  return std::unique_ptr<BlobStore>(std::move(store));
}

}  // namespace dinh::db

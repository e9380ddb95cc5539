#include "libs/db/blob_seal.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::db {
namespace {

constexpr std::string_view kMagic = "DBL1";
static_assert(kSealedChunkBytes == kBlobChunkBytes + crypto_secretstream_xchacha20poly1305_ABYTES);
static_assert(kBlobHeadStartBytes == kMagic.size() + 2);

unsigned char* Raw(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }
const unsigned char* Raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

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

class SealingWriter final : public BlobWriter {
 public:
  SealingWriter(std::unique_ptr<BlobSink> sink, std::string id) : sink_(std::move(sink)), id_(std::move(id)) {
    crypto_hash_sha256_init(&hash_);
    pending_.reserve(kBlobChunkBytes);
  }
  ~SealingWriter() override {
    sodium_memzero(&stream_, sizeof(stream_));
    sodium_memzero(pending_.data(), pending_.size());
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
    return sink_->Write(head + wrapped + header);
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
    RETURN_IF_ERROR(sink_->Commit());
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
    return sink_->Write(sealed);
  }

  std::unique_ptr<BlobSink> sink_;
  const std::string id_;
  crypto_secretstream_xchacha20poly1305_state stream_{};
  crypto_hash_sha256_state hash_;
  std::string pending_;
  int64_t size_ = 0;
};

class OpeningReader final : public BlobReader {
 public:
  OpeningReader(std::unique_ptr<BlobPieces> pieces, std::string id) : pieces_(std::move(pieces)), id_(std::move(id)) {}
  ~OpeningReader() override { sodium_memzero(&stream_, sizeof(stream_)); }

  absl::Status ReadHead(const BlobKeyWrap& keys) {
    constexpr size_t kHeaderBytes = crypto_secretstream_xchacha20poly1305_HEADERBYTES;
    ASSIGN_OR_RETURN(const std::string head, pieces_->Next());
    ASSIGN_OR_RETURN(const size_t size, BlobHeadBytes(std::string_view(head).substr(0, kBlobHeadStartBytes)));
    if (head.size() != size) return BlobDamaged();
    const std::string_view wrapped =
        std::string_view(head).substr(kBlobHeadStartBytes, size - kBlobHeadStartBytes - kHeaderBytes);
    absl::StatusOr<std::string> opened = keys.unwrap(wrapped, id_);
    if (!opened.ok()) return absl::IsUnavailable(opened.status()) ? opened.status() : BlobDamaged();
    SecretKey key(*std::move(opened));
    const std::string_view header = std::string_view(head).substr(size - kHeaderBytes);
    if (key.bytes().size() != crypto_secretstream_xchacha20poly1305_KEYBYTES ||
        crypto_secretstream_xchacha20poly1305_init_pull(&stream_, Raw(header), Raw(key.bytes())) != 0) {
      return BlobDamaged();
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Next() override {
    if (finished_) return std::string();
    ASSIGN_OR_RETURN(const std::string sealed, pieces_->Next());
    if (sealed.size() < crypto_secretstream_xchacha20poly1305_ABYTES) return BlobDamaged();
    std::string plain(sealed.size() - crypto_secretstream_xchacha20poly1305_ABYTES, '\0');
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&stream_, Raw(plain), nullptr, &tag, Raw(sealed), sealed.size(),
                                                   Raw(id_), id_.size()) != 0) {
      return BlobDamaged();
    }
    finished_ = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    if (!finished_) return plain;
    ASSIGN_OR_RETURN(const std::string beyond, pieces_->Next());
    if (!beyond.empty()) return BlobDamaged();
    return plain;
  }

 private:
  std::unique_ptr<BlobPieces> pieces_;
  const std::string id_;
  crypto_secretstream_xchacha20poly1305_state stream_{};
  bool finished_ = false;
};

}  // namespace

absl::Status BlobDamaged() {
  return base::Error(absl::StatusCode::kDataLoss, "FILE_DAMAGED",
                     {"Tệp lưu trong kho bị hỏng. Hãy báo nơi hỗ trợ để khôi phục từ bản sao lưu.",
                      "The stored file is damaged. Tell support, so that it is restored from a backup."});
}

absl::Status BlobAbsent() {
  return base::NotFound(
      "FILE_ABSENT", {"Tệp không còn trong kho. Hãy báo nơi hỗ trợ.", "The file is not in the store. Tell support."});
}

bool IsBlobId(std::string_view id) {
  return id.size() == kBlobIdDigits &&
         std::all_of(id.begin(), id.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

absl::StatusOr<size_t> BlobHeadBytes(std::string_view start) {
  if (start.size() < kBlobHeadStartBytes || !start.starts_with(kMagic)) return BlobDamaged();
  const size_t wrapped = static_cast<size_t>(static_cast<unsigned char>(start[kMagic.size()])) << 8 |
                         static_cast<unsigned char>(start[kMagic.size() + 1]);
  return kBlobHeadStartBytes + wrapped + crypto_secretstream_xchacha20poly1305_HEADERBYTES;
}

absl::StatusOr<std::unique_ptr<BlobWriter>> SealInto(std::unique_ptr<BlobSink> sink, std::string id,
                                                     const BlobKeyWrap& keys) {
  auto writer = std::make_unique<SealingWriter>(std::move(sink), std::move(id));
  RETURN_IF_ERROR(writer->WriteHead(keys));
  return std::unique_ptr<BlobWriter>(std::move(writer));
}

absl::StatusOr<std::unique_ptr<BlobReader>> OpenSealed(std::unique_ptr<BlobPieces> pieces, std::string id,
                                                       const BlobKeyWrap& keys) {
  auto reader = std::make_unique<OpeningReader>(std::move(pieces), std::move(id));
  RETURN_IF_ERROR(reader->ReadHead(keys));
  return std::unique_ptr<BlobReader>(std::move(reader));
}

absl::StatusOr<std::unique_ptr<BlobWriter>> BlobStore::Begin() {
  if (sodium_init() < 0) return base::Internal("libsodium does not start");
  std::string id = base::HexEncode(random_.Bytes(kBlobIdDigits / 2));
  ASSIGN_OR_RETURN(std::unique_ptr<BlobSink> sink, BeginPieces(id));
  return SealInto(std::move(sink), std::move(id), keys_);
}

absl::StatusOr<std::unique_ptr<BlobReader>> BlobStore::Open(std::string_view id) {
  if (sodium_init() < 0) return base::Internal("libsodium does not start");
  ASSIGN_OR_RETURN(std::unique_ptr<BlobPieces> pieces, OpenPieces(id));
  return OpenSealed(std::move(pieces), std::string(id), keys_);
}

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

absl::Status CopyBlob(BlobStore& from, std::string_view id, BlobStore& to) {
  ASSIGN_OR_RETURN(const std::unique_ptr<BlobPieces> pieces, from.OpenPieces(id));
  ASSIGN_OR_RETURN(const std::unique_ptr<BlobSink> sink, to.BeginPieces(id));
  while (true) {
    ASSIGN_OR_RETURN(const std::string piece, pieces->Next());
    if (piece.empty()) return sink->Commit();
    RETURN_IF_ERROR(sink->Write(piece));
  }
}

}  // namespace dinh::db

// Files of citizens and officers (papers, receipts, results), sealed at rest with a key per file.
//
//   auto writer = store.Begin();
//   while (…) RETURN_IF_ERROR((*writer)->Write(bytes));     // any sizes; 64 KiB stay in memory
//   ASSIGN_OR_RETURN(BlobInfo info, (*writer)->Commit());    // durable from here on
//   … keep info.id, info.size, info.sha256 in an attachment row …
//
// * Ids are random: equal contents are stored twice, so nobody learns that a file exists already. Files are read by
//   the id in an attachment row, never by hash.
// * A writer destroyed before its Commit leaves nothing; what a crash left unfinished is removed when the store is
//   opened. Commit of a folder: file synced → renamed to its name → its folder synced. Commit of a database: one
//   transaction, which gives the pieces written before it their name.
// * Sealing (blob_seal.h): libsodium secretstream (XChaCha20-Poly1305) in chunks of 64 KiB bound to the id, the last
// one
//   tagged as final, so that a truncated, changed or swapped file is refused. The file's key stands in its head,
//   wrapped by the caller's key ring.
//
// Errors: UNAVAILABLE reason STORAGE_UNAVAILABLE, NOT_FOUND reason FILE_ABSENT, DATA_LOSS reason FILE_DAMAGED.
// Thread safety: the store is thread-safe and outlives its writers; a writer or reader belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/db/database.h"
#include "libs/db/files.h"

namespace dinh::db {

inline constexpr size_t kBlobChunkBytes = size_t{64} * 1024;
// In the folder of a directory store: what is being written.
inline constexpr std::string_view kUnfinishedFolder = "unfinished";

struct BlobInfo {
  std::string id;      // 32 lower-case hexadecimal digits
  int64_t size = 0;    // bytes of the content
  std::string sha256;  // of the content, 32 raw bytes
};

// How the key of a file is sealed by the key ring. `context` (the blob's id) must be authenticated with it. Both are
// called from any thread.
struct BlobKeyWrap {
  std::function<absl::StatusOr<std::string>(std::string_view key, std::string_view context)> wrap;
  std::function<absl::StatusOr<std::string>(std::string_view wrapped, std::string_view context)> unwrap;
};

class BlobWriter {
 public:
  virtual ~BlobWriter() = default;  // without Commit: nothing remains
  // After an error the writer is of no further use.
  virtual absl::Status Write(std::string_view bytes) = 0;
  // Once, at the end.
  virtual absl::StatusOr<BlobInfo> Commit() = 0;
};

class BlobReader {
 public:
  virtual ~BlobReader() = default;
  // The next piece, checked; empty at the end, which is checked too. What was handed out before an error belongs to
  // a file that is damaged further on.
  virtual absl::StatusOr<std::string> Next() = 0;
};

// A file as it lies, sealed: its head, then its chunks.
class BlobPieces {
 public:
  virtual ~BlobPieces() = default;
  // The next piece, unchecked; empty at the end.
  virtual absl::StatusOr<std::string> Next() = 0;
};
class BlobSink {
 public:
  virtual ~BlobSink() = default;  // without Commit: nothing remains
  virtual absl::Status Write(std::string_view piece) = 0;
  // Once, at the end; durable.
  virtual absl::Status Commit() = 0;
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  absl::StatusOr<std::unique_ptr<BlobWriter>> Begin();
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view id);
  // Ids in their order, those behind `after` ("": from the first), at most `limit`; fewer only at the end. What is
  // written or removed meanwhile may stand in it or not.
  virtual absl::StatusOr<std::vector<std::string>> List(std::string_view after, size_t limit) = 0;
  // Absent is fine. For contents whose row is gone or was never written. In a folder it waits while a backup holds
  // removals off (blob_folder.h): UNAVAILABLE reason STORAGE_BUSY after ten seconds.
  virtual absl::Status Remove(std::string_view id) = 0;

  // For copies between stores of the same keys. A new id only.
  virtual absl::StatusOr<std::unique_ptr<BlobPieces>> OpenPieces(std::string_view id) = 0;
  virtual absl::StatusOr<std::unique_ptr<BlobSink>> BeginPieces(std::string_view id) = 0;

 protected:
  BlobStore(BlobKeyWrap keys, base::Random& random) : keys_(std::move(keys)), random_(random) {}

 private:
  const BlobKeyWrap keys_;
  base::Random& random_;
};

// The whole content; RESOURCE_EXHAUSTED reason FILE_TOO_LARGE above `size_max` bytes.
absl::StatusOr<std::string> ReadBlob(BlobStore& store, std::string_view id, size_t size_max);
// A whole content at once.
absl::StatusOr<BlobInfo> WriteBlob(BlobStore& store, std::string_view content);
// The file as it lies, under its id.
absl::Status CopyBlob(BlobStore& from, std::string_view id, BlobStore& to);

// Files <folder>/<first two digits>/<id>. Makes the folder (its parent must exist) and clears what was unfinished: one
// process per folder. `random` and `files` must outlive the store.
absl::StatusOr<std::unique_ptr<BlobStore>> OpenDirBlobStore(const std::string& folder, BlobKeyWrap keys,
                                                            base::Random& random, FileOps& files = SystemFileOps());

// Rows of `database`, which several processes may share: tables <name>_blobs, <name>_blob_chunks and, for what is being
// written, <name>_blob_drafts, made as a migration component of its own, "blobs_<name>". `name`: [a-z_]+. Pieces are
// written and read by half a MiB, so that no file is ever whole in memory. Drafts of processes that died are cleared a
// day later. May not be called inside a transaction's closure. All references must outlive the store.
absl::StatusOr<std::unique_ptr<BlobStore>> OpenDatabaseBlobStore(Database& database, const std::string& name,
                                                                 BlobKeyWrap keys, base::Random& random,
                                                                 const base::Clock& clock);

}  // namespace dinh::db

// How files are sealed, whatever keeps them: a head, then chunks. Stores move these pieces and look into none.
//
// Head: magic, two bytes length of the wrapped key (big endian), wrapped key, secretstream header. Chunks: libsodium
// secretstream (XChaCha20-Poly1305), all but the last of kBlobChunkBytes, each bound to the id, the last one tagged as
// final.
//
// Thread safety: one thread at a time for each object.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/db/blob_store.h"

namespace dinh::db {

inline constexpr size_t kSealedChunkBytes = kBlobChunkBytes + 17;  // and the secretstream's tag
inline constexpr size_t kBlobIdDigits = 32;
// So much of a head tells its length.
inline constexpr size_t kBlobHeadStartBytes = 6;

absl::Status BlobDamaged();
absl::Status BlobAbsent();
bool IsBlobId(std::string_view id);
// The length of a head that begins with `start`; DATA_LOSS when none does.
absl::StatusOr<size_t> BlobHeadBytes(std::string_view start);

// Seals with a new key into `sink`. `id` is the sink's.
absl::StatusOr<std::unique_ptr<BlobWriter>> SealInto(std::unique_ptr<BlobSink> sink, std::string id,
                                                     const BlobKeyWrap& keys);
// Reads and checks the head.
absl::StatusOr<std::unique_ptr<BlobReader>> OpenSealed(std::unique_ptr<BlobPieces> pieces, std::string id,
                                                       const BlobKeyWrap& keys);

}  // namespace dinh::db

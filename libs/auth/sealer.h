// Personal data at rest: sealed column by column, found by a keyed blind index.
//
//   sealer.Seal("persons.phone", person_id, phone)     -> bytes for a BLOB column
//   sealer.Open("persons.phone", person_id, bytes)     -> phone; INTERNAL when the value was moved, cut or forged
//   sealer.BlindIndex("persons.phone", "0912345678")   -> 20 bytes, equal for equal values
//
// A sealed value is bound to its column and row: copied to another row it does not open. Form: one byte 1, the key's id
// (4 bytes), nonce (24), ciphertext and tag (XChaCha20-Poly1305): kSealedOverheadBytes more than the text.
//
// Rotation: new values take the current key, older ones still open; NeedsReseal tells which rows a worker should write
// again. A blind index begins with its key's id for the same reason; until all rows are rewritten, look up every one of
// BlindIndexCandidates.
//
// Thread safety: thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/auth/key_ring.h"
#include "libs/base/random.h"

namespace dinh::auth {

inline constexpr size_t kSealedOverheadBytes = 1 + kKeyIdBytes + 24 + 16;
inline constexpr size_t kBlindIndexBytes = kKeyIdBytes + 16;

class Sealer {
 public:
  Sealer(const KeyRing& keys, base::Random& random) : keys_(keys), random_(random) {}

  // `context`: "table.column", never changed later. `row`: what the value belongs to (the row's id).
  std::string Seal(std::string_view context, std::string_view row, std::string_view plain) const;
  // INTERNAL; the cause is for the log only.
  absl::StatusOr<std::string> Open(std::string_view context, std::string_view row, std::string_view sealed) const;
  // true: sealed with an older key (or not a sealed value at all).
  bool NeedsReseal(std::string_view sealed) const;

  // `value` must be in its normal form (phones as 0…, names folded): equal values must be equal bytes.
  std::string BlindIndex(std::string_view context, std::string_view value) const;
  // One per key version, the current one first.
  std::vector<std::string> BlindIndexCandidates(std::string_view context, std::string_view value) const;
  bool NeedsReindex(std::string_view blind_index) const;

  // A file's own key, kept beside its attachment row. `file`: the attachment's id.
  std::string WrapKey(std::string_view file, std::string_view key) const;
  absl::StatusOr<std::string> UnwrapKey(std::string_view file, std::string_view wrapped) const;

 private:
  const KeyRing& keys_;
  base::Random& random_;
};

}  // namespace dinh::auth

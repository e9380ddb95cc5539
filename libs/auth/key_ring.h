// The keys of one installation: one folder, one file per key, several versions per purpose.
//
//   <data-dir>/keys/token-signing.1.key     0600, in a folder 0700
//
// The newest version of a purpose signs and seals; older ones verify and open what they made. A new purpose never
// shares a key with another.
//
// * The first start makes the whole set at once: written beside, synced, then renamed into place. Data without keys is
//   a refusal (KEYS_MISSING), never a new set: new keys could open nothing of what is there.
// * Files that others may read or write are a refusal (KEYS_EXPOSED) that names the command to run.
//
// Errors: FAILED_PRECONDITION with reasons KEYS_MISSING, KEYS_INCOMPLETE, KEYS_EXPOSED, KEYS_DAMAGED, KEYS_EXIST,
// KEYS_VERIFY_ONLY;
// INVALID_ARGUMENT reason PASSPHRASE_TOO_SHORT, KEY_BACKUP_INVALID; UNAVAILABLE reason STORAGE_UNAVAILABLE.
// Thread safety: thread-safe.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/auth/secret.h"
#include "libs/base/clock.h"
#include "libs/base/random.h"
#include "libs/db/files.h"

namespace dinh::auth {

enum class KeyPurpose { kTokenSigning, kSealing, kBlindIndex, kPageToken, kAuditHead };
inline constexpr std::array kKeyPurposes = {KeyPurpose::kTokenSigning, KeyPurpose::kSealing, KeyPurpose::kBlindIndex,
                                            KeyPurpose::kPageToken, KeyPurpose::kAuditHead};

// "token-signing", "sealing", "blind-index", "page-token", "audit-head": names on the command line and of files.
std::string_view KeyPurposeName(KeyPurpose purpose);
std::optional<KeyPurpose> KeyPurposeByName(std::string_view name);

inline constexpr size_t kKeyIdBytes = 4;
inline constexpr size_t kPassphraseBytesMin = 12;

// What may be shown of a key.
struct KeyInfo {
  KeyPurpose purpose = KeyPurpose::kTokenSigning;
  int version = 0;  // 1, 2, 3 …
  std::string id;   // 8 hex digits, derived from the key
  base::Micros created = 0;
  std::string algorithm;  // "Ed25519", "XChaCha20-Poly1305", "HMAC-SHA256"
  bool current = false;   // the newest of its purpose
};

struct Key {
  KeyInfo info;            // `current` is not kept here
  std::string id_bytes;    // the id as kKeyIdBytes raw bytes
  Secret secret;           // 32 bytes; Ed25519: the 64 bytes libsodium signs with, none in a shared ring
  std::string public_key;  // Ed25519 only, 32 bytes
};

// A folder of the installation's own is made and rotated here; a mounted one (a cluster's secret) is read only, may
// consist of symbolic links and may belong to another user, but not be readable by all.
enum class KeyCustody { kOwn, kMounted };

class KeyRing {
 public:
  struct Options {
    std::string folder;  // "<data-dir>/keys"; its parent must exist
    KeyCustody custody = KeyCustody::kOwn;
    db::FileOps* files = nullptr;  // null: the system's own
  };

  // Reads the folder. KEYS_MISSING when there is none.
  static absl::StatusOr<std::unique_ptr<KeyRing>> Open(const Options& options, const base::Clock& clock,
                                                       base::Random& random);
  // The same, but makes the set when there is none and `data_exists` is false.
  static absl::StatusOr<std::unique_ptr<KeyRing>> OpenOrCreate(const Options& options, bool data_exists,
                                                               const base::Clock& clock, base::Random& random);
  // Keys in memory only, for tests and tools.
  static std::unique_ptr<KeyRing> Ephemeral(const base::Clock& clock, base::Random& random);

  // Never null: a ring without one of its purposes does not open.
  std::shared_ptr<const Key> Current(KeyPurpose purpose) const;
  // By id (raw bytes); nullptr when unknown.
  std::shared_ptr<const Key> Find(KeyPurpose purpose, std::string_view id_bytes) const;
  // Newest first.
  std::vector<std::shared_ptr<const Key>> All(KeyPurpose purpose) const;

  // Adds a version, durable when this returns. Running processes of the same folder see it at their next start.
  absl::StatusOr<KeyInfo> Rotate(KeyPurpose purpose);
  std::vector<KeyInfo> List() const;

  // The whole ring, encrypted (Argon2id, then XSalsa20-Poly1305): for a backup that is kept apart from the data.
  absl::StatusOr<std::string> Export(std::string_view passphrase) const;
  // Writes an exported ring into a folder that does not exist yet (KEYS_EXIST otherwise).
  static absl::Status Import(const Options& options, std::string_view backup, std::string_view passphrase,
                             base::Random& random);

  // Writes the ring into a folder that does not exist yet (KEYS_EXIST otherwise), its token-signing keys without their
  // secrets: for the services of a cluster that verify tokens and must not be able to issue any.
  absl::Status Share(const std::string& folder) const;
  // KEYS_VERIFY_ONLY for a shared ring.
  absl::Status CheckIssuesTokens() const;

  // The public keys that verify access tokens, as a JWK set (RFC 7517, RFC 8037).
  std::string JwksJson() const;

 private:
  KeyRing(Options options, const base::Clock& clock, base::Random& random);
  static absl::Status WriteNewFolder(const Options& options, const std::vector<std::pair<std::string, Secret>>& files,
                                     base::Random& random);
  absl::Status Load();
  absl::Status CheckComplete() const;
  absl::Status Add(std::shared_ptr<const Key> key);
  std::shared_ptr<const Key> Generate(KeyPurpose purpose, int version) const;

  const Options options_;
  const base::Clock& clock_;
  base::Random& random_;
  mutable std::mutex mutex_;
  std::array<std::vector<std::shared_ptr<const Key>>, kKeyPurposes.size()> keys_;  // newest first
};

}  // namespace dinh::auth

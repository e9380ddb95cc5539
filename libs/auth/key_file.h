// The form of one key on disk and in a backup: six lines of text, so that a person can see what a file is.
//
//   dinh-key 1
//   purpose token-signing
//   version 1
//   created 1780000000000000
//   id 1f2e3d4c
//   secret <base64url, 32 bytes>
//
// The id is derived from the secret and so tells a damaged file. A token-signing key may stand without its secret, for
// services that only verify tokens: its last line is then "public <base64url, 32 bytes>".
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/auth/key_ring.h"
#include "libs/auth/secret.h"

namespace dinh::auth {

inline constexpr size_t kKeySeedBytes = 32;
inline constexpr size_t kKeyFileBytesMax = 1024;

// "token-signing.1.key"
std::string KeyFileName(KeyPurpose purpose, int version);
// `seed`: kKeySeedBytes.
std::shared_ptr<const Key> MakeKey(KeyPurpose purpose, int version, base::Micros created, std::string_view seed);
// A key that verifies and cannot sign. `public_key`: 32 bytes.
std::shared_ptr<const Key> MakeVerifyingKey(int version, base::Micros created, std::string_view public_key);
Secret FormatKeyFile(const Key& key);
// nullptr when damaged.
std::shared_ptr<const Key> ParseKeyFile(std::string_view text);

// Reads a file into guarded memory after checking owner, kind and mode. NOT_FOUND, KEYS_EXPOSED, KEYS_DAMAGED (too
// large), UNAVAILABLE.
absl::StatusOr<Secret> ReadKeyFile(const std::string& path, KeyCustody custody);
// The folder itself. NOT_FOUND when absent.
absl::Status CheckKeyFolder(const std::string& path, KeyCustody custody);

// Encryption of a backup.
absl::StatusOr<std::string> EncryptBackup(std::string_view plain, std::string_view passphrase, base::Random& random);
absl::StatusOr<Secret> DecryptBackup(std::string_view backup, std::string_view passphrase);

// Errors, named once.
absl::Status KeysMissing();
absl::Status KeysIncomplete(std::string_view what);
absl::Status KeysExposed(std::string_view name, bool folder);
absl::Status KeysDamaged(std::string_view name);
absl::Status KeysExist();
absl::Status KeysVerifyOnly();
absl::Status KeyStorageError(std::string_view what);

}  // namespace dinh::auth

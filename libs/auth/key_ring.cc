#include "libs/auth/key_ring.h"

#include <dirent.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "libs/auth/key_file.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace dinh::auth {
namespace {

constexpr std::string_view kKeySuffix = ".key";
constexpr int kVersionsMax = 1000;

size_t Index(KeyPurpose purpose) { return static_cast<size_t>(purpose); }

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Names of the key files; other files (a note, an editor's copy) are left alone.
absl::StatusOr<std::vector<std::string>> KeyFilesIn(const std::string& folder) {
  DIR* dir = ::opendir(folder.c_str());
  if (dir == nullptr) return KeyStorageError("keys");
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name.size() > kKeySuffix.size() && name.front() != '.' &&
        name.substr(name.size() - kKeySuffix.size()) == kKeySuffix) {
      names.emplace_back(name);
    }
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

db::FileOps& FilesOf(const KeyRing::Options& options) {
  return options.files == nullptr ? db::SystemFileOps() : *options.files;
}

absl::Status WriteFile(db::FileOps& files, const std::string& path, const Secret& text) {
  ASSIGN_OR_RETURN(const std::unique_ptr<db::OutFile> out, files.Create(path));
  RETURN_IF_ERROR(out->Write(text.view()));
  RETURN_IF_ERROR(out->Sync());
  return out->Close();
}

bool FolderIsEmptyOrAbsent(const std::string& folder) {
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0) return errno == ENOENT;
  DIR* dir = S_ISDIR(info.st_mode) ? ::opendir(folder.c_str()) : nullptr;
  if (dir == nullptr) return false;
  bool empty = true;
  while (const dirent* entry = ::readdir(dir)) {
    empty = empty && (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0);
  }
  ::closedir(dir);
  return empty;
}

}  // namespace

std::string_view KeyPurposeName(KeyPurpose purpose) {
  switch (purpose) {
    case KeyPurpose::kTokenSigning:
      return "token-signing";
    case KeyPurpose::kSealing:
      return "sealing";
    case KeyPurpose::kBlindIndex:
      return "blind-index";
    case KeyPurpose::kPageToken:
      return "page-token";
    case KeyPurpose::kAuditHead:
      return "audit-head";
  }
  return "";
}

std::optional<KeyPurpose> KeyPurposeByName(std::string_view name) {
  for (const KeyPurpose purpose : kKeyPurposes) {
    if (KeyPurposeName(purpose) == name) return purpose;
  }
  return std::nullopt;
}

KeyRing::KeyRing(Options options, const base::Clock& clock, base::Random& random)
    : options_(std::move(options)), clock_(clock), random_(random) {}

absl::StatusOr<std::unique_ptr<KeyRing>> KeyRing::Open(const Options& options, const base::Clock& clock,
                                                       base::Random& random) {
  if (sodium_init() < 0) return base::Internal("libsodium could not be initialised");
  RETURN_IF_ERROR(CheckKeyFolder(options.folder, options.custody));
  if (FolderIsEmptyOrAbsent(options.folder)) return KeysMissing();
  std::unique_ptr<KeyRing> ring(new KeyRing(options, clock, random));
  RETURN_IF_ERROR(ring->Load());
  return ring;
}

absl::StatusOr<std::unique_ptr<KeyRing>> KeyRing::OpenOrCreate(const Options& options, bool data_exists,
                                                               const base::Clock& clock, base::Random& random) {
  if (sodium_init() < 0) return base::Internal("libsodium could not be initialised");
  if (options.custody == KeyCustody::kMounted || !FolderIsEmptyOrAbsent(options.folder)) {
    return Open(options, clock, random);
  }
  if (data_exists) return KeysMissing();
  const std::unique_ptr<KeyRing> made = Ephemeral(clock, random);
  std::vector<std::pair<std::string, Secret>> files;
  for (const KeyPurpose purpose : kKeyPurposes) {
    const std::shared_ptr<const Key> key = made->Current(purpose);
    files.emplace_back(KeyFileName(purpose, key->info.version), FormatKeyFile(*key));
  }
  RETURN_IF_ERROR(WriteNewFolder(options, files, random));
  // Read back: what was not written well must be known before the first row is sealed with it.
  return Open(options, clock, random);
}

std::unique_ptr<KeyRing> KeyRing::Ephemeral(const base::Clock& clock, base::Random& random) {
  // Guarded memory needs it; without a source of randomness SystemRandom has already ended the process.
  if (sodium_init() < 0) return nullptr;
  std::unique_ptr<KeyRing> ring(new KeyRing(Options{}, clock, random));
  for (const KeyPurpose purpose : kKeyPurposes) ring->keys_[Index(purpose)].push_back(ring->Generate(purpose, 1));
  return ring;
}

absl::Status KeyRing::WriteNewFolder(const Options& options, const std::vector<std::pair<std::string, Secret>>& files,
                                     base::Random& random) {
  db::FileOps& ops = FilesOf(options);
  // Beside, then renamed: there is never a folder with half a set. rename(2) refuses a folder that is not empty.
  const std::string temporary = options.folder + ".new-" + base::HexEncode(random.Bytes(8));
  ASSIGN_OR_RETURN(const bool made, ops.MakeFolder(temporary));
  if (!made) return KeyStorageError("keys");
  for (const auto& [name, text] : files) {
    std::string path = temporary;
    path.append("/").append(name);
    RETURN_IF_ERROR(WriteFile(ops, path, text));
  }
  RETURN_IF_ERROR(ops.SyncFolder(temporary));
  RETURN_IF_ERROR(ops.Rename(temporary, options.folder));
  return ops.SyncFolder(ParentOf(options.folder));
}

absl::Status KeyRing::Load() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, KeyFilesIn(options_.folder));
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const Secret text, ReadKeyFile(options_.folder + "/" + name, options_.custody));
    const std::shared_ptr<const Key> key = ParseKeyFile(text.view());
    if (key == nullptr || KeyFileName(key->info.purpose, key->info.version) != name) return KeysDamaged(name);
    RETURN_IF_ERROR(Add(key));
  }
  return CheckComplete();
}

absl::Status KeyRing::Add(std::shared_ptr<const Key> key) {
  auto& versions = keys_[Index(key->info.purpose)];
  for (const auto& other : versions) {
    if (other->id_bytes == key->id_bytes) return KeysDamaged(KeyFileName(key->info.purpose, key->info.version));
  }
  versions.push_back(std::move(key));
  std::sort(versions.begin(), versions.end(),
            [](const auto& a, const auto& b) { return a->info.version > b->info.version; });
  return absl::OkStatus();
}

absl::Status KeyRing::CheckComplete() const {
  for (const KeyPurpose purpose : kKeyPurposes) {
    const auto& versions = keys_[Index(purpose)];
    if (versions.empty()) return KeysIncomplete(KeyFileName(purpose, 1));
    // A missing older version would leave old rows closed for ever, and nobody would notice until one is read.
    for (size_t i = 0; i < versions.size(); ++i) {
      const int expected = static_cast<int>(versions.size() - i);
      if (versions[i]->info.version == expected) continue;
      for (int version = 1;; ++version) {
        const bool there = std::any_of(versions.begin(), versions.end(),
                                       [&](const auto& key) { return key->info.version == version; });
        if (!there) return KeysIncomplete(KeyFileName(purpose, version));
      }
    }
  }
  return absl::OkStatus();
}

std::shared_ptr<const Key> KeyRing::Generate(KeyPurpose purpose, int version) const {
  Secret seed(kKeySeedBytes);
  random_.Fill(seed.data(), seed.size());
  return MakeKey(purpose, version, clock_.Now(), seed.view());
}

std::shared_ptr<const Key> KeyRing::Current(KeyPurpose purpose) const {
  std::lock_guard lock(mutex_);
  return keys_[Index(purpose)].front();
}

std::shared_ptr<const Key> KeyRing::Find(KeyPurpose purpose, std::string_view id_bytes) const {
  std::lock_guard lock(mutex_);
  for (const auto& key : keys_[Index(purpose)]) {
    if (key->id_bytes == id_bytes) return key;
  }
  return nullptr;
}

std::vector<std::shared_ptr<const Key>> KeyRing::All(KeyPurpose purpose) const {
  std::lock_guard lock(mutex_);
  return keys_[Index(purpose)];
}

absl::StatusOr<KeyInfo> KeyRing::Rotate(KeyPurpose purpose) {
  if (options_.custody == KeyCustody::kMounted) {
    return base::FailedPrecondition(
        "KEYS_MOUNTED", {"Khóa được gắn từ bên ngoài nên không đổi tại đây. Hãy đổi nơi quản lý bí mật của cụm.",
                         "These keys are mounted from outside. Rotate them where the cluster keeps its secrets."});
  }
  if (purpose == KeyPurpose::kTokenSigning) RETURN_IF_ERROR(CheckIssuesTokens());
  std::lock_guard lock(mutex_);
  auto& versions = keys_[Index(purpose)];
  const int version = versions.front()->info.version + 1;
  if (version > kVersionsMax) return base::Internal("too many versions of a key");
  std::shared_ptr<const Key> key = Generate(purpose, version);
  while (std::any_of(versions.begin(), versions.end(), [&](const auto& k) { return k->id_bytes == key->id_bytes; })) {
    key = Generate(purpose, version);
  }
  if (!options_.folder.empty()) {
    db::FileOps& ops = FilesOf(options_);
    const std::string path = options_.folder + "/" + KeyFileName(purpose, version);
    const std::string temporary = options_.folder + "/.new-" + base::HexEncode(random_.Bytes(8));
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) return KeysExist();  // another process rotated since this one opened
    RETURN_IF_ERROR(WriteFile(ops, temporary, FormatKeyFile(*key)));
    RETURN_IF_ERROR(ops.Rename(temporary, path));
    RETURN_IF_ERROR(ops.SyncFolder(options_.folder));
  }
  versions.insert(versions.begin(), key);
  KeyInfo shown = key->info;
  shown.current = true;
  return shown;
}

std::vector<KeyInfo> KeyRing::List() const {
  std::lock_guard lock(mutex_);
  std::vector<KeyInfo> list;
  for (const auto& versions : keys_) {
    for (const auto& key : versions) {
      list.push_back(key->info);
      list.back().current = key == versions.front();
    }
  }
  return list;
}

absl::StatusOr<std::string> KeyRing::Export(std::string_view passphrase) const {
  std::vector<Secret> texts;
  size_t total = 0;
  for (const KeyPurpose purpose : kKeyPurposes) {
    for (const auto& key : All(purpose)) {
      texts.push_back(FormatKeyFile(*key));
      total += texts.back().size();
    }
  }
  Secret plain(total);
  size_t at = 0;
  for (const Secret& text : texts) {
    std::memcpy(plain.data() + at, text.data(), text.size());
    at += text.size();
  }
  return EncryptBackup(plain.view(), passphrase, random_);
}

absl::Status KeyRing::Import(const Options& options, std::string_view backup, std::string_view passphrase,
                             base::Random& random) {
  if (sodium_init() < 0) return base::Internal("libsodium could not be initialised");
  if (!FolderIsEmptyOrAbsent(options.folder)) return KeysExist();
  ASSIGN_OR_RETURN(const Secret plain, DecryptBackup(backup, passphrase));
  std::vector<std::pair<std::string, Secret>> files;
  base::SystemClock clock;
  KeyRing ring(Options{}, clock, random);
  // Each key is six lines.
  for (std::string_view rest = plain.view(); !rest.empty();) {
    size_t end = 0;
    for (int line = 0; line < 6; ++line) {
      end = rest.find('\n', end);
      if (end++ == std::string_view::npos) return KeysDamaged("backup");
    }
    const std::shared_ptr<const Key> key = ParseKeyFile(rest.substr(0, end));
    if (key == nullptr) return KeysDamaged("backup");
    RETURN_IF_ERROR(ring.Add(key));
    files.emplace_back(KeyFileName(key->info.purpose, key->info.version), FormatKeyFile(*key));
    rest.remove_prefix(end);
  }
  RETURN_IF_ERROR(ring.CheckComplete());
  return WriteNewFolder(options, files, random);
}

absl::Status KeyRing::Share(const std::string& folder) const {
  Options target;
  target.folder = folder;
  target.files = options_.files;
  if (!FolderIsEmptyOrAbsent(folder)) return KeysExist();
  std::vector<std::pair<std::string, Secret>> files;
  for (const KeyPurpose purpose : kKeyPurposes) {
    for (const auto& key : All(purpose)) {
      const bool signs_tokens = purpose == KeyPurpose::kTokenSigning;
      files.emplace_back(KeyFileName(purpose, key->info.version),
                         signs_tokens
                             ? FormatKeyFile(*MakeVerifyingKey(key->info.version, key->info.created, key->public_key))
                             : FormatKeyFile(*key));
    }
  }
  return WriteNewFolder(target, files, random_);
}

absl::Status KeyRing::CheckIssuesTokens() const {
  return Current(KeyPurpose::kTokenSigning)->secret.size() > 0 ? absl::OkStatus() : KeysVerifyOnly();
}

std::string KeyRing::JwksJson() const {
  nlohmann::ordered_json keys = nlohmann::ordered_json::array();
  for (const auto& key : All(KeyPurpose::kTokenSigning)) {
    keys.push_back({{"kty", "OKP"},
                    {"crv", "Ed25519"},
                    {"use", "sig"},
                    {"alg", "EdDSA"},
                    {"kid", key->info.id},
                    {"x", base::Base64UrlEncode(key->public_key)}});
  }
  return nlohmann::ordered_json{{"keys", std::move(keys)}}.dump();
}

}  // namespace dinh::auth

#include "libs/auth/key_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::auth {
namespace {

constexpr std::string_view kFirstLine = "dinh-key 1";
constexpr std::string_view kBackupMagic = "DINHKEYS1";
// Argon2id "moderate": 256 MiB and about half a second, once per backup.
constexpr uint64_t kBackupOps = crypto_pwhash_OPSLIMIT_MODERATE;
constexpr uint64_t kBackupMemoryBytes = crypto_pwhash_MEMLIMIT_MODERATE;

bool IsSigning(KeyPurpose purpose) { return purpose == KeyPurpose::kTokenSigning || purpose == KeyPurpose::kAuditHead; }

std::string_view AlgorithmOf(KeyPurpose purpose) {
  if (IsSigning(purpose)) return "Ed25519";
  return purpose == KeyPurpose::kSealing ? "XChaCha20-Poly1305" : "HMAC-SHA256";
}

// Takes "name value\n" off the front.
bool TakeLine(std::string_view* text, std::string_view name, std::string_view* value) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos) return false;
  std::string_view line = text->substr(0, end);
  if (line.size() <= name.size() || line.substr(0, name.size()) != name || line[name.size()] != ' ') return false;
  *value = line.substr(name.size() + 1);
  text->remove_prefix(end + 1);
  return true;
}

template <typename T>
bool ParseNumber(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

void SetId(Key& key, std::string_view material) {
  key.id_bytes =
      base::Sha256(std::string(KeyPurposeName(key.info.purpose)) + ":" + std::string(material)).substr(0, kKeyIdBytes);
  key.info.id = base::HexEncode(key.id_bytes);
}

bool DecodeSeed(std::string_view text, Secret* seed) {
  size_t size = 0;
  return sodium_base642bin(seed->data(), seed->size(), text.data(), text.size(), nullptr, &size, nullptr,
                           sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
         size == kKeySeedBytes;
}

absl::StatusOr<Secret> BackupKey(std::string_view passphrase, std::string_view salt) {
  Secret key(crypto_secretbox_KEYBYTES);
  if (crypto_pwhash(key.data(), key.size(), passphrase.data(), passphrase.size(),
                    reinterpret_cast<const unsigned char*>(salt.data()), kBackupOps, kBackupMemoryBytes,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return base::ResourceExhausted("MEMORY_SHORT",
                                   {"Máy không đủ bộ nhớ (cần 256 MiB) để mã hóa bản sao khóa. Hãy giải phóng bộ nhớ.",
                                    "Encrypting a key backup needs 256 MiB of memory. Free some and try again."},
                                   1000);
  }
  return key;
}

absl::Status BackupInvalid() {
  return base::Error(absl::StatusCode::kInvalidArgument, "KEY_BACKUP_INVALID",
                     {"Bản sao khóa không mở được: sai mật khẩu hoặc tệp bị hỏng. Hãy kiểm tra rồi thử lại.",
                      "The key backup does not open: wrong passphrase or damaged file. Check both and try again."});
}

}  // namespace

std::string KeyFileName(KeyPurpose purpose, int version) {
  return std::string(KeyPurposeName(purpose)) + "." + std::to_string(version) + ".key";
}

std::shared_ptr<const Key> MakeKey(KeyPurpose purpose, int version, base::Micros created, std::string_view seed) {
  auto key = std::make_shared<Key>();
  key->info = {purpose, version, "", created, std::string(AlgorithmOf(purpose)), false};
  std::string material;  // what the id is derived from: never the secret itself
  if (IsSigning(purpose)) {
    key->secret = Secret(crypto_sign_SECRETKEYBYTES);
    key->public_key.resize(crypto_sign_PUBLICKEYBYTES);
    crypto_sign_seed_keypair(reinterpret_cast<unsigned char*>(key->public_key.data()), key->secret.data(),
                             reinterpret_cast<const unsigned char*>(seed.data()));
    material = key->public_key;
  } else {
    key->secret = Secret(seed.size());
    std::memcpy(key->secret.data(), seed.data(), seed.size());
    material = base::HmacSha256(key->secret.view(), "dinh key id");
  }
  SetId(*key, material);
  return key;
}

std::shared_ptr<const Key> MakeVerifyingKey(int version, base::Micros created, std::string_view public_key) {
  auto key = std::make_shared<Key>();
  key->info = {
      KeyPurpose::kTokenSigning, version, "", created, std::string(AlgorithmOf(KeyPurpose::kTokenSigning)), false};
  key->public_key = public_key;
  SetId(*key, public_key);
  return key;
}

Secret FormatKeyFile(const Key& key) {
  const std::string head = std::string(kFirstLine) + "\npurpose " + std::string(KeyPurposeName(key.info.purpose)) +
                           "\nversion " + std::to_string(key.info.version) + "\ncreated " +
                           std::to_string(key.info.created) + "\nid " + key.info.id +
                           (key.secret.size() == 0 ? "\npublic " : "\nsecret ");
  const unsigned char* const bytes =
      key.secret.size() == 0 ? reinterpret_cast<const unsigned char*>(key.public_key.data()) : key.secret.data();
  // libsodium keeps an Ed25519 key as seed || public key.
  constexpr size_t kEncoded = sodium_base64_ENCODED_LEN(kKeySeedBytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  Secret file(head.size() + kEncoded);
  std::memcpy(file.data(), head.data(), head.size());
  sodium_bin2base64(reinterpret_cast<char*>(file.data()) + head.size(), kEncoded, bytes, kKeySeedBytes,
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  file.data()[file.size() - 1] = '\n';  // over the terminating zero
  return file;
}

std::shared_ptr<const Key> ParseKeyFile(std::string_view text) {
  std::string_view purpose_name, version_text, created_text, id, secret;
  if (text.substr(0, kFirstLine.size()) != kFirstLine || text.size() <= kFirstLine.size() ||
      text[kFirstLine.size()] != '\n') {
    return nullptr;
  }
  text.remove_prefix(kFirstLine.size() + 1);
  if (!TakeLine(&text, "purpose", &purpose_name) || !TakeLine(&text, "version", &version_text) ||
      !TakeLine(&text, "created", &created_text) || !TakeLine(&text, "id", &id)) {
    return nullptr;
  }
  const bool verifies_only = TakeLine(&text, "public", &secret);
  if ((!verifies_only && !TakeLine(&text, "secret", &secret)) || !text.empty()) return nullptr;
  const std::optional<KeyPurpose> purpose = KeyPurposeByName(purpose_name);
  int version = 0;
  base::Micros created = 0;
  Secret seed(kKeySeedBytes);
  if (!purpose || !ParseNumber(version_text, &version) || version < 1 || !ParseNumber(created_text, &created) ||
      !DecodeSeed(secret, &seed)) {
    return nullptr;
  }
  if (verifies_only && *purpose != KeyPurpose::kTokenSigning) return nullptr;
  const std::shared_ptr<const Key> key = verifies_only ? MakeVerifyingKey(version, created, seed.view())
                                                       : MakeKey(*purpose, version, created, seed.view());
  return key->info.id == id ? key : nullptr;
}

absl::StatusOr<Secret> ReadKeyFile(const std::string& path, KeyCustody custody) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (custody == KeyCustody::kOwn ? O_NOFOLLOW : 0);
  const int fd = ::open(path.c_str(), flags);
  if (fd < 0) return errno == ELOOP ? KeysExposed(name, false) : KeyStorageError(name);
  struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  struct stat info {};
  if (::fstat(fd, &info) != 0) return KeyStorageError(name);
  if (!S_ISREG(info.st_mode)) return KeysDamaged(name);
  const mode_t forbidden = custody == KeyCustody::kOwn ? 0077 : 0037;
  const bool foreign = custody == KeyCustody::kOwn && info.st_uid != ::geteuid();
  if (foreign || (info.st_mode & forbidden) != 0) return KeysExposed(name, false);
  if (info.st_size <= 0 || static_cast<size_t>(info.st_size) > kKeyFileBytesMax) return KeysDamaged(name);
  Secret text(static_cast<size_t>(info.st_size));
  size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(fd, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return KeyStorageError(name);
    if (got == 0) return KeysDamaged(name);
    have += static_cast<size_t>(got);
  }
  return text;
}

absl::Status CheckKeyFolder(const std::string& path, KeyCustody custody) {
  struct stat info {};
  const int result = custody == KeyCustody::kOwn ? ::lstat(path.c_str(), &info) : ::stat(path.c_str(), &info);
  if (result != 0) return errno == ENOENT ? KeysMissing() : KeyStorageError("keys");
  if (!S_ISDIR(info.st_mode)) return KeysDamaged("keys");
  if (custody == KeyCustody::kMounted) return absl::OkStatus();  // the files themselves are checked
  if (info.st_uid != ::geteuid() || (info.st_mode & 0077) != 0) return KeysExposed("keys", true);
  return absl::OkStatus();
}

absl::StatusOr<std::string> EncryptBackup(std::string_view plain, std::string_view passphrase, base::Random& random) {
  if (passphrase.size() < kPassphraseBytesMin) {
    const std::string min = std::to_string(kPassphraseBytesMin);
    return base::Error(absl::StatusCode::kInvalidArgument, "PASSPHRASE_TOO_SHORT",
                       {"Mật khẩu của bản sao khóa cần ít nhất " + min + " ký tự. Hãy chọn một câu dài hơn.",
                        "The passphrase of a key backup needs at least " + min + " characters. Choose a longer one."},
                       {{"min", min}});
  }
  const std::string salt = random.Bytes(crypto_pwhash_SALTBYTES);
  const std::string nonce = random.Bytes(crypto_secretbox_NONCEBYTES);
  ASSIGN_OR_RETURN(const Secret key, BackupKey(passphrase, salt));
  std::string out = std::string(kBackupMagic) + salt + nonce;
  const size_t head = out.size();
  out.resize(head + crypto_secretbox_MACBYTES + plain.size());
  crypto_secretbox_easy(reinterpret_cast<unsigned char*>(out.data()) + head,
                        reinterpret_cast<const unsigned char*>(plain.data()), plain.size(),
                        reinterpret_cast<const unsigned char*>(nonce.data()), key.data());
  return out;
}

absl::StatusOr<Secret> DecryptBackup(std::string_view backup, std::string_view passphrase) {
  constexpr size_t kHead = kBackupMagic.size() + crypto_pwhash_SALTBYTES + crypto_secretbox_NONCEBYTES;
  if (backup.size() <= kHead + crypto_secretbox_MACBYTES || backup.size() > 1 << 20 ||
      backup.substr(0, kBackupMagic.size()) != kBackupMagic) {
    return BackupInvalid();
  }
  const std::string_view salt = backup.substr(kBackupMagic.size(), crypto_pwhash_SALTBYTES);
  const std::string_view nonce = backup.substr(kBackupMagic.size() + salt.size(), crypto_secretbox_NONCEBYTES);
  const std::string_view box = backup.substr(kHead);
  ASSIGN_OR_RETURN(const Secret key, BackupKey(passphrase, salt));
  Secret plain(box.size() - crypto_secretbox_MACBYTES);
  if (crypto_secretbox_open_easy(plain.data(), reinterpret_cast<const unsigned char*>(box.data()), box.size(),
                                 reinterpret_cast<const unsigned char*>(nonce.data()), key.data()) != 0) {
    return BackupInvalid();
  }
  return plain;
}

absl::Status KeysMissing() {
  return base::FailedPrecondition(
      "KEYS_MISSING",
      {"Có dữ liệu nhưng không có thư mục khóa “keys”. Hãy khôi phục thư mục khóa từ bản sao lưu; khóa mới sẽ không mở "
       "được dữ liệu cũ.",
       "There is data but no 'keys' folder. Restore the folder from its backup: new keys could not open the old "
       "data."});
}

absl::Status KeysIncomplete(std::string_view what) {
  return base::FailedPrecondition(
      "KEYS_INCOMPLETE",
      {"Thư mục khóa thiếu “" + std::string(what) + "”. Hãy khôi phục tệp này từ bản sao lưu.",
       "The keys folder lacks '" + std::string(what) + "'. Restore this file from its backup."},
      {{"file", std::string(what)}});
}

absl::Status KeysExposed(std::string_view name, bool folder) {
  const std::string file(name);
  const std::string mode = folder ? "700" : "600";
  return base::FailedPrecondition(
      "KEYS_EXPOSED",
      {"Người khác có thể đọc khóa “" + file + "”. Hãy chạy: chmod " + mode + " " + file +
           " (và chown cho người chạy dịch vụ), rồi cân nhắc đổi khóa bằng “dinh keys rotate”.",
       "Others may read '" + file + "', or it is not an own file of the user that runs the service. Run: chmod " +
           mode + " " + file + " (and chown), then consider 'dinh keys rotate'."},
      {{"file", file}, {"mode", mode}});
}

absl::Status KeysDamaged(std::string_view name) {
  return base::FailedPrecondition("KEYS_DAMAGED",
                                  {"Tệp khóa “" + std::string(name) + "” bị hỏng. Hãy khôi phục từ bản sao lưu.",
                                   "The key file '" + std::string(name) + "' is damaged. Restore it from its backup."},
                                  {{"file", std::string(name)}});
}

absl::Status KeysExist() {
  return base::FailedPrecondition(
      "KEYS_EXIST", {"Thư mục khóa đã tồn tại nên không ghi đè. Hãy chuyển thư mục cũ đi nơi khác trước.",
                     "The keys folder exists already and is not overwritten. Move the old one away first."});
}

absl::Status KeysVerifyOnly() {
  return base::FailedPrecondition(
      "KEYS_VERIFY_ONLY",
      {"Thư mục khóa này không có phần bí mật của khóa ký token. Hãy dùng thư mục khóa gốc, không phải bản của “dinh "
       "keys share”.",
       "This keys folder is without the secrets of the token-signing keys. Use the original folder, not one made by "
       "'dinh keys share'."});
}

absl::Status KeyStorageError(std::string_view what) {
  return base::Unavailable("STORAGE_UNAVAILABLE", {"Không đọc hoặc ghi được tệp khóa “" + std::string(what) +
                                                       "”. Hãy kiểm tra quyền và ổ đĩa.",
                                                   "The key file '" + std::string(what) +
                                                       "' cannot be read or written. Check permissions and "
                                                       "the disk."});
}

}  // namespace dinh::auth

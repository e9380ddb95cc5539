#include "libs/auth/audit_hash.h"

#include <sodium.h>

#include <charconv>

#include "libs/base/strings.h"

namespace dinh::auth {
namespace {

constexpr std::string_view kRowDomain = "dinh audit row 1";
constexpr std::string_view kHeadDomain = "dinh audit head 1";
constexpr std::string_view kGenesisDomain = "dinh audit genesis 1";
constexpr size_t kHashBytes = 32;

void PutNumber(std::string* out, int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) out->push_back(static_cast<char>(bits >> shift & 255));
}

// Length first, so that no text can run into the next.
void PutText(std::string* out, std::string_view text) {
  PutNumber(out, static_cast<int64_t>(text.size()));
  out->append(text);
}

template <typename T>
bool ParseNumber(std::string_view text, T* out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string GenesisHash(std::string_view service) {
  std::string bytes;
  PutText(&bytes, kGenesisDomain);
  PutText(&bytes, service);
  return base::Sha256(bytes);
}

std::string ChainHash(std::string_view previous, const AuditRecord& record) {
  std::string bytes;
  bytes.reserve(512);
  PutText(&bytes, kRowDomain);
  PutText(&bytes, previous);
  PutNumber(&bytes, record.sequence);
  PutNumber(&bytes, record.number);
  PutText(&bytes, record.id);
  PutNumber(&bytes, record.at);
  PutNumber(&bytes, static_cast<int64_t>(record.row.caller_kind));
  PutText(&bytes, record.row.caller);
  PutText(&bytes, record.row.person);
  PutText(&bytes, record.row.method);
  PutText(&bytes, record.row.subject);
  PutText(&bytes, record.row.resource);
  PutNumber(&bytes, static_cast<int64_t>(record.row.outcome));
  PutText(&bytes, record.row.reason);
  PutText(&bytes, record.row.trace);
  return base::Sha256(bytes);
}

std::string HeadBytes(const AuditHead& head) {
  std::string bytes;
  PutText(&bytes, kHeadDomain);
  PutText(&bytes, head.service);
  PutNumber(&bytes, head.sequence);
  PutText(&bytes, head.hash);
  PutNumber(&bytes, head.at);
  PutText(&bytes, head.key_id);
  return bytes;
}

void SignHead(const Key& key, AuditHead* head) {
  head->key_id = key.info.id;
  const std::string bytes = HeadBytes(*head);
  head->signature.resize(crypto_sign_BYTES);
  crypto_sign_detached(reinterpret_cast<unsigned char*>(head->signature.data()), nullptr,
                       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.secret.data());
}

bool HeadSignatureValid(const KeyRing& keys, const AuditHead& head) {
  std::string id;
  if (head.signature.size() != crypto_sign_BYTES || !base::HexDecode(head.key_id, &id)) return false;
  const std::shared_ptr<const Key> key = keys.Find(KeyPurpose::kAuditHead, id);
  if (key == nullptr) return false;
  const std::string bytes = HeadBytes(head);
  return crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(head.signature.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                                     reinterpret_cast<const unsigned char*>(key->public_key.data())) == 0;
}

std::string FormatHead(const AuditHead& head) {
  return head.service + " " + std::to_string(head.sequence) + " " + base::HexEncode(head.hash) + " " +
         std::to_string(head.at) + " " + head.key_id + " " + base::HexEncode(head.signature);
}

absl::StatusOr<AuditHead> ParseHead(std::string_view line) {
  const std::vector<std::string_view> parts = base::Split(base::Trim(line), ' ');
  AuditHead head;
  if (parts.size() != 6 || !ParseNumber(parts[1], &head.sequence) || head.sequence < 1 ||
      !base::HexDecode(parts[2], &head.hash) || head.hash.size() != kHashBytes || !ParseNumber(parts[3], &head.at) ||
      !base::HexDecode(parts[5], &head.signature)) {
    return base::InvalidField("anchor", {"không phải một dòng đầu chuỗi nhật ký. Hãy chép nguyên dòng.",
                                         "is not a line with an audit head. Copy the line as it is."});
  }
  head.service = std::string(parts[0]);
  head.key_id = std::string(parts[4]);
  return head;
}

}  // namespace dinh::auth

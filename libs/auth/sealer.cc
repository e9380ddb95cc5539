#include "libs/auth/sealer.h"

#include <sodium.h>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::auth {
namespace {

constexpr char kFormat = 1;
constexpr size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t kHeadBytes = 1 + kKeyIdBytes + kNonceBytes;
constexpr size_t kIndexBytes = kBlindIndexBytes - kKeyIdBytes;
constexpr std::string_view kFileKeyContext = "attachment.key";
static_assert(kSealedOverheadBytes == kHeadBytes + kTagBytes);

const unsigned char* Raw(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }
unsigned char* Raw(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }

void PutField(std::string* out, std::string_view field) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(field.size() >> shift & 255));
  out->append(field);
}

// Lengths first, so that no two pairs of context and row give the same bytes.
std::string AssociatedData(std::string_view head, std::string_view context, std::string_view row) {
  std::string out(head);
  PutField(&out, context);
  PutField(&out, row);
  return out;
}

std::string IndexWith(const Key& key, std::string_view context, std::string_view value) {
  std::string message;
  PutField(&message, context);
  PutField(&message, value);
  return key.id_bytes + base::HmacSha256(key.secret.view(), message).substr(0, kIndexBytes);
}

}  // namespace

std::string Sealer::Seal(std::string_view context, std::string_view row, std::string_view plain) const {
  const std::shared_ptr<const Key> key = keys_.Current(KeyPurpose::kSealing);
  std::string out;
  out.reserve(kSealedOverheadBytes + plain.size());
  out.push_back(kFormat);
  out.append(key->id_bytes);
  const std::string ad = AssociatedData(out, context, row);
  out.append(random_.Bytes(kNonceBytes));
  out.resize(kSealedOverheadBytes + plain.size());
  crypto_aead_xchacha20poly1305_ietf_encrypt(Raw(out) + kHeadBytes, nullptr, Raw(plain), plain.size(), Raw(ad),
                                             ad.size(), nullptr, Raw(out) + 1 + kKeyIdBytes, key->secret.data());
  return out;
}

absl::StatusOr<std::string> Sealer::Open(std::string_view context, std::string_view row,
                                         std::string_view sealed) const {
  if (sealed.size() < kSealedOverheadBytes || sealed[0] != kFormat) {
    return base::Internal("sealed value of " + std::string(context) + " has no known form");
  }
  const std::shared_ptr<const Key> key = keys_.Find(KeyPurpose::kSealing, sealed.substr(1, kKeyIdBytes));
  if (key == nullptr) {
    return base::Internal("sealed value of " + std::string(context) +
                          " names a key that is not in the ring: " + base::HexEncode(sealed.substr(1, kKeyIdBytes)));
  }
  const std::string ad = AssociatedData(sealed.substr(0, 1 + kKeyIdBytes), context, row);
  std::string plain(sealed.size() - kSealedOverheadBytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(Raw(plain), nullptr, nullptr, Raw(sealed) + kHeadBytes,
                                                 sealed.size() - kHeadBytes, Raw(ad), ad.size(),
                                                 Raw(sealed) + 1 + kKeyIdBytes, key->secret.data()) != 0) {
    return base::Internal("sealed value of " + std::string(context) + " was moved, changed or damaged");
  }
  return plain;
}

bool Sealer::NeedsReseal(std::string_view sealed) const {
  return sealed.size() < kSealedOverheadBytes || sealed[0] != kFormat ||
         sealed.substr(1, kKeyIdBytes) != keys_.Current(KeyPurpose::kSealing)->id_bytes;
}

std::string Sealer::BlindIndex(std::string_view context, std::string_view value) const {
  return IndexWith(*keys_.Current(KeyPurpose::kBlindIndex), context, value);
}

std::vector<std::string> Sealer::BlindIndexCandidates(std::string_view context, std::string_view value) const {
  std::vector<std::string> out;
  for (const auto& key : keys_.All(KeyPurpose::kBlindIndex)) out.push_back(IndexWith(*key, context, value));
  return out;
}

bool Sealer::NeedsReindex(std::string_view blind_index) const {
  return blind_index.size() != kBlindIndexBytes ||
         blind_index.substr(0, kKeyIdBytes) != keys_.Current(KeyPurpose::kBlindIndex)->id_bytes;
}

std::string Sealer::WrapKey(std::string_view file, std::string_view key) const {
  return Seal(kFileKeyContext, file, key);
}

absl::StatusOr<std::string> Sealer::UnwrapKey(std::string_view file, std::string_view wrapped) const {
  return Open(kFileKeyContext, file, wrapped);
}

}  // namespace dinh::auth

#include "services/feedback/api_keys.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::feedback {
namespace {

constexpr size_t kIdMax = 40;

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kIdMax && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

absl::Status Wrong(size_t index, const std::string& vi, const std::string& en) {
  const std::string place = "open311_keys[" + std::to_string(index) + "]: ";
  return base::InvalidField("open311_keys", {place + vi, place + en});
}

}  // namespace

absl::StatusOr<ApiKeys> ApiKeys::Parse(const std::vector<std::string>& entries) {
  ApiKeys keys;
  for (size_t i = 0; i < entries.size(); ++i) {
    const size_t colon = entries[i].find(':');
    if (colon == std::string::npos) return Wrong(i, "cần dạng mã:bí mật.", "the form is id:secret.");
    const std::string id = entries[i].substr(0, colon), secret = entries[i].substr(colon + 1);
    if (!IsId(id)) {
      return Wrong(i, "mã chỉ gồm a-z, 0-9, '-', '_', tối đa 40 ký tự.", "an id is a-z, 0-9, '-', '_', at most 40.");
    }
    if (secret.size() < kApiSecretBytesMin) {
      return Wrong(i, "bí mật cần ít nhất 16 ký tự.", "a secret has at least 16 characters.");
    }
    const bool twice = std::any_of(keys.keys_.begin(), keys.keys_.end(), [&](const auto& k) { return k.first == id; });
    if (twice) return Wrong(i, "mã này đã có.", "this id stands twice.");
    keys.keys_.emplace_back(id, base::Sha256(secret));
  }
  return keys;
}

std::optional<std::string> ApiKeys::OwnerOf(std::string_view secret) const {
  const std::string hash = base::Sha256(secret);
  std::optional<std::string> owner;
  for (const auto& [id, known] : keys_) {
    if (base::ConstantTimeEqual(hash, known)) owner = id;
  }
  return owner;
}

}  // namespace dinh::feedback

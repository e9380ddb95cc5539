#include "services/payments/domain/notification.h"

#include <cstdint>
#include <optional>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::payments {
namespace {

constexpr size_t kMacBytes = 32;
constexpr size_t kTimeDigitsMax = 12;  // until the year 33658

struct Header {
  std::string time;  // as written: that is what was signed
  base::Micros at = 0;
  std::vector<std::string> macs;
};

absl::Status Malformed() {
  return base::Unauthenticated(
      "SIGNATURE_MALFORMED",
      {"Tiêu đề X-Dinh-Signature sai dạng. Hãy gửi: t=<giây Unix>,v1=<64 chữ số thập lục phân>.",
       "The X-Dinh-Signature header is malformed. Send: t=<Unix seconds>,v1=<64 hexadecimal digits>."});
}

bool ParseTime(std::string_view text, Header& header) {
  if (!header.time.empty() || text.empty() || text.size() > kTimeDigitsMax) return false;
  int64_t seconds = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    seconds = seconds * 10 + (c - '0');
  }
  header.time = text;
  header.at = seconds * base::kMicrosPerSecond;
  return true;
}

// Unknown parts (v0=, v2=) are passed over, so that a later version can stand beside this one.
std::optional<Header> ParseHeader(std::string_view text) {
  Header header;
  for (const std::string_view raw : base::Split(text, ',')) {
    const std::string_view part = base::Trim(raw);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) return std::nullopt;
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = part.substr(equals + 1);
    if (name == "t" && !ParseTime(value, header)) return std::nullopt;
    if (name != "v1") continue;
    std::string mac;
    if (value.size() != kMacBytes * 2 || !base::HexDecode(value, &mac)) return std::nullopt;
    header.macs.push_back(std::move(mac));
  }
  if (header.time.empty() || header.macs.empty() || header.macs.size() > kSignaturesMax) return std::nullopt;
  return header;
}

std::string Mac(const SigningKey& key, std::string_view time, std::string_view body) {
  std::string text;
  text.reserve(time.size() + 1 + body.size());
  text.append(time).append(".").append(body);
  return base::HmacSha256(key.secret, text);
}

}  // namespace

absl::StatusOr<std::string> VerifySignature(std::string_view header, std::string_view body,
                                            const std::vector<SigningKey>& keys, base::Micros now) {
  if (header.empty()) {
    return base::Unauthenticated("SIGNATURE_MISSING",
                                 {"Thiếu tiêu đề X-Dinh-Signature. Hãy ký thông báo bằng khóa đã được cấp.",
                                  "The X-Dinh-Signature header is missing. Sign the notification with your secret."});
  }
  if (header.size() > kSignatureHeaderMax) return Malformed();
  const std::optional<Header> parsed = ParseHeader(header);
  if (!parsed) return Malformed();
  const SigningKey* signer = nullptr;
  for (const SigningKey& key : keys) {
    const std::string expected = Mac(key, parsed->time, body);
    for (const std::string& mac : parsed->macs) {
      if (base::ConstantTimeEqual(expected, mac) && signer == nullptr) signer = &key;
    }
  }
  if (signer == nullptr) {
    return base::Unauthenticated(
        "SIGNATURE_INVALID",
        {"Chữ ký không đúng. Hãy kiểm tra khóa và ký trên đúng nội dung gửi đi (t + \".\" + nội dung thô).",
         "The signature is wrong. Check the secret and sign exactly what is sent (t + \".\" + raw body)."});
  }
  if (parsed->at < now - kSignatureWindow || parsed->at > now + kSignatureWindow) {
    return base::Unauthenticated(
        "SIGNATURE_EXPIRED",
        {"Thời điểm ký lệch quá 5 phút. Hãy chỉnh đồng hồ, ký lại và gửi lại.",
         "The time of signing is more than 5 minutes off. Set the clock, sign again and send again."});
  }
  return signer->id;
}

std::string SignatureHeader(const std::vector<SigningKey>& keys, std::string_view body, base::Micros now) {
  const std::string time = std::to_string(now / base::kMicrosPerSecond);
  std::string header = "t=" + time;
  for (const SigningKey& key : keys) header += ",v1=" + base::HexEncode(Mac(key, time, body));
  return header;
}

}  // namespace dinh::payments

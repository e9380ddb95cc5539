// VietQR: the payload of the QR code a citizen pays by. EMVCo TLV text with a CRC, as NAPAS profiles it for transfers
// to an account (QRIBFTTA) or a card (QRIBFTTC).
//
// Sources: EMVCo "QR Code Specification for Payment Systems: Merchant-Presented Mode" 1.1 (template, lengths, CRC) and
// NAPAS "QR Format T&C" 1.0 of 09/2021 (identifier 38, GUID A000000727). Checked against the vectors in
// deploy/data/vietqr_vectors.json, one of which (6.1.1 of the NAPAS document) has a good CRC and a broken structure.
//
// Shape: two digits tag, two digits length, value; 00 first, 63 (CRC) last, 38 and 62 hold such fields themselves.
// ASCII only. Pure; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/money.h"

namespace dinh::payments {

inline constexpr size_t kQrPayloadMax = 512;                     // EMVCo 4.2: characters of the whole payload
inline constexpr size_t kQrAccountMax = 19;                      // NAPAS 38.01.01
inline constexpr size_t kQrTextMax = 25;                         // EMVCo 62.01, 62.05, 62.08
inline constexpr base::Vnd kQrAmountMaxVnd = 9'999'999'999'999;  // EMVCo 54: 13 characters

enum class QrInitiation { kStatic = 11, kDynamic = 12 };
enum class QrService { kAccount, kCard };  // QRIBFTTA, QRIBFTTC

// A field this platform has no use for, kept so that a parsed code is written again as it was.
struct QrField {
  int tag = 0;  // 0..99
  std::string value;
  bool operator==(const QrField&) const = default;
};

struct VietQr {
  QrInitiation initiation = QrInitiation::kDynamic;
  QrService service = QrService::kAccount;
  std::string bin;      // 6 digits: the bank
  std::string account;  // 1..19 letters and digits; digits only for a card
  std::optional<base::Vnd> amount_vnd;
  std::string bill;                       // 62.01; empty: absent
  std::string reference;                  // 62.05
  std::string purpose;                    // 62.08: what the payer's bank puts into the transfer's text
  std::vector<QrField> other;             // ascending by tag
  std::vector<QrField> other_additional;  // within 62, ascending
  bool lower_case_crc = false;            // some banks print the CRC so; readers accept both

  bool operator==(const VietQr&) const = default;
};

// CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF, not reflected; "123456789" gives 0x29B1.
uint16_t Crc16(std::string_view bytes);

// INVALID_ARGUMENT VIETQR_INVALID, metadata `field` ("38.01.01"), for a value that cannot stand in a code.
absl::StatusOr<std::string> EncodeVietQr(const VietQr& qr);

// Strict. INVALID_ARGUMENT
//   VIETQR_CRC      the check value is missing or wrong: misread or altered
//   VIETQR_INVALID  good check value, but the structure is broken (metadata `field`)
//   VIETQR_FOREIGN  well-formed EMVCo, but not a transfer in đồng by NAPAS (metadata `field`)
absl::StatusOr<VietQr> ParseVietQr(std::string_view payload);

}  // namespace dinh::payments

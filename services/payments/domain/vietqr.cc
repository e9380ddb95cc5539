#include "services/payments/domain/vietqr.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libs/base/status.h"

namespace dinh::payments {
namespace {

constexpr int kTagFormat = 0;
constexpr int kTagInitiation = 1;
constexpr int kTagNapas = 38;
constexpr int kTagCurrency = 53;
constexpr int kTagAmount = 54;
constexpr int kTagCountry = 58;
constexpr int kTagAdditional = 62;
constexpr int kTagCrc = 63;
constexpr int kTagBill = 1;
constexpr int kTagReference = 5;
constexpr int kTagPurpose = 8;

constexpr std::string_view kFormat = "01";
constexpr std::string_view kGuid = "A000000727";
constexpr std::string_view kServiceAccount = "QRIBFTTA";
constexpr std::string_view kServiceCard = "QRIBFTTC";
constexpr std::string_view kCurrencyVnd = "704";  // ISO 4217
constexpr std::string_view kCountryVn = "VN";
constexpr std::string_view kCrcHead = "6304";
constexpr size_t kCrcDigits = 4;
constexpr size_t kValueMax = 99;
constexpr size_t kBinLength = 6;
constexpr size_t kAmountDigitsMax = 13;

absl::Status Invalid(std::string_view field, std::string_view why_vi, std::string_view why_en) {
  return base::Error(
      absl::StatusCode::kInvalidArgument, "VIETQR_INVALID",
      {"Mã VietQR sai ở trường " + std::string(field) + ": " + std::string(why_vi) + ". Hãy lấy lại mã từ ngân hàng.",
       "VietQR field " + std::string(field) + ": " + std::string(why_en) + ". Get the code from the bank again."},
      {{"field", std::string(field)}});
}

absl::Status Foreign(std::string_view field) {
  return base::Error(absl::StatusCode::kInvalidArgument, "VIETQR_FOREIGN",
                     {"Mã QR này không phải lệnh chuyển tiền VietQR bằng đồng Việt Nam (trường " + std::string(field) +
                          "). Hãy dùng mã VietQR của tài khoản.",
                      "This QR code is not a VietQR transfer in VND (field " + std::string(field) +
                          "). Use the account's VietQR code."},
                     {{"field", std::string(field)}});
}

absl::Status BadCrc() {
  return base::Error(absl::StatusCode::kInvalidArgument, "VIETQR_CRC",
                     {"Mã VietQR bị đọc sai hoặc bị sửa (mã kiểm tra không khớp). Hãy quét lại.",
                      "The VietQR code was misread or altered (its check value does not match). Scan it again."});
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) { return IsDigit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool IsPrintable(char c) { return c >= 0x20 && c <= 0x7E; }
bool AllOf(std::string_view text, bool (*is)(char)) { return std::all_of(text.begin(), text.end(), is); }

std::string TwoDigits(size_t number) {
  return {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
}

std::string Path(std::string_view prefix, int tag) { return std::string(prefix) + TwoDigits(static_cast<size_t>(tag)); }

void AppendField(std::string& out, int tag, std::string_view value) {
  out += TwoDigits(static_cast<size_t>(tag));
  out += TwoDigits(value.size());
  out += value;
}

constexpr std::string_view kHexUpper = "0123456789ABCDEF";
constexpr std::string_view kHexLower = "0123456789abcdef";

std::string CrcText(uint16_t crc, bool lower_case) {
  const std::string_view digits = lower_case ? kHexLower : kHexUpper;
  std::string out;
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(digits[crc >> shift & 15]);
  return out;
}

// Splits a template into its fields; refuses a tag twice, a length that is no number, is 0 or runs over the end.
absl::StatusOr<std::vector<QrField>> SplitFields(std::string_view text, std::string_view prefix) {
  std::vector<QrField> fields;
  std::array<bool, 100> seen{};
  while (!text.empty()) {
    if (text.size() < 4 || !AllOf(text.substr(0, 4), IsDigit)) {
      return Invalid(std::string(prefix) + "?", "phần đuôi không phải là một trường", "the rest is not a field");
    }
    const int tag = (text[0] - '0') * 10 + (text[1] - '0');
    const size_t length = static_cast<size_t>((text[2] - '0') * 10 + (text[3] - '0'));
    const std::string path = Path(prefix, tag);
    if (length == 0) return Invalid(path, "trường rỗng", "the field is empty");
    if (text.size() - 4 < length) return Invalid(path, "độ dài vượt quá mã", "the length runs over the end");
    if (std::exchange(seen[static_cast<size_t>(tag)], true)) {
      return Invalid(path, "trường lặp lại", "the field stands twice");
    }
    fields.push_back({tag, std::string(text.substr(4, length))});
    text.remove_prefix(4 + length);
  }
  return fields;
}

// Takes the value of `tag` out of `fields`; nullopt when absent.
std::optional<std::string> Take(std::vector<QrField>& fields, int tag) {
  const auto it = std::find_if(fields.begin(), fields.end(), [tag](const QrField& f) { return f.tag == tag; });
  if (it == fields.end()) return std::nullopt;
  std::string value = std::move(it->value);
  fields.erase(it);
  return value;
}

absl::Status Missing(std::string_view field) { return Invalid(field, "thiếu trường bắt buộc", "it is missing"); }

absl::Status ParseBeneficiary(std::string_view text, VietQr& qr) {
  ASSIGN_OR_RETURN(std::vector<QrField> fields, SplitFields(text, "38.01."));
  std::optional<std::string> bin = Take(fields, 0);
  std::optional<std::string> account = Take(fields, 1);
  if (!bin) return Missing("38.01.00");
  if (!account) return Missing("38.01.01");
  if (!fields.empty()) return Invalid(Path("38.01.", fields[0].tag), "trường lạ", "unknown field");
  qr.bin = *std::move(bin);
  qr.account = *std::move(account);
  return absl::OkStatus();
}

absl::Status ParseNapas(std::string_view text, VietQr& qr) {
  ASSIGN_OR_RETURN(std::vector<QrField> fields, SplitFields(text, "38."));
  const std::optional<std::string> guid = Take(fields, 0);
  const std::optional<std::string> beneficiary = Take(fields, 1);
  const std::optional<std::string> service = Take(fields, 2);
  if (!guid) return Missing("38.00");
  if (*guid != kGuid) return Foreign("38.00");
  if (!beneficiary) return Missing("38.01");
  RETURN_IF_ERROR(ParseBeneficiary(*beneficiary, qr));
  if (!service) return Missing("38.02");
  if (*service != kServiceAccount && *service != kServiceCard) return Foreign("38.02");
  qr.service = *service == kServiceCard ? QrService::kCard : QrService::kAccount;
  if (!fields.empty()) return Invalid(Path("38.", fields[0].tag), "trường lạ", "unknown field");
  return absl::OkStatus();
}

absl::Status ParseAdditional(std::string_view text, VietQr& qr) {
  ASSIGN_OR_RETURN(std::vector<QrField> fields, SplitFields(text, "62."));
  qr.bill = Take(fields, kTagBill).value_or("");
  qr.reference = Take(fields, kTagReference).value_or("");
  qr.purpose = Take(fields, kTagPurpose).value_or("");
  std::sort(fields.begin(), fields.end(), [](const QrField& a, const QrField& b) { return a.tag < b.tag; });
  qr.other_additional = std::move(fields);
  return absl::OkStatus();
}

absl::StatusOr<base::Vnd> ParseAmount(std::string_view text) {
  if (text.size() > kAmountDigitsMax || !AllOf(text, IsDigit) || text[0] == '0') {
    return Invalid("54", "số tiền phải là số nguyên đồng, không có số 0 đứng đầu",
                   "the amount must be whole đồng without leading zeros");
  }
  base::Vnd amount = 0;
  for (const char c : text) amount = amount * 10 + (c - '0');
  return amount;
}

bool KnownTag(int tag) {
  constexpr std::array kKnown = {kTagFormat, kTagInitiation, kTagNapas,      kTagCurrency,
                                 kTagAmount, kTagCountry,    kTagAdditional, kTagCrc};
  return std::find(kKnown.begin(), kKnown.end(), tag) != kKnown.end();
}

bool KnownAdditionalTag(int tag) { return tag == kTagBill || tag == kTagReference || tag == kTagPurpose; }

absl::Status CheckOther(const std::vector<QrField>& fields, std::string_view prefix, bool (*known)(int)) {
  int last = -1;
  for (const QrField& field : fields) {
    if (field.tag <= last || field.tag > 99 || known(field.tag)) {
      return Invalid(prefix.empty() ? "other" : "62", "thẻ trùng hoặc sai thứ tự", "tag repeated or out of order");
    }
    last = field.tag;
    if (field.value.empty() || field.value.size() > kValueMax || !AllOf(field.value, IsPrintable)) {
      return Invalid(Path(prefix, field.tag), "phải có 1 đến 99 ký tự ASCII", "must be 1 to 99 ASCII characters");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckText(std::string_view field, std::string_view text) {
  if (text.size() <= kQrTextMax && AllOf(text, IsPrintable)) return absl::OkStatus();
  return Invalid(field, "tối đa 25 ký tự ASCII", "at most 25 ASCII characters");
}

// What both directions ask of the values: whatever parses can be written, and the other way round.
absl::Status CheckValues(const VietQr& qr) {
  if (qr.bin.size() != kBinLength || !AllOf(qr.bin, IsDigit)) {
    return Invalid("38.01.00", "mã ngân hàng phải có 6 chữ số", "the bank's BIN must be 6 digits");
  }
  const bool card = qr.service == QrService::kCard;
  if (qr.account.empty() || qr.account.size() > kQrAccountMax || !AllOf(qr.account, card ? IsDigit : IsAlnum)) {
    return Invalid("38.01.01", "số tài khoản có 1 đến 19 chữ hoặc số (thẻ: chỉ chữ số)",
                   "the account is 1 to 19 letters or digits (a card: digits only)");
  }
  if (qr.amount_vnd && (*qr.amount_vnd <= 0 || *qr.amount_vnd > kQrAmountMaxVnd)) {
    return Invalid("54", "số tiền phải lớn hơn 0 và không quá 13 chữ số",
                   "the amount must be above 0, 13 digits at most");
  }
  RETURN_IF_ERROR(CheckText("62.01", qr.bill));
  RETURN_IF_ERROR(CheckText("62.05", qr.reference));
  RETURN_IF_ERROR(CheckText("62.08", qr.purpose));
  RETURN_IF_ERROR(CheckOther(qr.other, "", KnownTag));
  return CheckOther(qr.other_additional, "62.", KnownAdditionalTag);
}

std::string NapasTemplate(const VietQr& qr) {
  std::string beneficiary;
  AppendField(beneficiary, 0, qr.bin);
  AppendField(beneficiary, 1, qr.account);
  std::string out;
  AppendField(out, 0, kGuid);
  AppendField(out, 1, beneficiary);
  AppendField(out, 2, qr.service == QrService::kCard ? kServiceCard : kServiceAccount);
  return out;
}

// Writes the fields in ascending order of tags.
std::string WriteFields(std::vector<QrField> fields) {
  std::sort(fields.begin(), fields.end(), [](const QrField& a, const QrField& b) { return a.tag < b.tag; });
  std::string out;
  for (const QrField& field : fields) AppendField(out, field.tag, field.value);
  return out;
}

std::string AdditionalTemplate(const VietQr& qr) {
  std::vector<QrField> fields = qr.other_additional;
  if (!qr.bill.empty()) fields.push_back({kTagBill, qr.bill});
  if (!qr.reference.empty()) fields.push_back({kTagReference, qr.reference});
  if (!qr.purpose.empty()) fields.push_back({kTagPurpose, qr.purpose});
  return WriteFields(std::move(fields));
}

// Compares the last four characters with the CRC over everything before them. Case must be one or the other, so that
// there are two spellings of a code and not sixteen.
absl::Status CheckCrc(std::string_view payload, bool* lower_case) {
  if (payload.size() < kCrcHead.size() + kCrcDigits || payload.size() > kQrPayloadMax) return BadCrc();
  const std::string_view body = payload.substr(0, payload.size() - kCrcDigits);
  if (body.substr(body.size() - kCrcHead.size()) != kCrcHead) return BadCrc();
  const std::string_view given = payload.substr(body.size());
  const uint16_t crc = Crc16(body);
  *lower_case = given != CrcText(crc, false);
  return given == CrcText(crc, *lower_case) ? absl::OkStatus() : BadCrc();
}

}  // namespace

uint16_t Crc16(std::string_view bytes) {
  uint16_t crc = 0xFFFF;
  for (const unsigned char byte : bytes) {
    crc = static_cast<uint16_t>(crc ^ byte << 8);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<uint16_t>((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1);
    }
  }
  return crc;
}

absl::StatusOr<std::string> EncodeVietQr(const VietQr& qr) {
  RETURN_IF_ERROR(CheckValues(qr));
  std::vector<QrField> fields = qr.other;
  fields.push_back({kTagFormat, std::string(kFormat)});
  fields.push_back({kTagInitiation, qr.initiation == QrInitiation::kStatic ? "11" : "12"});
  fields.push_back({kTagNapas, NapasTemplate(qr)});
  fields.push_back({kTagCurrency, std::string(kCurrencyVnd)});
  if (qr.amount_vnd) fields.push_back({kTagAmount, std::to_string(*qr.amount_vnd)});
  fields.push_back({kTagCountry, std::string(kCountryVn)});
  std::string additional = AdditionalTemplate(qr);
  if (additional.size() > kValueMax) {
    return Invalid("62", "phần thông tin thêm dài quá 99 ký tự", "the additional data is over 99 characters");
  }
  if (!additional.empty()) fields.push_back({kTagAdditional, std::move(additional)});
  std::string out = WriteFields(std::move(fields));
  out += kCrcHead;
  out += CrcText(Crc16(out), qr.lower_case_crc);
  if (out.size() > kQrPayloadMax) return Invalid("63", "mã dài quá 512 ký tự", "the code is over 512 characters");
  return out;
}

absl::StatusOr<VietQr> ParseVietQr(std::string_view payload) {
  VietQr qr;
  RETURN_IF_ERROR(CheckCrc(payload, &qr.lower_case_crc));
  const std::string_view body = payload.substr(0, payload.size() - kCrcHead.size() - kCrcDigits);
  if (!AllOf(body, IsPrintable)) return Invalid("?", "có ký tự ngoài ASCII", "characters outside ASCII");
  ASSIGN_OR_RETURN(std::vector<QrField> fields, SplitFields(body, ""));
  if (fields.empty() || fields[0].tag != kTagFormat) return Missing("00");
  if (*Take(fields, kTagFormat) != kFormat) return Foreign("00");

  const std::optional<std::string> initiation = Take(fields, kTagInitiation);
  if (!initiation) return Missing("01");
  if (*initiation != "11" && *initiation != "12") return Invalid("01", "phải là 11 hoặc 12", "must be 11 or 12");
  qr.initiation = *initiation == "11" ? QrInitiation::kStatic : QrInitiation::kDynamic;

  const std::optional<std::string> napas = Take(fields, kTagNapas);
  if (!napas) return Missing("38");
  RETURN_IF_ERROR(ParseNapas(*napas, qr));

  const std::optional<std::string> currency = Take(fields, kTagCurrency);
  if (!currency) return Missing("53");
  if (*currency != kCurrencyVnd) return Foreign("53");
  if (const std::optional<std::string> amount = Take(fields, kTagAmount)) {
    ASSIGN_OR_RETURN(qr.amount_vnd, ParseAmount(*amount));
  }
  const std::optional<std::string> country = Take(fields, kTagCountry);
  if (!country) return Missing("58");
  if (*country != kCountryVn) return Foreign("58");
  if (const std::optional<std::string> additional = Take(fields, kTagAdditional)) {
    RETURN_IF_ERROR(ParseAdditional(*additional, qr));
  }
  if (Take(fields, kTagCrc)) return Invalid("63", "trường lặp lại", "the field stands twice");
  std::sort(fields.begin(), fields.end(), [](const QrField& a, const QrField& b) { return a.tag < b.tag; });
  qr.other = std::move(fields);
  RETURN_IF_ERROR(CheckValues(qr));
  return qr;
}

}  // namespace dinh::payments

#include "libs/rpc/formats.h"

#include <algorithm>

#include "libs/base/civil.h"
#include "libs/base/ids.h"

namespace dinh::rpc {
namespace {

using options::v1::Format;

constexpr int kFirstProvince = 1;
constexpr int kLastProvince = 96;
constexpr size_t kPersonalNumberDigits = 12;
constexpr size_t kMaxEmail = 254;      // RFC 5321, path without brackets
constexpr size_t kMaxEmailLocal = 64;  // RFC 5321
constexpr size_t kMaxVillageCode = 64;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool AllDigits(std::string_view s) { return std::all_of(s.begin(), s.end(), IsDigit); }
bool IsLowerOrDigit(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z'); }
bool IsAlphaNumeric(char c) { return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z'); }

bool IsUnitCode(std::string_view value) {
  if (value.substr(0, 2) == "v-") {
    const std::string_view rest = value.substr(2);
    return !rest.empty() && value.size() <= kMaxVillageCode &&
           std::all_of(rest.begin(), rest.end(), [](char c) { return IsLowerOrDigit(c) || c == '-'; });
  }
  return value.size() >= 2 && value.size() <= 5 && AllDigits(value);
}

bool IsPartialDate(std::string_view value) {
  std::string full(value);
  if (value.size() == 4) full += "-01-01";
  if (value.size() == 7) full += "-01";
  return base::ParseDate(full).has_value();
}

bool IsDomain(std::string_view domain) {
  size_t labels = 0;
  while (true) {
    const size_t dot = domain.find('.');
    const std::string_view label = domain.substr(0, dot);
    const bool clean = std::all_of(label.begin(), label.end(), [](char c) { return IsAlphaNumeric(c) || c == '-'; });
    if (label.empty() || label.size() > 63 || !clean || label.front() == '-' || label.back() == '-') return false;
    ++labels;
    if (dot == std::string_view::npos) return labels >= 2;
    domain.remove_prefix(dot + 1);
  }
}

bool IsEmail(std::string_view value) {
  const size_t at = value.find('@');
  if (at == std::string_view::npos || value.size() > kMaxEmail || at == 0 || at > kMaxEmailLocal) return false;
  const std::string_view local = value.substr(0, at);
  constexpr std::string_view kMarks = "!#$%&'*+/=?^_`{|}~.-";
  const bool clean = std::all_of(local.begin(), local.end(),
                                 [&](char c) { return IsAlphaNumeric(c) || kMarks.find(c) != std::string_view::npos; });
  if (!clean || local.front() == '.' || local.back() == '.') return false;
  return local.find("..") == std::string_view::npos && IsDomain(value.substr(at + 1));
}

}  // namespace

bool IsPersonalNumber(std::string_view value) {
  if (value.size() != kPersonalNumberDigits || !AllDigits(value)) return false;
  const int province = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
  return province >= kFirstProvince && province <= kLastProvince;
}

bool IsMobileNumber(std::string_view value) {
  if (value.substr(0, 3) == "+84") {
    value.remove_prefix(3);
  } else if (value.substr(0, 2) == "84" && value.size() == 11) {
    value.remove_prefix(2);
  } else if (value.substr(0, 1) == "0") {
    value.remove_prefix(1);
  } else {
    return false;
  }
  return value.size() == 9 && AllDigits(value) && std::string_view("35789").find(value[0]) != std::string_view::npos;
}

bool HasForbiddenCharacter(std::string_view s) {
  for (size_t i = 0; i < s.size(); ++i) {
    const auto c = static_cast<unsigned char>(s[i]);
    if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F) return true;
    const auto second = i + 1 < s.size() ? static_cast<unsigned char>(s[i + 1]) : 0;
    const auto third = i + 2 < s.size() ? static_cast<unsigned char>(s[i + 2]) : 0;
    if (c == 0xC2 && second < 0xA0) return true;                                     // C1 controls
    if (c == 0xE2 && second == 0x80 && third >= 0x8B && third <= 0x8F) return true;  // U+200B–200F
    if (c == 0xE2 && second == 0x80 && third >= 0xAA && third <= 0xAE) return true;  // U+202A–202E
    if (c == 0xE2 && second == 0x81 && third >= 0xA0 && third <= 0xAF) return true;  // U+2060–206F
    if (c == 0xEF && second == 0xBB && third == 0xBF) return true;                   // U+FEFF
  }
  return false;
}

bool MatchesFormat(Format format, std::string_view value) {
  switch (format) {
    case options::v1::FORMAT_DATE:
      return base::ParseDate(value).has_value();
    case options::v1::FORMAT_UUID:
      return base::IsUuid(value);
    case options::v1::FORMAT_PHONE:
      return IsMobileNumber(value);
    case options::v1::FORMAT_PERSONAL_NUMBER:
      return IsPersonalNumber(value);
    case options::v1::FORMAT_UNIT_CODE:
      return IsUnitCode(value);
    case options::v1::FORMAT_EMAIL:
      return IsEmail(value);
    case options::v1::FORMAT_PARTIAL_DATE:
      return IsPartialDate(value);
    default:
      return true;
  }
}

base::Text FormatHint(Format format) {
  switch (format) {
    case options::v1::FORMAT_DATE:
      return {"Hãy nhập ngày có thật theo dạng năm-tháng-ngày, ví dụ 2026-02-13.",
              "Give a real date as year-month-day, for example 2026-02-13."};
    case options::v1::FORMAT_UUID:
      return {"Hãy dùng mã định danh dạng UUID chữ thường.", "Use a UUID in lower case."};
    case options::v1::FORMAT_PHONE:
      return {"Hãy nhập số điện thoại di động Việt Nam, ví dụ 0912345678.",
              "Give a Vietnamese mobile number, for example 0912345678."};
    case options::v1::FORMAT_PERSONAL_NUMBER:
      return {"Hãy nhập đủ 12 chữ số của số định danh cá nhân như trên thẻ căn cước.",
              "Give the 12 digits of the personal number as on the identity card."};
    case options::v1::FORMAT_UNIT_CODE:
      return {"Hãy dùng mã đơn vị hành chính gồm 2 đến 5 chữ số, hoặc mã thôn bắt đầu bằng “v-”.",
              "Use an administrative unit's code of 2 to 5 digits, or a village's code beginning with 'v-'."};
    case options::v1::FORMAT_EMAIL:
      return {"Hãy nhập địa chỉ thư điện tử đầy đủ, ví dụ ten@tenmien.vn.",
              "Give a complete e-mail address, for example name@domain.vn."};
    case options::v1::FORMAT_PARTIAL_DATE:
      return {"Hãy nhập năm, năm-tháng hoặc năm-tháng-ngày, ví dụ 1957 hoặc 1957-03.",
              "Give a year, year-month or year-month-day, for example 1957 or 1957-03."};
    case options::v1::FORMAT_TEXT:
      return {"Văn bản chứa ký tự điều khiển hoặc ký tự ẩn. Hãy gõ lại phần này.",
              "The text holds control or invisible characters. Type this part again."};
    default:
      return {"Giá trị chưa đúng.", "The value is not right."};
  }
}

}  // namespace dinh::rpc

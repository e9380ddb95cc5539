// Numbers: how json_util prints them and how JSON's grammar reads them.
#include <charconv>
#include <cmath>
#include <string>
#include <type_traits>

#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway::transcode {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Digits of a decimal number without leading and trailing zeros; value = 0.DIGITS × 10^point.
struct Decimal {
  bool negative = false;
  std::string digits;
  int64_t point = 0;
};

constexpr int64_t kExponentLimit = 1'000'000'000;  // beyond this every value is 0 or too large

// JSON's grammar: -? (0 | [1-9][0-9]*) (.[0-9]+)? ([eE][+-]?[0-9]+)?
bool ReadDecimal(std::string_view text, Decimal* out) {
  size_t i = 0;
  const auto at = [&](size_t k) { return k < text.size() ? text[k] : '\0'; };
  if (at(i) == '-') {
    out->negative = true;
    ++i;
  }
  if (!IsDigit(at(i)) || (at(i) == '0' && IsDigit(at(i + 1)))) return false;
  for (; IsDigit(at(i)); ++i) {
    if (text[i] == '0' && out->digits.empty()) continue;
    out->digits.push_back(text[i]);
    ++out->point;
  }
  if (at(i) == '.') {
    if (!IsDigit(at(++i))) return false;
    for (; IsDigit(at(i)); ++i) {
      if (text[i] == '0' && out->digits.empty()) {
        --out->point;
      } else {
        out->digits.push_back(text[i]);
      }
    }
  }
  if (at(i) == 'e' || at(i) == 'E') {
    ++i;
    const bool minus = at(i) == '-';
    if (at(i) == '-' || at(i) == '+') ++i;
    if (!IsDigit(at(i))) return false;
    int64_t exponent = 0;
    for (; IsDigit(at(i)); ++i) {
      if (exponent < kExponentLimit) exponent = exponent * 10 + (text[i] - '0');
    }
    out->point += minus ? -exponent : exponent;
  }
  while (!out->digits.empty() && out->digits.back() == '0') out->digits.pop_back();
  return i == text.size();
}

// The slow way: text with a fraction or an exponent to plain digits.
NumberResult PlainDigits(std::string_view text, std::string* digits) {
  constexpr int64_t kMaxDigits = 20;  // of a uint64
  Decimal decimal;
  if (!ReadDecimal(text, &decimal)) return NumberResult::kBad;
  if (decimal.digits.empty()) {
    *digits = "0";
    return NumberResult::kOk;
  }
  if (decimal.point < static_cast<int64_t>(decimal.digits.size())) return NumberResult::kNotInteger;
  if (decimal.point > kMaxDigits) return NumberResult::kOutOfRange;
  decimal.digits.resize(static_cast<size_t>(decimal.point), '0');
  *digits = (decimal.negative ? "-" : "") + decimal.digits;
  return NumberResult::kOk;
}

// The same grammar without keeping anything.
bool IsJsonNumber(std::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && IsDigit(text[i])) ++i;
    return i - start;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const bool zero = i < text.size() && text[i] == '0';
  const size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

// Plain digits as JSON writes them: no plus sign, no leading zeros.
bool IsPlainInteger(std::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  if (text.empty() || (text[0] == '0' && text.size() > 1)) return false;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
  }
  return true;
}

template <typename T>
NumberResult ParseInteger(std::string_view text, T* out) {
  std::string digits;
  if (!IsPlainInteger(text)) {
    const NumberResult result = PlainDigits(text, &digits);
    if (result != NumberResult::kOk) return result;
    text = digits;
  }
  if constexpr (std::is_unsigned_v<T>) {
    if (text == "-0") text = "0";
    if (text[0] == '-') return NumberResult::kOutOfRange;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  if (error == std::errc::result_out_of_range) return NumberResult::kOutOfRange;
  return error == std::errc() && end == text.data() + text.size() ? NumberResult::kOk : NumberResult::kBad;
}

template <typename T, int kShort, int kLong>
void AppendReal(T value, std::string* out) {
  if (!std::isfinite(value)) {
    out->append(std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    return;
  }
  char buffer[40];
  auto written = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::general, kShort);
  T read = 0;
  std::from_chars(buffer, written.ptr, read);
  // json_util does not read subnormal floats back from the short form.
  if (read != value || (std::is_same_v<T, float> && std::fpclassify(value) == FP_SUBNORMAL)) {
    written = std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::general, kLong);
  }
  out->append(buffer, static_cast<size_t>(written.ptr - buffer));
}

}  // namespace

void AppendInt(int64_t value, std::string* out) {
  char buffer[24];
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out->append(buffer, static_cast<size_t>(written.ptr - buffer));
}

void AppendUint(uint64_t value, std::string* out) {
  char buffer[24];
  const auto written = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out->append(buffer, static_cast<size_t>(written.ptr - buffer));
}

void AppendDouble(double value, std::string* out) { AppendReal<double, 15, 17>(value, out); }
void AppendFloat(float value, std::string* out) { AppendReal<float, 6, 9>(value, out); }

NumberResult ParseInt64(std::string_view text, int64_t* out) { return ParseInteger(text, out); }
NumberResult ParseUint64(std::string_view text, uint64_t* out) { return ParseInteger(text, out); }

NumberResult ParseDouble(std::string_view text, double* out) {
  if (!IsJsonNumber(text)) return NumberResult::kBad;  // from_chars also knows "inf", ".5" and "1."
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  if (error != std::errc::result_out_of_range) return error == std::errc() ? NumberResult::kOk : NumberResult::kBad;
  Decimal decimal;
  ReadDecimal(text, &decimal);
  if (decimal.point > 0) return NumberResult::kOutOfRange;
  *out = decimal.negative ? -0.0 : 0.0;
  return NumberResult::kOk;
}

}  // namespace dinh::gateway::transcode

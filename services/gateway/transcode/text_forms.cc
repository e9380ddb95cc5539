#include "services/gateway/transcode/text_forms.h"

#include <array>
#include <charconv>
#include <cstring>

#include "libs/base/civil.h"

namespace dinh::gateway::transcode {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// One code point at `text[*pos]`, which must be >= 0x80. -1 (and one byte taken) when malformed: Unicode 15, table 3-7.
int32_t DecodeMultibyte(std::string_view text, size_t* pos) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = byte(*pos);
  const auto trail = [&](size_t i) { return (byte(*pos + i) & 0xC0u) == 0x80u; };
  const auto bits = [&](size_t i) { return static_cast<int32_t>(byte(*pos + i) & 0x3Fu); };
  int32_t cp = -1;
  size_t length = 1;
  if (lead >= 0xC2 && lead <= 0xDF && trail(1)) {
    cp = static_cast<int32_t>(lead & 0x1Fu) << 6 | bits(1);
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF && trail(1) && trail(2)) {
    const int32_t value = static_cast<int32_t>(lead & 0x0Fu) << 12 | bits(1) << 6 | bits(2);
    if (value >= 0x800 && (value < 0xD800 || value > 0xDFFF)) {
      cp = value;
      length = 3;
    }
  } else if (lead >= 0xF0 && lead <= 0xF4 && trail(1) && trail(2) && trail(3)) {
    const int32_t value = static_cast<int32_t>(lead & 0x07u) << 18 | bits(1) << 12 | bits(2) << 6 | bits(3);
    if (value >= 0x10000 && value <= 0x10FFFF) {
      cp = value;
      length = 4;
    }
  }
  *pos += length;
  return cp;
}

// Format characters that are invisible or turn the direction of a text: json_util escapes exactly these.
bool IsEscapedCodePoint(int32_t cp) {
  if (cp < 0xA0) return true;  // C1 controls: only called for >= 0x80
  if (cp < 0x0600) return cp == 0xAD;
  if (cp < 0x200B) return cp <= 0x0603 || cp == 0x06DD || cp == 0x070F || cp == 0x17B4 || cp == 0x17B5;
  if (cp <= 0x206F) {
    return cp <= 0x200F || (cp >= 0x2028 && cp <= 0x202E) || (cp >= 0x2060 && cp <= 0x2064) || cp >= 0x206A;
  }
  if (cp < 0x10000) return cp == 0xFEFF || (cp >= 0xFFF9 && cp <= 0xFFFB);
  return (cp >= 0x1D173 && cp <= 0x1D17A) || cp == 0xE0001 || (cp >= 0xE0020 && cp <= 0xE007F);
}

void AppendUnit(uint32_t unit, std::string* out) {
  const char escaped[6] = {'\\',           'u', kHex[unit >> 12 & 15], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15],
                           kHex[unit & 15]};
  out->append(escaped, sizeof(escaped));
}

void AppendEscapedCodePoint(int32_t cp, std::string* out) {
  if (cp < 0x10000) return AppendUnit(static_cast<uint32_t>(cp), out);
  const auto rest = static_cast<uint32_t>(cp - 0x10000);
  AppendUnit(0xD800 + (rest >> 10), out);
  AppendUnit(0xDC00 + (rest & 0x3FF), out);
}

void AppendEscapedAscii(char c, std::string* out) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\b':
      out->append("\\b");
      return;
    case '\f':
      out->append("\\f");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    default:
      AppendUnit(static_cast<unsigned char>(c), out);
  }
}

// 0: copy as it is, 1: ASCII to escape, 2: first byte of a longer sequence.
constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0; c < 256; ++c) {
    const bool special = c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == 0x7F;
    classes[c] = c >= 0x80 ? 2 : special ? 1 : 0;
  }
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void AppendPadded(int64_t value, int width, std::string* out) {
  char digits[20];
  for (int i = width - 1; i >= 0; --i) {
    digits[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out->append(digits, static_cast<size_t>(width));
}

// ".5" as 3, 6 or 9 digits, nothing for 0.
void AppendNanos(int32_t nanos, std::string* out) {
  if (nanos == 0) return;
  out->push_back('.');
  if (nanos % 1'000'000 == 0) return AppendPadded(nanos / 1'000'000, 3, out);
  if (nanos % 1'000 == 0) return AppendPadded(nanos / 1'000, 6, out);
  AppendPadded(nanos, 9, out);
}

// 1 to 9 digits after the point; takes them off `text`.
bool TakeNanos(std::string_view* text, int32_t* nanos) {
  *nanos = 0;
  int digits = 0;
  while (!text->empty() && IsDigit(text->front())) {
    if (++digits > 9) return false;
    *nanos = *nanos * 10 + (text->front() - '0');
    text->remove_prefix(1);
  }
  if (digits == 0) return false;
  for (; digits < 9; ++digits) *nanos *= 10;
  return true;
}

// Two digits at `pos`, or -1.
int TwoDigits(std::string_view text, size_t pos) {
  if (pos + 2 > text.size() || !IsDigit(text[pos]) || !IsDigit(text[pos + 1])) return -1;
  return (text[pos] - '0') * 10 + (text[pos + 1] - '0');
}

// "Z" or "+07:00" to seconds east of UTC.
bool ParseOffset(std::string_view text, int64_t* seconds) {
  if (text == "Z") {
    *seconds = 0;
    return true;
  }
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return false;
  const int hours = TwoDigits(text, 1);
  const int minutes = TwoDigits(text, 4);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  *seconds = (hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
  return true;
}

constexpr std::array<int8_t, 256> MakeBase64Values() {
  std::array<int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (size_t i = 0; i < 26; ++i) {
    values['A' + i] = static_cast<int8_t>(i);
    values['a' + i] = static_cast<int8_t>(26 + i);
  }
  for (size_t i = 0; i < 10; ++i) values['0' + i] = static_cast<int8_t>(52 + i);
  values['+'] = values['-'] = 62;
  values['/'] = values['_'] = 63;
  return values;
}
constexpr std::array<int8_t, 256> kBase64Values = MakeBase64Values();

}  // namespace

bool IsUtf8(std::string_view text) {
  size_t pos = 0;
  while (pos < text.size()) {
    if (pos + 8 <= text.size()) {
      uint64_t word;
      std::memcpy(&word, text.data() + pos, sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        pos += 8;
        continue;
      }
    }
    if (static_cast<unsigned char>(text[pos]) < 0x80) {
      ++pos;
    } else if (DecodeMultibyte(text, &pos) < 0) {
      return false;
    }
  }
  return true;
}

void AppendQuoted(std::string_view text, std::string* out) {
  out->push_back('"');
  size_t copied = 0;  // everything before is in `out`
  size_t pos = 0;
  const auto flush = [&](size_t end) { out->append(text.data() + copied, end - copied); };
  while (pos < text.size()) {
    const uint8_t kind = kClasses[static_cast<unsigned char>(text[pos])];
    if (kind == 0) {
      ++pos;
      continue;
    }
    const size_t start = pos;
    if (kind == 1) {
      flush(start);
      AppendEscapedAscii(text[pos++], out);
      copied = pos;
      continue;
    }
    const int32_t cp = DecodeMultibyte(text, &pos);
    if (cp >= 0 && !IsEscapedCodePoint(cp)) continue;
    flush(start);
    if (cp < 0) {
      out->append(kReplacement);
    } else {
      AppendEscapedCodePoint(cp, out);
    }
    copied = pos;
  }
  flush(text.size());
  out->push_back('"');
}

void AppendBase64(std::string_view bytes, std::string* out) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])); };
  out->reserve(out->size() + (bytes.size() + 2) / 3 * 4);
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    const char four[4] = {kDigits[bits >> 18], kDigits[bits >> 12 & 63], kDigits[bits >> 6 & 63], kDigits[bits & 63]};
    out->append(four, 4);
  }
  if (i == bytes.size()) return;
  const bool two = i + 2 == bytes.size();
  const uint32_t bits = byte(i) << 16 | (two ? byte(i + 1) << 8 : 0);
  const char four[4] = {kDigits[bits >> 18], kDigits[bits >> 12 & 63], two ? kDigits[bits >> 6 & 63] : '=', '='};
  out->append(four, 4);
}

bool AppendTimestamp(int64_t seconds, int32_t nanos, std::string* out) {
  constexpr int64_t kSecondsPerDay = 86'400;
  if (seconds < kMinTimestampSeconds || seconds > kMaxTimestampSeconds || nanos < 0 || nanos > 999'999'999)
    return false;
  int64_t days = seconds / kSecondsPerDay;
  int64_t rest = seconds % kSecondsPerDay;
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  const base::CivilDate date = base::CivilFromDays(days);
  AppendPadded(date.year, 4, out);
  out->push_back('-');
  AppendPadded(date.month, 2, out);
  out->push_back('-');
  AppendPadded(date.day, 2, out);
  out->push_back('T');
  AppendPadded(rest / 3600, 2, out);
  out->push_back(':');
  AppendPadded(rest / 60 % 60, 2, out);
  out->push_back(':');
  AppendPadded(rest % 60, 2, out);
  AppendNanos(nanos, out);
  out->push_back('Z');
  return true;
}

bool AppendDuration(int64_t seconds, int32_t nanos, std::string* out) {
  if (seconds < -kMaxDurationSeconds || seconds > kMaxDurationSeconds) return false;
  if (nanos < -999'999'999 || nanos > 999'999'999) return false;
  if ((seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0)) return false;
  if (seconds < 0 || nanos < 0) out->push_back('-');
  AppendInt(seconds < 0 ? -seconds : seconds, out);
  AppendNanos(nanos < 0 ? -nanos : nanos, out);
  out->push_back('s');
  return true;
}

void AppendCamelPath(std::string_view path, std::string* out) {
  bool upper = false;
  for (const char c : path) {
    if (c == '_') {
      upper = true;
      continue;
    }
    out->push_back(upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
    upper = false;
  }
}

bool ParseBase64(std::string_view text, std::string* out) {
  bool standard = false;
  bool url = false;
  size_t padding = 0;
  while (padding < 2 && !text.empty() && text.back() == '=') {
    text.remove_suffix(1);
    ++padding;
  }
  if (text.size() % 4 == 1 || (padding > 0 && (text.size() + padding) % 4 != 0)) return false;
  out->clear();
  out->reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int pending = 0;
  for (const char c : text) {
    const int8_t value = kBase64Values[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    standard |= c == '+' || c == '/';
    url |= c == '-' || c == '_';
    bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xFFFFFF;
    pending += 6;
    if (pending >= 8) {
      pending -= 8;
      out->push_back(static_cast<char>(bits >> pending & 0xFF));
    }
  }
  return (bits & ((1u << pending) - 1)) == 0 && !(standard && url);
}

bool ParseTimestamp(std::string_view text, int64_t* seconds, int32_t* nanos) {
  constexpr size_t kTimeAt = 10;
  constexpr size_t kWholeSeconds = 19;  // "2026-02-13T15:04:05"
  if (text.size() < kWholeSeconds + 1 || text[kTimeAt] != 'T' || text[13] != ':' || text[16] != ':') return false;
  const auto date = base::ParseDate(text.substr(0, kTimeAt));
  const int hour = TwoDigits(text, 11);
  const int minute = TwoDigits(text, 14);
  const int second = TwoDigits(text, 17);
  if (!date.has_value() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return false;
  text.remove_prefix(kWholeSeconds);
  *nanos = 0;
  if (text[0] == '.') {
    text.remove_prefix(1);
    if (!TakeNanos(&text, nanos)) return false;
  }
  int64_t offset = 0;
  if (!ParseOffset(text, &offset)) return false;
  *seconds = base::DaysFromCivil(*date) * 86'400 + hour * 3600 + minute * 60 + second - offset;
  return *seconds >= kMinTimestampSeconds && *seconds <= kMaxTimestampSeconds;
}

bool ParseDuration(std::string_view text, int64_t* seconds, int32_t* nanos) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.back() != 's' || !IsDigit(text[0])) return false;
  text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *seconds);
  if (error != std::errc() || *seconds > kMaxDurationSeconds) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  *nanos = 0;
  if (!text.empty()) {
    if (text[0] != '.') return false;
    text.remove_prefix(1);
    if (!TakeNanos(&text, nanos) || !text.empty()) return false;
  }
  if (negative) {
    *seconds = -*seconds;
    *nanos = -*nanos;
  }
  return true;
}

bool ParseFieldMask(std::string_view text, std::vector<std::string>* paths) {
  if (text.empty()) return true;
  paths->emplace_back();
  char last = '.';
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool letter = upper || (c >= 'a' && c <= 'z') || c == '_';
    const bool separator = c == ',' || c == '.';
    if (!letter && !separator && !IsDigit(c)) return false;
    const bool first = last == ',' || last == '.';
    // An underscore stands before a small letter, or it would be lost in the written form, which has a capital for
    // both.
    if ((first || last == '_') && (upper || separator || c == '_' || IsDigit(c))) return false;
    last = c;
    if (c == ',') {
      paths->emplace_back();
    } else if (upper) {
      paths->back().push_back('_');
      paths->back().push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      paths->back().push_back(c);
    }
  }
  return last != ',' && last != '.' && last != '_';
}

}  // namespace dinh::gateway::transcode

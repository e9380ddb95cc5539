#include "libs/base/text.h"

#include <utf8proc.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "libs/base/status.h"

namespace dinh::base {
namespace {

constexpr utf8proc_int32_t kReplacement = 0xFFFD;

struct Free {
  void operator()(void* p) const { std::free(p); }
};

const utf8proc_uint8_t* Raw(std::string_view s) { return reinterpret_cast<const utf8proc_uint8_t*>(s.data()); }

// Takes the first code point off `text`; -1 when its first byte begins none (then that byte alone is taken).
utf8proc_int32_t Next(std::string_view& text) {
  utf8proc_int32_t point = -1;
  const utf8proc_ssize_t size = utf8proc_iterate(Raw(text), static_cast<utf8proc_ssize_t>(text.size()), &point);
  text.remove_prefix(size > 0 ? static_cast<size_t>(size) : 1);
  return size > 0 ? point : -1;
}

void Append(std::string& out, utf8proc_int32_t point) {
  utf8proc_uint8_t bytes[4];
  const utf8proc_ssize_t size = utf8proc_encode_char(point, bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

// Search texts are never refused: what is no UTF-8 becomes U+FFFD.
std::string Repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const utf8proc_int32_t point = Next(text);
    Append(out, point < 0 ? kReplacement : point);
  }
  return out;
}

// `text` is valid UTF-8.
std::string Map(std::string_view text, int options, utf8proc_custom_func custom = nullptr) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map_custom(Raw(text), static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                                                    static_cast<utf8proc_option_t>(options), custom, nullptr);
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(mapped);
  if (size < 0) return std::string(text);
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
}

utf8proc_int32_t Lower(utf8proc_int32_t point, void*) { return utf8proc_tolower(point); }

utf8proc_int32_t LowerPlain(utf8proc_int32_t point, void*) {
  switch (point) {
    case 0x0110:  // Đ
    case 0x0111:  // đ
    case 0x0189:  // Ɖ and Ð look the same and are typed for Đ
    case 0x0256:
    case 0x00D0:
    case 0x00F0:
      return 'd';
    default:
      return utf8proc_tolower(point);
  }
}

bool IsInvisible(utf8proc_int32_t point) {
  const utf8proc_property_t* property = utf8proc_get_property(point);
  return property->category == UTF8PROC_CATEGORY_CC || property->category == UTF8PROC_CATEGORY_CF ||
         property->ignorable;
}

bool IsBlank(utf8proc_int32_t point) { return point == '\t' || utf8proc_category(point) == UTF8PROC_CATEGORY_ZS; }

bool IsLineEnd(utf8proc_int32_t point) {
  return point == '\n' || point == '\r' || point == 0x85 || point == 0x2028 || point == 0x2029;
}

void TrimEnd(std::string& text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n')) text.pop_back();
}

}  // namespace

int64_t CodePoints(std::string_view utf8) {
  int64_t count = 0;
  while (!utf8.empty()) {
    if (Next(utf8) < 0) return -1;
    ++count;
  }
  return count;
}

bool IsValidUtf8(std::string_view text) { return CodePoints(text) >= 0; }

absl::StatusOr<std::string> NormalizeText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool after_blank = true;  // so that blanks at the start fall away
  while (!text.empty()) {
    const utf8proc_int32_t point = Next(text);
    if (point < 0) {
      return Error(absl::StatusCode::kInvalidArgument, "INVALID_UTF8",
                   {"Văn bản không phải UTF-8 hợp lệ. Hãy gửi lại bằng bảng mã Unicode (UTF-8).",
                    "The text is not valid UTF-8. Send it again in UTF-8."});
    }
    if (IsLineEnd(point)) {
      if (point == '\r' && text.starts_with('\n')) continue;
      if (!out.empty()) out.push_back('\n');
      after_blank = out.empty();
    } else if (IsBlank(point)) {
      if (!after_blank) out.push_back(point == '\t' ? '\t' : ' ');
      after_blank = true;
    } else if (!IsInvisible(point)) {
      Append(out, point);
      after_blank = false;
    }
  }
  TrimEnd(out);
  return Map(out, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
}

std::string Fold(std::string_view text) {
  const std::string plain = Map(Repaired(text), UTF8PROC_DECOMPOSE | UTF8PROC_STABLE | UTF8PROC_STRIPMARK, &LowerPlain);
  std::string out;
  out.reserve(plain.size());
  std::string_view rest = plain;
  bool blank = false;
  while (!rest.empty()) {
    const utf8proc_int32_t point = Next(rest);
    if (IsBlank(point) || IsLineEnd(point)) {
      blank = !out.empty();
    } else if (!IsInvisible(point)) {
      if (blank) out.push_back(' ');
      blank = false;
      Append(out, point);
    }
  }
  return out;
}

std::string LowerNfc(std::string_view text) { return Map(Repaired(text), UTF8PROC_COMPOSE | UTF8PROC_STABLE, &Lower); }

std::string ToAsciiUpper(std::string_view text) {
  std::string out;
  bool blank = false;
  for (const char c : Fold(text)) {
    const bool letter = c >= 'a' && c <= 'z';
    if (c == ' ') {
      blank = !out.empty();
    } else if (letter || (c >= '0' && c <= '9')) {
      if (blank) out.push_back(' ');
      blank = false;
      out.push_back(letter ? static_cast<char>(c - 'a' + 'A') : c);
    }
  }
  return out;
}

}  // namespace dinh::base

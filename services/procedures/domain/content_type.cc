#include "services/procedures/domain/content_type.h"

#include <algorithm>
#include <array>

#include "libs/base/status.h"
#include "libs/base/text.h"

namespace dinh::procedures {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kPdf = "application/pdf", kJpeg = "image/jpeg", kPng = "image/png", kWebp = "image/webp";
// A reader accepts the header anywhere in the first 1,024 bytes (ISO 32000-1, annex H.3.4.1) …
constexpr size_t kPdfHeaderWithin = 1024;
// … and the end mark within the last 1,024 (annex H.3.4.4).
constexpr size_t kPdfEndWithin = 1024;

absl::Status Refused() {
  return base::InvalidField("file",
                            {"Chỉ nhận tệp PDF, JPEG, PNG hoặc WebP. Hãy chuyển tệp sang một trong các dạng này.",
                             "Only PDF, JPEG, PNG and WebP files are taken. Convert the file to one of them."},
                            "FILE_TYPE_REFUSED");
}

absl::Status Broken() {
  return base::InvalidField("file",
                            {"Tệp bị thiếu hoặc hỏng. Hãy mở thử tệp trên máy rồi gửi lại.",
                             "The file is incomplete or damaged. Open it on your device, then send it again."},
                            "FILE_BROKEN");
}

absl::Status Polyglot() {
  return base::InvalidField("file",
                            {"Tệp chứa nội dung lạ ngoài dạng đã khai. Hãy in lại thành PDF hoặc chụp lại ảnh.",
                             "The file holds foreign content. Print it to PDF again or take the picture anew."},
                            "FILE_POLYGLOT");
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// Text of a web page before the real header, which a browser that sniffs would run.
bool HasMarkup(std::string_view bytes) {
  const std::string lower = Lower(bytes);
  static constexpr std::array kMarks = {"<!doctype"sv, "<html"sv, "<script"sv, "<svg"sv,
                                        "<?php"sv,     "<body"sv, "<iframe"sv};
  return std::any_of(kMarks.begin(), kMarks.end(), [&](std::string_view mark) { return Contains(lower, mark); });
}

// Containers that are found by their end (ZIP) or anywhere (executables): beside a picture they are a second file.
bool HasArchive(std::string_view head, std::string_view tail) {
  return head.starts_with("PK\x03\x04"sv) || head.starts_with("MZ"sv) ||
         head.starts_with(
             "\x7f"
             "ELF"sv) ||
         Contains(tail, "PK\x05\x06"sv) || Contains(tail, "PK\x06\x07"sv);
}

uint32_t LittleEndian32(std::string_view bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

absl::StatusOr<std::string> CheckPdf(std::string_view head, std::string_view tail, size_t header) {
  const std::string_view before = head.substr(0, header);
  if (HasMarkup(before) || before.starts_with("PK"sv) || before.starts_with("GIF8"sv) ||
      before.starts_with("\xff\xd8"sv) || before.starts_with("MZ"sv) || before.starts_with("\x89PNG"sv)) {
    return Polyglot();
  }
  const std::string_view version = head.substr(header + 5, 3);
  if (version.size() < 3 || (version[0] != '1' && version[0] != '2') || version[1] != '.') return Broken();
  if (HasArchive(head, tail)) return Polyglot();
  const std::string_view end = tail.substr(tail.size() - std::min(tail.size(), kPdfEndWithin));
  if (!Contains(end, "%%EOF")) return Broken();
  return std::string(kPdf);
}

absl::StatusOr<std::string> CheckJpeg(std::string_view head, std::string_view tail) {
  if (head.size() < 4 || static_cast<unsigned char>(head[3]) < 0xC0) return Broken();
  // Cameras pad behind the end mark, but not by much.
  const size_t end = tail.rfind("\xff\xd9"sv);
  if (end == std::string_view::npos) return Broken();
  return std::string(kJpeg);
}

absl::StatusOr<std::string> CheckPng(std::string_view head, std::string_view tail) {
  if (head.size() < 33 || head.substr(12, 4) != "IHDR") return Broken();
  if (!Contains(tail, "IEND\xae\x42\x60\x82"sv)) return Broken();
  if (!tail.ends_with("IEND\xae\x42\x60\x82"sv)) return Polyglot();
  return std::string(kPng);
}

absl::StatusOr<std::string> CheckWebp(std::string_view head, int64_t size) {
  const int64_t declared = static_cast<int64_t>(LittleEndian32(head.substr(4, 4))) + 8;
  const std::string_view chunk = head.substr(12, 4);
  if (chunk != "VP8 " && chunk != "VP8L" && chunk != "VP8X") return Broken();
  if (declared > size) return Broken();
  if (size > declared + 1) return Polyglot();  // one byte of padding is within RIFF's rule
  return std::string(kWebp);
}

std::string_view ExtensionOf(std::string_view content_type) {
  if (content_type == kPdf) return ".pdf";
  if (content_type == kJpeg) return ".jpg";
  if (content_type == kPng) return ".png";
  if (content_type == kWebp) return ".webp";
  return "";
}

bool IsReserved(char c) { return "\"*/:<>?\\|%;'`$&{}\n\t"sv.find(c) != std::string_view::npos; }

// The first `count` code points of valid UTF-8.
std::string_view Prefix(std::string_view text, size_t count) {
  size_t i = 0;
  while (i < text.size()) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80 && count-- == 0) break;
    ++i;
  }
  return text.substr(0, i);
}

}  // namespace

absl::StatusOr<std::string> DetectContentType(std::string_view head, std::string_view tail, int64_t size) {
  if (size <= 0 || head.empty()) {
    return base::InvalidField("file", {"Tệp rỗng. Hãy chọn tệp khác.", "The file is empty. Choose another one."},
                              "FILE_EMPTY");
  }
  head = head.substr(0, kSniffHeadBytes);
  tail = tail.substr(tail.size() - std::min(tail.size(), kSniffTailBytes));
  const bool jpeg = head.starts_with("\xff\xd8\xff"sv);
  const bool png = head.starts_with("\x89PNG\r\n\x1a\n"sv);
  const bool webp = head.size() >= 16 && head.starts_with("RIFF"sv) && head.substr(8, 4) == "WEBP";
  const size_t pdf = head.substr(0, kPdfHeaderWithin + 5).find("%PDF-");
  if (jpeg || png || webp) {
    if (pdf != std::string_view::npos || HasMarkup(head) || HasArchive(head, tail)) return Polyglot();
    if (jpeg) return CheckJpeg(head, tail);
    return png ? CheckPng(head, tail) : CheckWebp(head, size);
  }
  if (pdf != std::string_view::npos) return CheckPdf(head, tail, pdf);
  return Refused();
}

std::string CleanFileName(std::string_view name, std::string_view content_type) {
  const size_t slash = name.find_last_of("/\\");
  if (slash != std::string_view::npos) name = name.substr(slash + 1);
  std::string clean = base::NormalizeText(name).value_or("");
  std::replace_if(clean.begin(), clean.end(), IsReserved, '_');
  const size_t dot = clean.rfind('.');
  if (dot != std::string::npos && clean.size() - dot <= 6) clean.resize(dot);
  const size_t start = clean.find_first_not_of(". ");
  clean = start == std::string::npos ? "" : clean.substr(start);
  const std::string_view extension = ExtensionOf(content_type);
  clean = std::string(Prefix(clean, kFileNameMax - extension.size()));
  while (!clean.empty() && (clean.back() == '.' || clean.back() == ' ')) clean.pop_back();
  return (clean.empty() ? "tep" : clean) + std::string(extension);
}

}  // namespace dinh::procedures

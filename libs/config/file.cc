#include "libs/config/file.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "libs/base/limits.h"
#include "libs/base/status.h"

namespace dinh::config {
namespace {

using nlohmann::json;

constexpr size_t kFileBytesMax = 1 * base::kMiB;

absl::Status Invalid(const std::string& path, const std::string& vi, const std::string& en) {
  return base::Error(absl::StatusCode::kInvalidArgument, "INVALID_CONFIG",
                     {"Tệp cấu hình " + path + ": " + vi, "Configuration file " + path + ": " + en}, {{"file", path}});
}

std::optional<std::string> ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text(kFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return std::nullopt;
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

// nlohmann keeps the last of two equal keys without a word; this finds them while it parses.
class DuplicateFinder {
 public:
  bool operator()(json::parse_event_t event, const json& parsed) {
    if (event == json::parse_event_t::object_start) {
      open_.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      open_.pop_back();
    } else if (event == json::parse_event_t::key && !open_.back().insert(parsed.get<std::string>()).second) {
      duplicate_ = parsed.get<std::string>();
    }
    return true;
  }
  const std::string& duplicate() const { return duplicate_; }

 private:
  std::vector<std::set<std::string>> open_;
  std::string duplicate_;
};

FileEntry ToEntry(const std::string& component, const std::string& key, const json& value) {
  FileEntry entry{.component = component, .key = key};
  if (value.is_string()) {
    entry.kind = FileEntry::Kind::kText;
    entry.text = value.get<std::string>();
  } else if (value.is_boolean()) {
    entry.kind = FileEntry::Kind::kBool;
    entry.text = value.get<bool>() ? "true" : "false";
  } else if (value.is_number()) {
    entry.kind = FileEntry::Kind::kNumber;
    entry.text = value.dump();
  } else if (value.is_array() && std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_string(); })) {
    entry.kind = FileEntry::Kind::kList;
    entry.items = value.get<std::vector<std::string>>();
  }
  return entry;
}

}  // namespace

absl::StatusOr<std::vector<FileEntry>> ReadConfigFile(const std::string& path) {
  const std::optional<std::string> text = ReadAll(path);
  if (!text.has_value()) {
    return Invalid(path, "không đọc được. Hãy kiểm tra đường dẫn và quyền đọc.",
                   "cannot be read. Check the path and its permissions.");
  }
  if (text->size() > kFileBytesMax) return Invalid(path, "lớn hơn 1 MiB.", "is larger than 1 MiB.");
  DuplicateFinder duplicates;
  json root;
  try {
    root = json::parse(
        *text, [&](int, json::parse_event_t event, json& parsed) { return duplicates(event, parsed); },
        /*allow_exceptions=*/true, /*ignore_comments=*/true);
  } catch (const json::parse_error& error) {
    const auto end = text->begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text->size()));
    const std::string line = std::to_string(1 + std::count(text->begin(), end, '\n'));
    return Invalid(path, "không phải JSON hợp lệ, ở dòng " + line + ".", "is not valid JSON, at line " + line + ".");
  }
  if (!duplicates.duplicate().empty()) {
    return Invalid(path, "khóa “" + duplicates.duplicate() + "” xuất hiện hai lần. Hãy bỏ một.",
                   "key '" + duplicates.duplicate() + "' stands twice. Remove one.");
  }
  if (!root.is_object()) return Invalid(path, "phải là một đối tượng JSON.", "must be a JSON object.");
  std::vector<FileEntry> entries;
  for (const auto& [component, values] : root.items()) {
    if (!values.is_object()) {
      entries.push_back({.component = component});
      continue;
    }
    for (const auto& [key, value] : values.items()) entries.push_back(ToEntry(component, key, value));
  }
  return entries;
}

}  // namespace dinh::config

// Reads data files that people write (catalogues, calendars, category trees) strictly: an unknown key, a missing one or
// a wrong type is refused with its place ("procedures.json.procedures[3].code: missing").
//
// Thread safety: one reader is used by one thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/civil.h"
#include "libs/base/status.h"

namespace dinh::config {

// One JSON object being read. The first fault is kept; later reads give empty values.
class JsonObject {
 public:
  JsonObject(const nlohmann::json& value, std::string where, absl::Status& status)
      : value_(value), where_(std::move(where)), status_(status) {
    if (!value_.is_object()) Fail("", "an object is expected");
  }

  void Only(std::initializer_list<std::string_view> keys) {
    if (!value_.is_object()) return;
    for (const auto& [key, unused] : value_.items()) {
      bool known = false;
      for (std::string_view k : keys) known = known || k == key;
      if (!known) Fail(key, "unknown key");
    }
  }
  bool Has(const char* key) const { return value_.is_object() && value_.contains(key) && !value_[key].is_null(); }

  std::string Text(const char* key, bool required = true) {
    if (!Has(key)) return required ? (Fail(key, "missing"), "") : "";
    if (!value_[key].is_string()) return Fail(key, "a string is expected"), "";
    return value_[key].get<std::string>();
  }
  int64_t Int(const char* key, int64_t fallback = 0, bool required = true) {
    if (!Has(key)) return required ? (Fail(key, "missing"), fallback) : fallback;
    if (!value_[key].is_number_integer()) return Fail(key, "an integer is expected"), fallback;
    return value_[key].get<int64_t>();
  }
  std::optional<int64_t> OptInt(const char* key) { return Has(key) ? std::optional<int64_t>(Int(key)) : std::nullopt; }
  std::optional<std::string> OptText(const char* key) {
    return Has(key) ? std::optional<std::string>(Text(key)) : std::nullopt;
  }
  bool Bool(const char* key, bool fallback = false) {
    if (!Has(key)) return fallback;
    if (!value_[key].is_boolean()) return Fail(key, "true or false is expected"), fallback;
    return value_[key].get<bool>();
  }
  double Number(const char* key) {
    if (!Has(key)) return Fail(key, "missing"), 0;
    if (!value_[key].is_number()) return Fail(key, "a number is expected"), 0;
    return value_[key].get<double>();
  }
  base::CivilDate Date(const char* key) {
    const std::optional<base::CivilDate> date = base::ParseDate(Text(key));
    if (!date) Fail(key, "a date like 2026-02-13 is expected");
    return date.value_or(base::CivilDate{});
  }
  base::Text Both(const char* key, bool required = true) {
    if (!Has(key)) return required ? (Fail(key, "missing"), base::Text{}) : base::Text{};
    JsonObject text(value_[key], where_ + "." + key, status_);
    text.Only({"vi", "en"});
    return {text.Text("vi"), text.Text("en")};
  }
  std::vector<std::string> Texts(const char* key, bool required = true) {
    std::vector<std::string> out;
    if (!Has(key)) return required ? (Fail(key, "missing"), out) : out;
    if (!value_[key].is_array()) return Fail(key, "a list is expected"), out;
    for (const nlohmann::json& item : value_[key]) {
      if (!item.is_string()) return Fail(key, "a list of strings is expected"), out;
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  template <typename F>
  void Each(const char* key, F&& read, bool required = true) {
    if (!Has(key)) {
      if (required) Fail(key, "missing");
      return;
    }
    if (!value_[key].is_array()) return Fail(key, "a list is expected");
    size_t index = 0;
    for (const nlohmann::json& item : value_[key]) {
      JsonObject object(item, where_ + "." + key + "[" + std::to_string(index++) + "]", status_);
      read(object);
    }
  }
  template <typename F>
  void In(const char* key, F&& read) {
    if (!Has(key)) return Fail(key, "missing");
    JsonObject object(value_[key], where_ + "." + key, status_);
    read(object);
  }
  void Fail(std::string_view key, std::string_view what) {
    if (status_.ok()) {
      status_ =
          absl::InvalidArgumentError(where_ + (key.empty() ? "" : "." + std::string(key)) + ": " + std::string(what));
    }
  }
  bool ok() const { return status_.ok(); }

 private:
  const nlohmann::json& value_;
  std::string where_;
  absl::Status& status_;
};

// `read(JsonObject&)` reads the whole document; `name` stands in front of every place. INVALID_ARGUMENT.
template <typename F>
absl::Status ReadJson(std::string_view text, const std::string& name, F&& read) {
  const nlohmann::json root = nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return absl::InvalidArgumentError(name + ": not JSON");
  absl::Status status;
  JsonObject object(root, name, status);
  read(object);
  return status;
}

}  // namespace dinh::config

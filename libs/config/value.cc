#include "libs/config/value.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "libs/base/strings.h"

namespace dinh::config {
namespace {

using Expected = std::optional<base::Text>;

Expected FromStatus(const absl::Status& status) { return base::DetailOf(status)->text; }

struct Formatter {
  std::string operator()(const std::string* value) const { return *value; }
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const int* value) const { return std::to_string(*value); }
  std::string operator()(const int64_t* value) const { return std::to_string(*value); }
  std::string operator()(const double* value) const {
    char buffer[32];
    return std::string(buffer, std::to_chars(buffer, buffer + sizeof(buffer), *value).ptr);
  }
  std::string operator()(const std::chrono::milliseconds* value) const { return FormatDuration(*value); }
  std::string operator()(const std::chrono::seconds* value) const { return FormatDuration(*value); }
  std::string operator()(const ByteSize* value) const { return FormatByteSize(*value); }
  std::string operator()(const std::vector<std::string>* value) const { return base::Join(*value, ","); }
};

struct Namer {
  std::string operator()(const std::string*) const { return "TEXT"; }
  std::string operator()(const bool*) const { return "true|false"; }
  std::string operator()(const int*) const { return "INTEGER"; }
  std::string operator()(const int64_t*) const { return "INTEGER"; }
  std::string operator()(const double*) const { return "NUMBER"; }
  std::string operator()(const std::chrono::milliseconds*) const { return "DURATION"; }
  std::string operator()(const std::chrono::seconds*) const { return "DURATION"; }
  std::string operator()(const ByteSize*) const { return "SIZE"; }
  std::string operator()(const std::vector<std::string>*) const { return "TEXT,…"; }
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Expected operator()(std::string* value) const {
    *value = std::string(text_);
    return std::nullopt;
  }
  Expected operator()(bool* value) const {
    if (text_ != "true" && text_ != "false") return base::Text{"Hãy ghi true hoặc false.", "Write true or false."};
    *value = text_ == "true";
    return std::nullopt;
  }
  Expected operator()(int* value) const { return Integer(value); }
  Expected operator()(int64_t* value) const { return Integer(value); }
  Expected operator()(double* value) const {
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), *value);
    if (error == std::errc() && end == text_.data() + text_.size() && std::isfinite(*value)) return std::nullopt;
    return base::Text{"Hãy ghi một số, ví dụ 0.5.", "Write a number, for example 0.5."};
  }
  Expected operator()(std::chrono::milliseconds* value) const {
    const auto parsed = ParseDuration(text_);
    if (!parsed.ok()) return FromStatus(parsed.status());
    *value = *parsed;
    return std::nullopt;
  }
  Expected operator()(std::chrono::seconds* value) const {
    const auto parsed = ParseDuration(text_);
    if (!parsed.ok()) return FromStatus(parsed.status());
    *value = std::chrono::duration_cast<std::chrono::seconds>(*parsed);
    if (*value == *parsed) return std::nullopt;
    return base::Text{"Hãy ghi số giây tròn.", "Write whole seconds."};
  }
  Expected operator()(ByteSize* value) const {
    const auto parsed = ParseByteSize(text_);
    if (!parsed.ok()) return FromStatus(parsed.status());
    *value = *parsed;
    return std::nullopt;
  }
  Expected operator()(std::vector<std::string>* value) const {
    value->clear();
    if (text_.empty()) return std::nullopt;
    for (const std::string_view part : base::Split(text_, ',')) value->emplace_back(base::Trim(part));
    return std::nullopt;
  }

 private:
  template <typename T>
  Expected Integer(T* value) const {
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), *value);
    if (error == std::errc() && end == text_.data() + text_.size()) return std::nullopt;
    const std::string min = std::to_string(std::numeric_limits<T>::min());
    const std::string max = std::to_string(std::numeric_limits<T>::max());
    return base::Text{"Hãy ghi một số nguyên từ " + min + " đến " + max + ".",
                      "Write an integer from " + min + " to " + max + "."};
  }

  std::string_view text_;
};

}  // namespace

std::string FormatValue(const FieldPointer& field) { return std::visit(Formatter(), field); }

std::string TypeName(const FieldPointer& field) { return std::visit(Namer(), field); }

std::optional<base::Text> ParseValue(std::string_view text, const FieldPointer& field) {
  return std::visit(Parser(text), field);
}

}  // namespace dinh::config

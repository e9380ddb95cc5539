#include "services/procedures/domain/form.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "libs/base/ids.h"
#include "libs/base/text.h"

namespace dinh::procedures {
namespace {

using base::FieldViolation;
using base::Text;

constexpr std::array<std::pair<FieldType, std::string_view>, 11> kTypeNames = {{
    {FieldType::kText, "text"},
    {FieldType::kInteger, "integer"},
    {FieldType::kDate, "date"},
    {FieldType::kPartialDate, "partial_date"},
    {FieldType::kChoice, "choice"},
    {FieldType::kBoolean, "boolean"},
    {FieldType::kPersonalNumber, "personal_number"},
    {FieldType::kPhone, "phone"},
    {FieldType::kUnitCode, "unit_code"},
    {FieldType::kPerson, "person"},
    {FieldType::kAttachment, "attachment"},
}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool AllDigits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit); }

std::optional<int64_t> ParseInt(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  // One spelling per number: no "+1", "01", "-0".
  if (std::to_string(value) != text) return std::nullopt;
  return value;
}

bool IsFieldId(std::string_view id) {
  if (id.empty() || id.size() > 64 || id.front() < 'a' || id.front() > 'z' || id.back() == '.') return false;
  bool dot = false;
  for (char c : id) {
    if (c == '.' && dot) return false;
    dot = c == '.';
    if (!dot && c != '_' && !IsDigit(c) && (c < 'a' || c > 'z')) return false;
  }
  return true;
}

std::string_view Lookup(const Values& values, std::string_view id) {
  const auto it = values.find(id);
  return it == values.end() ? std::string_view() : std::string_view(it->second);
}

bool Holds(const Condition& condition, const Values& values) {
  const std::string_view value = Lookup(values, condition.field);
  return std::find(condition.values.begin(), condition.values.end(), value) != condition.values.end();
}

std::string Quoted(const Text& label, bool vi) { return "\"" + (vi ? label.vi : label.en) + "\""; }

// "Số bản" must be …: the label comes first in every text.
FieldViolation Violation(const Field& field, std::string_view vi, std::string_view en) {
  return {"form." + field.id,
          {Quoted(field.label, true) + " " + std::string(vi), Quoted(field.label, false) + " " + std::string(en)}};
}

// First and last day that a full or partial date can mean.
std::pair<base::CivilDate, base::CivilDate> Span(std::string_view text) {
  const int year = static_cast<int>(*ParseInt(text.substr(0, 4)));
  if (text.size() == 4) return {{year, 1, 1}, {year, 12, 31}};
  const std::string month_start = std::string(text.substr(0, 7)) + "-01";
  const base::CivilDate first = *base::ParseDate(month_start);
  if (text.size() == 7) {
    const base::CivilDate next =
        first.month == 12 ? base::CivilDate{year + 1, 1, 1} : base::CivilDate{year, first.month + 1, 1};
    return {first, base::AddDays(next, -1)};
  }
  const base::CivilDate day = *base::ParseDate(text);
  return {day, day};
}

base::CivilDate Limit(const std::string& text, base::CivilDate today) {
  return text == "today" ? today : base::ParseDate(text).value_or(today);
}

void CheckInteger(const Field& field, std::string_view value, std::vector<FieldViolation>& out) {
  const std::optional<int64_t> number = ParseInt(value);
  if (!number) {
    out.push_back(Violation(field, "phải là số nguyên, không có dấu chấm hay khoảng trắng.",
                            "must be a whole number without separators or blanks."));
    return;
  }
  if ((field.min && *number < *field.min) || (field.max && *number > *field.max)) {
    const std::string low = field.min ? std::to_string(*field.min) : "",
                      high = field.max ? std::to_string(*field.max) : "";
    if (field.min && field.max) {
      out.push_back(Violation(field, "phải từ " + low + " đến " + high + ".", "must be " + low + " to " + high + "."));
    } else if (field.min) {
      out.push_back(Violation(field, "phải từ " + low + " trở lên.", "must be at least " + low + "."));
    } else {
      out.push_back(Violation(field, "không được quá " + high + ".", "must be at most " + high + "."));
    }
  }
}

void CheckDate(const Field& field, std::string_view value, base::CivilDate today, std::vector<FieldViolation>& out) {
  if (field.type == FieldType::kDate && !base::ParseDate(value)) {
    out.push_back(Violation(field, "phải là ngày có thật, viết dạng năm-tháng-ngày, ví dụ 2026-02-13.",
                            "must be a real date written year-month-day, e.g. 2026-02-13."));
    return;
  }
  if (field.type == FieldType::kPartialDate && !IsPartialDate(value)) {
    out.push_back(Violation(field, "phải là ngày, tháng hoặc năm có thật, ví dụ 1962-05-19, 1962-05 hoặc 1962.",
                            "must be a real day, month or year, e.g. 1962-05-19, 1962-05 or 1962."));
    return;
  }
  const auto [first, last] = Span(value);
  // A partial date is refused only when no day of it fits.
  if (field.max_date && first > Limit(*field.max_date, today)) {
    const std::string limit = base::FormatDateVi(Limit(*field.max_date, today));
    out.push_back(Violation(field, "không được sau ngày " + limit + ".", "must not be after " + limit + "."));
  } else if (field.min_date && last < Limit(*field.min_date, today)) {
    const std::string limit = base::FormatDateVi(Limit(*field.min_date, today));
    out.push_back(Violation(field, "không được trước ngày " + limit + ".", "must not be before " + limit + "."));
  }
}

void CheckChoice(const Field& field, std::string_view value, std::vector<FieldViolation>& out) {
  for (const Option& option : field.options) {
    if (option.value == value) return;
  }
  std::string allowed;
  for (const Option& option : field.options) allowed += (allowed.empty() ? "" : ", ") + option.value;
  out.push_back(
      Violation(field, "phải là một trong các giá trị: " + allowed + ".", "must be one of: " + allowed + "."));
}

void CheckText(const Field& field, std::string_view value, const std::regex* pattern,
               std::vector<FieldViolation>& out) {
  const int64_t length = base::CodePoints(value);
  if (length > field.max_length) {
    const std::string max = std::to_string(field.max_length);
    out.push_back(Violation(field, "dài tối đa " + max + " ký tự.", "has at most " + max + " characters."));
    return;
  }
  if (length < field.min_length) {
    const std::string min = std::to_string(field.min_length);
    out.push_back(Violation(field, "cần ít nhất " + min + " ký tự.", "needs at least " + min + " characters."));
    return;
  }
  if (!field.multiline && value.find('\n') != std::string_view::npos) {
    out.push_back(Violation(field, "phải nằm trên một dòng.", "must stand on one line."));
    return;
  }
  if (pattern != nullptr && !std::regex_match(value.begin(), value.end(), *pattern)) {
    out.push_back(Violation(field, field.pattern_text.vi, field.pattern_text.en));
  }
}

absl::Status BrokenForm(std::string_view form, std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError("form " + std::string(form) + ", field " + std::string(field) + ": " +
                                    std::string(what));
}

bool IsDateLimit(const std::optional<std::string>& text) {
  return !text || *text == "today" || base::ParseDate(*text).has_value();
}

absl::Status CheckDefinition(const std::string& form, const Field& field) {
  if (!IsFieldId(field.id)) return BrokenForm(form, field.id, "malformed id");
  if (field.label.vi.empty() || field.label.en.empty()) return BrokenForm(form, field.id, "needs both labels");
  if ((field.type == FieldType::kChoice) != !field.options.empty()) {
    return BrokenForm(form, field.id, "a choice has options, and only a choice");
  }
  if (field.min_length < 0 || field.min_length > field.max_length || field.max_length > kFieldLengthMax) {
    return BrokenForm(form, field.id, "lengths out of range");
  }
  if (field.min && field.max && *field.min > *field.max) return BrokenForm(form, field.id, "min above max");
  if (!IsDateLimit(field.min_date) || !IsDateLimit(field.max_date)) return BrokenForm(form, field.id, "bad date limit");
  if (!field.pattern.empty()) {
    if (field.type != FieldType::kText || field.max_length > kPatternInputMax) {
      return BrokenForm(form, field.id, "a pattern stands on a text of at most 200 characters");
    }
    if (field.pattern_text.vi.empty() || field.pattern_text.en.empty()) {
      return BrokenForm(form, field.id, "a pattern needs both texts");
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view FieldTypeName(FieldType type) {
  for (const auto& [t, name] : kTypeNames) {
    if (t == type) return name;
  }
  return "";
}

std::optional<FieldType> ParseFieldType(std::string_view name) {
  for (const auto& [type, n] : kTypeNames) {
    if (n == name) return type;
  }
  return std::nullopt;
}

bool IsPersonalNumber(std::string_view text) {
  if (text.size() != 12 || !AllDigits(text)) return false;
  const int province = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  return province >= 1 && province <= 96;
}

std::string NormalizePhone(std::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '.' || c == '-') continue;
    if (c == '+' && digits.empty()) continue;
    if (!IsDigit(c) || digits.size() > 11) return "";
    digits += c;
  }
  const bool international = digits.size() == 11 && digits.starts_with("84");
  if (international) digits = "0" + digits.substr(2);
  if (text.find('+') != std::string_view::npos && !international) return "";
  if (digits.size() != 10 || digits[0] != '0') return "";
  // 03[2-9], 05[25689], 07[06-9], 08[1-9], 09[0-46-9]: the mobile prefixes in use.
  static constexpr std::array<std::pair<char, std::string_view>, 5> kPrefixes = {
      {{'3', "23456789"}, {'5', "25689"}, {'7', "06789"}, {'8', "123456789"}, {'9', "012346789"}}};
  for (const auto& [second, thirds] : kPrefixes) {
    if (digits[1] == second && thirds.find(digits[2]) != std::string_view::npos) return digits;
  }
  return "";
}

bool IsUnitCode(std::string_view text) {
  if (AllDigits(text)) return text.size() >= 2 && text.size() <= 5;
  if (!text.starts_with("v-") || text.size() < 3 || text.size() > 64) return false;
  return std::all_of(text.begin() + 2, text.end(),
                     [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || c == '-'; });
}

bool IsPartialDate(std::string_view text) {
  if (text.size() == 10) return base::ParseDate(text).has_value();
  if (text.size() == 7) return base::ParseDate(std::string(text) + "-01").has_value();
  return text.size() == 4 && base::ParseDate(std::string(text) + "-01-01").has_value();
}

absl::StatusOr<FormDefinition> FormDefinition::Create(std::string id, int version, Text title,
                                                      std::vector<Section> sections) {
  FormDefinition form;
  form.id_ = std::move(id);
  form.version_ = version;
  form.title_ = std::move(title);
  form.sections_ = std::move(sections);
  RETURN_IF_ERROR(form.Index());
  return form;
}

absl::Status FormDefinition::Index() {
  for (const Section& section : sections_) {
    for (const Field& field : section.fields) {
      RETURN_IF_ERROR(CheckDefinition(id_, field));
      // Conditions look back only: so they cannot form a circle, and a form reads from top to bottom.
      for (const auto* condition : {&field.show_if, &field.required_if}) {
        if (*condition && !by_id_.contains((*condition)->field)) {
          return BrokenForm(id_, field.id, "a condition must name an earlier field");
        }
      }
      if (!by_id_.emplace(field.id, &field).second) return BrokenForm(id_, field.id, "duplicate id");
      if (field.pattern.empty()) continue;
      try {  // std::regex has no other way to tell of a bad pattern
        patterns_[field.id] = std::make_shared<const std::regex>(field.pattern, std::regex::ECMAScript);
      } catch (const std::regex_error&) {
        return BrokenForm(id_, field.id, "the pattern does not compile");
      }
    }
  }
  if (by_id_.empty() || by_id_.size() > kFormFieldsMax) return BrokenForm(id_, "", "needs 1 to 100 fields");
  return absl::OkStatus();
}

const Field* FormDefinition::Find(std::string_view id) const {
  const auto it = by_id_.find(id);
  return it == by_id_.end() ? nullptr : it->second;
}

bool FormDefinition::Visible(const Field& field, const Values& values) const {
  if (!field.show_if) return true;
  // A condition on a hidden field does not hold: what it asks about was never asked.
  const Field* asked = Find(field.show_if->field);
  return asked != nullptr && Visible(*asked, values) && Holds(*field.show_if, values);
}

std::vector<FieldViolation> FormDefinition::Check(Values& values, base::CivilDate today) const {
  std::vector<FieldViolation> out;
  for (auto it = values.begin(); it != values.end();) {
    absl::StatusOr<std::string> normal = base::NormalizeText(it->second);
    if (it->second.size() > kValueBytesMax || !normal.ok()) {
      out.push_back({"form." + it->first.substr(0, 64),
                     {"Giá trị quá dài hoặc không phải văn bản UTF-8 hợp lệ. Hãy nhập lại.",
                      "The value is too long or not valid UTF-8. Enter it again."}});
      it = values.erase(it);
      continue;
    }
    it->second = *std::move(normal);
    it = it->second.empty() ? values.erase(it) : std::next(it);
  }
  if (!out.empty()) return out;  // conditions on a broken value would only mislead
  for (const Section& section : sections_) {
    for (const Field& field : section.fields) CheckField(field, values, today, out);
  }
  for (const auto& [id, value] : values) {
    if (Find(id) != nullptr) continue;
    out.push_back({"form." + id.substr(0, 64),
                   {"Biểu mẫu này không có mục như vậy. Hãy bỏ mục này rồi gửi lại.",
                    "This form has no such field. Leave it out and send again."}});
  }
  return out;
}

void FormDefinition::CheckField(const Field& field, Values& values, base::CivilDate today,
                                std::vector<FieldViolation>& out) const {
  const auto it = values.find(field.id);
  const bool visible = Visible(field, values);
  if (it == values.end()) {
    const bool required = field.required || (field.required_if && Holds(*field.required_if, values));
    if (visible && required) out.push_back(Violation(field, "là mục bắt buộc, hãy điền.", "is required; fill it in."));
    return;
  }
  if (!visible) {
    out.push_back(Violation(field, "không áp dụng với các lựa chọn đã điền, hãy để trống.",
                            "does not apply to the other answers; leave it empty."));
    return;
  }
  std::string& value = it->second;
  switch (field.type) {
    case FieldType::kText: {
      const auto pattern = patterns_.find(field.id);
      return CheckText(field, value, pattern == patterns_.end() ? nullptr : pattern->second.get(), out);
    }
    case FieldType::kInteger:
      return CheckInteger(field, value, out);
    case FieldType::kDate:
    case FieldType::kPartialDate:
      return CheckDate(field, value, today, out);
    case FieldType::kChoice:
      return CheckChoice(field, value, out);
    case FieldType::kBoolean:
      if (value == "true" || value == "false") return;
      out.push_back(Violation(field, "phải là true hoặc false.", "must be true or false."));
      return;
    case FieldType::kPersonalNumber:
      if (IsPersonalNumber(value)) return;
      out.push_back(Violation(field, "phải gồm đúng 12 chữ số như trên thẻ căn cước.",
                              "must be the 12 digits printed on the identity card."));
      return;
    case FieldType::kPhone: {
      std::string phone = NormalizePhone(value);
      if (phone.empty()) {
        out.push_back(Violation(field, "phải là số di động Việt Nam, ví dụ 0912 345 678.",
                                "must be a Vietnamese mobile number, e.g. 0912 345 678."));
        return;
      }
      value = std::move(phone);
      return;
    }
    case FieldType::kUnitCode:
      if (IsUnitCode(value)) return;
      out.push_back(Violation(field, "phải là mã đơn vị hành chính, ví dụ 15865. Hãy chọn trong danh sách.",
                              "must be the code of an administrative unit, e.g. 15865. Choose one from the list."));
      return;
    case FieldType::kPerson:
    case FieldType::kAttachment:
      if (base::IsUuid(value)) return;
      out.push_back(Violation(field, "không đúng dạng. Hãy chọn lại từ danh sách.", "is malformed. Choose it again."));
      return;
  }
}

}  // namespace dinh::procedures

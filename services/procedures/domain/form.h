// Form definitions as data, and the one check of what a citizen filled in. Values are flat: field id -> text, as they
// would stand in an input element; the API's Struct is flattened before (numbers without a fraction as integers,
// booleans as "true"/"false", nested objects by a dot). Values are compared in NFC.
//
// Pure. A FormDefinition is built once (patterns compiled) and then shared by threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/civil.h"
#include "libs/base/status.h"

namespace dinh::procedures {

enum class FieldType {
  kText,
  kInteger,
  kDate,            // "2026-02-13"
  kPartialDate,     // also "2026-02" and "2026": a birth date may lack day or month
  kChoice,          // one of `options`
  kBoolean,         // "true" | "false"
  kPersonalNumber,  // 12 digits: province, century and sex, year, number
  kPhone,           // a Vietnamese mobile number in any of its spellings
  kUnitCode,        // an administrative unit: 2 to 5 digits or "v-…" for a village
  kPerson,          // the opaque id of a person known to the platform
  kAttachment,      // the id of an uploaded file
};

struct Option {
  std::string value;
  base::Text label;
};

// The field is shown (or required) when another field's value is one of these. An absent field has the value "".
struct Condition {
  std::string field;
  std::vector<std::string> values;
};

struct Field {
  std::string id;  // [a-z][a-z0-9_]*(.[a-z0-9_]+)*, at most 64 characters
  base::Text label;
  base::Text hint;
  FieldType type = FieldType::kText;
  bool required = false;
  bool personal = false;  // sealed at rest, never logged
  bool multiline = false;
  int min_length = 0;                             // code points, kText
  int max_length = 200;                           // code points, kText
  std::optional<int64_t> min, max;                // kInteger
  std::optional<std::string> min_date, max_date;  // kDate, kPartialDate; "today" is the day of filing
  std::string pattern;      // ECMAScript, whole value; kText; value length is capped before matching
  base::Text pattern_text;  // what to tell whose value does not match
  std::vector<Option> options;
  std::optional<Condition> show_if;  // a hidden field must be empty
  std::optional<Condition> required_if;
  std::string default_value;
  std::string prefill;  // "identity.person.full_name": where the app takes the first value from; "" none
};

struct Section {
  std::string id;
  base::Text title;
  std::vector<Field> fields;
};

using Values = std::map<std::string, std::string, std::less<>>;

inline constexpr size_t kFormFieldsMax = 100;
inline constexpr int kFieldLengthMax = 4000;  // code points
inline constexpr int kPatternInputMax = 200;  // code points a pattern is matched against; std::regex recurses
inline constexpr size_t kValueBytesMax = 16384;

class FormDefinition {
 public:
  // Refuses what could not be filled in or checked: duplicate or malformed ids, conditions on
  // fields that do not stand before, choices without options, limits crossed, patterns that do not compile or are not
  // on a text of at most kPatternInputMax.
  static absl::StatusOr<FormDefinition> Create(std::string id, int version, base::Text title,
                                               std::vector<Section> sections);

  FormDefinition(FormDefinition&&) = default;
  FormDefinition& operator=(FormDefinition&&) = default;
  FormDefinition(const FormDefinition&) = delete;  // by_id_ points into sections_
  FormDefinition& operator=(const FormDefinition&) = delete;

  const std::string& id() const { return id_; }
  int version() const { return version_; }
  const base::Text& title() const { return title_; }
  const std::vector<Section>& sections() const { return sections_; }
  const Field* Find(std::string_view id) const;

  // Every violation at once, in the form's order, fields as "form.<id>"; empty when all is well. `values` is changed
  // into its normal form: NFC, trimmed, empty values dropped, phones as 0…, defaults not filled in.
  std::vector<base::FieldViolation> Check(Values& values, base::CivilDate today) const;

  bool Visible(const Field& field, const Values& values) const;

 private:
  FormDefinition() = default;
  absl::Status Index();
  void CheckField(const Field& field, Values& values, base::CivilDate today,
                  std::vector<base::FieldViolation>& out) const;

  std::string id_;
  int version_ = 1;
  base::Text title_;
  std::vector<Section> sections_;
  std::map<std::string, const Field*, std::less<>> by_id_;  // into sections_, which never changes after Create
  std::map<std::string, std::shared_ptr<const std::regex>, std::less<>> patterns_;
};

std::string_view FieldTypeName(FieldType type);  // "partial_date"
std::optional<FieldType> ParseFieldType(std::string_view name);

// Structure of a 12-digit personal number (Nghị định 137/2015/NĐ-CP, Điều 13): province 001–096, century and sex
// digit, two digits of the birth year, six of a number.
bool IsPersonalNumber(std::string_view text);
// "0912345678" of any spelling (blanks, dots, +84, 84); "" when it is not a mobile number.
std::string NormalizePhone(std::string_view text);
bool IsUnitCode(std::string_view text);
// "2026", "2026-02", "2026-02-13".
bool IsPartialDate(std::string_view text);

}  // namespace dinh::procedures

#include "libs/rpc/validate.h"

#include <map>
#include <optional>
#include <type_traits>
#include <utility>

#include "dinh/options/v1/options.pb.h"
#include "libs/base/text.h"
#include "libs/rpc/formats.h"
#include "libs/rpc/pattern.h"

namespace dinh::rpc {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using options::v1::FieldRule;

constexpr size_t kMaxViolations = 50;

std::string Num(int64_t n) { return std::to_string(n); }

absl::Status BadRule(const FieldDescriptor& field, std::string_view vi, std::string_view en) {
  return base::FailedPrecondition("FIELD_RULE",
                                  {"Quy tắc của " + field.full_name() + ": " + std::string(vi),
                                   "Rule of " + field.full_name() + ": " + std::string(en)},
                                  {{"field", field.full_name()}});
}

// Where in the request a value stands; rendered only when something is wrong with it.
struct PathPart {
  const FieldDescriptor* field;
  int index = -1;                  // element of a repeated field
  const Message* entry = nullptr;  // entry of a map field
};

std::string KeyText(const Message& entry) {
  const FieldDescriptor* key = entry.GetDescriptor()->map_key();
  const Reflection* reflection = entry.GetReflection();
  switch (key->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return "\"" + reflection->GetString(entry, key) + "\"";
    case FieldDescriptor::CPPTYPE_INT32:
      return Num(reflection->GetInt32(entry, key));
    case FieldDescriptor::CPPTYPE_INT64:
      return Num(reflection->GetInt64(entry, key));
    case FieldDescriptor::CPPTYPE_UINT32:
      return Num(reflection->GetUInt32(entry, key));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(reflection->GetUInt64(entry, key));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(entry, key) ? "true" : "false";
    default:
      return "?";
  }
}

std::string Render(const std::vector<PathPart>& path) {
  std::string out;
  for (const PathPart& part : path) {
    if (!out.empty()) out += '.';
    out += part.field->name();
    if (part.entry != nullptr) {
      out += "[" + KeyText(*part.entry) + "]";
    } else if (part.index >= 0) {
      out += "[" + Num(part.index) + "]";
    }
  }
  return out;
}

}  // namespace

struct Validator::Plan {
  struct Field {
    const FieldDescriptor* field = nullptr;  // for maps: the map field; values are checked by `value`
    const FieldDescriptor* value = nullptr;  // what the rules of a single value are for
    FieldRule rule;
    std::optional<Pattern> pattern;
    Plan* nested = nullptr;  // messages only
    bool has_value_rules = false;
  };
  const Descriptor* message = nullptr;
  std::vector<Field> fields;
  bool needed = false;
  bool mutates = false;
};

class Validator::Compiler {
 public:
  explicit Compiler(Validator* out) : out_(*out) {}

  absl::StatusOr<Plan*> Message(const Descriptor& message) {
    Plan*& slot = known_[&message];
    if (slot != nullptr) return slot;
    out_.plans_.push_back(std::make_unique<Plan>());
    Plan* plan = slot = out_.plans_.back().get();
    plan->message = &message;
    for (int i = 0; i < message.field_count(); ++i) {
      ASSIGN_OR_RETURN(Plan::Field field, Field(*message.field(i)));
      plan->fields.push_back(std::move(field));
    }
    return plan;
  }

  // Plans refer to each other in circles, so what is needed is found by repeating until nothing changes.
  void Prune() {
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& plan : out_.plans_) changed = Spread(*plan) || changed;
    }
    for (const auto& plan : out_.plans_) {
      std::erase_if(plan->fields, [](const Plan::Field& f) { return !Matters(f); });
    }
  }

 private:
  static bool Matters(const Plan::Field& f) {
    const FieldRule& r = f.rule;
    return f.has_value_rules || r.required() || r.output_only() || r.min_items() > 0 || r.max_items() > 0 ||
           (f.nested != nullptr && f.nested->needed);
  }
  static bool Spread(Plan& plan) {
    bool changed = false;
    for (const Plan::Field& f : plan.fields) {
      if (!plan.needed && Matters(f)) plan.needed = changed = true;
      const bool mutates = f.rule.format() == options::v1::FORMAT_TEXT || (f.nested != nullptr && f.nested->mutates);
      if (!plan.mutates && mutates) plan.mutates = changed = true;
    }
    return changed;
  }

  absl::StatusOr<Plan::Field> Field(const FieldDescriptor& field) {
    Plan::Field out;
    out.field = &field;
    out.value = field.is_map() ? field.message_type()->map_value() : &field;
    out.rule = field.options().GetExtension(options::v1::rule);
    RETURN_IF_ERROR(CheckFits(out));
    if (!out.rule.pattern().empty()) {
      absl::StatusOr<Pattern> pattern = Pattern::Compile(out.rule.pattern());
      if (!pattern.ok()) return pattern.status();
      out.pattern = *std::move(pattern);
    }
    if (out.value->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      ASSIGN_OR_RETURN(out.nested, Message(*out.value->message_type()));
    }
    const FieldRule& r = out.rule;
    out.has_value_rules = r.min_length() > 0 || r.max_length() > 0 || out.pattern || r.has_min() || r.has_max() ||
                          r.format() != options::v1::FORMAT_UNSPECIFIED ||
                          out.value->cpp_type() == FieldDescriptor::CPPTYPE_ENUM;
    return out;
  }

  static absl::Status CheckFits(const Plan::Field& f) {
    const FieldRule& r = f.rule;
    const bool text = f.value->type() == FieldDescriptor::TYPE_STRING;
    const bool bytes = f.value->type() == FieldDescriptor::TYPE_BYTES;
    const auto type = f.value->cpp_type();
    const bool number = type == FieldDescriptor::CPPTYPE_INT32 || type == FieldDescriptor::CPPTYPE_INT64 ||
                        type == FieldDescriptor::CPPTYPE_UINT32 || type == FieldDescriptor::CPPTYPE_UINT64 ||
                        type == FieldDescriptor::CPPTYPE_DOUBLE || type == FieldDescriptor::CPPTYPE_FLOAT;
    if ((!r.pattern().empty() || r.format() != options::v1::FORMAT_UNSPECIFIED) && !text) {
      return BadRule(*f.field, "mẫu và định dạng chỉ dùng cho chuỗi.", "patterns and formats are for strings only.");
    }
    if ((r.min_length() > 0 || r.max_length() > 0) && !text && !bytes) {
      return BadRule(*f.field, "độ dài chỉ dùng cho chuỗi và bytes.", "lengths are for strings and bytes only.");
    }
    if ((r.has_min() || r.has_max()) && !number) {
      return BadRule(*f.field, "khoảng giá trị chỉ dùng cho số.", "ranges are for numbers only.");
    }
    if ((r.min_items() > 0 || r.max_items() > 0) && !f.field->is_repeated()) {
      return BadRule(*f.field, "số phần tử chỉ dùng cho danh sách và map.", "item counts are for lists and maps only.");
    }
    return absl::OkStatus();
  }

  Validator& out_;
  std::map<const Descriptor*, Plan*> known_;
};

// One check of one request.
class Validator::Run {
 public:
  void CheckMessage(const Plan& plan, Message* message) {
    const Reflection* reflection = message->GetReflection();
    for (const Plan::Field& f : plan.fields) {
      if (violations_.size() >= kMaxViolations) return;
      path_.push_back({f.field});
      if (f.field->is_repeated()) {
        CheckItems(f, *reflection, message);
      } else {
        CheckSingle(f, *reflection, message);
      }
      path_.pop_back();
    }
  }
  absl::Status Result() && {
    return violations_.empty() ? absl::OkStatus() : base::InvalidFields(std::move(violations_));
  }

 private:
  void Violate(std::string vi, std::string en) {
    if (violations_.size() < kMaxViolations) violations_.push_back({Render(path_), {std::move(vi), std::move(en)}});
  }

  void CheckItems(const Plan::Field& f, const Reflection& reflection, Message* message) {
    const int size = reflection.FieldSize(*message, f.field);
    if (size == 0) {
      if (f.rule.required() || f.rule.min_items() > 0) {
        Violate("Cần có ít nhất một phần tử. Hãy bổ sung.", "At least one element is needed. Add it.");
      }
      return;
    }
    if (f.rule.output_only()) return RefuseOutput();
    if (f.rule.max_items() > 0 && size > static_cast<int64_t>(f.rule.max_items())) {
      const std::string max = Num(f.rule.max_items());
      // Elements of a list that is too long are not looked at: their number is the attacker's choice.
      return Violate("Có quá nhiều phần tử. Hãy gửi tối đa " + max + ".",
                     "Too many elements. Send at most " + max + ".");
    }
    if (size < static_cast<int64_t>(f.rule.min_items())) {
      const std::string min = Num(f.rule.min_items());
      Violate("Có quá ít phần tử. Hãy gửi ít nhất " + min + ".", "Too few elements. Send at least " + min + ".");
    }
    if (!f.has_value_rules && f.nested == nullptr) return;
    for (int i = 0; i < size && violations_.size() < kMaxViolations; ++i) {
      path_.back().index = i;
      if (f.field->is_map()) {
        Message* entry = reflection.MutableRepeatedMessage(message, f.field, i);
        path_.back().entry = entry;
        CheckValue(f, *entry->GetReflection(), entry, f.value, -1);
      } else {
        CheckValue(f, reflection, message, f.field, i);
      }
    }
  }

  void CheckSingle(const Plan::Field& f, const Reflection& reflection, Message* message) {
    const bool text = f.rule.format() == options::v1::FORMAT_TEXT;
    // Without presence a default value is an absent one; blanks only are as good as nothing.
    bool present =
        f.field->has_presence() ? reflection.HasField(*message, f.field) : !IsDefault(reflection, *message, f.field);
    if (present && f.rule.output_only()) return RefuseOutput();
    if (present && text && !Normalize(reflection, message, f.field, -1)) return;
    if (present && text) present = !IsDefault(reflection, *message, f.field);
    if (!present) {
      if (f.rule.required()) {
        Violate("Bắt buộc phải có. Hãy điền trường này.", "This field is required. Fill it in.");
      }
      return;
    }
    if (f.has_value_rules || f.nested != nullptr) CheckValue(f, reflection, message, f.field, -1);
  }

  void RefuseOutput() {
    Violate("Do hệ thống đặt, không nhận từ yêu cầu. Hãy bỏ trường này.",
            "Set by the platform and not taken from requests. Leave it out.");
  }

  static bool IsDefault(const Reflection& reflection, const Message& message, const FieldDescriptor* field) {
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      std::string scratch;
      return reflection.GetStringReference(message, field, &scratch).empty();
    }
    return !reflection.HasField(message, field);
  }

  // Brings a text to NFC in place; false: it held something forbidden.
  bool Normalize(const Reflection& reflection, Message* message, const FieldDescriptor* field, int index) {
    std::string scratch;
    const std::string& value = index < 0 ? reflection.GetStringReference(*message, field, &scratch)
                                         : reflection.GetRepeatedStringReference(*message, field, index, &scratch);
    if (HasForbiddenCharacter(value)) {
      base::Text hint = FormatHint(options::v1::FORMAT_TEXT);
      Violate(std::move(hint.vi), std::move(hint.en));
      return false;
    }
    absl::StatusOr<std::string> clean = base::NormalizeText(value);
    if (!clean.ok()) {
      Violate("Không phải UTF-8. Hãy gửi lại bằng UTF-8.", "This is not UTF-8. Send it again as UTF-8.");
      return false;
    }
    if (*clean == value) return true;
    if (index < 0) {
      reflection.SetString(message, field, *std::move(clean));
    } else {
      reflection.SetRepeatedString(message, field, index, *std::move(clean));
    }
    return true;
  }

  void CheckValue(const Plan::Field& f, const Reflection& reflection, Message* message, const FieldDescriptor* field,
                  int index) {
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return CheckString(f, reflection, message, field, index);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (f.nested == nullptr || !f.nested->needed) return;
        return CheckMessage(*f.nested, index < 0 ? reflection.MutableMessage(message, field)
                                                 : reflection.MutableRepeatedMessage(message, field, index));
      case FieldDescriptor::CPPTYPE_ENUM:
        return CheckEnum(reflection, *message, field, index);
      default:
        return CheckNumber(f, reflection, *message, field, index);
    }
  }

  void CheckString(const Plan::Field& f, const Reflection& reflection, Message* message, const FieldDescriptor* field,
                   int index) {
    const bool repeated_text = f.rule.format() == options::v1::FORMAT_TEXT && (index >= 0 || f.field->is_map());
    if (repeated_text && !Normalize(reflection, message, field, index)) return;
    std::string scratch;
    const std::string& value = index < 0 ? reflection.GetStringReference(*message, field, &scratch)
                                         : reflection.GetRepeatedStringReference(*message, field, index, &scratch);
    const bool bytes = field->type() == FieldDescriptor::TYPE_BYTES;
    const auto size = static_cast<int64_t>(value.size());
    if (f.rule.max_length() > 0 || f.rule.min_length() > 0) {
      // A string of n bytes has at most n code points, so most need no counting.
      const bool may_be_long = f.rule.max_length() > 0 && size > f.rule.max_length();
      const int64_t length = !bytes && (may_be_long || f.rule.min_length() > 0) ? base::CodePoints(value) : size;
      if (!CheckLength(f.rule, length, bytes)) return;
    }
    if (f.pattern && !f.pattern->Matches(value)) {
      return Violate("Chưa đúng dạng cho phép (" + f.rule.pattern() + "). Hãy sửa lại.",
                     "Does not have the form allowed (" + f.rule.pattern() + "). Correct it.");
    }
    if (!MatchesFormat(f.rule.format(), value)) {
      base::Text hint = FormatHint(f.rule.format());
      Violate(std::move(hint.vi), std::move(hint.en));
    }
  }

  bool CheckLength(const FieldRule& rule, int64_t length, bool bytes) {
    const std::string unit_vi = bytes ? " byte" : " ký tự", unit_en = bytes ? " bytes" : " characters";
    if (rule.max_length() > 0 && length > rule.max_length()) {
      Violate("Quá dài. Hãy rút xuống tối đa " + Num(rule.max_length()) + unit_vi + ".",
              "Too long. Shorten it to at most " + Num(rule.max_length()) + unit_en + ".");
      return false;
    }
    if (length < rule.min_length()) {
      Violate("Quá ngắn. Hãy nhập ít nhất " + Num(rule.min_length()) + unit_vi + ".",
              "Too short. Give at least " + Num(rule.min_length()) + unit_en + ".");
      return false;
    }
    return true;
  }

  void CheckEnum(const Reflection& reflection, const Message& message, const FieldDescriptor* field, int index) {
    const int value =
        index < 0 ? reflection.GetEnumValue(message, field) : reflection.GetRepeatedEnumValue(message, field, index);
    if (field->enum_type()->FindValueByNumber(value) == nullptr) {
      Violate("Giá trị không có trong danh mục. Hãy chọn một giá trị của tài liệu API.",
              "No such value. Choose one that the API's documentation names.");
    }
  }

  void CheckNumber(const Plan::Field& f, const Reflection& reflection, const Message& message,
                   const FieldDescriptor* field, int index) {
    const bool low = f.rule.has_min() && Less(reflection, message, field, index, f.rule.min());
    const bool high = f.rule.has_max() && Greater(reflection, message, field, index, f.rule.max());
    if (low) {
      const std::string min = Num(f.rule.min());
      Violate("Quá nhỏ. Hãy nhập từ " + min + " trở lên.", "Too small. Give at least " + min + ".");
    } else if (high) {
      const std::string max = Num(f.rule.max());
      Violate("Quá lớn. Hãy nhập từ " + max + " trở xuống.", "Too large. Give at most " + max + ".");
    }
  }
  template <typename F>
  static bool Compare(const Reflection& r, const Message& m, const FieldDescriptor* f, int i, F&& compare) {
    switch (f->cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return compare(static_cast<int64_t>(i < 0 ? r.GetInt32(m, f) : r.GetRepeatedInt32(m, f, i)));
      case FieldDescriptor::CPPTYPE_INT64:
        return compare(i < 0 ? r.GetInt64(m, f) : r.GetRepeatedInt64(m, f, i));
      case FieldDescriptor::CPPTYPE_UINT32:
        return compare(static_cast<int64_t>(i < 0 ? r.GetUInt32(m, f) : r.GetRepeatedUInt32(m, f, i)));
      case FieldDescriptor::CPPTYPE_UINT64:
        return compare(i < 0 ? r.GetUInt64(m, f) : r.GetRepeatedUInt64(m, f, i));
      case FieldDescriptor::CPPTYPE_FLOAT:
        return compare(static_cast<double>(i < 0 ? r.GetFloat(m, f) : r.GetRepeatedFloat(m, f, i)));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return compare(i < 0 ? r.GetDouble(m, f) : r.GetRepeatedDouble(m, f, i));
      default:
        return false;
    }
  }
  // Written so that NaN is outside every range.
  static bool Less(const Reflection& r, const Message& m, const FieldDescriptor* f, int i, int64_t bound) {
    return Compare(r, m, f, i, [bound](auto v) {
      if constexpr (std::is_same_v<decltype(v), double>)
        return !(v >= static_cast<double>(bound));
      else
        return std::cmp_less(v, bound);
    });
  }
  static bool Greater(const Reflection& r, const Message& m, const FieldDescriptor* f, int i, int64_t bound) {
    return Compare(r, m, f, i, [bound](auto v) {
      if constexpr (std::is_same_v<decltype(v), double>)
        return !(v <= static_cast<double>(bound));
      else
        return std::cmp_greater(v, bound);
    });
  }

  std::vector<PathPart> path_;
  std::vector<base::FieldViolation> violations_;
};

Validator::Validator() = default;
Validator::~Validator() = default;

absl::StatusOr<std::unique_ptr<Validator>> Validator::Compile(const Descriptor& message) {
  std::unique_ptr<Validator> validator(new Validator);
  Compiler compiler(validator.get());
  RETURN_IF_ERROR(compiler.Message(message).status());
  compiler.Prune();
  return validator;
}

bool Validator::empty() const { return !plans_.front()->needed; }
bool Validator::mutates() const { return plans_.front()->mutates; }

absl::Status Validator::Check(Message* message) const {
  if (empty()) return absl::OkStatus();
  Run run;
  run.CheckMessage(*plans_.front(), message);
  return std::move(run).Result();
}

}  // namespace dinh::rpc

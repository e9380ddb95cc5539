#include "libs/auth/personal.h"

#include <set>
#include <vector>

#include "dinh/options/v1/options.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/unknown_field_set.h"
#include "libs/base/status.h"

namespace dinh::auth {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::TextFormat;

constexpr std::string_view kPersonalMark = "[personal]";
constexpr std::string_view kAnyMark = "[any]";
constexpr std::string_view kCutMark = " …";

bool IsAny(const Descriptor& type) { return type.full_name() == "google.protobuf.Any"; }

bool IsMessage(const FieldDescriptor& field) { return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

bool MayHoldPersonal(const Descriptor& type, std::set<const Descriptor*>* seen) {
  if (IsAny(type)) return true;
  if (!seen->insert(&type).second) return false;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsPersonal(field)) return true;
    if (IsMessage(field) && MayHoldPersonal(*field.message_type(), seen)) return true;
  }
  return false;
}

class Printer {
 public:
  explicit Printer(size_t bytes_max) : bytes_max_(bytes_max) {}

  void Print(const Message& message) {
    if (IsAny(*message.GetDescriptor())) return Put(kAnyMark);
    const Reflection& reflection = *message.GetReflection();
    std::vector<const FieldDescriptor*> fields;
    reflection.ListFields(message, &fields);
    for (const FieldDescriptor* field : fields) {
      if (full()) return;
      if (IsPersonal(*field)) {
        Name(*field);
        Put(kPersonalMark);
      } else if (!field->is_repeated()) {
        Name(*field);
        Value(message, *field, -1);
      } else {
        for (int i = 0; i < reflection.FieldSize(message, field) && !full(); ++i) {
          Name(*field);
          Value(message, *field, i);
        }
      }
    }
  }
  std::string Take() && {
    if (!full()) return std::move(out_);
    // Never in the middle of a letter.
    size_t end = bytes_max_;
    while (end > 0 && (static_cast<unsigned char>(out_[end]) & 0xC0) == 0x80) --end;
    return out_.substr(0, end) + std::string(kCutMark);
  }

 private:
  bool full() const { return out_.size() > bytes_max_; }
  void Put(std::string_view text) { out_.append(text); }
  void Name(const FieldDescriptor& field) {
    if (!out_.empty() && out_.back() != '{') Put(" ");
    Put(field.name());
    Put(": ");
  }
  void Value(const Message& message, const FieldDescriptor& field, int index) {
    if (IsMessage(field)) {
      const Reflection& reflection = *message.GetReflection();
      Put("{");
      Print(index < 0 ? reflection.GetMessage(message, &field) : reflection.GetRepeatedMessage(message, &field, index));
      return Put("}");
    }
    std::string text;
    TextFormat::PrintFieldValueToString(message, &field, index, &text);
    Put(text);
  }

  const size_t bytes_max_;
  std::string out_;
};

absl::Status AnyRefused() {
  return base::Error(absl::StatusCode::kInvalidArgument, "ANY_REFUSED",
                     {"Không nhận nội dung kiểu Any vì không biết có dữ liệu cá nhân hay không. Hãy gửi kiểu cụ thể.",
                      "A field of type Any is refused: nobody can tell whether it holds personal data. Send a concrete "
                      "message."});
}

absl::Status Walk(const Message& message, const std::string& prefix, const PersonalVisitor& visit) {
  if (IsAny(*message.GetDescriptor())) return AnyRefused();
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string path = prefix.empty() ? field->name() : prefix + "." + field->name();
    if (IsPersonal(*field)) {
      visit(path, message, *field);
    } else if (!IsMessage(*field)) {
      continue;
    } else if (!field->is_repeated()) {
      RETURN_IF_ERROR(Walk(reflection.GetMessage(message, field), path, visit));
    } else {
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        // A map has no order to number its entries by.
        const std::string at = field->is_map() ? path + "[]" : path + "[" + std::to_string(i) + "]";
        RETURN_IF_ERROR(Walk(reflection.GetRepeatedMessage(message, field, i), at, visit));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Clear(Message* message) {
  if (IsAny(*message->GetDescriptor())) return AnyRefused();
  const Reflection& reflection = *message->GetReflection();
  reflection.MutableUnknownFields(message)->Clear();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (IsPersonal(*field)) {
      reflection.ClearField(message, field);
    } else if (!IsMessage(*field)) {
      continue;
    } else if (!field->is_repeated()) {
      RETURN_IF_ERROR(Clear(reflection.MutableMessage(message, field)));
    } else {
      for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
        RETURN_IF_ERROR(Clear(reflection.MutableRepeatedMessage(message, field, i)));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool IsPersonal(const FieldDescriptor& field) { return field.options().GetExtension(dinh::options::v1::personal); }

bool MayHoldPersonal(const Descriptor& type) {
  std::set<const Descriptor*> seen;
  return MayHoldPersonal(type, &seen);
}

std::string RedactedDebugString(const Message& message, size_t bytes_max) {
  Printer printer(bytes_max);
  printer.Print(message);
  return std::move(printer).Take();
}

absl::Status ForEachPersonalField(const Message& message, const PersonalVisitor& visit) {
  return Walk(message, "", visit);
}

absl::Status ClearPersonal(Message* message) {
  absl::Status status = Clear(message);
  if (!status.ok()) message->Clear();
  return status;
}

}  // namespace dinh::auth

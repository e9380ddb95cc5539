#include "services/gateway/transcode/scalars.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway::transcode {
namespace {

Fault FaultOf(NumberResult result, Fault bad) {
  switch (result) {
    case NumberResult::kOk:
      return Fault::kNone;
    case NumberResult::kBad:
      return bad;
    case NumberResult::kOutOfRange:
      return Fault::kOutOfRange;
    case NumberResult::kNotInteger:
      return Fault::kNotInteger;
  }
  return bad;
}

// Each type: Value, Get/GetAt/Set/Append by reflection, IsDefault, Print, and what it reads from. What a type does not
// read from it refuses with kWrongType.
struct Refusing {
  template <typename V>
  static Fault FromNumber(const FieldPlan&, std::string_view, V*) {
    return Fault::kWrongType;
  }
  template <typename V>
  static Fault FromString(const FieldPlan&, std::string_view, V*) {
    return Fault::kWrongType;
  }
  template <typename V>
  static Fault FromBool(bool, V*) {
    return Fault::kWrongType;
  }
};

#define DINH_REFLECTION(Type, Name)                                                                                   \
  using Value = Type;                                                                                                 \
  static Type Get(const Message& m, const FieldPlan& f) { return f.reflection->Get##Name(m, f.descriptor); }          \
  static Type GetAt(const Message& m, const FieldPlan& f, int i) {                                                    \
    return f.reflection->GetRepeated##Name(m, f.descriptor, i);                                                       \
  }                                                                                                                   \
  static void Set(Message* m, const FieldPlan& f, Type v) { f.reflection->Set##Name(m, f.descriptor, std::move(v)); } \
  static void Append(Message* m, const FieldPlan& f, Type v) { f.reflection->Add##Name(m, f.descriptor, std::move(v)); }

template <typename T>
Fault ReadSigned(std::string_view text, T* out, Fault bad) {
  int64_t wide = 0;
  const NumberResult result = ParseInt64(text, &wide);
  if (result != NumberResult::kOk) return FaultOf(result, bad);
  if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max()) return Fault::kOutOfRange;
  *out = static_cast<T>(wide);
  return Fault::kNone;
}

template <typename T>
Fault ReadUnsigned(std::string_view text, T* out, Fault bad) {
  uint64_t wide = 0;
  const NumberResult result = ParseUint64(text, &wide);
  if (result != NumberResult::kOk) return FaultOf(result, bad);
  if (wide > std::numeric_limits<T>::max()) return Fault::kOutOfRange;
  *out = static_cast<T>(wide);
  return Fault::kNone;
}

template <typename V>
struct Integer : Refusing {
  static bool IsDefault(V v) { return v == 0; }
  static Fault Read(std::string_view text, V* out) {
    if constexpr (std::is_signed_v<V>) return ReadSigned(text, out, Fault::kBadFormat);
    if constexpr (std::is_unsigned_v<V>) return ReadUnsigned(text, out, Fault::kBadFormat);
  }
  static Fault FromNumber(const FieldPlan&, std::string_view text, V* out) { return Read(text, out); }
  static Fault FromString(const FieldPlan&, std::string_view text, V* out) { return Read(text, out); }
  static Fault FromText(const FieldPlan&, std::string_view text, V* out) { return Read(text, out); }
};

struct Int32 : Integer<int32_t> {
  DINH_REFLECTION(int32_t, Int32)
  static void Print(JsonOut& out, const FieldPlan&, int32_t v) { AppendInt(v, out.text); }
};
struct UInt32 : Integer<uint32_t> {
  DINH_REFLECTION(uint32_t, UInt32)
  static void Print(JsonOut& out, const FieldPlan&, uint32_t v) { AppendUint(v, out.text); }
};
struct Int64 : Integer<int64_t> {
  DINH_REFLECTION(int64_t, Int64)
  static void Print(JsonOut& out, const FieldPlan&, int64_t v) {
    out.text->push_back('"');
    AppendInt(v, out.text);
    out.text->push_back('"');
  }
};
struct UInt64 : Integer<uint64_t> {
  DINH_REFLECTION(uint64_t, UInt64)
  static void Print(JsonOut& out, const FieldPlan&, uint64_t v) {
    out.text->push_back('"');
    AppendUint(v, out.text);
    out.text->push_back('"');
  }
};

template <typename V>
struct Real : Refusing {
  // By bits: -0 is not the default, as on the wire.
  static bool IsDefault(V v) {
    using Bits = std::conditional_t<sizeof(V) == sizeof(uint64_t), uint64_t, uint32_t>;
    return std::bit_cast<Bits>(v) == 0;
  }
  static Fault FromNumber(const FieldPlan&, std::string_view text, V* out) {
    double wide = 0;
    const NumberResult result = ParseDouble(text, &wide);
    if (result != NumberResult::kOk) return FaultOf(result, Fault::kBadFormat);
    if (std::abs(wide) > static_cast<double>(std::numeric_limits<V>::max())) return Fault::kOutOfRange;
    *out = static_cast<V>(wide);
    return Fault::kNone;
  }
  static Fault FromString(const FieldPlan& f, std::string_view text, V* out) {
    if (text == "NaN") {
      *out = std::numeric_limits<V>::quiet_NaN();
    } else if (text == "Infinity") {
      *out = std::numeric_limits<V>::infinity();
    } else if (text == "-Infinity") {
      *out = -std::numeric_limits<V>::infinity();
    } else {
      return FromNumber(f, text, out);
    }
    return Fault::kNone;
  }
  static Fault FromText(const FieldPlan& f, std::string_view text, V* out) { return FromString(f, text, out); }
};
struct Double : Real<double> {
  DINH_REFLECTION(double, Double)
  static void Print(JsonOut& out, const FieldPlan&, double v) { AppendDouble(v, out.text); }
};
struct Float : Real<float> {
  DINH_REFLECTION(float, Float)
  static void Print(JsonOut& out, const FieldPlan&, float v) { AppendFloat(v, out.text); }
};

struct Bool : Refusing {
  DINH_REFLECTION(bool, Bool)
  static bool IsDefault(bool v) { return !v; }
  static void Print(JsonOut& out, const FieldPlan&, bool v) { out.text->append(v ? "true" : "false"); }
  static Fault FromBool(bool value, bool* out) {
    *out = value;
    return Fault::kNone;
  }
  static Fault FromText(const FieldPlan&, std::string_view text, bool* out) {
    if (text != "true" && text != "false") return Fault::kBadFormat;
    *out = text == "true";
    return Fault::kNone;
  }
};

struct Enum : Refusing {
  DINH_REFLECTION(int, EnumValue)
  static bool IsDefault(int v) { return v == 0; }
  static void Print(JsonOut& out, const FieldPlan& f, int v) {
    if (f.enums->is_null_value) {
      out.text->append("null");
      return;
    }
    const auto& table = f.enums->by_number;
    const auto found =
        std::lower_bound(table.begin(), table.end(), v, [](const auto& a, int b) { return a.first < b; });
    if (found != table.end() && found->first == v) {
      out.text->append(found->second);
    } else {
      AppendInt(v, out.text);
    }
  }
  static Fault FromNumber(const FieldPlan& f, std::string_view text, int* out) {
    const Fault fault = ReadSigned(text, out, Fault::kBadFormat);
    // Any other number would print as null, and null is 0.
    return fault == Fault::kNone && f.enums->is_null_value && *out != 0 ? Fault::kUnknownEnum : fault;
  }
  static Fault FromString(const FieldPlan& f, std::string_view text, int* out) {
    const int index = f.enums->by_name.Find(text);
    if (index == NameTable::kAbsent) return Fault::kUnknownEnum;
    *out = f.enums->values[static_cast<size_t>(index)];
    return Fault::kNone;
  }
  static Fault FromText(const FieldPlan& f, std::string_view text, int* out) {
    const bool number = !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
    return number ? FromNumber(f, text, out) : FromString(f, text, out);
  }
};

struct Text : Refusing {
  using Value = std::string_view;
  static void Set(Message* m, const FieldPlan& f, std::string v) {
    f.reflection->SetString(m, f.descriptor, std::move(v));
  }
  static void Append(Message* m, const FieldPlan& f, std::string v) {
    f.reflection->AddString(m, f.descriptor, std::move(v));
  }
};
struct String : Text {
  static void Print(JsonOut& out, const FieldPlan&, std::string_view v) { AppendQuoted(v, out.text); }
  static Fault FromString(const FieldPlan&, std::string_view text, std::string* out) {
    out->assign(text);
    return Fault::kNone;
  }
  static Fault FromText(const FieldPlan& f, std::string_view text, std::string* out) {
    return FromString(f, text, out);
  }
};
struct Bytes : Text {
  static void Print(JsonOut& out, const FieldPlan&, std::string_view v) {
    out.text->push_back('"');
    AppendBase64(v, out.text);
    out.text->push_back('"');
  }
  static Fault FromString(const FieldPlan&, std::string_view text, std::string* out) {
    return ParseBase64(text, out) ? Fault::kNone : Fault::kBadFormat;
  }
  static Fault FromText(const FieldPlan& f, std::string_view text, std::string* out) {
    return FromString(f, text, out);
  }
};
#undef DINH_REFLECTION

template <typename T>
constexpr bool kIsText = std::is_base_of_v<Text, T>;

// Calls `use` with the value; strings without a copy.
template <typename T, typename Use>
void WithValue(const Message& m, const FieldPlan& f, const Use& use) {
  if constexpr (kIsText<T>) {
    std::string scratch;
    use(std::string_view(f.reflection->GetStringReference(m, f.descriptor, &scratch)));
  } else {
    use(T::Get(m, f));
  }
}

template <typename T>
void PrintField(JsonOut& out, const Message& m, const FieldPlan& f) {
  if (f.presence && !f.reflection->HasField(m, f.descriptor)) return;
  WithValue<T>(m, f, [&](auto value) {
    if (!f.presence) {
      if constexpr (kIsText<T>) {
        if (value.empty()) return;
      } else {
        if (T::IsDefault(value)) return;
      }
    }
    out.Key(f);
    T::Print(out, f, value);
  });
}

template <typename T>
void PrintValue(JsonOut& out, const Message& m, const FieldPlan& f) {
  WithValue<T>(m, f, [&](auto value) { T::Print(out, f, value); });
}

template <typename T>
void PrintList(JsonOut& out, const Message& m, const FieldPlan& f) {
  const int size = f.reflection->FieldSize(m, f.descriptor);
  std::string scratch;
  out.text->push_back('[');
  for (int i = 0; i < size; ++i) {
    if (i > 0) out.text->push_back(',');
    if constexpr (kIsText<T>) {
      T::Print(out, f, f.reflection->GetRepeatedStringReference(m, f.descriptor, i, &scratch));
    } else {
      T::Print(out, f, T::GetAt(m, f, i));
    }
  }
  out.text->push_back(']');
}

template <typename T, typename Read>
Fault Store(Message* m, const FieldPlan& f, bool add, const Read& read) {
  std::conditional_t<kIsText<T>, std::string, typename T::Value> value{};
  const Fault fault = read(&value);
  if (fault != Fault::kNone) return fault;
  if (add) {
    T::Append(m, f, std::move(value));
  } else {
    T::Set(m, f, std::move(value));
  }
  return Fault::kNone;
}

template <typename T>
Fault SetNumber(Message* m, const FieldPlan& f, bool add, std::string_view text) {
  return Store<T>(m, f, add, [&](auto* out) { return T::FromNumber(f, text, out); });
}
template <typename T>
Fault SetString(Message* m, const FieldPlan& f, bool add, std::string_view text) {
  return Store<T>(m, f, add, [&](auto* out) { return T::FromString(f, text, out); });
}
template <typename T>
Fault SetBool(Message* m, const FieldPlan& f, bool add, bool value) {
  return Store<T>(m, f, add, [&](auto* out) { return T::FromBool(value, out); });
}
template <typename T>
Fault SetText(Message* m, const FieldPlan& f, bool add, std::string_view text) {
  return Store<T>(m, f, add, [&](auto* out) { return T::FromText(f, text, out); });
}

template <typename T>
constexpr ScalarOps kOps = {PrintField<T>, PrintValue<T>, PrintList<T>, SetNumber<T>,
                            SetString<T>,  SetBool<T>,    SetText<T>};

base::Text Range(std::string_view low, std::string_view high) {
  return {"cần một số nguyên từ " + std::string(low) + " đến " + std::string(high) + ".",
          "an integer from " + std::string(low) + " to " + std::string(high) + " is needed."};
}

}  // namespace

const ScalarOps* OpsOf(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return &kOps<Int32>;
    case FieldDescriptor::CPPTYPE_INT64:
      return &kOps<Int64>;
    case FieldDescriptor::CPPTYPE_UINT32:
      return &kOps<UInt32>;
    case FieldDescriptor::CPPTYPE_UINT64:
      return &kOps<UInt64>;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return &kOps<Double>;
    case FieldDescriptor::CPPTYPE_FLOAT:
      return &kOps<Float>;
    case FieldDescriptor::CPPTYPE_BOOL:
      return &kOps<Bool>;
    case FieldDescriptor::CPPTYPE_ENUM:
      return &kOps<Enum>;
    case FieldDescriptor::CPPTYPE_STRING:
      return field.type() == FieldDescriptor::TYPE_BYTES ? &kOps<Bytes> : &kOps<String>;
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return nullptr;
  }
  return nullptr;
}

base::Text Expectation(const FieldPlan& field, Fault fault) {
  switch (field.descriptor->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return Range("-2147483648", "2147483647");
    case FieldDescriptor::CPPTYPE_INT64:
      return Range("-9223372036854775808", "9223372036854775807");
    case FieldDescriptor::CPPTYPE_UINT32:
      return Range("0", "4294967295");
    case FieldDescriptor::CPPTYPE_UINT64:
      return Range("0", "18446744073709551615");
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      if (fault == Fault::kOutOfRange) return {"số quá lớn.", "the number is too large."};
      return {"cần một số.", "a number is needed."};
    case FieldDescriptor::CPPTYPE_BOOL:
      return {"cần true hoặc false.", "true or false is needed."};
    case FieldDescriptor::CPPTYPE_ENUM: {
      base::Text text{"cần một trong các giá trị: ", "one of these values is needed: "};
      constexpr size_t kShown = 12;
      const auto& names = field.enums->by_number;
      for (size_t i = 0; i < names.size() && i < kShown; ++i) {
        const std::string name = (i > 0 ? ", " : "") + names[i].second.substr(1, names[i].second.size() - 2);
        text.vi += name;
        text.en += name;
      }
      const std::string end = names.size() > kShown ? ", …" : ".";
      return {text.vi + end, text.en + end};
    }
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.descriptor->type() == FieldDescriptor::TYPE_BYTES) {
        return {"cần một chuỗi base64.", "a base64 string is needed."};
      }
      return {"cần một chuỗi ký tự trong dấu ngoặc kép.", "a string in quotes is needed."};
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return {"cần một đối tượng JSON {…}.", "a JSON object {…} is needed."};
}

}  // namespace dinh::gateway::transcode

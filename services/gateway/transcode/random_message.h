// Seeded random messages of any type, for the tests of the transcoder.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "google/protobuf/any.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/wrappers.pb.h"

namespace dinh::gateway::transcode {

class RandomMessage {
 public:
  // `negative_zero`: json_util prints -0 but reads it as 0.
  explicit RandomMessage(uint64_t seed, bool negative_zero = true) : engine_(seed), negative_zero_(negative_zero) {}

  // Over the wire and back, so that a map's key that came twice stands once.
  void Make(google::protobuf::Message* message, int depth = 3) {
    Fill(message, depth);
    message->ParseFromString(message->SerializeAsString());
  }

  void Fill(google::protobuf::Message* message, int depth = 3) {
    namespace pb = google::protobuf;
    if (auto* time = dynamic_cast<pb::Timestamp*>(message)) {
      time->set_seconds(Between(-62'135'596'800, 253'402'300'799));
      return time->set_nanos(Nanos());
    }
    if (auto* span = dynamic_cast<pb::Duration*>(message)) {
      const int sign = OneIn(2) ? 1 : -1;
      span->set_seconds(sign * Between(0, OneIn(2) ? 100 : 315'576'000'000));
      return span->set_nanos(sign * Nanos());
    }
    if (auto* mask = dynamic_cast<pb::FieldMask*>(message)) {
      for (int64_t n = Between(0, 3); n > 0; --n) mask->add_paths(OneIn(2) ? "full_name" : "filer.birth_date.x2");
      return;
    }
    if (auto* value = dynamic_cast<pb::Value*>(message)) return FillValue(value, depth);
    if (auto* any = dynamic_cast<pb::Any*>(message)) return FillAny(any);
    if (auto* object = dynamic_cast<pb::Struct*>(message)) {
      for (int64_t n = Between(0, 3); n > 0; --n) FillValue(&(*object->mutable_fields())[Text()], depth - 1);
      return;
    }
    for (int i = 0; i < message->GetDescriptor()->field_count(); ++i) {
      if (OneIn(2)) FillField(message, message->GetDescriptor()->field(i), depth);
    }
  }

  int64_t Between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine_); }
  bool OneIn(int n) { return Between(1, n) == 1; }
  std::string Text() {
    std::string text;
    for (int64_t n = Between(0, 12); n > 0; --n) AppendCodePoint(CodePoint(), &text);
    return text;
  }

  static void AppendCodePoint(uint32_t c, std::string* out) {
    const auto trail = [&](int shift) { out->push_back(static_cast<char>(0x80 | (c >> shift & 63))); };
    if (c < 0x80) {
      out->push_back(static_cast<char>(c));
    } else if (c < 0x800) {
      out->push_back(static_cast<char>(0xC0 | c >> 6));
      trail(0);
    } else if (c < 0x10000) {
      out->push_back(static_cast<char>(0xE0 | c >> 12));
      trail(6);
      trail(0);
    } else {
      out->push_back(static_cast<char>(0xF0 | c >> 18));
      trail(12);
      trail(6);
      trail(0);
    }
  }

 private:
  int32_t Nanos() {
    static constexpr int32_t kUnits[] = {0, 1'000'000, 1'000, 1};
    const int32_t unit = kUnits[Between(0, 3)];
    return unit == 0 ? 0 : static_cast<int32_t>(Between(1, 999'999'999 / unit)) * unit;
  }

  uint32_t CodePoint() {
    switch (Between(0, 5)) {
      case 0:
        return static_cast<uint32_t>(Between(0, 0x9F));
      case 1:
        return static_cast<uint32_t>(Between(0xA0, 0x7FF));
      case 2:
        return static_cast<uint32_t>(Between(0x1EA0, 0x1EF9));  // Vietnamese letters
      case 3:
        return static_cast<uint32_t>(Between(0xE000, 0xFFFF));
      case 4:
        return static_cast<uint32_t>(Between(0x10000, 0x10FFFF));
      default:
        return static_cast<uint32_t>(Between('a', 'z'));
    }
  }

  template <typename T>
  T Integer() {
    switch (Between(0, 3)) {
      case 0:
        return std::numeric_limits<T>::min();
      case 1:
        return std::numeric_limits<T>::max();
      case 2:
        return static_cast<T>(Between(0, 100));
      default:
        return static_cast<T>(engine_());
    }
  }

  double Real() {
    switch (Between(0, 5)) {
      case 0:
        return static_cast<double>(Between(-1'000'000, 1'000'000)) / 1000;
      case 1:
        return std::numeric_limits<double>::quiet_NaN();
      case 2:
        return OneIn(2) ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
      case 3:
        return std::ldexp(static_cast<double>(Between(1, 1LL << 53)), static_cast<int>(Between(-1070, 900)));
      case 4:
        return negative_zero_ ? -0.0 : 0.5;
      default:
        return static_cast<double>(Integer<int64_t>());
    }
  }

  void FillValue(google::protobuf::Value* value, int depth) {
    switch (Between(0, depth > 0 ? 5 : 3)) {
      case 0:
        return value->set_null_value(google::protobuf::NULL_VALUE);
      case 1:
        return value->set_number_value(static_cast<double>(Between(-1'000'000, 1'000'000)) / 64);
      case 2:
        return value->set_string_value(Text());
      case 3:
        return value->set_bool_value(OneIn(2));
      case 4: {
        auto& fields = *value->mutable_struct_value()->mutable_fields();
        for (int64_t n = Between(0, 3); n > 0; --n) FillValue(&fields[Text()], depth - 1);
        return;
      }
      default: {
        auto* list = value->mutable_list_value();
        for (int64_t n = Between(0, 3); n > 0; --n) FillValue(list->add_values(), depth - 1);
      }
    }
  }

  void FillAny(google::protobuf::Any* any) {
    if (OneIn(2)) {
      google::protobuf::StringValue text;
      text.set_value(Text());
      any->PackFrom(text);
    } else {
      google::protobuf::Duration span;
      Fill(&span);
      any->PackFrom(span);
    }
  }

  void FillField(google::protobuf::Message* message, const google::protobuf::FieldDescriptor* field, int depth) {
    if (field->message_type() != nullptr && !field->is_map() && depth <= 0) return;
    if (field->is_map()) return FillMap(message, field, depth);
    for (int64_t n = field->is_repeated() ? Between(0, 3) : 1; n > 0; --n) FillOne(message, field, depth);
  }

  void FillMap(google::protobuf::Message* message, const google::protobuf::FieldDescriptor* field, int depth) {
    auto* reflection = message->GetReflection();
    for (int64_t n = Between(0, 3); n > 0; --n) {
      auto* entry = reflection->AddMessage(message, field);
      FillOne(entry, field->message_type()->map_key(), depth);
      FillOne(entry, field->message_type()->map_value(), depth - 1);
    }
  }

  void FillOne(google::protobuf::Message* m, const google::protobuf::FieldDescriptor* f, int depth) {
    using F = google::protobuf::FieldDescriptor;
    const auto& r = *m->GetReflection();
    const bool add = f->is_repeated();
    switch (f->cpp_type()) {
      case F::CPPTYPE_INT32:
        return add ? r.AddInt32(m, f, Integer<int32_t>()) : r.SetInt32(m, f, Integer<int32_t>());
      case F::CPPTYPE_INT64:
        return add ? r.AddInt64(m, f, Integer<int64_t>()) : r.SetInt64(m, f, Integer<int64_t>());
      case F::CPPTYPE_UINT32:
        return add ? r.AddUInt32(m, f, Integer<uint32_t>()) : r.SetUInt32(m, f, Integer<uint32_t>());
      case F::CPPTYPE_UINT64:
        return add ? r.AddUInt64(m, f, Integer<uint64_t>()) : r.SetUInt64(m, f, Integer<uint64_t>());
      case F::CPPTYPE_DOUBLE:
        return add ? r.AddDouble(m, f, Real()) : r.SetDouble(m, f, Real());
      case F::CPPTYPE_FLOAT: {
        const auto value = static_cast<float>(
            std::ldexp(static_cast<double>(Between(-(1 << 24), 1 << 24)), static_cast<int>(Between(-120, 100))));
        return add ? r.AddFloat(m, f, value) : r.SetFloat(m, f, value);
      }
      case F::CPPTYPE_BOOL:
        return add ? r.AddBool(m, f, OneIn(2)) : r.SetBool(m, f, OneIn(2));
      case F::CPPTYPE_ENUM: {
        // NullValue has one value; other enums are open: a number without a name is told as a number.
        const bool null = f->enum_type()->full_name() == "google.protobuf.NullValue";
        const int value = null ? 0 : OneIn(5) ? 77 : f->enum_type()->value(static_cast<int>(Between(0, 2)))->number();
        return add ? r.AddEnumValue(m, f, value) : r.SetEnumValue(m, f, value);
      }
      case F::CPPTYPE_STRING:
        return add ? r.AddString(m, f, Text()) : r.SetString(m, f, Text());
      case F::CPPTYPE_MESSAGE:
        return Fill(add ? r.AddMessage(m, f) : r.MutableMessage(m, f), depth - 1);
    }
  }

  std::mt19937_64 engine_;
  const bool negative_zero_;
};

}  // namespace dinh::gateway::transcode

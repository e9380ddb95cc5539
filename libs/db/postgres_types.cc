#include "libs/db/postgres_types.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

#include "libs/base/status.h"

namespace dinh::db {
namespace {

// pg_type's fixed numbers.
constexpr Oid kBool = 16, kBytea = 17, kName = 19, kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kFloat4 = 700,
              kFloat8 = 701, kUnknown = 705, kBpchar = 1042, kVarchar = 1043, kVoid = 2278;

bool IsText(Oid type) {
  return type == kText || type == kVarchar || type == kBpchar || type == kName || type == kUnknown;
}

size_t IntegerBytes(Oid type) {
  switch (type) {
    case kInt8:
      return 8;
    case kInt4:
      return 4;
    case kInt2:
      return 2;
    default:
      return 0;
  }
}

int64_t ReadInteger(std::string_view raw) {
  uint64_t value = !raw.empty() && (static_cast<unsigned char>(raw[0]) & 0x80) != 0 ? ~uint64_t{0} : 0;
  for (const char c : raw) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<int64_t>(value);
}

double ReadReal(std::string_view raw) {
  if (raw.size() == 4) return std::bit_cast<float>(static_cast<uint32_t>(ReadInteger(raw)));
  return std::bit_cast<double>(ReadInteger(raw));
}

std::string PrintReal(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

absl::Status DoesNotFit(size_t index, Oid type) {
  return base::Internal("parameter $" + std::to_string(index + 1) + " does not fit its type (" + std::to_string(type) +
                        ")");
}

absl::Status TextHasNul() {
  return base::Error(absl::StatusCode::kInvalidArgument, "TEXT_HAS_NUL",
                     {"Nội dung có ký tự không hợp lệ (NUL). Hãy bỏ ký tự đó rồi gửi lại.",
                      "A text holds a NUL character. Remove it and send again."});
}

}  // namespace

void PostgresParams::SetBytes(size_t index, std::string_view bytes, bool binary) {
  // A null pointer would be NULL where an empty value is meant.
  values_[index] = bytes.data() == nullptr ? "" : bytes.data();
  lengths_[index] = static_cast<int>(bytes.size());
  formats_[index] = binary ? 1 : 0;
}

void PostgresParams::SetInteger(size_t index, int64_t value, size_t bytes) {
  auto bits = static_cast<uint64_t>(value);
  for (size_t i = bytes; i > 0; --i, bits >>= 8) numbers_[index][i - 1] = static_cast<char>(bits & 0xff);
  SetBytes(index, {numbers_[index].data(), bytes}, true);
}

absl::Status PostgresParams::Encode(const std::vector<Oid>& types, const Param* params, size_t count) {
  values_.assign(count, nullptr);
  lengths_.assign(count, 0);
  formats_.assign(count, 1);
  numbers_.resize(std::max(numbers_.size(), count));
  texts_.resize(std::max(texts_.size(), count));
  for (size_t i = 0; i < count; ++i) RETURN_IF_ERROR(EncodeOne(i, types[i], params[i].value()));
  return absl::OkStatus();
}

absl::Status PostgresParams::EncodeOne(size_t index, Oid type, const Param::Value& value) {
  if (std::holds_alternative<Null>(value)) return absl::OkStatus();
  if (const auto* blob = std::get_if<BlobView>(&value)) {
    if (type != kBytea && !IsText(type)) return DoesNotFit(index, type);
    SetBytes(index, blob->bytes, true);
    return absl::OkStatus();
  }
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (type == kBytea) {
      SetBytes(index, *text, true);
      return absl::OkStatus();
    }
    if (text->find('\0') != std::string_view::npos) return TextHasNul();
    if (IsText(type)) {
      SetBytes(index, *text, true);
    } else {
      SetBytes(index, texts_[index] = std::string(*text), false);  // the server reads it
    }
    return absl::OkStatus();
  }
  if (const auto* real = std::get_if<double>(&value)) {
    if (type == kFloat8) {
      SetInteger(index, std::bit_cast<int64_t>(*real), 8);
    } else {
      SetBytes(index, texts_[index] = PrintReal(*real), false);
    }
    return absl::OkStatus();
  }
  const int64_t number = std::get<int64_t>(value);
  if (const size_t bytes = IntegerBytes(type); bytes > 0) {
    const int64_t max = std::numeric_limits<int64_t>::max() >> (64 - 8 * bytes);
    if (number > max || number < -max - 1) return DoesNotFit(index, type);
    SetInteger(index, number, bytes);
  } else if (type == kFloat8) {
    SetInteger(index, std::bit_cast<int64_t>(static_cast<double>(number)), 8);
  } else if (type == kBytea) {
    return DoesNotFit(index, type);
  } else {
    SetBytes(index, texts_[index] = std::to_string(number), false);
  }
  return absl::OkStatus();
}

absl::Status CheckColumns(const std::vector<Oid>& types) {
  for (size_t i = 0; i < types.size(); ++i) {
    const Oid type = types[i];
    if (IsText(type) || IntegerBytes(type) > 0 || type == kBytea || type == kBool || type == kFloat8 ||
        type == kFloat4 || type == kVoid) {
      continue;
    }
    return base::Internal("column " + std::to_string(i + 1) + " has a type (" + std::to_string(type) +
                          ") that rows do not hold: CAST it");
  }
  return absl::OkStatus();
}

int64_t PostgresRow::Int(int column) const {
  if (IsNull(column)) return 0;
  const std::string_view raw = Raw(column);
  const Oid type = types_[static_cast<size_t>(column)];
  if (IntegerBytes(type) > 0) return ReadInteger(raw);
  if (type == kBool) return raw == std::string_view("\1", 1) ? 1 : 0;
  if (type == kFloat8 || type == kFloat4) return static_cast<int64_t>(ReadReal(raw));
  int64_t number = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), number);
  return number;
}

double PostgresRow::Double(int column) const {
  if (IsNull(column)) return 0;
  const std::string_view raw = Raw(column);
  const Oid type = types_[static_cast<size_t>(column)];
  if (type == kFloat8 || type == kFloat4) return ReadReal(raw);
  if (IntegerBytes(type) > 0 || type == kBool) return static_cast<double>(Int(column));
  double number = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), number);
  return number;
}

std::string_view PostgresRow::TextView(int column) const {
  if (IsNull(column)) return {};
  const Oid type = types_[static_cast<size_t>(column)];
  if (IsText(type) || type == kBytea) return Raw(column);
  printed_.resize(types_.size());
  std::string& text = printed_[static_cast<size_t>(column)];
  text = type == kFloat8 || type == kFloat4 ? PrintReal(Double(column)) : std::to_string(Int(column));
  return text;
}

}  // namespace dinh::db

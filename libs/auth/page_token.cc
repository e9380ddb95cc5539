#include "libs/auth/page_token.h"

#include <memory>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace dinh::auth {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr char kFormat = 1;
constexpr size_t kHeadBytes = 1 + kKeyIdBytes;
constexpr size_t kMacBytes = 16;
constexpr std::string_view kTokenField = "page_token";
// Not part of the filter: a client may change the size of its pages from one to the next.
constexpr std::string_view kOtherFields[] = {"page_size", "request_id"};

absl::Status Mismatch() {
  return base::InvalidField(std::string(kTokenField),
                            {"mã trang không thuộc danh sách này. Hãy tải lại danh sách từ trang đầu.",
                             "this token does not belong to this list. Start again from the first page."},
                            "PAGE_TOKEN_MISMATCH");
}

void PutField(std::string* out, std::string_view field) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(field.size() >> shift & 255));
  out->append(field);
}

const FieldDescriptor* TokenField(const Message& request) {
  const FieldDescriptor* field = request.GetDescriptor()->FindFieldByName(std::string(kTokenField));
  return field != nullptr && field->type() == FieldDescriptor::TYPE_STRING && !field->is_repeated() ? field : nullptr;
}

std::string FilterHash(const Message& request) {
  const std::unique_ptr<Message> filter(request.New());
  filter->CopyFrom(request);
  filter->GetReflection()->MutableUnknownFields(filter.get())->Clear();
  const auto clear = [&](std::string_view name) {
    const FieldDescriptor* field = filter->GetDescriptor()->FindFieldByName(std::string(name));
    if (field != nullptr) filter->GetReflection()->ClearField(filter.get(), field);
  };
  clear(kTokenField);
  for (const std::string_view name : kOtherFields) clear(name);
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);  // maps in one order
    filter->SerializeToCodedStream(&out);
  }
  return base::Sha256(bytes);
}

std::string Mac(const Key& key, std::string_view head_and_cursor, const Principal& principal, const Message& request) {
  std::string message;
  PutField(&message, head_and_cursor);
  PutField(&message, request.GetDescriptor()->full_name());
  PutField(&message, FilterHash(request));
  PutField(&message, std::to_string(static_cast<int>(principal.kind)));
  PutField(&message, principal.id);
  PutField(&message, principal.person);
  return base::HmacSha256(key.secret.view(), message).substr(0, kMacBytes);
}

}  // namespace

absl::StatusOr<int32_t> PageTokens::PageSize(int32_t requested, int32_t by_default, int32_t at_most) const {
  if (requested < 0) {
    return base::InvalidField("page_size", {"không được âm. Hãy bỏ trống hoặc gửi số từ 1 trở lên.",
                                            "must not be negative. Leave it out or send 1 or more."});
  }
  if (requested == 0) return by_default;
  return requested < at_most ? requested : at_most;
}

absl::StatusOr<std::string> PageTokens::Open(const Principal& principal, const Message& request) const {
  const FieldDescriptor* field = TokenField(request);
  if (field == nullptr) return base::Internal("request without page_token: " + request.GetDescriptor()->full_name());
  const std::string token = request.GetReflection()->GetString(request, field);
  if (token.empty()) return std::string();
  std::string bytes;
  if (token.size() > base::kPageTokenBytesMax || !base::Base64UrlDecode(token, &bytes) ||
      bytes.size() < kHeadBytes + kMacBytes || bytes[0] != kFormat) {
    return Mismatch();
  }
  const std::string_view all = bytes;
  const std::shared_ptr<const Key> key = keys_.Find(KeyPurpose::kPageToken, all.substr(1, kKeyIdBytes));
  if (key == nullptr) return Mismatch();
  const std::string_view signed_part = all.substr(0, all.size() - kMacBytes);
  if (!base::ConstantTimeEqual(all.substr(all.size() - kMacBytes), Mac(*key, signed_part, principal, request))) {
    return Mismatch();
  }
  return std::string(signed_part.substr(kHeadBytes));
}

std::string PageTokens::Seal(const Principal& principal, const Message& request, std::string_view last_key) const {
  const std::shared_ptr<const Key> key = keys_.Current(KeyPurpose::kPageToken);
  std::string bytes(1, kFormat);
  bytes.append(key->id_bytes).append(last_key);
  bytes.append(Mac(*key, bytes, principal, request));
  return base::Base64UrlEncode(bytes);
}

std::string JoinKey(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out.append(std::to_string(part.size())).append(":").append(part);
  return out;
}

absl::StatusOr<std::vector<std::string>> SplitKey(std::string_view key, size_t parts) {
  std::vector<std::string> out;
  while (!key.empty()) {
    size_t size = 0;
    size_t digits = 0;
    while (digits < key.size() && digits < 4 && key[digits] >= '0' && key[digits] <= '9') {
      size = size * 10 + static_cast<size_t>(key[digits++] - '0');
    }
    if (digits == 0 || digits >= key.size() || key[digits] != ':' || size > key.size() - digits - 1) return Mismatch();
    out.emplace_back(key.substr(digits + 1, size));
    key.remove_prefix(digits + 1 + size);
  }
  if (out.size() != parts) return Mismatch();
  return out;
}

}  // namespace dinh::auth

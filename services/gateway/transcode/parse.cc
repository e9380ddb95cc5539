// JSON -> protobuf: the ways in.
#include <string>

#include "libs/base/status.h"
#include "rapidjson/reader.h"
#include "services/gateway/transcode/json_handler.h"
#include "services/gateway/transcode/scalars.h"
#include "services/gateway/transcode/text_forms.h"
#include "services/gateway/transcode/transcoder.h"
#include "services/gateway/transcode/well_known.h"

namespace dinh::gateway::transcode {
namespace {

absl::Status Malformed(size_t offset) {
  const std::string at = std::to_string(offset);
  return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_JSON",
                     {"Nội dung gửi lên không phải JSON hợp lệ (sai từ byte thứ " + at + "). Hãy sửa rồi gửi lại.",
                      "The body is not valid JSON (wrong from byte " + at + " on). Correct it and send it again."},
                     {{"offset", at}});
}

absl::Status Run(std::string_view json, Handler* handler, std::string* buffer) {
  constexpr unsigned kFlags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::InsituStringStream stream(buffer->data());
  rapidjson::GenericReader<rapidjson::UTF8<>, rapidjson::UTF8<>> reader(nullptr, 0);
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, *handler);
  if (result.IsError()) {
    if (!handler->status().ok()) return handler->status();
    if (result.Code() == rapidjson::kParseErrorNumberTooBig) {
      const std::string path = handler->Path();
      return base::InvalidField(path.empty() ? "body" : path, {"số quá lớn.", "the number is too large."}, "BAD_VALUE");
    }
    return Malformed(result.Offset());
  }
  // A zero byte ends rapidjson's input; here it must be the terminator.
  if (stream.Tell() != json.size()) return Malformed(stream.Tell());
  return absl::OkStatus();
}

absl::Status ParseWith(Handler* handler, std::string_view json) {
  if (!IsUtf8(json)) {
    return base::Error(absl::StatusCode::kInvalidArgument, "MALFORMED_JSON",
                       {"Nội dung gửi lên không phải UTF-8. Hãy mã hóa lại bằng UTF-8 rồi gửi lại.",
                        "The body is not UTF-8. Encode it as UTF-8 and send it again."});
  }
  std::string buffer(json);
  return Run(json, handler, &buffer);
}

bool HasUnicodeEscape(std::string_view json) { return json.find("\\u") != std::string_view::npos; }

}  // namespace

absl::Status Transcoder::Parse(const MessagePlan& plan, std::string_view json, Message* out) const {
  Handler handler(*this, HasUnicodeEscape(json));
  handler.StartRoot(plan, out);
  return ParseWith(&handler, json);
}

absl::Status Transcoder::ParseField(const FieldPlan& field, std::string_view json, Message* out) const {
  Handler handler(*this, HasUnicodeEscape(json));
  handler.StartRootField(field, out);
  return ParseWith(&handler, json);
}

absl::Status SetFromText(const FieldPlan& field, std::string_view text, std::string_view path, Message* message) {
  const bool add = field.repeated;
  if (!IsUtf8(text)) {
    return base::InvalidField(path, {"không phải UTF-8.", "it is not UTF-8."}, "BAD_VALUE");
  }
  const FieldPlan* scalar = &field;
  bool append = add;
  Message* holder = message;
  if (field.message != nullptr) {
    holder = add ? field.reflection->AddMessage(message, field.descriptor)
                 : field.reflection->MutableMessage(message, field.descriptor);
    append = false;
    if (field.message->well_known != WellKnown::kWrapper) {
      if (SetWellKnownText(*field.message, text, holder)) return absl::OkStatus();
      return base::InvalidField(path, WellKnownExpectation(*field.message), "BAD_VALUE");
    }
    scalar = &field.message->fields[0];
  }
  const Fault fault = scalar->ops->set_text(holder, *scalar, append, text);
  if (fault == Fault::kNone) return absl::OkStatus();
  return base::InvalidField(path, Expectation(*scalar, fault), "BAD_VALUE");
}

}  // namespace dinh::gateway::transcode

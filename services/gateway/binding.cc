#include "services/gateway/binding.h"

#include "dinh/options/v1/common.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/url.h"

namespace dinh::gateway {
namespace {

using transcode::FieldPlan;
using transcode::MessagePlan;

constexpr size_t kMaxNameInError = 64;
constexpr std::string_view kSignedHeaderPrefix = "x-dinh-";

absl::Status UnknownParameter(std::string_view name) {
  std::string shown(name.substr(0, kMaxNameInError));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  return base::InvalidField(shown,
                            {"không có tham số này; hãy kiểm tra lại tên hoặc bỏ đi.",
                             "there is no such parameter; check its name or leave it out."},
                            "UNKNOWN_FIELD");
}

// The message that holds the leaf of `fields`.
Message* Descend(const std::vector<const FieldPlan*>& fields, Message* message) {
  for (size_t i = 0; i + 1 < fields.size(); ++i) {
    message = fields[i]->reflection->MutableMessage(message, fields[i]->descriptor);
  }
  return message;
}

// RFC 6570 reserved characters stay as they are, so that "a%2Fb/c" keeps its three parts apart.
absl::StatusOr<std::string> DecodeUnreserved(std::string_view text) {
  constexpr std::string_view kReserved = ":/?#[]@!$&'()*+,;=%";
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    ASSIGN_OR_RETURN(const std::string one, http::PercentDecode(text.substr(i, 3)));
    out += kReserved.find(one[0]) == std::string_view::npos ? std::string_view(one) : text.substr(i, 3);
    i += 2;
  }
  return out;
}

absl::StatusOr<std::string> VariableText(const Route::Variable& variable, const transcode::PathSegments& segments) {
  if (!variable.multi) return http::PercentDecode(segments.at[variable.first]);
  const size_t end = variable.count == 0 ? segments.count : variable.first + variable.count;
  std::string text;
  for (size_t i = variable.first; i < end; ++i) {
    if (i > variable.first) text.push_back('/');
    ASSIGN_OR_RETURN(const std::string part, DecodeUnreserved(segments.at[i]));
    text += part;
  }
  return text;
}

// A body that names another resource than the path does is a mistake to tell, not to hide.
absl::Status CheckAgreement(const Route::Variable& variable, const std::string& text, const Message& holder) {
  const FieldPlan& leaf = *variable.fields.back();
  if (leaf.descriptor->type() != FieldDescriptor::TYPE_STRING) return absl::OkStatus();
  const std::string said = leaf.reflection->GetString(holder, leaf.descriptor);
  if (said.empty() || said == text) return absl::OkStatus();
  return base::InvalidField(
      variable.path, {"khác với giá trị trong đường dẫn.", "it differs from the value in the path."}, "PATH_MISMATCH");
}

absl::Status BindPath(const Route& route, const transcode::PathSegments& segments, Message* request) {
  for (const Route::Variable& variable : route.variables) {
    const absl::StatusOr<std::string> text = VariableText(variable, segments);
    if (!text.ok()) {
      return base::InvalidField(variable.path, {"đường dẫn mã hóa phần trăm sai.", "its percent-encoding is wrong."},
                                "BAD_VALUE");
    }
    Message* holder = Descend(variable.fields, request);
    RETURN_IF_ERROR(CheckAgreement(variable, *text, *holder));
    RETURN_IF_ERROR(transcode::SetFromText(*variable.fields.back(), *text, variable.path, holder));
  }
  return absl::OkStatus();
}

bool IsPathVariable(const Route& route, std::string_view name) {
  for (const Route::Variable& variable : route.variables) {
    if (variable.path == name) return true;
  }
  return false;
}

absl::Status BindQuery(const Route& route, std::string_view query, Message* request) {
  if (query.empty()) return absl::OkStatus();
  absl::StatusOr<http::Parameters> parameters = http::ParseQuery(query);
  if (!parameters.ok()) {
    return base::InvalidField("query", {"chuỗi truy vấn mã hóa sai.", "the query string is not encoded correctly."},
                              "BAD_VALUE");
  }
  if (route.endpoint->kind == Endpoint::Kind::kUpload && !parameters->empty()) {
    return UnknownParameter(parameters->front().first);
  }
  SeenFields seen;
  for (const auto& [name, value] : *parameters) {
    const bool taken = route.body == Route::Body::kAll || IsPathVariable(route, name) ||
                       (route.body_field != nullptr && name.substr(0, name.find('.')) == route.body_field->name);
    if (taken) return UnknownParameter(name);
    RETURN_IF_ERROR(BindParameter(*route.endpoint->request, name, value, &seen, request));
  }
  return absl::OkStatus();
}

absl::Status BindSigned(const http::Request& http, Message* request) {
  auto* out = static_cast<dinh::options::v1::SignedRequest*>(request);
  out->set_body(std::string(http.body));
  for (const auto& field : http.headers) {
    std::string name(field.name);
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (name != "content-type" && !name.starts_with(kSignedHeaderPrefix)) continue;
    // A header that stands twice could mean one thing to the signer and another to us.
    if (!out->mutable_headers()->insert({name, std::string(field.value)}).second) {
      return base::InvalidField(name.substr(0, kMaxNameInError),
                                {"tiêu đề này có hai lần.", "this header stands twice."}, "DUPLICATE_FIELD");
    }
  }
  return absl::OkStatus();
}

absl::Status BindRawField(const FieldPlan& field, const http::Request& http, Message* request) {
  auto* raw = static_cast<dinh::options::v1::RawBody*>(field.reflection->MutableMessage(request, field.descriptor));
  raw->set_content_type(std::string(http.headers.Get("content-type")));
  raw->set_data(std::string(http.body));
  return absl::OkStatus();
}

absl::Status BindBody(const RouteTable& table, const Route& route, const http::Request& http, Message* request) {
  const bool empty = http.body.empty();
  switch (route.body) {
    case Route::Body::kNone:
      if (empty) return absl::OkStatus();
      return base::InvalidField(
          "body", {"yêu cầu này không có phần thân; hãy bỏ đi.", "this request takes no body; leave it out."},
          "UNEXPECTED_BODY");
    case Route::Body::kAll:
      if (empty) return absl::OkStatus();
      return table.transcoder().Parse(*route.endpoint->request, http.body, request);
    case Route::Body::kField: {
      const FieldPlan& field = *route.body_field;
      if (field.message != nullptr && field.message->descriptor == dinh::options::v1::RawBody::descriptor()) {
        return BindRawField(field, http, request);
      }
      if (empty) return absl::OkStatus();
      return table.transcoder().ParseField(field, http.body, request);
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool IsJson(std::string_view content_type) {
  const size_t semicolon = content_type.find(';');
  const std::string_view type = base::Trim(content_type.substr(0, semicolon));
  if (!http::EqualsIgnoreCase(type, "application/json")) return false;
  if (semicolon == std::string_view::npos) return true;
  const std::string_view parameter = base::Trim(content_type.substr(semicolon + 1));
  return parameter.empty() || http::EqualsIgnoreCase(parameter, "charset=utf-8") ||
         http::EqualsIgnoreCase(parameter, "charset=\"utf-8\"");
}

absl::Status BindParameter(const MessagePlan& plan, std::string_view name, std::string_view value, SeenFields* seen,
                           Message* request) {
  const MessagePlan* level = &plan;
  Message* holder = request;
  std::string_view rest = name;
  for (;;) {
    const size_t dot = rest.find('.');
    const FieldPlan* field = level == nullptr ? nullptr : level->FindField(rest.substr(0, dot));
    if (field == nullptr || field->map) return UnknownParameter(name);
    if (dot == std::string_view::npos) {
      const bool message = field->message != nullptr && field->message->well_known == transcode::WellKnown::kNone;
      if (message) return UnknownParameter(name);
      if (!field->repeated && !seen->emplace(holder, field->descriptor).second) {
        return base::InvalidField(field->name, {"tham số này có hai lần.", "this parameter stands twice."},
                                  "DUPLICATE_FIELD");
      }
      return transcode::SetFromText(*field, value, name, holder);
    }
    const bool open =
        !field->repeated && field->message != nullptr && field->message->well_known == transcode::WellKnown::kNone;
    if (!open) return UnknownParameter(name);
    holder = field->reflection->MutableMessage(holder, field->descriptor);
    level = field->message;
    rest.remove_prefix(dot + 1);
  }
}

absl::Status BindUpload(const Route& route, const transcode::PathSegments& segments, const http::Request& http,
                        Message* first) {
  RETURN_IF_ERROR(BindQuery(route, http.query, first));
  return BindPath(route, segments, first);
}

absl::Status BindRequest(const RouteTable& table, const Route& route, const transcode::PathSegments& segments,
                         const http::Request& http, Message* request) {
  if (route.endpoint->signed_request) return BindSigned(http, request);
  RETURN_IF_ERROR(BindBody(table, route, http, request));
  RETURN_IF_ERROR(BindQuery(route, http.query, request));
  return BindPath(route, segments, request);
}

}  // namespace dinh::gateway

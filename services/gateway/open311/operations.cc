#include "services/gateway/open311/operations.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "dinh/feedback/v1/open311_service.pb.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/url.h"
#include "services/gateway/open311/datetime.h"
#include "services/gateway/transcode/text_forms.h"

namespace dinh::gateway::open311 {
namespace {

namespace pb = dinh::feedback::v1;
using Violations = std::vector<base::FieldViolation>;

absl::Status Check(Violations wrong) {
  return wrong.empty() ? absl::OkStatus() : base::InvalidFields(std::move(wrong));
}

// Text fields that have the same name in the form and in the message.
void BindTexts(const Form& form, google::protobuf::Message* request) {
  using google::protobuf::FieldDescriptor;
  const auto& type = *request->GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_repeated() || field->type() != FieldDescriptor::TYPE_STRING) continue;
    request->GetReflection()->SetString(request, field, std::string(form.Get(field->name())));
  }
}

// "open,closed"
void BindList(const Form& form, std::string_view name, google::protobuf::RepeatedPtrField<std::string>* out) {
  for (const std::string_view raw : base::Split(form.Get(name), ',')) {
    const std::string_view item = base::Trim(raw);
    if (!item.empty()) out->Add(std::string(item));
  }
}

// 0 when absent, which means the default; so a time before 1970 is the first microsecond after it.
int64_t BindTime(const Form& form, std::string_view name, Violations* wrong) {
  const std::string_view text = base::Trim(form.Get(name));
  if (text.empty()) return 0;
  const auto time = ParseDateTime(text);
  if (!time.has_value()) {
    wrong->push_back({std::string(name),
                      {"cần ngày giờ có múi giờ, ví dụ 2026-02-13T08:00:00+07:00.",
                       "a date-time with its zone is needed, for example 2026-02-13T08:00:00+07:00."}});
  }
  return std::max<int64_t>(time.value_or(1), 1);
}

int32_t BindInteger(const Form& form, std::string_view name, Violations* wrong) {
  const std::string_view text = base::Trim(form.Get(name));
  int64_t value = 0;
  const bool good = text.empty() || (transcode::ParseInt64(text, &value) == transcode::NumberResult::kOk &&
                                     value >= 0 && value <= std::numeric_limits<int32_t>::max());
  if (!good) wrong->push_back({std::string(name), {"cần một số nguyên không âm.", "a whole number is needed."}});
  return good ? static_cast<int32_t>(value) : 0;
}

// false: absent.
bool BindDegrees(const Form& form, std::string_view name, double* out, Violations* wrong) {
  const std::string_view text = base::Trim(form.Get(name));
  if (text.empty()) return false;
  if (transcode::ParseDouble(text, out) != transcode::NumberResult::kOk) {
    wrong->push_back({std::string(name),
                      {"cần số độ thập phân, ví dụ 19.8512.", "decimal degrees are needed, for example 19.8512."}});
  }
  return true;
}

void BindPlace(const Form& form, pb::CreateServiceRequestRequest* request, Violations* wrong) {
  double latitude = 0, longitude = 0;
  const bool lat = BindDegrees(form, "lat", &latitude, wrong);
  const bool lon = BindDegrees(form, "long", &longitude, wrong);
  if (lat) request->set_lat(latitude);
  if (lon) request->set_long_(longitude);
  if (lat != lon) {
    wrong->push_back({lat ? "long" : "lat", {"lat và long phải đi cùng nhau.", "lat and long go together."}});
  } else if (!lat && request->address_string().empty() && request->address_id().empty()) {
    wrong->push_back({"lat",
                      {"thiếu nơi xảy ra: hãy gửi lat và long, hoặc address_string, hoặc address_id.",
                       "the place is missing: send lat and long, or address_string, or address_id."}});
  }
}

Node Time(std::string_view name, int64_t micros) { return Text(name, micros == 0 ? "" : FormatDateTime(micros)); }

Node Media(const std::string& path, std::string_view public_url) {
  return Text("media_url", path.empty() ? "" : std::string(public_url) + path);
}

Node Degrees(std::string_view name, const pb::ServiceRequest& request, double value) {
  return request.has_point() ? Number(name, value) : Text(name, "");
}

Node RequestNode(const pb::ServiceRequest& request, std::string_view public_url) {
  return Object(
      "request",
      {Text("service_request_id", request.service_request_id()), Text("status", request.status()),
       Text("status_notes", request.status_notes()), Text("service_name", request.service_name()),
       Text("service_code", request.service_code()), Text("description", request.description()),
       Text("agency_responsible", request.agency_responsible()), Text("service_notice", request.service_notice()),
       Time("requested_datetime", request.requested_at()), Time("updated_datetime", request.updated_at()),
       Time("expected_datetime", request.expected_at()), Text("address", request.address()),
       Text("address_id", request.address_id()), Text("zipcode", ""), Degrees("lat", request, request.lat()),
       Degrees("long", request, request.long_()), Media(request.media_path(), public_url)});
}

absl::StatusOr<Node> RequestList(const pb::ListServiceRequestsRequest& asked, const Input& input,
                                 const Invoke& invoke) {
  pb::ListServiceRequestsRequest request = asked;
  pb::ListServiceRequestsResponse response;
  RETURN_IF_ERROR(invoke(request, &response));
  Node list = List("service_requests");
  for (const pb::ServiceRequest& one : response.requests()) list.Add(RequestNode(one, input.public_url));
  return list;
}

absl::StatusOr<Node> GetServices(const Input&, const Invoke& invoke) {
  pb::ListServicesRequest request;
  pb::ListServicesResponse response;
  RETURN_IF_ERROR(invoke(request, &response));
  Node list = List("services");
  for (const pb::Service& service : response.services()) {
    list.Add(
        Object("service",
               {Text("service_code", service.service_code()), Text("service_name", service.service_name()),
                Text("description", service.description()), Bool("metadata", service.metadata()),
                Text("type", service.type()), Text("keywords", service.keywords()), Text("group", service.group())}));
  }
  return list;
}

absl::StatusOr<Node> GetService(const Input& input, const Invoke& invoke) {
  pb::GetServiceDefinitionRequest request;
  request.set_service_code(input.id);
  pb::ServiceDefinition definition;
  RETURN_IF_ERROR(invoke(request, &definition));
  Node attributes = List("attributes");
  for (const pb::Attribute& attribute : definition.attributes()) {
    Node values = List("values");
    for (const pb::AttributeValue& value : attribute.values()) {
      values.Add(Object("value", {Text("key", value.key()), Text("name", value.name())}));
    }
    attributes.Add(Object(
        "attribute",
        {Bool("variable", attribute.variable()), Text("code", attribute.code()), Text("datatype", attribute.datatype()),
         Bool("required", attribute.required()), Text("datatype_description", attribute.datatype_description()),
         Integer("order", attribute.order()), Text("description", attribute.description()), std::move(values)}));
  }
  return Object("service_definition", {Text("service_code", definition.service_code()), std::move(attributes)});
}

absl::StatusOr<Node> PostRequest(const Input& input, const Invoke& invoke) {
  pb::CreateServiceRequestRequest request;
  Violations wrong;
  BindTexts(input.form, &request);
  BindPlace(input.form, &request, &wrong);
  for (auto& [code, value] : input.form.Attributes()) (*request.mutable_attributes())[code] = value;
  RETURN_IF_ERROR(Check(std::move(wrong)));
  pb::CreateServiceRequestResponse response;
  RETURN_IF_ERROR(invoke(request, &response));
  // Either the id or, when it is not known yet, a token.
  const bool known = !response.service_request_id().empty();
  Node list = List("service_requests");
  list.Add(Object("request",
                  {known ? Text("service_request_id", response.service_request_id()) : Text("token", response.token()),
                   Text("service_notice", response.service_notice()), Text("account_id", response.account_id())}));
  return list;
}

absl::StatusOr<Node> GetRequests(const Input& input, const Invoke& invoke) {
  pb::ListServiceRequestsRequest request;
  BindList(input.form, "service_request_id", request.mutable_service_request_ids());
  if (request.service_request_ids_size() == 0) {  // "This overrides all other arguments."
    Violations wrong;
    BindList(input.form, "service_code", request.mutable_service_codes());
    BindList(input.form, "status", request.mutable_statuses());
    request.set_start(BindTime(input.form, "start_date", &wrong));
    request.set_end(BindTime(input.form, "end_date", &wrong));
    request.set_page(BindInteger(input.form, "page", &wrong));
    request.set_page_size(BindInteger(input.form, "page_size", &wrong));
    RETURN_IF_ERROR(Check(std::move(wrong)));
  }
  return RequestList(request, input, invoke);
}

absl::StatusOr<Node> GetRequest(const Input& input, const Invoke& invoke) {
  pb::ListServiceRequestsRequest request;
  request.add_service_request_ids(input.id);
  ASSIGN_OR_RETURN(Node list, RequestList(request, input, invoke));
  if (!list.children.empty()) return list;
  return base::NotFound("REPORT_NOT_FOUND", {"service_request_id: không có phản ánh công khai nào mang mã này.",
                                             "service_request_id: there is no public request of this id."});
}

absl::StatusOr<Node> GetToken(const Input& input, const Invoke& invoke) {
  pb::GetTokenRequest request;
  request.set_token(input.id);
  pb::GetTokenResponse response;
  RETURN_IF_ERROR(invoke(request, &response));
  Node list = List("service_requests");
  list.Add(
      Object("request", {Text("service_request_id", response.service_request_id()), Text("token", response.token())}));
  return list;
}

absl::StatusOr<Node> GetUpdates(const Input& input, const Invoke& invoke) {
  pb::ListServiceRequestUpdatesRequest request;
  Violations wrong;
  BindList(input.form, "service_request_id", request.mutable_service_request_ids());
  request.set_start(BindTime(input.form, "start_date", &wrong));
  request.set_end(BindTime(input.form, "end_date", &wrong));
  RETURN_IF_ERROR(Check(std::move(wrong)));
  pb::ListServiceRequestUpdatesResponse response;
  RETURN_IF_ERROR(invoke(request, &response));
  Node list = List("service_request_updates");
  for (const pb::ServiceRequestUpdate& update : response.updates()) {
    list.Add(Object("request_update",
                    {Text("update_id", update.update_id()), Text("service_request_id", update.service_request_id()),
                     Text("status", update.status()), Time("updated_datetime", update.updated_at()),
                     Text("description", update.description()), Media(update.media_path(), input.public_url)}));
  }
  return list;
}

// The state is the office's to set and the time is ours: `status` and `updated_datetime` are taken and not used.
absl::StatusOr<Node> PostUpdate(const Input& input, const Invoke& invoke) {
  pb::CreateServiceRequestUpdateRequest request;
  BindTexts(input.form, &request);
  pb::CreateServiceRequestUpdateResponse response;
  RETURN_IF_ERROR(invoke(request, &response));
  Node list = List("service_request_updates");
  list.Add(Object("request_update", {Text("update_id", response.update_id())}));
  return list;
}

using http::Method;
constexpr Operation kOperations[] = {
    {Method::kGet, "services", false, "/open311/v2/services.{format}", kServicePath, GetServices},
    {Method::kGet, "services", true, "/open311/v2/services/{service_code}.{format}",
     "/dinh.feedback.v1.Open311Service/GetServiceDefinition", GetService},
    {Method::kPost, "requests", false, "/open311/v2/requests.{format}",
     "/dinh.feedback.v1.Open311Service/CreateServiceRequest", PostRequest},
    {Method::kGet, "requests", false, "/open311/v2/requests.{format}",
     "/dinh.feedback.v1.Open311Service/ListServiceRequests", GetRequests},
    {Method::kGet, "requests", true, "/open311/v2/requests/{service_request_id}.{format}",
     "/dinh.feedback.v1.Open311Service/ListServiceRequests", GetRequest},
    {Method::kGet, "tokens", true, "/open311/v2/tokens/{token}.{format}", "/dinh.feedback.v1.Open311Service/GetToken",
     GetToken},
    {Method::kGet, "servicerequestupdates", false, "/open311/v2/servicerequestupdates.{format}",
     "/dinh.feedback.v1.Open311Service/ListServiceRequestUpdates", GetUpdates},
    {Method::kPost, "servicerequestupdates", false, "/open311/v2/servicerequestupdates.{format}",
     "/dinh.feedback.v1.Open311Service/CreateServiceRequestUpdate", PostUpdate},
};

}  // namespace

std::span<const Operation> Operations() { return kOperations; }

Match FindOperation(http::Method method, std::string_view path) {
  const http::Method wanted = method == http::Method::kHead ? http::Method::kGet : method;
  std::string_view name = path.substr(kPrefix.size());
  Match match;
  // Codes of services have dots of their own: only the last one counts.
  const size_t dot = name.rfind('.');
  const std::string_view ending = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  if (http::EqualsIgnoreCase(ending, "json")) match.format = Format::kJson;
  const bool formatted = match.format == Format::kJson || http::EqualsIgnoreCase(ending, "xml");
  if (formatted) name = name.substr(0, dot);
  const size_t slash = name.find('/');
  const bool has_id = slash != std::string_view::npos;
  if (has_id) match.id = name.substr(slash + 1);
  match.refusal = &kNoSuchResource;
  if (has_id && (match.id.empty() || match.id.find('/') != std::string_view::npos)) return match;
  for (const Operation& operation : kOperations) {
    if (operation.resource != name.substr(0, slash) || operation.has_id != has_id) continue;
    match.refusal = formatted ? &kMethodNotAllowed : &kFormatNeeded;
    if (!formatted) return match;
    match.allow =
        operation.method == Method::kPost || match.allow == "GET, HEAD, POST" ? "GET, HEAD, POST" : "GET, HEAD";
    if (operation.method == wanted) match.operation = &operation;
  }
  if (match.operation != nullptr) match.refusal = nullptr;
  return match;
}

absl::StatusOr<Node> Run(const Match& match, const http::Request& request, std::string_view public_url,
                         const Invoke& invoke) {
  Input input;
  input.public_url = public_url;
  absl::StatusOr<std::string> id = http::PercentDecode(match.id);
  if (!id.ok() || !transcode::IsUtf8(*id)) {
    return base::InvalidField("form", {"đường dẫn mã hóa phần trăm sai.", "the path's percent-encoding is wrong."},
                              "BAD_VALUE");
  }
  input.id = *std::move(id);
  RETURN_IF_ERROR(input.form.AddEncoded(request.query));
  if (match.operation->method == Method::kPost && !request.body.empty()) {
    RETURN_IF_ERROR(input.form.AddBody(request.headers.Get("content-type"), request.body));
  }
  return match.operation->run(input, invoke);
}

}  // namespace dinh::gateway::open311

#include "services/gateway/routes.h"

#include <algorithm>
#include <utility>

#include "dinh/options/v1/common.pb.h"
#include "google/api/annotations.pb.h"
#include "libs/base/status.h"

namespace dinh::gateway {
namespace {

namespace options = dinh::options::v1;
using google::protobuf::Descriptor;
using transcode::FieldPlan;

// The service that issues tokens and the message it issues them in: the contract that cookie sessions hang on.
constexpr std::string_view kTokenMessage = "dinh.identity.v1.TokenPair";
constexpr std::string_view kLogoutPath = "/dinh.identity.v1.AuthService/Logout";

const FieldDescriptor* FindField(const Descriptor& type, std::string_view name, FieldDescriptor::Type kind) {
  const FieldDescriptor* field = type.FindFieldByName(std::string(name));
  return field != nullptr && !field->is_repeated() && field->type() == kind ? field : nullptr;
}

absl::Status Bad(const Endpoint& endpoint, std::string_view what) {
  const std::string text = endpoint.method->label + ": " + std::string(what);
  return base::FailedPrecondition("BAD_ROUTE",
                                  {"Khai báo google.api.http sai: " + text, "Wrong google.api.http: " + text});
}

bool PeersOnly(const auth::AccessRule& rule) {
  return rule.callers == (1u << static_cast<int>(auth::CallerKind::kPeer));
}

std::pair<std::string, std::string> MethodAndPath(const google::api::HttpRule& rule) {
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      return {"GET", rule.get()};
    case google::api::HttpRule::kPut:
      return {"PUT", rule.put()};
    case google::api::HttpRule::kPost:
      return {"POST", rule.post()};
    case google::api::HttpRule::kDelete:
      return {"DELETE", rule.delete_()};
    case google::api::HttpRule::kPatch:
      return {"PATCH", rule.patch()};
    case google::api::HttpRule::kCustom:
      return {rule.custom().kind(), rule.custom().path()};
    default:
      return {"", ""};
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<RouteTable>> RouteTable::Build(
    const std::vector<std::unique_ptr<rpc::BoundMethod>>& methods) {
  auto table = std::make_unique<RouteTable>();
  for (const auto& method : methods) RETURN_IF_ERROR(table->AddMethod(*method));
  return table;
}

absl::Status RouteTable::AddMethod(const rpc::BoundMethod& method) {
  const rpc::MethodEntry& entry = *method.entry;
  if (PeersOnly(entry.rule)) return absl::OkStatus();
  auto endpoint = std::make_unique<Endpoint>();
  const Descriptor& input = *entry.descriptor->input_type();
  const Descriptor& output = *entry.descriptor->output_type();
  endpoint->index = endpoints_.size();
  endpoint->method = &method;
  ASSIGN_OR_RETURN(endpoint->request, transcoder_.Add(&input));
  ASSIGN_OR_RETURN(endpoint->response, transcoder_.Add(&output));
  endpoint->kind = entry.client_stream   ? Endpoint::Kind::kUpload
                   : entry.server_stream ? Endpoint::Kind::kEvents
                                         : Endpoint::Kind::kUnary;
  if (endpoint->kind == Endpoint::Kind::kUpload && &input != options::UploadChunk::descriptor()) {
    endpoint->stream_offset = FindField(input, "offset", FieldDescriptor::TYPE_INT64);
    endpoint->stream_data = FindField(input, "data", FieldDescriptor::TYPE_BYTES);
    if (endpoint->stream_offset == nullptr || endpoint->stream_data == nullptr) {
      return Bad(*endpoint,
                 "a client stream over HTTP is one of dinh.options.v1.UploadChunk, or has int64 offset and bytes data");
    }
  }
  endpoint->response_offset = FindField(output, "offset", FieldDescriptor::TYPE_INT64);
  endpoint->response_length = FindField(output, "size_bytes", FieldDescriptor::TYPE_INT64);
  endpoint->raw_response = &output == options::RawBody::descriptor();
  endpoint->signed_request = &input == options::SignedRequest::descriptor();
  endpoint->read_only = entry.no_side_effects;
  endpoint->publicly_cacheable = entry.no_side_effects && entry.rule.Allows(auth::CallerKind::kAnonymous) &&
                                 entry.rule.scope == auth::Scope::kNone && entry.rule.audit == auth::Audit::kNone;
  endpoint->issues_tokens = output.full_name() == kTokenMessage;
  endpoint->ends_session = entry.path == kLogoutPath;
  endpoint->request_etag = FindField(input, "etag", FieldDescriptor::TYPE_STRING);
  endpoint->response_etag = FindField(output, "etag", FieldDescriptor::TYPE_STRING);
  endpoint->sequence_field = FindField(output, "sequence", FieldDescriptor::TYPE_INT64);
  for (const std::string_view name : {"last_event_id", "after_sequence"}) {
    if (FindField(input, name, FieldDescriptor::TYPE_INT64) != nullptr) {
      endpoint->resume_field = endpoint->request->FindField(name);
    }
  }
  rpcs_.emplace(entry.path, endpoint.get());
  if (entry.descriptor->options().HasExtension(google::api::http)) {
    const google::api::HttpRule& rule = entry.descriptor->options().GetExtension(google::api::http);
    RETURN_IF_ERROR(AddRule(*endpoint, rule));
    for (const auto& more : rule.additional_bindings()) RETURN_IF_ERROR(AddRule(*endpoint, more));
  }
  endpoints_.push_back(std::move(endpoint));
  return absl::OkStatus();
}

absl::Status RouteTable::AddRule(const Endpoint& endpoint, const google::api::HttpRule& rule) {
  auto route = std::make_unique<Route>();
  route->index = routes_.size();
  route->endpoint = &endpoint;
  const auto [http_method, path] = MethodAndPath(rule);
  if (http_method.empty()) return Bad(endpoint, "no pattern");
  route->http_method = http_method;
  ASSIGN_OR_RETURN(route->path, transcode::PathTemplate::Parse(path));
  route->label = route->path.OpenApiPath();
  RETURN_IF_ERROR(BindVariables(route.get()));
  if (rule.body() == "*") {
    route->body = Route::Body::kAll;
  } else if (!rule.body().empty()) {
    route->body = Route::Body::kField;
    route->body_field = endpoint.request->FindField(rule.body());
    if (route->body_field == nullptr) return Bad(endpoint, "body names no field: " + rule.body());
  }
  if (!rule.response_body().empty()) {
    route->response_field = endpoint.response->FindField(rule.response_body());
    if (route->response_field == nullptr) return Bad(endpoint, "response_body names no field: " + rule.response_body());
  }
  const bool has_body = route->body != Route::Body::kNone;
  if (has_body && (http_method == "GET" || http_method == "DELETE")) return Bad(endpoint, http_method + " with a body");
  if (http_method == "GET" && !endpoint.read_only) return Bad(endpoint, "GET needs idempotency_level NO_SIDE_EFFECTS");
  RETURN_IF_ERROR(router_.Add(http_method, route->path, static_cast<int>(routes_.size())));
  routes_.push_back(std::move(route));
  return absl::OkStatus();
}

absl::Status RouteTable::BindVariables(Route* route) const {
  for (const transcode::PathTemplate::Variable& variable : route->path.variables) {
    Route::Variable bound;
    bound.path = variable.field_path;
    bound.first = variable.first;
    bound.count = variable.rest ? 0 : variable.count;
    bound.multi = variable.multi();
    const transcode::MessagePlan* plan = route->endpoint->request;
    std::string_view rest = variable.field_path;
    while (!rest.empty()) {
      const std::string_view name = rest.substr(0, rest.find('.'));
      rest.remove_prefix(std::min(rest.size(), name.size() + 1));
      const FieldPlan* field = plan == nullptr ? nullptr : plan->FindField(name);
      if (field == nullptr) return Bad(*route->endpoint, "no field " + variable.field_path);
      if (field->repeated || field->map) return Bad(*route->endpoint, variable.field_path + " is repeated");
      bound.fields.push_back(field);
      plan = field->message;
    }
    if (plan != nullptr && plan->well_known == transcode::WellKnown::kNone) {
      return Bad(*route->endpoint, variable.field_path + " is a message");
    }
    route->variables.push_back(std::move(bound));
  }
  return absl::OkStatus();
}

RouteTable::Match RouteTable::Find(std::string_view http_method, std::string_view path) const {
  transcode::PathRouter::Match found = router_.Find(http_method == "HEAD" ? "GET" : http_method, path);
  Match match;
  match.segments = found.segments;
  match.allowed = std::move(found.allowed);
  if (found.target >= 0) match.route = routes_[static_cast<size_t>(found.target)].get();
  return match;
}

const Endpoint* RouteTable::FindRpc(std::string_view path) const {
  const auto found = rpcs_.find(path);
  return found == rpcs_.end() ? nullptr : found->second;
}

}  // namespace dinh::gateway

#include "services/gateway/openapi/openapi.h"

#include <algorithm>
#include <set>
#include <utility>

#include "google/api/annotations.pb.h"
#include "services/gateway/openapi/comments.h"
#include "services/gateway/openapi/schemas.h"

namespace dinh::gateway {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr char kRawBody[] = "dinh.options.v1.RawBody";
constexpr char kUploadChunk[] = "dinh.options.v1.UploadChunk";
constexpr char kSignedRequest[] = "dinh.options.v1.SignedRequest";

struct Route {
  std::string verb;  // lower case
  std::string path;
  std::string body;
};

std::vector<Route> RoutesOf(const google::api::HttpRule& rule) {
  std::vector<Route> routes;
  switch (rule.pattern_case()) {
    case google::api::HttpRule::kGet:
      routes.push_back({"get", rule.get(), rule.body()});
      break;
    case google::api::HttpRule::kPost:
      routes.push_back({"post", rule.post(), rule.body()});
      break;
    case google::api::HttpRule::kPut:
      routes.push_back({"put", rule.put(), rule.body()});
      break;
    case google::api::HttpRule::kPatch:
      routes.push_back({"patch", rule.patch(), rule.body()});
      break;
    case google::api::HttpRule::kDelete:
      routes.push_back({"delete", rule.delete_(), rule.body()});
      break;
    default:
      break;
  }
  for (const google::api::HttpRule& more : rule.additional_bindings()) {
    for (Route& route : RoutesOf(more)) routes.push_back(std::move(route));
  }
  return routes;
}

// "/v1/units/{code=*}:resolve" -> "/v1/units/{code}:resolve", {"code"}
std::pair<std::string, std::vector<std::string>> PlainPath(const std::string& path) {
  std::string out;
  std::vector<std::string> variables;
  for (size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '{') {
      out += path[i];
      continue;
    }
    const size_t close = path.find('}', i);
    const std::string inside = path.substr(i + 1, close - i - 1);
    variables.push_back(inside.substr(0, inside.find('=')));
    out += "{" + variables.back() + "}";
    i = close;
  }
  return {out, variables};
}

Json ProblemResponse(const char* text) {
  return {{"description", text},
          {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
}

Json ProblemSchema() {
  return Json::parse(R"json({
    "type": "object",
    "description": "RFC 9457. Texts are Vietnamese unless Accept-Language asks for English.",
    "required": ["type", "title", "status", "reason"],
    "properties": {
      "type": {"type": "string", "format": "uri-reference"},
      "title": {"type": "string"},
      "status": {"type": "integer"},
      "detail": {"type": "string", "description": "What to do next."},
      "reason": {"type": "string", "description": "Stable, UPPER_SNAKE.", "examples": ["STALE_ETAG"]},
      "violations": {"type": "array", "items": {"type": "object", "properties": {
        "field": {"type": "string"}, "description": {"type": "string"}}}},
      "trace_id": {"type": "string"}
    }
  })json");
}

class Builder {
 public:
  explicit Builder(std::string_view descriptor_set) : comments_(descriptor_set), schemas_(comments_) {}

  void Add(const rpc::MethodEntry& entry) {
    const auto& options = entry.descriptor->options();
    if (!options.HasExtension(google::api::http)) return;
    int n = 0;
    for (const Route& route : RoutesOf(options.GetExtension(google::api::http))) {
      auto [path, variables] = PlainPath(route.path);
      Json operation = Operation(entry, route, variables);
      if (n++ > 0) operation["operationId"] = operation["operationId"].get<std::string>() + "_" + std::to_string(n);
      paths_[path][route.verb] = std::move(operation);
    }
  }

  void Add(const SpecifiedRoute& route) {
    const std::string& text = comments_.Of(route.method);
    Json operation = {{"operationId", route.verb + " " + route.path},
                      {"tags", Json::array({"Open311"})},
                      {"summary", text.substr(0, text.find(". "))},
                      {"externalDocs", {{"url", route.specification}}},
                      {"parameters", Json::array()}};
    for (const std::string& variable : PlainPath(route.path).second) {
      Json schema = {{"type", "string"}};
      if (variable == "format") schema["enum"] = {"json", "xml"};
      operation["parameters"].push_back(
          {{"name", variable}, {"in", "path"}, {"required", true}, {"schema", std::move(schema)}});
    }
    if (route.verb == "post") {
      operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"] = {{"type", "object"}};
    }
    for (const char* status : {"200", "default"}) {
      Json& response = operation["responses"][status];
      response["description"] = *status == '2' ? "OK" : "Errors in the specification's form.";
      for (const char* type : {"application/json", "text/xml"}) response["content"][type] = Json::object();
    }
    paths_[route.path][route.verb] = std::move(operation);
  }

  Json Document(const OpenApiInfo& info) {
    Json document = {{"openapi", "3.1.0"},
                     {"info",
                      {{"title", info.title},
                       {"version", info.version},
                       {"description", "The REST surface of the platform, derived from its proto files."},
                       {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}}};
    if (!info.server_url.empty()) document["servers"] = Json::array({{{"url", info.server_url}}});
    Json paths = Json::object();
    for (auto& [path, operations] : paths_) paths[path] = operations;
    document["paths"] = std::move(paths);
    Json schemas = {{"Problem", ProblemSchema()}};
    for (const auto& [name, schema] : schemas_.Components()) schemas[name] = schema;
    document["components"] = {
        {"schemas", std::move(schemas)},
        {"responses",
         {{"BadRequest", ProblemResponse("A field or the body is wrong; see violations.")},
          {"Unauthenticated", ProblemResponse("No token, or it has expired: log in or refresh.")},
          {"Forbidden", ProblemResponse("Not allowed; absent and foreign things answer the same.")},
          {"NotFound", ProblemResponse("There is no such thing.")},
          {"Conflict", ProblemResponse("The state does not allow it, or the etag is stale.")},
          {"TooMany", ProblemResponse("Too many calls; see Retry-After.")}}},
        {"securitySchemes",
         {{"bearer", {{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT (EdDSA)"}}},
          {"signature", {{"type", "apiKey"}, {"in", "header"}, {"name", "X-Dinh-Signature"}}}}}};
    return document;
  }

 private:
  Json Operation(const rpc::MethodEntry& entry, const Route& route, const std::vector<std::string>& variables) {
    const auto& method = *entry.descriptor;
    const std::string& text = comments_.Of(method.full_name());
    Json operation = {{"operationId", method.service()->name() + "_" + method.name()},
                      {"tags", Json::array({method.service()->name()})},
                      {"summary", text.substr(0, text.find(". "))}};
    if (!text.empty()) operation["description"] = text;
    Json parameters = Parameters(entry, route, variables);
    if (!parameters.empty()) operation["parameters"] = std::move(parameters);
    Json body = Body(entry, route, variables);
    if (!body.is_null()) operation["requestBody"] = std::move(body);
    operation["responses"] = Responses(entry);
    operation["security"] = Security(entry.rule);
    return operation;
  }

  Json Parameters(const rpc::MethodEntry& entry, const Route& route, const std::vector<std::string>& variables) {
    Json parameters = Json::array();
    const Descriptor& request = *entry.descriptor->input_type();
    for (const std::string& variable : variables) {
      const FieldDescriptor* field = request.FindFieldByName(variable);
      parameters.push_back({{"name", variable},
                            {"in", "path"},
                            {"required", true},
                            {"schema", field != nullptr ? schemas_.Field(*field) : Json{{"type", "string"}}}});
    }
    if (route.body != "*" && !entry.descriptor->client_streaming()) {
      for (int i = 0; i < request.field_count(); ++i) {
        const FieldDescriptor& field = *request.field(i);
        const bool bound = field.name() == route.body ||
                           std::find(variables.begin(), variables.end(), field.name()) != variables.end();
        if (bound || (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !IsText(field))) continue;
        Json parameter = {{"name", field.name()}, {"in", "query"}};
        Json schema = schemas_.Field(field);
        if (schema.contains("description")) parameter["description"] = schema["description"];
        parameter["schema"] = std::move(schema);
        parameters.push_back(std::move(parameter));
      }
    }
    if (IsOffsetStream(entry)) {
      parameters.push_back({{"name", "Upload-Offset"},
                            {"in", "header"},
                            {"required", true},
                            {"description", "Bytes that are there already: where this body begins."},
                            {"schema", {{"type", "integer"}, {"format", "int64"}, {"minimum", 0}}}});
    }
    if (!entry.no_side_effects && entry.rule.rate != auth::RateClass::kAuth) {
      parameters.push_back({{"name", "Idempotency-Key"},
                            {"in", "header"},
                            {"required", false},
                            {"description", "The same key with the same body gets the first answer again."},
                            {"schema", {{"type", "string"}, {"minLength", 1}, {"maxLength", 64}}}});
    }
    return parameters;
  }

  static bool IsOffsetStream(const rpc::MethodEntry& entry) {
    return entry.descriptor->client_streaming() && entry.descriptor->input_type()->full_name() != kUploadChunk;
  }

  static bool IsText(const FieldDescriptor& field) {
    const std::string& type = field.message_type()->full_name();
    return !field.is_repeated() && (type == "google.protobuf.Timestamp" || type == "google.protobuf.Duration");
  }

  Json Body(const rpc::MethodEntry& entry, const Route& route, const std::vector<std::string>& variables) {
    const Descriptor& request = *entry.descriptor->input_type();
    if (request.full_name() == kUploadChunk) {
      return {{"required", true},
              {"content",
               {{"multipart/form-data",
                 {{"schema",
                   {{"type", "object"},
                    {"required", Json::array({"file"})},
                    {"properties",
                     {{"file", {{"type", "string"}, {"contentMediaType", "application/octet-stream"}}}}}}}}}}}};
    }
    if (IsOffsetStream(entry)) {
      return {{"required", true},
              {"content",
               {{"application/offset+octet-stream",
                 {{"schema", {{"type", "string"}, {"contentMediaType", "application/octet-stream"}}}}}}}};
    }
    if (request.full_name() == kSignedRequest) {
      return {{"required", true}, {"content", {{"application/json", {{"schema", {{"type", "object"}}}}}}}};
    }
    if (route.body.empty()) return nullptr;
    Json schema;
    if (route.body == "*") {
      schema = schemas_.Object(request, {variables.begin(), variables.end()});
    } else if (const FieldDescriptor* field = request.FindFieldByName(route.body)) {
      schema = schemas_.Field(*field);
    }
    return {{"required", true}, {"content", {{"application/json", {{"schema", std::move(schema)}}}}}};
  }

  Json Responses(const rpc::MethodEntry& entry) {
    const Descriptor& response = *entry.descriptor->output_type();
    Json ok = {{"description", "OK"}};
    if (response.full_name() == kRawBody) {
      ok["content"] = {{"*/*", {{"schema", {{"type", "string"}, {"contentMediaType", "application/octet-stream"}}}}}};
    } else {
      const char* type = entry.descriptor->server_streaming() ? "text/event-stream" : "application/json";
      ok["content"] = {{type, {{"schema", schemas_.Ref(response)}}}};
    }
    Json responses = {{"200", std::move(ok)}};
    auto refer = [&](const char* status, const char* name) {
      responses[status] = {{"$ref", std::string("#/components/responses/") + name}};
    };
    refer("400", "BadRequest");
    if (!entry.rule.Allows(auth::CallerKind::kAnonymous)) refer("401", "Unauthenticated");
    refer("403", "Forbidden");
    refer("404", "NotFound");
    if (!entry.no_side_effects) refer("409", "Conflict");
    refer("429", "TooMany");
    return responses;
  }

  static Json Security(const auth::AccessRule& rule) {
    if (rule.Allows(auth::CallerKind::kSigned)) return Json::array({{{"signature", Json::array()}}});
    Json security = Json::array();
    if (rule.Allows(auth::CallerKind::kAnonymous)) security.push_back(Json::object());
    if (rule.Allows(auth::CallerKind::kCitizen) || rule.Allows(auth::CallerKind::kOfficer)) {
      security.push_back({{"bearer", Json::array()}});
    }
    return security;
  }

  Comments comments_;
  Schemas schemas_;
  std::map<std::string, Json> paths_;
};

}  // namespace

std::string BuildOpenApi(const std::vector<const rpc::MethodEntry*>& methods, const OpenApiInfo& info) {
  Builder builder(EmbeddedDescriptorSet());
  for (const rpc::MethodEntry* entry : methods) builder.Add(*entry);
  for (const SpecifiedRoute& route : info.others) builder.Add(route);
  return builder.Document(info).dump();
}

}  // namespace dinh::gateway
